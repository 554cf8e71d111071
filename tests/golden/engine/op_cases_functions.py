"""The cases of activations, functions of single elements, reductions and selections that op_cases.py does not have."""
import numpy as np
import torch
import torch.nn.functional as F

from cases import Family, Input, ints, positive, rnd, var
from op_cases import FOVEA, MS, conv_attributes


def scalar(value):
    return Input(np.float32(value), constant=True)


def activations():
    f = Family("activation-more", own_stream=True)
    x = lambda: var(4, 6, scale=2.5)
    at = lambda *values: Input(np.float32(values), grad=True)
    parts = np.concatenate([np.linspace(-2.8, 2.8, 12), np.linspace(3.2, 9, 6), np.linspace(-9, -3.2, 6)])
    f.add("HardSwish", "all three stretches", [at(*np.round(parts, 3))], F.hardswish)
    f.add("HardSwish", "far out", [at(-50, -3.01, 0, 3.01, 50)], F.hardswish, noFiniteDifferences="kinks")
    f.add("HardSigmoid", "PyTorch's", [x()], F.hardsigmoid, {"alpha": {"float": 1 / 6}, "beta": {"float": 0.5}}, kinks=True)
    f.add("HardSigmoid", "ONNX's defaults", [x()], lambda x: (0.2 * x + 0.5).clamp(0, 1), {}, kinks=True)
    f.add("Clip", "both bounds", [x(), scalar(-1), scalar(2)], lambda x, *_: x.clamp(-1, 2), kinks=True)
    f.add("Clip", "at the bounds", [at(-2, -1, 0, 2, 3), scalar(-1), scalar(2)], lambda x, *_: x.clamp(-1, 2), noFiniteDifferences="kinks")
    f.add("Clip", "from below", [x(), scalar(0.5)], lambda x, *_: x.clamp(min=0.5), kinks=True)
    f.add("Clip", "from above", [x(), None, scalar(0.5)], lambda x, *_: x.clamp(max=0.5), kinks=True)
    f.add("Clip", "no bounds", [x()], lambda x: x * 1)
    six = {"low": {"float": 0}, "high": {"float": 6}}
    f.add("HardTanh", "ReLU6", [var(4, 6, scale=5)], F.relu6, six, FOVEA, kinks=True)
    f.add("HardTanh", "no slope at the bounds", [at(-1, 0, 3, 6, 7)], F.relu6, six, FOVEA, noFiniteDifferences="kinks")
    for slope in (0.01, 0.2):
        f.add("LeakyRelu", f"slope {slope}", [x()], lambda x: F.leaky_relu(x, slope), {"alpha": {"float": slope}}, kinks=True)
    f.add("LeakyRelu", "at 0", [at(-1, 0, 1)], lambda x: F.leaky_relu(x, 0.1), {"alpha": {"float": 0.1}}, noFiniteDifferences="a kink")
    sides = np.float32([-6, -2, -1.1, -0.7, -0.2, 0.2, 0.9, 2.5])
    for alpha in (1.0, 0.5):
        attributes = {"alpha": {"float": alpha}}
        f.add("Elu", f"alpha {alpha}", [at(*sides)], lambda x: F.elu(x, alpha), attributes)
        f.add("Elu", f"alpha {alpha}, at 0", [at(0)], lambda x: F.elu(x, alpha), attributes, noFiniteDifferences="a kink")
    f.add("Softplus", "moderate", [x()], lambda x: F.softplus(x, threshold=1e9))
    f.add("Softplus", "far out", [at(-30, -12, 12, 30, 80)], lambda x: torch.logaddexp(x, torch.zeros_like(x)))
    f.add("Erf", "moderate", [var(4, 6)], torch.erf)
    f.add("Erf", "far out", [at(-5, -3, -2, 2, 3, 5)], torch.erf)
    f.add("Gelu", "moderate", [x()], F.gelu, {}, MS)
    f.add("Gelu", "far out", [at(-4.5, -3, 3, 6, 20)], F.gelu, {}, MS)
    f.add("LogSoftmax", "scores far apart", [at(-900, 0, 300, 290, 302)], lambda x: torch.log_softmax(x, 0), {"axis": 0})
    return f


