"""The cases of every operator in the op table. What PyTorch has no operator for is written out from its definition."""
import numpy as np
import torch
import torch.nn.functional as F

from cases import Family, Input, ints, positive, rnd, var

MS = "com.microsoft"
FOVEA = "fovea"


def elementwise():
    f = Family("elementwise")
    shapes = {
        "same shape": ((2, 3, 4), (2, 3, 4)),
        "row and column": ((3, 1), (1, 5)),
        "scalar on the left": ((), (2, 3)),
        "fewer axes on the right": ((2, 3, 4), (3, 1)),
        "both grow": ((2, 1, 4), (5, 1, 3, 1)),
        "one element each": ((1,), (1, 1)),
    }
    for name, (a, b) in shapes.items():
        f.add("Add", name, [var(*a), var(*b)], lambda a, b: a + b)
        f.add("Sub", name, [var(*a), var(*b)], lambda a, b: a - b)
        f.add("Mul", name, [var(*a), var(*b)], lambda a, b: a * b)
        f.add("Div", name, [var(*a), Input(positive(*b), grad=True)], lambda a, b: a / b)
    f.add("Div", "negative divisors", [var(2, 5), Input(-positive(2, 5), grad=True)], lambda a, b: a / b)
    f.add("Div", "integers", [np.array([7, 8, 9, 1 << 40]), np.array([2])], lambda a, b: torch.div(a, b, rounding_mode="floor"))
    f.add("Mul", "only the left one is trained", [var(4), Input(rnd(4))], lambda a, b: a * b)
    f.add("Mul", "integers", [np.array([7, -8, 1 << 30]), np.array([3])], lambda a, b: a * b)
    f.add("Add", "integers", [np.array([7, -8, 1 << 40]), np.array(5)], lambda a, b: a + b)
    f.add("Sum", "one input", [var(3, 2)], lambda a: a * 1)
    f.add("Sum", "three inputs that broadcast", [var(2, 3), var(3), var(2, 1)], lambda a, b, c: a + b + c)
    f.add("Sum", "four inputs, two of them scalars", [var(2, 3), var(), var(1, 3), var()], lambda *all: sum(all))

    for op, function in {"Max": torch.maximum, "Min": torch.minimum}.items():
        for name in ("same shape", "row and column", "fewer axes on the right"):
            a, b = shapes[name]
            f.add(op, name, [var(*a), var(*b)], function, kinks=True)
        ties = np.array([0, 1, 2, -1, 0.5], np.float32)
        f.add(op, "ties share the gradient", [Input(ties, grad=True), Input(ties[[0, 1, 3, 2, 4]], grad=True)], function, kinks=True)

    everywhere = lambda: var(3, 5, scale=1.5)
    f.add("Identity", "any", [everywhere()], lambda a: a * 1)
    f.add("Neg", "any", [everywhere()], lambda a: -a)
    f.add("Exp", "any", [everywhere()], torch.exp)
    f.add("Exp", "a scalar", [var()], torch.exp)
    f.add("Log", "positive", [Input(positive(3, 5), grad=True)], torch.log)
    f.add("Sqrt", "positive", [Input(positive(3, 5), grad=True)], torch.sqrt)
    f.add("Reciprocal", "both signs", [Input(positive(3, 4) * np.float32([1, -1, 1, -1]), grad=True)], torch.reciprocal)
    f.add("Abs", "both signs", [everywhere()], torch.abs, kinks=True)
    f.add("Abs", "no slope at 0", [Input(np.float32([-1, 0, 2, 0]), grad=True)], torch.abs, kinks=True)
    halves = np.float32([-1.5, -1, -0.5, 0, 0.25, 1, 1.75])
    f.add("Sign", "both signs and 0", [halves], torch.sign)
    f.add("Floor", "both signs", [halves], torch.floor)

    comparisons = {
        "Equal": torch.eq,
        "Greater": torch.gt,
        "GreaterOrEqual": torch.ge,
        "Less": torch.lt,
        "LessOrEqual": torch.le,
    }
    for op, function in comparisons.items():
        f.add(op, "floats, with equal ones", [halves, halves[[0, 2, 1, 3, 4, 6, 5]]], function)
        f.add(op, "integers that broadcast", [np.arange(3).reshape(3, 1), np.arange(4)], function)

    mask = np.array([[True, False, True], [False, False, True]])
    where = lambda c, a, b: torch.where(c, a, b)
    f.add("Where", "same shape", [mask, var(2, 3), var(2, 3)], where)
    f.add("Where", "scalars", [mask, var(), var()], where)
    f.add("Where", "the condition grows", [mask[:1], var(2, 1), var(4, 1, 3)], where)
    f.add("BitwiseAnd", "a 32-bit mask", [np.array([1 << 40, (1 << 40) + 5, 0xFFFFFFFF, 77]), np.array(0xFFFFFFFF)], lambda a, b: a & b)
    f.add("BitwiseXor", "broadcast", [np.array([[1], [0x7FEB352D]]), np.array([3, 1 << 33])], lambda a, b: a ^ b)
    return f


