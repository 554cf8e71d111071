"""Outputs, gradients and running statistics of the networks of the zoo in PyTorch, on small images.

Weights and images come from mulberry32, as in training.py. Float32 is told from a wrong formula only where no element
lies near a kink: a ReLU that switches or a pool that picks another element in another precision changes gradients by far
more than rounding does. So norms before a ReLU get slopes around 0.25 and offsets of at least 1 either way, norms before a
sum positive offsets, and the images' seed is one for which the windows of all pools have their largest two elements apart.
"""
import math

import numpy as np
import torch
from torch import nn

import network_models as models
from cases import worst, write_json
from training import float32_text

SAMPLES = 24
PROJECTIONS = 2
#: The least distance from a kink, in units of what a norm gives out.
MARGIN = 3e-6
#: Gradients are held against the network's largest times this at least: what a norm takes out again has a gradient that is
#: nothing but rounding; against the largest itself where it is zero by mathematics.
LEAST_SHARE = 1e-2
ZERO_SHARE = 1e-9
CATEGORIES = 7


def draw(seed, count):
    """mulberry32, all at once: its state is a counter."""
    state = (np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x6D2B79F5)) & np.uint64(0xFFFFFFFF)
    low = lambda x: x & np.uint64(0xFFFFFFFF)
    mixed = low((state ^ (state >> np.uint64(15))) * (state | np.uint64(1)))
    mixed ^= low(mixed + low((mixed ^ (mixed >> np.uint64(7))) * (mixed | np.uint64(61))))
    return (mixed ^ (mixed >> np.uint64(14))).astype(np.float64) / 2**32


def image_bytes(seed, batch, side):
    return np.floor(draw(seed, batch * 3 * side * side) * 256).astype(np.uint8).reshape(batch, 3, side, side)


def parameter_values(kind, centre, spread, seed, count):
    u = draw(seed, count)
    if kind == "signed":
        return np.where(u < 0.25, -1 - u, 0.75 + u)
    return centre + spread * (2 * u - 1)


def fill(model, seed):
    """Gives every trained parameter its drawn values; returns how they were drawn."""
    specs = []
    for index, (name, parameter) in enumerate(model.named_parameters()):
        path, role = name.rsplit(".", 1)
        module = model.get_submodule(path)
        kind, centre, spread = "uniform", 0, 1 / math.sqrt(module.weight[0].numel())
        if isinstance(module, (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)):
            centre, spread = (0.25, 0.05) if role == "weight" else (1, 0.25)
            if role == "bias" and not hasattr(module, "before_sum"):
                kind = "signed"
        spec = {"name": name, "shape": list(parameter.shape), "kind": kind, "centre": centre, "spread": spread, "seed": seed + index}
        if parameter.requires_grad:
            values = parameter_values(kind, centre, spread, seed + index, parameter.numel()).astype(np.float32)
            parameter.data = torch.from_numpy(values.reshape(parameter.shape))
        else:
            spec = {"name": name, "shape": list(parameter.shape), "kind": "fixed"}
        specs.append(spec)
    return specs


def kinks(module, inputs, output):
    """The least distance from a kink that a ReLU or a pool comes to."""
    (x,) = inputs
    if isinstance(module, nn.ReLU6):
        return min(x.abs().min(), (x - 6).abs().min()).item()
    return x.abs().min().item()


def least_margin(model, images):
    """The smallest distance from a kink anywhere in the network, in float64."""
    found = []
    relu, max_pool = torch.relu, models.F.max_pool2d

    def watched_relu(x):
        found.append(x.detach().abs().min().item())
        return relu(x)

    def watched_pool(x, kernel, stride=None, padding=0, *rest, **options):
        stride = stride or kernel
        padded = models.F.pad(x.detach(), (padding,) * 4, value=-math.inf)
        windows = padded.unfold(2, kernel, stride).unfold(3, kernel, stride).flatten(4)
        first, second = windows.topk(2, 4).values.unbind(4)
        # Equal elements are equal in every precision: what a ReLU has cut off, or one maximum seen by two windows.
        apart = (first - second)[first != second]
        found.append(apart.min().item() if apart.numel() else math.inf)
        return max_pool(x, kernel, stride, padding, *rest, **options)

    hooks = [m.register_forward_hook(lambda module, inputs, output: found.append(kinks(module, inputs, output))) for m in model.modules() if isinstance(m, (nn.ReLU, nn.ReLU6))]
    models.torch.relu, models.F.max_pool2d = watched_relu, watched_pool
    try:
        with torch.no_grad():
            model(images)
    finally:
        models.torch.relu, models.F.max_pool2d = relu, max_pool
        for hook in hooks:
            hook.remove()
    return min(found, default=math.inf)


