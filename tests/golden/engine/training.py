"""Whole training steps in PyTorch: LeNet-5, the optimisers, the schedules, and how fresh weights lie.

Weights, images and labels come from mulberry32, an integer generator that the tests have too, so that they need not be
stored: value = centre + spread * (2u - 1).
"""
import base64
import copy
import math
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cases import FOLDER, compact, numbers, rnd, worst, write_json

SAMPLE = 256  # Larger tensors are stored as every n-th element and a few random projections.
PROJECTIONS = 8


def mulberry32(seed):
    state = seed & 0xFFFFFFFF
    while True:
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        mixed = ((state ^ (state >> 15)) * (state | 1)) & 0xFFFFFFFF
        mixed ^= (mixed + (((mixed ^ (mixed >> 7)) * (mixed | 61)) & 0xFFFFFFFF)) & 0xFFFFFFFF
        yield (mixed ^ (mixed >> 14)) / 2**32


def draw(seed, count):
    stream = mulberry32(seed)
    return np.array([next(stream) for _ in range(count)])


def float32_text(array):
    return base64.b64encode(np.asarray(array, "<f4").tobytes()).decode()


def digits(values):
    return [compact(float(f"{value:.9g}")) for value in np.asarray(values, np.float64).reshape(-1)]


class Batches:
    """Images with a level, coarse blocks and noise, labels, and which images each step takes (none twice)."""

    def __init__(self, seed, count, channels, side, block, categories, steps, batch):
        coarse = side // block
        self.spec = {"seed": seed, "count": count, "channels": channels, "side": side, "block": block, "categories": categories}
        stream = mulberry32(seed)
        take = lambda *shape: np.array([next(stream) for _ in range(math.prod(shape))]).reshape(shape)
        level = take(count, channels, 1, 1)
        blocks = take(count, channels, coarse, coarse).repeat(block, 2).repeat(block, 3)
        noise = take(count, channels, side, side)
        self.images = np.floor((0.5 * level + 0.35 * blocks + 0.15 * noise) * 256).astype(np.uint8)
        self.labels = np.floor(take(count) * categories).astype(np.int64)
        self.indices = np.argsort(take(steps, count), 1, kind="stable")[:, :batch]

    def step(self, index, dtype):
        """Bytes scaled to [0, 1], then (x - 0.5) / 0.5."""
        rows = self.indices[index]
        x = torch.from_numpy(self.images[rows]).to(dtype) / 255
        return (x - 0.5) / 0.5, torch.from_numpy(self.labels[rows])


def lenet5(batch_norm):
    norm = lambda kind, path, features: [(path, kind(features))] if batch_norm else []
    return nn.Sequential(
        OrderedDict(
            [
                ("conv1", nn.Conv2d(3, 6, 5)),
                ("relu1", nn.ReLU()),
                ("pool1", nn.MaxPool2d(2)),
                *norm(nn.BatchNorm2d, "norm1", 6),
                ("conv2", nn.Conv2d(6, 16, 5)),
                ("relu2", nn.ReLU()),
                ("pool2", nn.MaxPool2d(2)),
                ("flatten", nn.Flatten()),
                *norm(nn.BatchNorm1d, "norm2", 400),
                ("fc1", nn.Linear(400, 120)),
                ("relu3", nn.ReLU()),
                *norm(nn.BatchNorm1d, "norm3", 120),
                ("fc2", nn.Linear(120, 84)),
                ("relu4", nn.ReLU()),
                *norm(nn.BatchNorm1d, "norm4", 84),
                ("fc3", nn.Linear(84, 10)),
            ]
        )
    )


def fill(model, seed):
    """Gives every parameter its drawn values; returns how they were drawn. Weights of norms lie around 1."""
    specs = []
    for index, (name, parameter) in enumerate(model.named_parameters()):
        module = model.get_submodule(name.rsplit(".", 1)[0])
        is_norm = isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))
        centre = 1 if is_norm and name.endswith("weight") else 0
        spread = 0.2 if is_norm else 1 / math.sqrt(module.weight[0].numel())
        values = (centre + spread * (2 * draw(seed + index, parameter.numel()) - 1)).astype(np.float32)
        parameter.data = torch.from_numpy(values.reshape(parameter.shape)).to(parameter.dtype)
        specs.append({"name": name, "shape": list(parameter.shape), "seed": seed + index, "centre": centre, "spread": spread})
    return specs


def loss_of(logits, labels, softmax_before_loss):
    return F.cross_entropy(torch.softmax(logits, 1) if softmax_before_loss else logits, labels)


def optimiser_of(config, parameters, rate):
    if config["kind"] == "sgd":
        return torch.optim.SGD(
            parameters, rate, momentum=config["momentum"], nesterov=config["nesterov"], weight_decay=config["weightDecay"]
        )
    betas = (config["beta1"], config["beta2"])
    return torch.optim.Adam(parameters, rate, betas=betas, eps=config["epsilon"], weight_decay=config["weightDecay"])