def functions():
    f = Family("functions", own_stream=True)
    x = lambda: var(3, 5, scale=1.5)
    f.add("Sin", "any", [x()], torch.sin)
    f.add("Cos", "any", [x()], torch.cos)
    f.add("Atan", "any", [var(3, 5, scale=3)], torch.atan)
    for exponent in (2.0, 3.0, 0.5, -1.5, 1.0, 0.0):
        f.add("Pow", f"to the power of {exponent}", [Input(positive(3, 4), grad=True), scalar(exponent)], torch.pow)
    f.add("Pow", "squares of negative numbers", [x(), scalar(2)], torch.pow)
    f.add("Pow", "trained exponents that broadcast", [Input(positive(3, 1), grad=True), var(4)], torch.pow)
    zeros = Input(np.float32([0, 1, 0, 2]), grad=True)
    f.add("Pow", "powers of 0", [zeros, Input(np.float32([2, 2, 3, 3]), grad=True)], torch.pow, noFiniteDifferences="0 has no powers with other exponents nearby")
    halves = np.float32([-2.5, -1.5, -1, -0.5, 0, 0.25, 0.5, 1.5, 1.75])
    f.add("Ceil", "both signs", [halves], torch.ceil)
    f.add("Round", "halves go to even numbers", [halves], torch.round)
    f.add("Mod", "whole numbers, the divisor's sign", [np.array([7, -7, 7, -7]), np.array([3, 3, -3, -3])], torch.remainder)
    f.add("Mod", "the dividend's sign", [np.float32([7.5, -7.5]), np.float32([2, 2])], torch.fmod, {"fmod": 1})
    a, b = np.array([True, True, False, False]), np.array([[True], [False]])
    f.add("And", "broadcast", [a, b], torch.logical_and)
    f.add("Or", "broadcast", [a, b], torch.logical_or)
    f.add("Not", "both", [a], torch.logical_not)
    f.add("Size", "three axes", [np.zeros((2, 3, 4), np.float32)], lambda x: torch.tensor(x.numel()))
    f.add("Size", "a scalar", [np.float32(5)], lambda x: torch.tensor(x.numel()))
    return f


def first_max():
    f = Family("first-max", own_stream=True)
    first = lambda a, b: torch.where(a >= b, a, b)
    f.add("FirstMax", "broadcast", [var(3, 1), var(1, 5)], first, {}, FOVEA, kinks=True)
    ties = np.float32([0, 1, 2, -1, 0.5])
    f.add("FirstMax", "ties go to the first input", [Input(ties, grad=True), Input(ties[[0, 1, 3, 2, 4]], grad=True)], first, {}, FOVEA, kinks=True)
    return f


