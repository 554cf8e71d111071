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


def parameter_groups(model, config, decay_all):
    """All parameters with the weight decay, or vectors (biases, weights of norms) without."""
    if decay_all:
        return [{"params": list(model.parameters()), "weight_decay": config["weightDecay"]}]
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": config["weightDecay"]}, {"params": vectors, "weight_decay": 0.0}]


def optimiser_of(config, groups, rate):
    if config["kind"] == "sgd":
        return torch.optim.SGD(groups, rate, momentum=config["momentum"], nesterov=config["nesterov"])
    if config["kind"] == "rmsprop":
        return torch.optim.RMSprop(
            groups, rate, alpha=config["alpha"], eps=config["epsilon"], momentum=config["momentum"], centered=config["centered"]
        )
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config["kind"]]
    return kind(groups, rate, betas=(config["beta1"], config["beta2"]), eps=config["epsilon"])


def sgd(momentum=0.0, nesterov=False, weight_decay=0.0):
    return {"kind": "sgd", "momentum": momentum, "nesterov": nesterov, "weightDecay": weight_decay}


def adam(weight_decay=0.0, beta1=0.9, beta2=0.999, epsilon=1e-8, kind="adam"):
    return {"kind": kind, "beta1": beta1, "beta2": beta2, "epsilon": epsilon, "weightDecay": weight_decay}


def rmsprop(alpha=0.99, epsilon=1e-8, momentum=0.0, centered=False, weight_decay=0.0):
    return {"kind": "rmsprop", "alpha": alpha, "epsilon": epsilon, "momentum": momentum, "centered": centered, "weightDecay": weight_decay}


def state_of(model):
    return {k: v.detach().numpy().copy() for k, v in model.state_dict().items() if "num_batches" not in k}


def run_steps(
    model, batches, dtype, optimiser, rates, softmax_before_loss=False, watch=(), decay_all=True, clip_norm=None, groups=None, ema=None
):
    """Trains one update per rate. `groups` says how many batches make each update, one where it is None. Returns losses
    of every batch, right answers, the first batch's gradients, the state after each update of `watch`, and the moving
    averages in the end."""
    model = copy.deepcopy(model).to(dtype).train()
    torch_optimiser = optimiser_of(optimiser, parameter_groups(model, optimiser, decay_all), rates[0])
    losses, correct, gradients, states = [], [], {}, {}
    averages = state_of(model)
    batch = 0
    for update, rate in enumerate(rates):
        for group in torch_optimiser.param_groups:
            group["lr"] = rate
        torch_optimiser.zero_grad()
        members = range(batch, batch + (groups[update] if groups else 1))
        images = sum(len(batches.indices[member]) for member in members)
        for member in members:
            x, labels = batches.step(member, dtype)
            logits = model(x)
            loss = loss_of(logits, labels, softmax_before_loss)
            (loss * (len(labels) / images)).backward()
            if batch == 0:
                gradients = {name: p.grad.detach().numpy().copy() for name, p in model.named_parameters()}
            losses.append(loss.item())
            correct.append(int((logits.argmax(1) == labels).sum()))
            batch += 1
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        torch_optimiser.step()
        if ema:
            decay = ema["decay"] * (1 - math.exp(-(update + 1) / ema["warmupSteps"]) if ema["warmupSteps"] else 1)
            averages = {key: decay * averages[key] + (1 - decay) * value for key, value in state_of(model).items()}
        if update + 1 in watch:
            states[update + 1] = state_of(model)
    return losses, correct, gradients, states, averages


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
            losses, correct, gradients, states, _ = result(torch.float64)
            losses32, _, gradients32, states32, _ = result(torch.float32)
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


CONSTANT = {"kind": "constant"}
NO_WARMUP = {"epochs": 0, "startFactor": 0.1}
EPOCHS, STEPS = 5, 10