def activation():
    f = Family("activation")
    x = lambda: var(3, 5, scale=2)
    f.add("Relu", "both signs", [x()], torch.relu, kinks=True)
    f.add("Relu", "no slope at 0", [Input(np.float32([[-1, 0], [0, 2]]), grad=True)], torch.relu, kinks=True)
    f.add("Relu", "an image", [var(2, 3, 3, 2)], torch.relu, kinks=True)
    f.add("Sigmoid", "moderate", [x()], torch.sigmoid)
    f.add("Sigmoid", "saturated", [Input(np.float32([-30, -12, 12, 30]), grad=True)], torch.sigmoid)
    f.add("Tanh", "moderate", [x()], torch.tanh)
    f.add("Tanh", "nearly saturated", [Input(np.float32([-6, -3, 3, 6]), grad=True)], torch.tanh)
    for op, function in {"Softmax": torch.softmax, "LogSoftmax": torch.log_softmax}.items():
        for axis in (0, 1, -1, -2):
            f.add(op, f"axis {axis}", [var(3, 5, scale=2)], lambda x, axis=axis: function(x, axis), {"axis": axis})
        f.add(op, "middle of four axes", [var(2, 3, 2, 2)], lambda x: function(x, 1), {"axis": 1})
        f.add(op, "large scores", [Input(np.float32([[90, 88, -90], [-200, -200.5, -201]]), grad=True)], lambda x: function(x, 1), {"axis": 1})
        f.add(op, "one category", [var(3, 1)], lambda x: function(x, 1), {"axis": 1})
    for alpha in (1.0, 1.702, 0.5):
        f.add("QuickGelu", f"alpha {alpha}", [x()], lambda x: x * torch.sigmoid(alpha * x), {"alpha": {"float": alpha}}, MS)
    f.add("QuickGelu", "saturated", [Input(np.float32([-25, -9, 9, 25]), grad=True)], lambda x: x * torch.sigmoid(x), {"alpha": {"float": 1}}, MS)
    return f


def matmul():
    f = Family("matmul")
    f.add("MatMul", "matrices", [var(3, 4), var(4, 2)], torch.matmul)
    f.add("MatMul", "row times column", [var(1, 5), var(5, 1)], torch.matmul)
    f.add("MatMul", "equal batches", [var(2, 3, 4), var(2, 4, 2)], torch.matmul)
    f.add("MatMul", "one matrix for all batches", [var(2, 3, 4), var(4, 5)], torch.matmul)
    f.add("MatMul", "the left one for all batches", [var(3, 4), var(2, 4, 2)], torch.matmul)
    f.add("MatMul", "batch axes that broadcast", [var(2, 1, 3, 4), var(3, 4, 2)], torch.matmul)

    def fused(transA, transB):
        turn = lambda x, yes: x.transpose(-1, -2) if yes else x
        return lambda a, b: turn(a, transA) @ turn(b, transB)

    for transA in (0, 1):
        for transB in (0, 1):
            attributes = {"transA": transA, "transB": transB}
            a = (4, 3) if transA else (3, 4)
            b = (2, 4) if transB else (4, 2)
            name = f"transA {transA}, transB {transB}"
            function = fused(transA, transB)
            f.add("FusedMatMul", name, [var(*a), var(*b)], function, attributes, MS)
            f.add("FusedMatMul", f"{name}, batch axes that broadcast", [var(2, 1, *a), var(3, *b)], function, attributes, MS)
            gemm = lambda a, b, c=0, function=function: function(a, b) + c
            f.add("Gemm", name, [var(*a), var(*b)], gemm, attributes)
            f.add("Gemm", f"{name}, bias row", [var(*a), var(*b), var(2)], gemm, attributes)
    for shape in ((1, 2), (3, 1), (3, 2), ()):
        f.add("Gemm", f"bias of shape {list(shape)}", [var(3, 4), var(4, 2), var(*shape)], lambda a, b, c: a @ b + c)
    scaled = {"alpha": {"float": 0.5}, "beta": {"float": -2}, "transA": 1, "transB": 1}
    f.add("Gemm", "alpha and beta", [var(4, 3), var(2, 4), var(2)], lambda a, b, c: 0.5 * (a.T @ b.T) - 2 * c, scaled)
    f.add("FusedMatMul", "per-channel dot products", [var(2, 3, 1, 5), var(2, 3, 1, 5)], fused(0, 1), {"transA": 0, "transB": 1}, MS)
    return f