def reductions():
    f = Family("reduction-more", own_stream=True)
    for name, shape, axes in (("last", (2, 3, 4), (-1,)), ("first and last", (2, 3, 4), (0, 2)), ("all", (3, 4), (0, 1))):
        for keepdims in (0, 1):
            k = {"keepdims": keepdims}
            title = f"{name}, keepdims {keepdims}"
            f.add("ReduceMax", title, [var(*shape), ints(*axes)], lambda x, _: torch.amax(x, axes, bool(keepdims)), k, kinks=True)
            f.add("ReduceMin", title, [var(*shape), ints(*axes)], lambda x, _: torch.amin(x, axes, bool(keepdims)), k, kinks=True)
            product = lambda x, _: product_over(x, axes, bool(keepdims))
            f.add("ReduceProd", title, [Input(positive(*shape), grad=True), ints(*axes)], product, k)
    ties = Input(np.float32([[1, 3, 3, 2], [0, 0, 0, 0]]), grad=True)
    for op, function in {"ReduceMax": torch.amax, "ReduceMin": torch.amin}.items():
        f.add(op, "ties share the gradient", [ties, ints(1)], lambda x, _: function(x, 1), {"keepdims": 0}, noFiniteDifferences="ties are kinks")
    zeros = Input(np.float32([[2, -3, 4], [2, 0, 4], [0, 5, 0]]), grad=True)
    f.add("ReduceProd", "rows with one and with two zeros", [zeros, ints(1)], lambda x, _: torch.prod(x, 1), {"keepdims": 0})
    x = np.float32([[0.5, 2, 2, -1], [3, 3, 3, 3], [-2, -3, -3, -1]])
    for axis in (0, -1):
        for keepdims in (0, 1):
            first = lambda x, axis=axis: torch.from_numpy(np.asarray(np.argmin(x.numpy(), axis, keepdims=bool(keepdims))))
            f.add("ArgMin", f"axis {axis}, keepdims {keepdims}, ties", [x], first, {"axis": axis, "keepdims": keepdims})
    axis_input = lambda axis: Input(np.array(axis), constant=True)
    for axis in (0, 1, -1):
        f.add("CumSum", f"axis {axis}", [var(3, 4), axis_input(axis)], lambda x, _: torch.cumsum(x, axis))
    backwards = lambda x: torch.cumsum(x.flip(1), 1).flip(1)
    f.add("CumSum", "from the end", [var(3, 4), axis_input(1)], lambda x, _: backwards(x), {"reverse": 1})
    f.add("CumSum", "without the element", [var(3, 4), axis_input(1)], lambda x, _: torch.cumsum(x, 1) - x, {"exclusive": 1, "reverse": 0})
    f.add("CumSum", "from the end, without the element", [var(3, 4), axis_input(1)], lambda x, _: backwards(x) - x, {"exclusive": 1, "reverse": 1})
    return f


def product_over(x, axes, keepdims):
    for axis in sorted((axis % x.dim() for axis in axes), reverse=True):
        x = torch.prod(x, axis, keepdims)
    return x


def selections():
    f = Family("selections", own_stream=True)
    take = lambda axis: lambda x, i: torch.gather(x, axis, i)
    f.add("GatherElements", "rows, some twice", [var(3, 4), np.array([[0, 2, 1, 0], [0, 2, 2, 1]])], take(0), {"axis": 0})
    f.add("GatherElements", "columns, some twice", [var(2, 4), np.array([[3, 3, 0], [1, 2, 1]])], take(-1), {"axis": -1})
    f.add("GatherElements", "middle of three axes", [var(2, 3, 2), np.array([[[2, 0]], [[1, 1]]])], take(1), {"axis": 1})
    places = np.array([[0, 2, 1], [1, 0, 3]])
    replace = lambda x, i, u: x.scatter(1, i, u)
    add = lambda axis: lambda x, i, u: x.scatter_add(axis, i, u)
    f.add("ScatterElements", "replace, both trained", [var(3, 4), places, var(2, 3)], replace, {"axis": 1, "reduction": "none"})
    f.add("ScatterElements", "replace, updates trained", [rnd(2, 4), places, var(2, 3)], replace, {"axis": -1, "reduction": "none"})
    f.add("ScatterElements", "add with repeats, both trained", [var(3, 4), np.array([[0, 2, 0], [1, 1, 1]]), var(2, 3)], add(1), {"axis": 1, "reduction": "add"})
    f.add("ScatterElements", "add along the first axis", [var(3, 2), np.array([[0, 2], [0, 1], [2, 1], [2, 1]]), var(4, 2)], add(0), {"axis": 0, "reduction": "add"})
    for axis, k, largest in ((1, 2, 1), (-1, 3, 0), (0, 1, 1), (0, 3, 1)):
        top = lambda x, _: torch.topk(x, k, axis, bool(largest))
        attributes = {"axis": axis, "largest": largest, "sorted": 1}
        f.add("TopK", f"{k} {'greatest' if largest else 'least'} along axis {axis}", [var(3, 5), ints(k)], top, attributes, kinks=True)
    f.add("TopK", "three axes", [var(2, 6, 2), ints(4)], lambda x, _: torch.topk(x, 4, 1), {"axis": 1, "largest": 1, "sorted": 1}, kinks=True)
    on = Input(np.float32([0, 1]), constant=True)
    one_hot = lambda i, *_: F.one_hot(i, 4).to(torch.float64)
    f.add("OneHot", "last axis", [np.array([[0, 3], [2, 1]]), Input(np.array(4), constant=True), on], one_hot, {"axis": -1})
    f.add("OneHot", "channels", [np.array([[0, 3], [2, 1]]), Input(np.array(4), constant=True), on], lambda *all: one_hot(*all).movedim(-1, 1), {"axis": 1})
    return f