def optimisers_golden():
    """50 steps of a small network: conv 3×3 to 4 channels, ReLU, linear to 5 categories, on 1×6×6 images; in some runs with a
    batch norm behind the convolution. An epoch is nine batches of 4 images and one of 2."""
    batches = Batches(seed=11, count=30, channels=1, side=6, block=2, categories=5, steps=EPOCHS * STEPS, batch=4)
    batches.indices = [row if step % STEPS < STEPS - 1 else row[:2] for step, row in enumerate(batches.indices.tolist())]
    layers = lambda norm: [("conv", nn.Conv2d(1, 4, 3, bias=not norm)), *norm, ("relu", nn.ReLU()), ("flatten", nn.Flatten()), ("fc", nn.Linear(64, 5))]
    models = {"plain": nn.Sequential(OrderedDict(layers([]))), "norm": nn.Sequential(OrderedDict(layers([("norm", nn.BatchNorm2d(4))])))}
    specs = {name: fill(model, 300) for name, model in models.items()}
    adamw = lambda **settings: adam(kind="adamw", **settings)
    runs = [
        golden_run(models, batches, name, optimiser, rate, **settings)
        for name, optimiser, rate, settings in [
            ("SGD", sgd(), 0.1, {}),
            ("SGD, momentum", sgd(0.9), 0.02, {}),
            ("SGD, Nesterov momentum", sgd(0.9, nesterov=True), 0.02, {}),
            ("SGD, weight decay", sgd(weight_decay=0.05), 0.1, {}),
            ("SGD, momentum, weight decay, exponential", sgd(0.9, weight_decay=0.01), 0.05, {"schedule": {"kind": "exponential", "gamma": 0.8}}),
            ("SGD, Nesterov momentum, weight decay", sgd(0.5, nesterov=True, weight_decay=0.05), 0.05, {}),
            ("SGD, decay of matrices only, clipping", sgd(0.9, weight_decay=0.05), 0.05, {"decay_all": False, "clip_norm": 0.5}),
            ("SGD, accumulation, linear", sgd(0.9), 0.05, {"accumulation": 4, "schedule": {"kind": "linear", "finalFactor": 0.1}}),
            ("SGD, batch norm, decay of matrices only, average", sgd(0.9, weight_decay=0.02), 0.02, {"model": "norm", "decay_all": False, "ema": {"decay": 0.9, "warmupSteps": 10}}),
            ("SGD, one cycle", sgd(0.9), 0.05, {"schedule": {"kind": "one-cycle", "startFactor": 0.04, "finalFactor": 0.001, "riseFraction": 0.3}}),
            ("Adam", adam(), 0.003, {}),
            ("Adam, weight decay", adam(weight_decay=0.02), 0.003, {}),
            ("Adam, other betas, exponential", adam(beta1=0.5, beta2=0.99), 0.01, {"schedule": {"kind": "exponential", "gamma": 0.8}}),
            ("Adam, decay of matrices only, clipping", adam(weight_decay=0.02), 0.003, {"decay_all": False, "clip_norm": 0.3}),
            ("Adam, accumulation, clipping, average, cosine", adam(), 0.01, {"accumulation": 4, "clip_norm": 0.5, "ema": {"decay": 0.8, "warmupSteps": 5}, "schedule": {"kind": "cosine", "finalFactor": 0.05}}),
            ("AdamW", adamw(weight_decay=0.1), 0.01, {}),
            ("AdamW without decay", adamw(), 0.003, {}),
            ("AdamW, other betas, epsilon, cosine", adamw(beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.2), 0.02, {"schedule": {"kind": "cosine", "finalFactor": 0}}),
            ("AdamW, batch norm, decay of matrices only", adamw(weight_decay=0.5, epsilon=1e-3), 0.01, {"model": "norm", "decay_all": False}),
            ("AdamW, decay of matrices only, accumulation, average, warm-up", adamw(weight_decay=0.5), 0.01, {"decay_all": False, "accumulation": 3, "ema": {"decay": 0.9, "warmupSteps": 0}, "warmup": {"epochs": 1.5, "startFactor": 0.2}}),
            ("RMSprop", rmsprop(), 0.002, {}),
            ("RMSprop, momentum", rmsprop(momentum=0.9), 0.0005, {}),
            ("RMSprop, centred", rmsprop(centered=True), 0.002, {}),
            ("RMSprop, centred, momentum, weight decay, steps", rmsprop(alpha=0.9, epsilon=1e-3, momentum=0.5, centered=True, weight_decay=0.02), 0.005, {"schedule": {"kind": "step", "everyEpochs": 2, "gamma": 0.3}}),
            ("RMSprop, decay of matrices only, clipping, accumulation", rmsprop(momentum=0.5, weight_decay=0.05), 0.002, {"decay_all": False, "clip_norm": 0.5, "accumulation": 2}),
        ]
    ]
    document = {"images": batches.spec, "indices": batches.indices, "stepsPerEpoch": STEPS, "parameters": specs, "runs": runs}
    write_json("optimisers.json", document)


