"""The cases of operators on images other than convolutions: resizing and pools that average."""
import numpy as np
import torch
import torch.nn.functional as F

from cases import Family, Input, ints, rnd, var
from op_cases import FOVEA, adjoint, conv, conv_attributes

NEAREST = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
LINEAR = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
ALIGNED = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
MODES = {"nearest": (NEAREST, {}), "linear": (LINEAR, {"align_corners": False}), "linear, corners aligned": (ALIGNED, {"align_corners": True})}


def resize():
    f = Family("resize", own_stream=True)
    shapes = [
        ("twice", (2, 2, 3, 4), (6, 8)),
        ("three and two times", (1, 3, 2, 3), (6, 6)),
        ("four times", (1, 2, 2, 2), (8, 8)),
        ("rows only", (1, 2, 3, 4), (6, 4)),
        ("one and a half times", (1, 2, 4, 6), (6, 9)),
        ("to a half", (1, 2, 4, 6), (2, 3)),
        ("to sizes without a common factor", (1, 2, 5, 3), (7, 4)),
        ("from one pixel", (1, 2, 1, 1), (4, 3)),
        ("to one row", (1, 2, 4, 3), (1, 6)),
    ]
    for title, (attributes, options) in MODES.items():
        how = "nearest" if title == "nearest" else "bilinear"
        for name, shape, size in shapes:
            function = lambda x, *_, size=size: F.interpolate(x, size=size, mode=how, **options)
            x = var(*shape)
            f.add("Resize", f"{title}: {name}", [x, None, None, ints(*shape[:2], *size)], function, attributes)
            dy = rnd(*shape[:2], *size)
            scales = [after / before for before, after in zip(shape[2:], size)]
            back = lambda dy, shape=shape, function=function: adjoint(function, shape, dy)
            f.add("ResizeGradient", f"{title}: {name}", [dy], back, {**attributes, "shape": list(shape), "scales": scales}, FOVEA)
    scales = Input(np.float32([1, 1, 2, 3]), constant=True)
    twice = lambda x, *_: F.interpolate(x, scale_factor=(2.0, 3.0), mode="bilinear", align_corners=False)
    f.add("Resize", "scales instead of sizes", [var(1, 2, 3, 2), None, scales], twice, LINEAR)
    return f


def average_pools():
    f = Family("average-pools", own_stream=True)
    cases = [
        ("2×2", (2, 3, 4, 6), (2, 2), (2, 2), (0, 0, 0, 0)),
        ("2×2, a row and a column left over", (1, 2, 5, 7), (2, 2), (2, 2), (0, 0, 0, 0)),
        ("3×3, stride 2, overlapping, padded", (1, 2, 6, 7), (3, 3), (2, 2), (1, 1, 1, 1)),
        ("3×3, stride 1, padded", (1, 2, 5, 6), (3, 3), (1, 1), (1, 1, 1, 1)),
        ("2×3, stride 1, not padded", (1, 2, 4, 6), (2, 3), (1, 1), (0, 0, 0, 0)),
        ("2×3, strides 1 and 2", (1, 2, 4, 7), (2, 3), (1, 2), (0, 0, 0, 0)),
        ("pads not symmetric", (1, 1, 4, 5), (3, 3), (2, 2), (0, 1, 1, 0)),
        ("the window covers the image", (3, 2, 4, 3), (4, 3), (4, 3), (0, 0, 0, 0)),
    ]
    for name, shape, kernel, strides, pads in cases:
        for count_pads in (0, 1) if any(pads) else (0,):
            a = {"kernel_shape": list(kernel), "strides": list(strides), "pads": list(pads), "count_include_pad": count_pads}
            function = lambda x, a=a: average_pool(x, a)
            title = name + (", pads count" if count_pads else "")
            x = var(*shape)
            f.add("AveragePool", title, [x], function, a)
            dy = rnd(*function(torch.from_numpy(x.data)).shape)
            back = lambda dy, shape=shape, function=function: adjoint(function, shape, dy)
            f.add("AveragePoolGradient", title, [dy], back, {**a, "shape": list(shape)}, FOVEA)
    for shape in ((2, 3, 4, 5), (1, 2, 1, 1)):
        f.add("GlobalAveragePool", f"of {list(shape)}", [var(*shape)], lambda x: F.adaptive_avg_pool2d(x, 1))
    for name, shape, size in (
        ("same windows", (2, 2, 6, 4), (3, 2)),
        ("windows that overlap", (1, 2, 5, 7), (3, 4)),
        ("more windows than elements", (1, 2, 2, 3), (7, 7)),
        ("one window", (1, 3, 4, 3), (1, 1)),
    ):
        pool = lambda x, size=size: F.adaptive_avg_pool2d(x, size)
        f.add("AdaptiveAveragePool", name, [var(*shape)], pool, {"output_size": list(size)}, FOVEA)
    return f


def average_pool(x, a):
    """Sums of windows over what they count."""
    top, left, bottom, right = a["pads"]
    pad = lambda x: F.pad(x, (left, right, top, bottom))
    window = lambda x: F.avg_pool2d(pad(x), a["kernel_shape"], a["strides"])
    return window(x) if a["count_include_pad"] else window(x) / window(torch.ones_like(x))