def evaluate(build, seed, images, upstream_seed, dtype):
    """Outputs, gradients of the sum of mean(output * upstream), and running statistics after the step."""
    model = build()
    specs = fill(model, seed)
    model = model.to(dtype).train()
    outputs = model((torch.from_numpy(images).to(dtype) / 255 - 0.5) / 0.5)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    upstreams = [2 * draw(upstream_seed + i, output.numel()) - 1 for i, output in enumerate(outputs)]
    loss = sum((output * torch.from_numpy(u.reshape(output.shape)).to(dtype)).mean() for output, u in zip(outputs, upstreams))
    loss.backward()
    array = lambda tensor: tensor.detach().numpy().astype(np.float64).reshape(-1)
    gradients = {
        name: array(p.grad) if p.grad is not None else np.zeros(p.numel()) for name, p in model.named_parameters() if p.requires_grad
    }
    buffers = {name: array(value) for name, value in model.named_buffers() if "num_batches" not in name}
    return specs, [array(output) for output in outputs], [list(o.shape) for o in outputs], gradients, buffers


def signs(count):
    return [np.where(draw(900 + row, count) < 0.5, -1.0, 1.0) for row in range(PROJECTIONS)]


def projections(values):
    return [float((values * row).sum()) for row in signs(len(values))]


def sampled(values, values32, least_scale=0.0):
    """Every n-th element, sums over all of them with random signs, and float32's own worst error in any of that."""
    stride = max(1, len(values) // SAMPLES)
    largest = max(float(np.abs(values).max()), least_scale)
    norm = max(float(np.linalg.norm(values)), least_scale)
    exact, single = projections(values), projections(values32)
    off = max(np.abs(values - values32).max() / largest, max(abs(a - b) for a, b in zip(exact, single)) / norm) if largest else 0
    short = lambda value: float(f"{value:.9g}")
    return {
        "values": float32_text(values[::stride]),
        "largest": short(largest),
        "norm": short(norm),
        "projections": [short(value) for value in exact],
        "torch32": float(f"{off:.1e}"),
    }


def golden(name, build, side, batch, seed):
    """`name` is how the tests know which network of the zoo it is."""
    image_seed = seed
    model = build()
    fill(model, seed)
    model = model.double().train()
    while True:
        images = image_bytes(image_seed, batch, side)
        margin = least_margin(model, (torch.from_numpy(images).double() / 255 - 0.5) / 0.5)
        if margin > MARGIN:
            break
        image_seed += 1
    run = lambda dtype: evaluate(build, seed, images, seed + 5000, dtype)
    specs, outputs, shapes, gradients, buffers = run(torch.float64)
    _, outputs32, _, gradients32, buffers32 = run(torch.float32)
    largest = max(np.abs(value).max() for value in gradients.values())
    least = lambda value: largest * (1 if np.abs(value).max() < ZERO_SHARE * largest else LEAST_SHARE)
    entry = {
        "name": name,
        "side": side,
        "batch": batch,
        "imageSeed": image_seed,
        "upstreamSeed": seed + 5000,
        "parameters": specs,
        "outputs": [{"shape": s, **sampled(a, b)} for s, a, b in zip(shapes, outputs, outputs32)],
        "gradients": {key: sampled(value, gradients32[key], least(value)) for key, value in gradients.items()},
        "buffers": {key: sampled(value, buffers32[key]) for key, value in buffers.items()},
    }
    parts = {"outputs": entry["outputs"], "gradients": entry["gradients"].values(), "buffers": entry["buffers"].values()}
    off = {part: max((tensor["torch32"] for tensor in tensors), default=0) for part, tensors in parts.items()}
    print(f"{name}: margin {margin:.1e} with image seed {image_seed}, float32's own worst errors {off}")
    return entry


def on(encoder, decoder, **options):
    """A segmentation network of these two."""

    def build():
        made = encoder()
        return models.Segmentation(made, decoder(made.channels, **options), CATEGORIES)

    return build


def write_all():
    resnet = lambda *settings: lambda: models.ResNet(*settings)
    entries = [
        golden("yolov8n", lambda: models.Yolov8n(CATEGORIES), 64, 2, 10_000),
        golden("resnet18", resnet(models.BasicBlock, (2, 2, 2, 2), CATEGORIES), 64, 2, 20_000),
        golden("resnet50", resnet(models.Bottleneck, (3, 4, 6, 3), CATEGORIES), 64, 2, 30_000),
        golden("vgg11_bn stages", models.Vgg11Bn, 32, 2, 40_000),
        golden("mobilenet_v2", lambda: models.MobileNetV2(CATEGORIES), 64, 2, 50_000),
        golden("efficientnet-b0", lambda: models.EfficientNetB0(CATEGORIES), 64, 2, 60_000),
        golden("unet mobilenet_v2", on(models.MobileNetV2, models.UnetDecoder), 64, 2, 70_000),
        golden("unet vgg11_bn", on(models.Vgg11Bn, models.UnetDecoder, centre=True), 64, 2, 80_000),
        golden("unetPlusPlus resnet18", on(resnet(models.BasicBlock, (2, 2, 2, 2)), models.UnetPlusPlusDecoder), 64, 2, 90_000),
        golden("rare layers", lambda: models.RareLayers(CATEGORIES), 17, 2, 110_000),
        golden("fpn efficientnet-b0", on(models.EfficientNetB0, models.FpnDecoder), 64, 2, 100_000),
    ]
    write_json("networks.json", {"networks": entries})