def sgd(momentum=0.0, nesterov=False, weight_decay=0.0):
    return {"kind": "sgd", "momentum": momentum, "nesterov": nesterov, "weightDecay": weight_decay}


def adam(weight_decay=0.0, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return {"kind": "adam", "beta1": beta1, "beta2": beta2, "epsilon": epsilon, "weightDecay": weight_decay}


def run_steps(model, batches, dtype, optimiser, rates, softmax_before_loss=False, watch=()):
    """Trains one step per rate. Returns losses, right answers, the first step's gradients, and the state after each
    step of `watch`."""
    model = copy.deepcopy(model).to(dtype).train()
    torch_optimiser = optimiser_of(optimiser, model.parameters(), rates[0])
    losses, correct, gradients, states = [], [], {}, {}
    for step, rate in enumerate(rates):
        torch_optimiser.param_groups[0]["lr"] = rate
        x, labels = batches.step(step, dtype)
        logits = model(x)
        loss = loss_of(logits, labels, softmax_before_loss)
        torch_optimiser.zero_grad()
        loss.backward()
        if step == 0:
            gradients = {name: p.grad.detach().numpy().copy() for name, p in model.named_parameters()}
        torch_optimiser.step()
        losses.append(loss.item())
        correct.append(int((logits.argmax(1) == labels).sum()))
        if step + 1 in watch:
            states[step + 1] = {k: v.detach().numpy().copy() for k, v in model.state_dict().items() if "num_batches" not in k}
    return losses, correct, gradients, states


def sampled(values, signs):
    """A whole tensor, or a part of it and sums over all of it with random signs."""
    flat = np.asarray(values, np.float64).reshape(-1)
    stride = max(1, len(flat) // SAMPLE)
    entry = {"stride": stride, "values": float32_text(flat[::stride]), "largest": float(f"{np.abs(flat).max():.9g}")}
    if stride > 1:
        entry["norm"] = float(f"{np.linalg.norm(flat):.9g}")
        entry["projections"] = [float(f"{(flat * row).sum():.12g}") for row in signs(len(flat))]
    return entry


def sign_rows():
    """PROJECTIONS rows of ±1: row r of a tensor with n elements is mulberry32(900 + r), -1 where u < 0.5."""
    known = {}

    def rows(count):
        if count not in known:
            known[count] = [np.where(draw(900 + row, count) < 0.5, -1.0, 1.0) for row in range(PROJECTIONS)]
        return known[count]

    return rows


def lenet5_golden():
    """Five steps of LeNet-5, and the gradients of the first. Two choices keep PyTorch's own float32 within 1e-5, without
    which no bar could tell rounding from error:
    - Adam's epsilon is 1e-3. With 1e-8 a weight whose gradient is all rounding moves by a whole learning rate either
      way; PyTorch's float32 is then off by up to 1e-4, with batch norm 3e-2. optimisers.json has 1e-8.
    - The seed is one of 24 whose activations and pool windows all stay 1e-7 of their layer's range away from a kink.
    """
    signs = sign_rows()
    batches = Batches(seed=15, count=32, channels=3, side=32, block=4, categories=10, steps=5, batch=16)
    variants = []
    for name, batch_norm, softmax_before_loss in (("plain", False, False), ("batch norm", True, False), ("softmax before the loss", False, True)):
        model = lenet5(batch_norm)
        specs = fill(model, 1500)
        runs = []
        for label, optimiser, rate in (("Adam", adam(epsilon=1e-3), 0.001), ("SGD, momentum", sgd(0.9), 0.02 if batch_norm else 0.1)):
            result = lambda dtype: run_steps(model, batches, dtype, optimiser, [rate] * 5, softmax_before_loss, watch=(1, 5))
            losses, correct, gradients, states = result(torch.float64)
            losses32, _, gradients32, states32 = result(torch.float32)
            runs.append(
                {
                    "name": label,
                    "optimiser": optimiser,
                    "learningRate": rate,
                    "losses": digits(losses),
                    "correct": correct,
                    "after": [
                        {
                            "steps": steps,
                            "tensors": {key: sampled(value, signs) for key, value in state.items()},
                            "torch32": {key: worst(states32[steps][key], value) for key, value in state.items()},
                        }
                        for steps, state in states.items()
                    ],
                    "torch32": {"losses": worst(np.array(losses32), np.array(losses))},
                }
            )
        variants.append(
            {
                "name": name,
                "options": {"batchNorm": batch_norm},
                "softmaxBeforeLoss": softmax_before_loss,
                "parameters": specs,
                "gradients": {key: float32_text(value) for key, value in gradients.items()},
                "torch32": {key: worst(gradients32[key], value) for key, value in gradients.items()},
                "runs": runs,
            }
        )
    write_json("lenet5.json", {"images": batches.spec, "indices": batches.indices.tolist(), "variants": variants})


def optimisers_golden():
    """50 steps of a small network: conv 3×3 to 4 channels, ReLU, linear to 5 categories, on 1×6×6 images."""
    batches = Batches(seed=11, count=30, channels=1, side=6, block=2, categories=5, steps=50, batch=4)
    model = nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 4, 3), relu=nn.ReLU(), flatten=nn.Flatten(), fc=nn.Linear(64, 5)))
    specs = fill(model, 300)
    constant, exponential = {"kind": "constant"}, {"kind": "exponential", "gamma": 0.8}
    wanted = [
        ("SGD", sgd(), 0.1, constant),
        ("SGD, momentum", sgd(0.9), 0.02, constant),
        ("SGD, Nesterov momentum", sgd(0.9, nesterov=True), 0.02, constant),
        ("SGD, weight decay", sgd(weight_decay=0.05), 0.1, constant),
        ("SGD, momentum, weight decay, exponential schedule", sgd(0.9, weight_decay=0.01), 0.05, exponential),
        ("SGD, Nesterov momentum, weight decay", sgd(0.5, nesterov=True, weight_decay=0.05), 0.05, constant),
        ("Adam", adam(), 0.003, constant),
        ("Adam, weight decay", adam(weight_decay=0.02), 0.003, constant),
        ("Adam, other betas, exponential schedule", adam(beta1=0.5, beta2=0.99), 0.01, exponential),
    ]
    runs = []
    for name, optimiser, rate, schedule in wanted:
        rates = scheduled(rate, schedule, epochs=5, steps=10)
        losses, _, _, states = run_steps(model, batches, torch.float64, optimiser, rates, watch=(50,))
        losses32, _, _, states32 = run_steps(model, batches, torch.float32, optimiser, rates, watch=(50,))
        runs.append(
            {
                "name": name,
                "optimiser": optimiser,
                "learningRate": rate,
                "schedule": schedule,
                "losses": digits(losses),
                "tensors": {key: digits(value) for key, value in states[50].items()},
                "torch32": {
                    "losses": worst(np.array(losses32), np.array(losses)),
                    "tensors": {key: worst(states32[50][key], value) for key, value in states[50].items()},
                },
            }
        )
    document = {"images": batches.spec, "indices": batches.indices.tolist(), "stepsPerEpoch": 10, "parameters": specs, "runs": runs}
    write_json("optimisers.json", document)