def views():
    f = Family("views", own_stream=True)
    f.add("Tile", "two axes", [var(2, 3), ints(2, 3)], lambda x, _: x.tile(2, 3))
    f.add("Tile", "one axis of three", [var(1, 2, 2), ints(1, 1, 4)], lambda x, _: x.tile(1, 1, 4))
    f.add("Squeeze", "two axes", [var(1, 3, 1, 2), ints(0, -2)], lambda x, _: x.reshape(3, 2))
    f.add("Squeeze", "one of two", [var(1, 3, 1), ints(2)], lambda x, _: x.squeeze(2))
    f.add("Squeeze", "axes left out", [var(1, 3, 1, 2)], lambda x: x.squeeze())
    f.add("Unsqueeze", "both ends", [var(3, 2), ints(0, -1)], lambda x, _: x[None, :, :, None])
    f.add("Unsqueeze", "next to each other", [var(3), ints(1, 2)], lambda x, _: x[:, None, None])
    for mode, torch_mode in (("edge", "replicate"), ("reflect", "reflect")):
        for name, shape, widths in (
            ("an image", (1, 2, 4, 3), (0, 0, 2, 1, 0, 0, 1, 2)),
            ("one side", (2, 1, 3, 4), (0, 0, 0, 3, 0, 0, 0, 0)),
        ):
            order = [widths[3], widths[7], widths[2], widths[6]]
            f.add("Pad", f"{mode}: {name}", [var(*shape), ints(*widths)], lambda x, _: F.pad(x, order, torch_mode), {"mode": mode})
    f.add("Pad", "a value of its own", [var(2, 3), ints(1, 0, 0, 2), Input(np.float32(-1.5), constant=True)], lambda x, *_: F.pad(x, (0, 2, 1, 0), value=-1.5))
    return f


def layer_norm():
    f = Family("layer-norm", own_stream=True)

    def add(name, x, axis, **flags):
        shape = x.shape[axis:]
        axes = list(range(axis % x.ndim, x.ndim))

        def normalise(x, scale, bias=None):
            inverse = 1 / torch.sqrt(x.var(axes, unbiased=False, keepdim=True) + 1e-5)
            return F.layer_norm(x, shape, scale, bias), x.mean(axes, keepdim=True), inverse

        inputs = [Input(x, grad=True), var(*shape), var(*shape)]
        f.add("LayerNormalization", name, inputs, normalise, {"axis": axis, "epsilon": {"float": 1e-5}}, unused=(1, 2), **flags)
        only_y = lambda *all: normalise(*all)[0]
        f.add("LayerNormalization", f"{name}, no bias, one output", [*inputs[:2], None], only_y, {"axis": axis}, **flags)

    add("features", rnd(4, 6), -1)
    add("groups of an image", rnd(2, 3, 12, scale=1.5, shift=0.5), 2)
    add("several axes", rnd(2, 3, 2, 5), 1)
    add("long rows", rnd(2, 75), -1)
    drowned = "central differences of float32 values drown in rounding where |mean| ≫ std"
    add("|mean| = 300 std", rnd(3, 16, shift=300), 1, noFiniteDifferences=drowned)
    return f