def unpool():
    f = Family("max-unpool", own_stream=True)
    for name, shape, kernel, strides in (("2×2", (2, 2, 4, 6), (2, 2), (2, 2)), ("rows left over", (1, 2, 5, 7), (2, 3), (2, 3))):
        a = {"kernel_shape": list(kernel), "strides": list(strides), "pads": [0, 0, 0, 0]}
        values, inside = F.max_pool2d(torch.from_numpy(rnd(*shape)), kernel, strides, return_indices=True)
        planes = torch.arange(shape[0] * shape[1]).reshape(*shape[:2], 1, 1)
        flat = (inside + planes * shape[2] * shape[3]).numpy()
        dy = rnd(*values.shape)
        put = lambda dy, i, _, shape=shape: torch.zeros(shape, dtype=dy.dtype).reshape(-1).scatter(0, i.reshape(-1), dy.reshape(-1)).reshape(shape)
        f.add("MaxUnpool", name, [dy, flat, ints(*shape)], put, a)
    return f


# As many channels as onnxruntime's blocked convolutions have side by side.
WIDE_CONVOLUTIONS = [
    ("16 channels, 1×1", (2, 16, 3, 2), 16, (1, 1), {}),
    ("16 channels, stride 2, pads not symmetric", (1, 16, 5, 4), 16, (2, 2), {"strides": (2, 2), "pads": (0, 1, 1, 0)}),
    ("two channels in, 16 out", (1, 2, 4, 4), 16, (3, 3), {"pads": (1, 1, 1, 1)}),
    ("16 channels in, three out", (1, 16, 4, 3), 3, (2, 2), {}),
    ("16 channels, dilation 2", (1, 16, 4, 3), 16, (2, 2), {"dilations": (2, 1)}),
    ("depthwise, 16 channels", (2, 16, 4, 3), 16, (3, 3), {"group": 16, "pads": (1, 1, 1, 1)}),
    ("depthwise, 16 channels, stride 2, a row left over", (1, 16, 6, 5), 16, (3, 3), {"group": 16, "strides": (2, 2), "pads": (0, 1, 0, 1)}),
    ("depthwise, eight channels of two images", (2, 8, 3, 4), 8, (2, 3), {"group": 8}),
    ("16 channels, 3×3, halved", (2, 16, 4, 2), 16, (3, 3), {"strides": (2, 2), "pads": (1, 1, 1, 1)}),
    ("2×3, uneven padding, rows of 16", (2, 3, 2, 16), 16, (2, 3), dict(pads=(1, 2, 0, 1))),
    ("2×3, uneven padding, rows of 16, three of 16 channels", (2, 16, 3, 16), 3, (2, 3), dict(pads=(1, 2, 0, 1))),
    ("16 channels, stride 2 down and 1 along, 32 pixels out", (2, 16, 8, 8), 3, (3, 3), dict(strides=(2, 1), pads=(0, 2, 1, 0))),
    ("16 channels, stride 2, whole blocks of pixels in both images only", (2, 16, 4, 8), 3, (3, 3), dict(strides=(2, 2), pads=(1, 1, 1, 1))),
    ("16 channels, 3×3, 64 rows out, uneven padding", (1, 16, 64, 2), 16, (3, 3), dict(pads=(0, 1, 2, 1))),
]


def wide_convolutions():
    f = Family("wide-convolutions", own_stream=True)
    for name, shape, out_channels, kernel, options in WIDE_CONVOLUTIONS:
        a = conv_attributes(kernel, **options)
        w_shape = (out_channels, shape[1] // a["group"], *kernel)
        f.add("Conv", name, [var(*shape), var(*w_shape), var(out_channels)], lambda x, w, bias: conv(x, w, bias, a), a)
    return f


def phases():
    f = Family("phases", own_stream=True)

    def to_image(p):
        n, c, h, w = p.shape
        image = p.new_zeros(n, c // 4, 2 * h - 2, 2 * w - 2)
        for r in (0, 1):
            for c_ in (0, 1):
                phase = p[:, (2 * r + c_) * (c // 4) : (2 * r + c_ + 1) * (c // 4)]
                image[:, :, r::2, c_::2] = phase[:, :, r : r + h - 1, c_ : c_ + w - 1]
        return image

    for name, (n, c, h, w) in {"one channel": (2, 1, 2, 3), "three channels": (1, 3, 3, 2), "16 channels": (1, 16, 1, 2)}.items():
        phases_shape = (n, 4 * c, h + 1, w + 1)
        f.add("PhasesToImage", name, [var(*phases_shape)], to_image, {}, FOVEA)
        to_phases = lambda y: adjoint_of_linear(to_image, phases_shape, y)
        f.add("ImageToPhases", name, [var(n, c, 2 * h, 2 * w)], to_phases, {}, FOVEA)
    return f


def adjoint_of_linear(linear, shape, y):
    """As `adjoint`, and differentiable by y."""
    v = torch.zeros(shape, dtype=y.dtype, requires_grad=True)
    return torch.autograd.grad((linear(v) * y).sum(), v, create_graph=True)[0]


def families():
    return [resize(), average_pools(), unpool(), wide_convolutions(), phases()]