# Convolutions: name, x shape, O, kernel, and what differs from a plain one. pads: top, left, bottom, right.
CONVOLUTIONS = [
    ("5×5, one channel", (2, 1, 7, 6), 2, (5, 5), {}),
    ("3×3, padded", (2, 3, 5, 4), 4, (3, 3), {"pads": (1, 1, 1, 1)}),
    ("five channels", (1, 5, 5, 5), 3, (3, 3), {}),
    ("1×1", (2, 3, 4, 3), 5, (1, 1), {}),
    ("1×1, stride 2", (2, 3, 5, 4), 2, (1, 1), {"strides": (2, 2)}),
    ("kernel not square", (1, 2, 6, 7), 3, (2, 4), {"pads": (1, 0, 1, 0)}),
    ("pads not symmetric", (1, 2, 5, 5), 2, (3, 3), {"pads": (0, 1, 2, 0)}),
    ("pads wider than the kernel reaches back", (1, 2, 4, 4), 2, (2, 2), {"pads": (2, 2, 2, 2)}),
    ("stride 2", (2, 2, 7, 7), 3, (3, 3), {"strides": (2, 2), "pads": (1, 1, 1, 1)}),
    ("stride 2 with a row and a column left over", (2, 2, 6, 8), 3, (3, 3), {"strides": (2, 2)}),
    ("strides 3 and 2 with rows left over", (1, 2, 8, 7), 2, (2, 2), {"strides": (3, 2)}),
    ("stride larger than the kernel", (1, 2, 7, 7), 2, (2, 2), {"strides": (3, 3)}),
    ("dilation 2", (1, 2, 7, 6), 3, (3, 2), {"dilations": (2, 2), "pads": (1, 1, 1, 1)}),
    ("dilation 2, stride 2", (1, 2, 8, 8), 2, (3, 3), {"dilations": (2, 2), "strides": (2, 2), "pads": (1, 1, 1, 1)}),
    ("two groups", (2, 4, 5, 5), 6, (3, 3), {"group": 2, "pads": (1, 1, 1, 1)}),
    ("two groups, stride 2", (1, 4, 6, 6), 4, (3, 3), {"group": 2, "strides": (2, 2), "pads": (1, 1, 1, 1)}),
    ("depthwise", (2, 3, 5, 5), 3, (3, 3), {"group": 3, "pads": (1, 1, 1, 1)}),
    ("depthwise with a multiplier, stride 2", (1, 3, 6, 5), 6, (3, 3), {"group": 3, "strides": (2, 2), "pads": (1, 1, 1, 1)}),
    ("the kernel covers the image", (3, 2, 4, 4), 3, (4, 4), {}),
    ("one image, one pixel out, one channel each", (1, 1, 3, 3), 1, (3, 3), {}),
    ("16 channels in and out", (1, 16, 4, 4), 16, (3, 3), {"pads": (1, 1, 1, 1)}),
]


def conv_attributes(kernel, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), group=1):
    return {"kernel_shape": list(kernel), "strides": list(strides), "pads": list(pads), "dilations": list(dilations), "group": group}