def golden_run(
    models, batches, name, optimiser, rate, model="plain", schedule=CONSTANT, warmup=NO_WARMUP, decay_all=True, clip_norm=None, accumulation=1, ema=None
):
    groups = [min(accumulation, STEPS - first) for _ in range(EPOCHS) for first in range(0, STEPS, accumulation)]
    rates = scheduled(rate, schedule, warmup, EPOCHS, len(groups) // EPOCHS)
    last = len(groups)
    settings = {"watch": (last,), "decay_all": decay_all, "clip_norm": clip_norm, "groups": groups, "ema": ema}
    result = lambda dtype: run_steps(models[model], batches, dtype, optimiser, rates, **settings)
    (losses, _, _, states, averages), (losses32, _, _, states32, averages32) = result(torch.float64), result(torch.float32)
    return {
        "name": name,
        "model": model,
        "phase": {
            "epochs": EPOCHS,
            "learningRate": rate,
            "optimiser": optimiser,
            "schedule": schedule,
            "warmup": warmup,
            "freeze": [],
            "decayAll": decay_all,
            "clipNorm": clip_norm,
        },
        "accumulation": accumulation,
        "ema": ema,
        "losses": digits(losses),
        "tensors": {key: digits(value) for key, value in states[last].items()},
        "averages": {key: digits(value) for key, value in averages.items()} if ema else None,
        "torch32": {
            "losses": worst(np.array(losses32), np.array(losses)),
            "tensors": {key: worst(states32[last][key], value) for key, value in states[last].items()},
            "averages": {key: worst(averages32[key], value) for key, value in averages.items()} if ema else None,
        },
    }


def scheduled(rate, schedule, warmup, epochs, updates):
    """The rate of every update, by PyTorch's own schedulers: those of epochs are moved on after each epoch, the others after
    each update. A warm-up is LinearLR, and both factors are multiplied."""
    total = epochs * updates
    rates = moved_on(rate, schedule_of(schedule, total), updates if schedule["kind"] in ("step", "exponential") else 1, total)
    length = round(warmup["epochs"] * updates)
    if length == 0:
        return rates
    start = warmup["startFactor"]
    ramp = lambda optimiser: torch.optim.lr_scheduler.LinearLR(optimiser, start_factor=start, end_factor=1.0, total_iters=length)
    return [a * b for a, b in zip(rates, moved_on(1.0, ramp, 1, total))]


def moved_on(rate, scheduler_of, every, total):
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1, dtype=torch.float64))], rate)
    scheduler = scheduler_of(optimiser)
    rates = []
    for update in range(total):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if (update + 1) % every == 0 and update + 1 < total:
            scheduler.step()
    return rates


def schedule_of(schedule, total):
    schedulers = torch.optim.lr_scheduler
    base = lambda optimiser: optimiser.param_groups[0]["lr"]
    return {
        "constant": lambda optimiser: schedulers.ConstantLR(optimiser, factor=1.0),
        "step": lambda optimiser: schedulers.StepLR(optimiser, schedule["everyEpochs"], schedule["gamma"]),
        "exponential": lambda optimiser: schedulers.ExponentialLR(optimiser, schedule["gamma"]),
        "cosine": lambda optimiser: schedulers.CosineAnnealingLR(optimiser, total, eta_min=base(optimiser) * schedule["finalFactor"]),
        "linear": lambda optimiser: schedulers.LinearLR(optimiser, start_factor=1.0, end_factor=schedule["finalFactor"], total_iters=total),
        "one-cycle": lambda optimiser: schedulers.OneCycleLR(
            optimiser,
            max_lr=base(optimiser),
            total_steps=total,
            pct_start=schedule["riseFraction"],
            div_factor=1 / schedule["startFactor"],
            final_div_factor=schedule["startFactor"] / schedule["finalFactor"],
            cycle_momentum=False,
        ),
    }[schedule["kind"]]


def schedules_golden():
    """Rates of whole phases."""
    one_cycle = lambda start, final, rise: {"kind": "one-cycle", "startFactor": start, "finalFactor": final, "riseFraction": rise}
    wanted = [
        (CONSTANT, NO_WARMUP, 3, 4),
        (CONSTANT, {"epochs": 1.4, "startFactor": 0.05}, 3, 5),
        ({"kind": "step", "everyEpochs": 1, "gamma": 0.5}, NO_WARMUP, 4, 3),
        ({"kind": "step", "everyEpochs": 3, "gamma": 0.1}, {"epochs": 2, "startFactor": 0.1}, 8, 4),
        ({"kind": "exponential", "gamma": 0.9}, NO_WARMUP, 6, 3),
        ({"kind": "exponential", "gamma": 1.1}, {"epochs": 0.5, "startFactor": 0.3}, 5, 6),
        ({"kind": "cosine", "finalFactor": 0}, NO_WARMUP, 5, 7),
        ({"kind": "cosine", "finalFactor": 0.1}, {"epochs": 1, "startFactor": 0.1}, 4, 10),
        ({"kind": "linear", "finalFactor": 0.01}, NO_WARMUP, 5, 7),
        ({"kind": "linear", "finalFactor": 0.5}, {"epochs": 4, "startFactor": 0.5}, 4, 3),
        (one_cycle(0.04, 4e-6, 0.3), NO_WARMUP, 5, 8),
        (one_cycle(0.1, 0.01, 0.5), {"epochs": 1, "startFactor": 0.1}, 3, 9),
    ]
    schedules = [
        {"schedule": schedule, "warmup": warmup, "epochs": epochs, "updatesPerEpoch": updates, "rates": scheduled(0.2, schedule, warmup, epochs, updates)}
        for schedule, warmup, epochs, updates in wanted
    ]
    write_json("schedules.json", {"learningRate": 0.2, "schedules": schedules})


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
    schedules_golden()
    initialisation_golden()