def without_gradient():
    f = Family("without-gradient", own_stream=True)
    f.add("StopGradient", "any", [rnd(3, 4)], lambda x: x.detach(), {}, FOVEA)
    greatest = lambda x, i, u: x.scatter_reduce(1, i, u, "amax")
    places = np.array([[0, 2, 0, 0], [1, 1, 3, 1]])
    f.add("ScatterElements", "the greatest, with repeats", [rnd(2, 5), places, rnd(2, 4)], greatest, {"axis": 1, "reduction": "max"})
    f.add("ScatterElements", "the greatest, all equal", [np.zeros((1, 3), np.float32), np.array([[1, 1]]), np.ones((1, 2), np.float32)], greatest, {"axis": 1, "reduction": "max"})
    kept = lambda y, dy: torch.where(y > 0, dy, torch.zeros_like(dy))
    f.add("ReluGradient", "some cut off", [np.maximum(rnd(3, 5), 0), rnd(3, 5)], kept, {}, FOVEA)
    f.add("ReluGradient", "next to nothing and very much", [np.float32([0, 1.2e-38, 1e-30, 1, 3e38]), rnd(5)], kept, {}, FOVEA)
    return f


def channel_affine():
    f = Family("channel-affine", own_stream=True)

    def affine(x, slope, offset, z=None):
        of_channel = lambda vector: vector.reshape(1, -1, *[1] * (x.dim() - 2))
        y = x * of_channel(slope) + of_channel(offset)
        return y if z is None else y + z

    scaled = lambda x, slope: x * slope.reshape(1, -1, *[1] * (x.dim() - 2))
    for dims in ((2, 3, 4, 2), (5, 3), (2, 17, 3), (1, 1, 1, 1)):
        inputs = [var(*dims), var(dims[1]), var(dims[1])]
        f.add("ChannelAffine", f"{len(dims)} axes, {dims[1]} channels", inputs, affine, {}, FOVEA)
        f.add("ChannelAffine", f"{len(dims)} axes, {dims[1]} channels, and an image", [*inputs, var(*dims)], affine, {}, FOVEA)
    fused = lambda stride, group: lambda x, w, bias, z: F.relu(F.conv2d(x, w, bias, stride, 1, 1, group) + z)
    for name, channels, group, stride in (("one group", 3, 1, 1), ("a group a channel, stride 2", 6, 6, 2)):
        attributes = {**conv_attributes((3, 3), (stride, stride), (1, 1, 1, 1), group=group), "activation": "Relu"}
        side = 6 // stride
        inputs = [rnd(2, channels, 6, 6), rnd(6, channels // group, 3, 3), rnd(6), rnd(2, 6, side, side)]
        f.add("FusedConv", f"{name}, an image added, cut off at 0", inputs, fused(stride, group), attributes, MS)
    f.add("FusedConv", "no bias", [rnd(1, 2, 4, 4), rnd(3, 2, 3, 3)], lambda x, w: F.conv2d(x, w), conv_attributes((3, 3)), MS)
    bounded = lambda x, w, bias: F.conv2d(x, w, bias).clamp(-0.5, 1.5)
    bounds = {"activation": "Clip", "activation_params": {"floats": [-0.5, 1.5]}}
    inputs = [rnd(2, 3, 4, 5), rnd(4, 3, 1, 1), rnd(4)]
    f.add("FusedConv", "cut off at both ends", inputs, bounded, {**conv_attributes((1, 1)), **bounds}, MS)
    for dims in ((2, 3, 4, 2), (5, 3), (1, 1, 1, 1)):
        f.add("ChannelScale", f"{len(dims)} axes, {dims[1]} channels", [var(*dims), var(dims[1])], scaled, {}, FOVEA)
    return f


def families():
    return [activations(), functions(), first_max(), reductions(), selections(), views(), layer_norm(), without_gradient(), channel_affine()]