def conv(x, w, bias, a):
    top, left, bottom, right = a["pads"]
    return F.conv2d(F.pad(x, (left, right, top, bottom)), w, bias, a["strides"], 0, a["dilations"], a["group"])


def convolution():
    f = Family("convolution")
    for name, shape, out_channels, kernel, options in CONVOLUTIONS:
        a = conv_attributes(kernel, **options)
        w_shape = (out_channels, shape[1] // a["group"], *kernel)
        function = lambda x, w, bias=None, a=a: conv(x, w, bias, a)
        f.add("Conv", name, [var(*shape), var(*w_shape), var(out_channels)], function, a)

        x, w = torch.from_numpy(rnd(*shape)), torch.from_numpy(rnd(*w_shape))
        dy = rnd(*conv(x, w, None, a).shape)
        by_weight = lambda x, dy, a=a, w_shape=w_shape: adjoint(lambda w: conv(x, w, None, a), w_shape, dy)
        by_input = lambda w, dy, a=a, shape=shape: adjoint(lambda x: conv(x, w, None, a), shape, dy)
        f.add("ConvWeightGradient", name, [x.numpy(), dy], by_weight, {**a, "shape": list(w_shape)}, FOVEA)
        f.add("ConvInputGradient", name, [w.numpy(), dy], by_input, {**a, "shape": list(shape)}, FOVEA)
    f.add("Conv", "no bias", [var(1, 2, 4, 4), var(3, 2, 3, 3)], lambda x, w: F.conv2d(x, w), conv_attributes((3, 3)))
    f.add("Conv", "only the bias is trained", [rnd(1, 2, 4, 4), rnd(3, 2, 3, 3), var(3)], F.conv2d, conv_attributes((3, 3)))
    transposed(f)
    over_all = lambda x: x.sum([i for i in range(x.dim()) if i != 1])
    for shape in ((2, 3, 4, 2), (5, 3), (3, 2, 7), (1, 1, 1, 1)):
        f.add("ChannelSum", f"{len(shape)} axes, {shape[1]} channels", [var(*shape)], over_all, {}, FOVEA)
    return f


def adjoint(linear, shape, dy):
    """The gradient of sum(linear(v) * dy) by v of `shape`: linear, so it is the same at every v."""
    v = torch.zeros(shape, dtype=dy.dtype, requires_grad=True)
    return torch.autograd.grad((linear(v) * dy).sum(), v)[0]


def transposed(f):
    cases = [
        ("stride 1", (2, 3, 4, 4), 2, (3, 3), {}, (0, 0)),
        ("2×2, stride 2", (1, 2, 3, 4), 3, (2, 2), {"strides": (2, 2)}, (0, 0)),
        ("3×3, stride 2, output padding", (2, 2, 3, 3), 3, (3, 3), {"strides": (2, 2), "pads": (1, 1, 1, 1)}, (1, 1)),
        ("output padding in one axis", (1, 2, 3, 3), 2, (3, 2), {"strides": (2, 2)}, (1, 0)),
        ("stride 3, output padding 2", (1, 2, 3, 2), 2, (3, 3), {"strides": (3, 3)}, (2, 2)),
        ("two groups", (1, 4, 3, 3), 6, (3, 3), {"group": 2, "strides": (2, 2), "pads": (1, 1, 1, 1)}, (1, 0)),
        ("dilation 2", (1, 2, 4, 4), 2, (3, 3), {"dilations": (2, 2), "pads": (1, 1, 1, 1)}, (0, 0)),
    ]
    for name, shape, out_channels, kernel, options, output_padding in cases:
        a = conv_attributes(kernel, **options)
        function = lambda x, w, bias, a=a, extra=output_padding: F.conv_transpose2d(
            x, w, bias, a["strides"], a["pads"][:2], extra, a["group"], a["dilations"]
        )
        inputs = [var(*shape), var(shape[1], out_channels // a["group"], *kernel), var(out_channels)]
        f.add("ConvTranspose", name, inputs, function, {**a, "output_padding": list(output_padding)})


def pooling():
    f = Family("pooling")
    cases = [
        ("2×2", (2, 3, 4, 6), (2, 2), (2, 2), (0, 0, 0, 0)),
        ("2×2, a row and a column left over", (2, 2, 5, 7), (2, 2), (2, 2), (0, 0, 0, 0)),
        ("3×3, stride 2, overlapping, padded", (1, 2, 6, 7), (3, 3), (2, 2), (1, 1, 1, 1)),
        ("5×5, stride 1, padded", (1, 2, 6, 5), (5, 5), (1, 1), (2, 2, 2, 2)),
        ("2×3, strides 1 and 2", (1, 2, 4, 7), (2, 3), (1, 2), (0, 0, 0, 0)),
        ("pads not symmetric", (1, 1, 4, 5), (3, 3), (2, 2), (0, 1, 1, 0)),
        ("stride larger than the window", (1, 2, 7, 7), (2, 2), (3, 3), (0, 0, 0, 0)),
        ("3×3, stride 3", (1, 2, 6, 6), (3, 3), (3, 3), (0, 0, 0, 0)),
        ("1×1", (1, 2, 3, 3), (1, 1), (1, 1), (0, 0, 0, 0)),
        ("the window covers the image", (3, 2, 4, 4), (4, 4), (4, 4), (0, 0, 0, 0)),
    ]
    for name, shape, kernel, strides, pads in cases:
        a = {"kernel_shape": list(kernel), "strides": list(strides), "pads": list(pads)}
        distinct = rnd(*shape)
        # Few different values: nearly every window has several greatest elements, and some are all equal.
        tied = np.round(rnd(*shape) * 0.8).astype(np.float32)
        for kind, x in {"": distinct, ", ties go to the first": tied}.items():
            function = lambda x, a=a: max_pool(x, a)
            flags = {"noFiniteDifferences": "ties are kinks"} if kind else {"kinks": True}
            f.add("MaxPool", name + kind, [Input(x, grad=True)], function, a, **flags)
            y = function(torch.from_numpy(x)).numpy()
            dy = rnd(*y.shape)
            by_input = lambda x, y, dy, a=a: torch.autograd.grad((max_pool(v := x.detach().requires_grad_(), a) * dy).sum(), v)[0]
            f.add("MaxPoolGradient", name + kind, [x, y, dy], by_input, a, FOVEA)
    x = np.round(rnd(2, 2, 4, 4) * 0.8).astype(np.float32)
    a = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 0, 0]}

    def with_indices(x):
        y, inside = F.max_pool2d(x, 2, return_indices=True)
        return y, inside + torch.arange(4).reshape(2, 2, 1, 1) * 16

    f.add("MaxPool", "indices on request", [Input(x, grad=True)], with_indices, a, noFiniteDifferences="ties are kinks")
    return f


def max_pool(x, a):
    top, left, bottom, right = a["pads"]
    return F.max_pool2d(F.pad(x, (left, right, top, bottom), value=-torch.inf), a["kernel_shape"], a["strides"])


def reduction():
    f = Family("reduction")
    axes_cases = [("first", (0,)), ("middle two", (1, 2)), ("last, from the end", (-1,)), ("all but the second", (0, 2, 3)), ("all", (0, 1, 2, 3))]
    functions = {"ReduceSum": torch.sum, "ReduceMean": torch.mean, "ReduceMax": torch.amax}
    for op, function in functions.items():
        make = (lambda *shape: Input(rnd(*shape))) if op == "ReduceMax" else var
        for name, axes in axes_cases:
            for keepdims in (0, 1):
                reduce = lambda x, _, axes=axes, keepdims=keepdims: function(x, axes, keepdim=bool(keepdims))
                f.add(op, f"{name}, keepdims {keepdims}", [make(2, 3, 2, 3), ints(*axes)], reduce, {"keepdims": keepdims})
        over_all = lambda x: function(x, list(range(x.dim())))
        f.add(op, "axes left out", [make(2, 3)], over_all, {"keepdims": 0})
        f.add(op, "an empty list of axes is all of them", [make(2, 3), ints()], lambda x, _: over_all(x), {"keepdims": 0})
    x = np.float32([[0.5, 2, 2, -1], [3, 3, 3, 3], [-2, -3, -1, -1]])
    for axis in (0, 1, -1):
        for keepdims in (0, 1):
            attributes = {"axis": axis, "keepdims": keepdims}
            # NumPy's argmax takes the first of equal values; PyTorch promises nothing.
            first = lambda x, axis=axis, keepdims=keepdims: torch.from_numpy(np.asarray(np.argmax(x.numpy(), axis, keepdims=bool(keepdims))))
            f.add("ArgMax", f"axis {axis}, keepdims {keepdims}, ties", [x], first, attributes)
    return f


def shape():
    f = Family("shape")
    f.add("Reshape", "flatten", [var(2, 3, 2), ints(2, 6)], lambda x, _: x.reshape(2, 6))
    f.add("Reshape", "0 keeps and -1 fills", [var(2, 3, 4), ints(0, -1, 2)], lambda x, _: x.reshape(2, 6, 2))
    f.add("Reshape", "one element to a scalar", [var(1, 1), ints()], lambda x, _: x.reshape(()))
    for perm in ((1, 0, 2), (2, 0, 1), (0, 2, 1)):
        f.add("Transpose", f"{list(perm)}", [var(2, 3, 4)], lambda x, perm=perm: x.permute(perm), {"perm": list(perm)})
    f.add("Concat", "three, last axis from the end", [var(2, 1), var(2, 3), var(2, 2)], lambda *all: torch.cat(all, -1), {"axis": -1})
    f.add("Concat", "first of three axes", [var(1, 2, 2), var(2, 2, 2)], lambda *all: torch.cat(all, 0), {"axis": 0})
    f.add("Concat", "one is not trained", [var(2, 2), Input(rnd(2, 1)), var(2, 2)], lambda *all: torch.cat(all, 1), {"axis": 1})
    split = lambda lengths, axis: lambda x, _: torch.split(x, lengths, axis)
    f.add("Split", "three parts", [var(2, 6), ints(1, 2, 3)], split([1, 2, 3], 1), {"axis": 1})
    f.add("Split", "parts that nobody reads", [var(2, 6), ints(1, 2, 3)], split([1, 2, 3], -1), {"axis": -1}, unused=(0, 2))
    f.add("Split", "the first part is not read", [var(4, 2), ints(3, 1)], split([3, 1], 0), {"axis": 0}, unused=(0,))
    slices(f)
    pads = [
        ("rows and columns", (2, 3), (1, 0, 2, 1)),
        ("an image", (1, 2, 2, 3), (0, 0, 1, 2, 0, 0, 0, 1)),
        ("negative pads cut", (4, 5), (-1, 0, -1, -2)),
        ("cut before, add behind", (4, 3), (-1, 2, 3, -1)),
    ]
    for name, dims, widths in pads:
        rank = len(dims)
        torch_order = [w for axis in reversed(range(rank)) for w in (widths[axis], widths[axis + rank])]
        f.add("Pad", name, [var(*dims), ints(*widths)], lambda x, _, order=torch_order: F.pad(x, order))
    f.add("Expand", "new and stretched axes", [var(3, 1), ints(2, 3, 4)], lambda x, _: x.expand(2, 3, 4))
    f.add("Expand", "a scalar", [var(), ints(2, 3)], lambda x, _: x.expand(2, 3))
    f.add("Expand", "the target has 1 where x has more", [var(2, 3), ints(2, 1)], lambda x, _: x * 1)
    gathers(f)
    casts(f)
    return f


def slices(f):
    wide = 2**31 - 1
    cases = [
        ("one axis", (5, 3), lambda x, *_: x[1:4], ((1,), (4,), (0,))),
        ("two axes, from the end", (4, 5), lambda x, *_: x[-3:-1, 2:], ((-3, 2), (-1, wide), (0, 1))),
        ("negative axis", (2, 3, 5), lambda x, *_: x[..., 1:4], ((1,), (4,), (-1,))),
        ("axes left out", (4, 4), lambda x, *_: x[1:3, 0:2], ((1, 0), (3, 2))),
        ("step 2", (7, 2), lambda x, *_: x[0:7:2], ((0,), (7,), (0,), (2,))),
        ("step 2 with one left over", (6, 2), lambda x, *_: x[1:6:2], ((1,), (6,), (0,), (2,))),
        ("step 3 in two axes", (8, 7), lambda x, *_: x[0:8:3, 1:7:3], ((0, 1), (8, 7), (0, 1), (3, 3))),
        ("steps 2 and 1 of an image", (1, 2, 6, 5), lambda x, *_: x[:, :, 1:6:2, 0:4], ((1, 0), (wide, 4), (2, 3), (2, 1))),
        ("step longer than the axis", (4, 3), lambda x, *_: x[1:4:9], ((1,), (4,), (0,), (9,))),
    ]
    for name, dims, function, bounds in cases:
        f.add("Slice", name, [var(*dims), *(ints(*values) for values in bounds)], function)


def gathers(f):
    cases = [
        ("rows, one of them twice", (4, 3), 0, np.array([2, 0, 2])),
        ("one index drops the axis", (4, 3), 0, np.array(1)),
        ("columns, indices in a matrix", (2, 5), 1, np.array([[0, 4], [4, 4]])),
        ("axis from the end", (2, 3, 4), -1, np.array([3, 0])),
        ("middle axis", (2, 3, 4), 1, np.array([1, 1, 2, 0])),
        ("indices from the end", (4, 2), 0, np.array([-1, 1, -1, -4])),
        ("every row once", (3, 2, 2), 0, np.array([2, 0, 1])),
        ("every row twice", (2, 3), 0, np.array([[1, 0], [0, 1]])),
        ("a vector", (5,), 0, np.array([4, 4, 1, 0, 4, 2])),
    ]
    for name, dims, axis, indices in cases:
        def take(x, i, axis=axis):
            place = axis % x.dim()
            flat = torch.index_select(x, place, i.reshape(-1) % x.shape[place])
            return flat.reshape(*x.shape[:place], *i.shape, *x.shape[place + 1 :])

        # The indices are known when the graph is built, or only when it runs.
        for known in (False, True):
            title = name + (", known" if known else "")
            f.add("Gather", title, [var(*dims), Input(indices, constant=known)], take, {"axis": axis})
            dy = rnd(*take(torch.zeros(dims), torch.from_numpy(indices)).shape)
            scatter = lambda dy, i, dims=dims, take=take: adjoint(lambda x: take(x, i), dims, dy)
            attributes = {"axis": axis % len(dims), "shape": list(dims)}
            f.add("GatherGradient", title, [dy, Input(indices, constant=known)], scatter, attributes, FOVEA)
    images = np.arange(24, dtype=np.uint8).reshape(4, 6)
    f.add("Gather", "bytes", [images, np.array([3, 1])], lambda x, i: x[i], {"axis": 0})


def casts(f):
    types = {"float32": 1, "uint8": 2, "int32": 6, "int64": 7, "bool": 9, "float64": 11}
    f.add("Cast", "float to float", [var(2, 3)], lambda x: x * 1, {"to": types["float32"]})
    f.add("Cast", "float to double", [var(2, 3)], lambda x: x * 1, {"to": types["float64"]}, outputType="float64")
    # Whole numbers have no slope, so nothing flows back.
    f.add("Cast", "float to whole numbers", [np.float32([-1.7, -0.2, 0.9, 2.5])], lambda x: x.to(torch.int64), {"to": types["int64"]})
    f.add("Cast", "bytes to float", [np.array([0, 7, 255], np.uint8)], lambda x: x.to(torch.float64), {"to": types["float32"]})
    f.add("Cast", "truth to float", [np.array([True, False])], lambda x: x.to(torch.float64), {"to": types["float32"]})
    f.add("Cast", "whole numbers to float", [np.array([-3, 1 << 24])], lambda x: x.to(torch.float64), {"to": types["float32"]})


def normalisation():
    f = Family("normalisation")
    epsilon = 1e-5

    def batch_norm(x, gamma, beta):
        axes = [i for i in range(x.dim()) if i != 1]
        across = [-1 if i == 1 else 1 for i in range(x.dim())]
        y = F.batch_norm(x, None, None, gamma, beta, training=True, eps=epsilon)
        mean = x.mean(axes)
        return y, mean, x.var(axes, unbiased=False), x - mean.reshape(across)

    attributes = {"epsilon": {"float": epsilon}}
    add = lambda name, x, **flags: f.add(
        "BatchNorm", name, [Input(x, grad=True), var(x.shape[1]), var(x.shape[1])], batch_norm, attributes, FOVEA, unused=(1, 2, 3), **flags
    )
    add("images", rnd(2, 3, 3, 4, scale=1.5, shift=0.5))
    add("features", rnd(6, 4))
    add("one channel", rnd(3, 1, 2, 2))
    add("a single image", rnd(1, 3, 3, 3))
    add("many channels", rnd(2, 17, 2, 2))
    drowned = "central differences of float32 values drown in rounding where |mean| ≫ std"
    add("images, |mean| = 300 std", rnd(2, 3, 4, 4, shift=300), noFiniteDifferences=drowned)
    add("features, |mean| = 1000 std", rnd(8, 2, scale=0.5, shift=-500), noFiniteDifferences=drowned)
    flat = rnd(2, 2, 3, 3)
    flat[:, 0] = 0.75
    add("a channel without any variance", flat, noFiniteDifferences="1/√ε bends within any step that float32 allows")
    add_input = [rnd(4, 3, 2, 2), var(3), var(3)]
    f.add("BatchNorm", "only gamma and beta are trained", add_input, batch_norm, attributes, FOVEA, unused=(1, 2, 3))
    dot = lambda a, b: (a * b).sum([i for i in range(a.dim()) if i != 1])
    for dims in ((2, 3, 4, 2), (5, 3), (3, 2, 7), (1, 1, 1, 1)):
        f.add("ChannelDot", f"{len(dims)} axes, {dims[1]} channels", [var(*dims), var(*dims)], dot, {}, FOVEA)
    return f


def control():
    f = Family("control")
    f.add("ConstantOfShape", "zeros", [ints(2, 3)], lambda _: torch.zeros(2, 3, dtype=torch.float64))
    x = rnd(3, 4)
    updates = rnd(2, 3)
    indices = np.array([[0, 2, 1], [1, 1, 3]])
    scatter = lambda x, i, u: x.scatter(1, i, u)
    f.add("ScatterElements", "replace along the second axis", [x, np.array([[0, 2, 1], [1, 0, 3]]), updates], scatter, {"axis": 1, "reduction": "none"})
    add = lambda axis: lambda x, i, u: x.scatter_add(axis, i, u)
    f.add("ScatterElements", "add, with repeated indices", [x, indices, updates], add(1), {"axis": 1, "reduction": "add"})
    f.add("ScatterElements", "add into a vector", [np.zeros(5, np.float32), np.array([4, 0, 4]), rnd(3)], add(0), {"axis": 0, "reduction": "add"})

    # sum ← 0.5·sum + x[iteration]; goes on while iteration + 1 < limit; gives out each sum.
    def body(limit):
        value = lambda name, kind, dims: {"name": name, "dataType": kind, "shape": dims}
        node = lambda op, inputs, output, **attributes: {"opType": op, "inputs": inputs, "output": output, "attributes": attributes}
        constant = lambda name, kind, number: {**value(name, kind, []), "data": [number]}
        return {
            "inputs": [value("iteration", "int64", []), value("condition", "bool", []), value("sum", "float32", [2])],
            "constants": [constant("half", "float32", 0.5), constant("one", "int64", 1), constant("limit", "int64", limit)],
            "nodes": [
                node("Gather", ["x", "iteration"], "row", axis=0),
                node("Mul", ["sum", "half"], "kept"),
                node("Add", ["kept", "row"], "next"),
                node("Add", ["iteration", "one"], "done"),
                node("Less", ["done", "limit"], "goOn"),
                node("Identity", ["next"], "scan"),
            ],
            "outputs": ["goOn", "next", "scan"],
        }

    def loop(trips):
        def run(x, _, __, start):
            total, scans = start, []
            for row in x[:trips]:
                total = 0.5 * total + row
                scans.append(total)
            return total, torch.stack(scans)

        return run

    inputs = lambda: [Input(np.array(4), constant=True), Input(np.array(True), constant=True), rnd(2)]
    for name, trips, flags in (("to the end", 4, {}), ("ended by its condition", 3, {"fewerRows": True})):
        outer = rnd(4, 2)
        f.add("Loop", name, [outer, *inputs()], loop(trips), {"body": body(99 if trips == 4 else trips)}, readsFirst="x", **flags)
    return f


def families():
    return [elementwise(), activation(), matmul(), convolution(), pooling(), reduction(), shape(), normalisation(), control()]