def scheduled(rate, schedule, epochs, steps):
    """The rate of every step, by PyTorch's own scheduler, moved on after each epoch."""
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1, dtype=torch.float64))], rate)
    gamma = schedule.get("gamma", 1.0)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimiser, gamma)
    rates = []
    for _ in range(epochs):
        rates += [optimiser.param_groups[0]["lr"]] * steps
        optimiser.step()
        scheduler.step()
    return rates


def initialisation_golden():
    """The bound of each of LeNet-5's tensors by PyTorch's rule, and the largest value of 50 fresh modules."""
    torch.manual_seed(0)
    largest, bounds = {}, {}
    for _ in range(50):
        model = lenet5(batch_norm=True)
        for name, tensor in model.state_dict().items():
            if "num_batches" not in name:
                largest[name] = max(largest.get(name, 0.0), tensor.abs().max().item())
    for path, module in lenet5(batch_norm=True).named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            fan_in, _ = nn.init._calculate_fan_in_and_fan_out(module.weight)
            gain = nn.init.calculate_gain("leaky_relu", math.sqrt(5))
            bounds[f"{path}.weight"] = gain * math.sqrt(3 / fan_in)
            bounds[f"{path}.bias"] = 1 / math.sqrt(fan_in)
    constants = {name: value for name, value in largest.items() if name not in bounds}
    document = {"uniform": {name: {"bound": bound, "largest": largest[name]} for name, bound in bounds.items()}, "constant": constants}
    write_json("initialisation.json", document)


class Exported(nn.Module):
    """Conv, ReLU, max pool, reshape, linear, log-softmax: with a Constant node for the shape."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(2, 3, 3, padding=1), nn.Linear(12, 4)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.conv(x)), 2)
        return F.log_softmax(self.fc(x.reshape(2, -1)), 1)


def exported_golden():
    """A model file by PyTorch's exporter, and what PyTorch computes with it."""
    model = Exported()
    fill(model, 500)
    x = torch.from_numpy(rnd(2, 2, 4, 4))
    file = FOLDER / "pytorch-export.onnx"
    torch.onnx.export(model, x, str(file), opset_version=17, input_names=["x"], output_names=["y"])
    y = model.double()(x.double()).detach().numpy()
    write_json("pytorch-export.json", {"x": numbers(x.numpy()), "y": digits(y)})


def write_all():
    exported_golden()
    lenet5_golden()
    optimisers_golden()
    initialisation_golden()
