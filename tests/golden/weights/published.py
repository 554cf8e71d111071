"""Checkpoints laid out as the published yolov8n-seg, -pose and -cls are (a whole pickled model in half precision, beside the
options of its training), and what such networks say of an image. Run with Debian's python3-torch:

    /usr/bin/python3 tests/golden/weights/published.py

published/NETWORK.pkl.gz  the pickle of torch.save, without the storages that belong to it
published.json            how each storage is filled, the image, and the outputs in float64

Files of that size are no golden files: the test fills the storages and zips them up. A value is `centre` + m / 2^`places` with
m from −256 to 255 by mulberry32, so that float16 holds it exactly. Heads, and the order and the names of all modules, are
facts of the published checkpoints; the rest of the network is ../engine/network_models.py.
"""
import base64
import gzip
import io
import json
import math
import pathlib
import sys
import types
import zipfile

import numpy as np
import torch
from torch import nn

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent / "engine"))
sys.path.insert(0, str(here.parent / "detection"))
import network_models as models
import loss

SIDE, IMAGE_SEED = 64, 4242
channels = (64, 128, 256)


class Proto(nn.Module):
    def __init__(self, inputs, hidden, masks):
        super().__init__()
        self.cv1 = models.ConvSilu(inputs, hidden, 3)
        self.upsample = nn.ConvTranspose2d(hidden, hidden, 2, 2)
        self.cv2 = models.ConvSilu(hidden, hidden, 3)
        self.cv3 = models.ConvSilu(hidden, masks, 1)

    def forward(self, x):
        return self.cv3(self.cv2(self.upsample(self.cv1(x))))


def further(width):
    hidden = max(channels[0] // 4, width)
    return nn.ModuleList(
        nn.Sequential(models.ConvSilu(c, hidden, 3), models.ConvSilu(hidden, hidden, 3), nn.Conv2d(hidden, width, 1))
        for c in channels
    )


def at_all(branches, features):
    return torch.cat([branch(x).flatten(2) for branch, x in zip(branches, features)], 2)


class Segment(models.Detect):
    def __init__(self, categories):
        super().__init__(categories, channels)
        self.proto = Proto(channels[0], 64, 32)
        self.cv4 = further(32)

    def forward(self, features):
        _, scores, distances = super().forward(features)
        return {"scores": scores, "distances": distances, "coefficients": at_all(self.cv4, features), "prototypes": self.proto(features[0])}


class Pose(models.Detect):
    def __init__(self, categories, points):
        super().__init__(categories, channels)
        self.cv4 = further(3 * points)

    def forward(self, features):
        _, scores, distances = super().forward(features)
        return {"scores": scores, "distances": distances, "keypoints": at_all(self.cv4, features)}


class Classify(nn.Module):
    def __init__(self, inputs, categories):
        super().__init__()
        self.conv = models.ConvSilu(inputs, 1280, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.0)
        self.linear = nn.Linear(1280, categories)

    def forward(self, x):
        return {"logits": self.linear(self.drop(self.pool(self.conv(x)).flatten(1)))}


class Upsample(nn.Upsample):
    pass


class Concat(nn.Module):
    pass


class SegmentationModel(models.Yolov8n):
    def __init__(self):
        super().__init__(80)
        self.model[22] = Segment(80)


class PoseModel(models.Yolov8n):
    def __init__(self):
        super().__init__(1)
        self.model[22] = Pose(1, 17)


class ClassificationModel(nn.Module):
    def __init__(self):
        super().__init__()
        backbone = list(models.Yolov8n(80).model)[:9]
        self.model = nn.ModuleList([*backbone, Classify(256, 1000)])

    def forward(self, x):
        for module in self.model:
            x = module(x)
        return x


# Under these names the classes stand in the pickles.
homes = {
    "ultralytics.nn.tasks": {"SegmentationModel": SegmentationModel, "PoseModel": PoseModel, "ClassificationModel": ClassificationModel},
    "ultralytics.nn.modules.conv": {"Conv": models.ConvSilu, "Concat": Concat},
    "ultralytics.nn.modules.block": {"C2f": models.C2f, "Bottleneck": models.Twice, "SPPF": models.Sppf, "DFL": models.Dfl, "Proto": Proto},
    "ultralytics.nn.modules.head": {"Segment": Segment, "Pose": Pose, "Classify": Classify},
}
for path, classes in homes.items():
    steps = path.split(".")
    for depth in range(1, len(steps) + 1):
        sys.modules.setdefault(".".join(steps[:depth]), types.ModuleType(".".join(steps[:depth])))
    for name, kind in classes.items():
        kind.__module__, kind.__qualname__, kind.__name__ = path, name, name
        setattr(sys.modules[path], name, kind)


def dressed(network, head):
    """With what the published modules have beside their tensors."""
    for module in network.modules():
        if isinstance(module, models.ConvSilu):
            module.act = nn.SiLU(inplace=True)
        if isinstance(module, models.Sppf):
            module.m = nn.MaxPool2d(5, 1, 2)
    layers = nn.Sequential(*network.model)
    for index, layer in enumerate(layers):
        if isinstance(layer, nn.Identity):
            layer = Upsample(scale_factor=2) if index in (10, 13) else Concat()
            layers[index] = layer
        layer.i, layer.f, layer.type = index, -1, type(layer).__name__
    network.model = layers
    if head != "cls":
        layers[22].stride = torch.tensor([8.0, 16.0, 32.0])
        layers[22].nc = 1 if head == "pose" else 80
    network.names = {0: "one", 1: "two"}
    network.yaml = {"nc": 80, "backbone": [[-1, 1, "Conv", [64, 3, 2]]]}
    network.stride = torch.tensor([8.0, 16.0, 32.0])
    return network


def kind_of(name, tensor):
    """centre and places of a tensor's values; None where they count up."""
    if name.endswith("dfl.conv.weight"):
        return None
    if name.endswith((".bn.weight", ".bn.running_var")):
        return 1.0, 10
    if tensor.ndim < 2:
        return 0.0, 10
    fan = tensor[0].numel()
    return 0.0, 8 - round(math.log2(math.sqrt(6 / fan)))


def small_integers(seed, count):
    return np.floor(loss.draw(seed, count) * 512) - 256


def values_of(seed, name, tensor):
    kind = kind_of(name, tensor)
    if kind is None:
        return np.arange(tensor.numel(), dtype=np.float64)
    centre, places = kind
    return centre + small_integers(seed, tensor.numel()) / 2.0**places


def storages_of(saved, state):
    """Key of the storage in the archive → name in the state dict. Each tensor's first element is its number for a moment."""
    found = {}
    names = list(state)
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        for entry in archive.namelist():
            if "/data/" not in entry:
                continue
            data = archive.read(entry)
            number = number_in(data, names, state)
            if number is not None:
                found[entry.split("/")[-1]] = names[number]
    return found


def number_in(data, names, state):
    for dtype, read in ((torch.float16, np.float16), (torch.int64, np.int64)):
        if len(data) % np.dtype(read).itemsize:
            continue
        number = float(np.frombuffer(data, read)[0])
        if number != int(number) or not 0 <= number < len(names):
            continue
        tensor = state[names[int(number)]]
        if tensor.dtype == dtype and tensor.numel() * np.dtype(read).itemsize == len(data):
            return int(number)
    return None


def sample(tensor, every):
    values = tensor.detach().double().numpy().ravel()[::every].astype("<f4")
    return {"shape": list(tensor.shape[1:]), "every": every, "values": base64.b64encode(values.tobytes()).decode()}


(here / "published").mkdir(exist_ok=True)
image = torch.from_numpy(np.floor(loss.draw(IMAGE_SEED, 1, 3, SIDE, SIDE) * 256) / 255)
written = {"side": SIDE, "imageSeed": IMAGE_SEED, "networks": {}}
for head, kind in (("seg", SegmentationModel), ("pose", PoseModel), ("cls", ClassificationModel)):
    network = dressed(kind(), head).half().eval()
    state = network.state_dict()
    for number, tensor in enumerate(state.values()):
        tensor.fill_(0)
        tensor.view(-1)[0] = number
    document = {"epoch": -1, "best_fitness": None, "model": network, "ema": None, "updates": None, "optimizer": None}
    document |= {"train_args": {"model": f"yolov8n-{head}.yaml", "imgsz": 640}, "date": "2023-04-01", "version": "8.0.65"}
    buffer = io.BytesIO()
    torch.save(document, buffer)
    storages = storages_of(buffer.getvalue(), state)
    if sorted(storages.values()) != sorted(state):
        sys.exit(f"{head}: not every tensor has a storage of its own")
    with zipfile.ZipFile(buffer) as archive:
        others = {}
        for entry in archive.namelist():
            key = entry.split("/")[-1]
            if entry.endswith("data.pkl"):
                packed = gzip.compress(archive.read(entry), mtime=0)
            elif "/data/" in entry and key not in storages:
                others[key] = base64.b64encode(archive.read(entry)).decode()
    (here / "published" / f"yolov8n-{head}.pkl.gz").write_bytes(packed)
    seeds = {name: 1000 + int(key) for key, name in storages.items()}
    # In one go, because filling what is in place would round to halves what is drawn as such anyway.
    filled = {name: torch.from_numpy(values_of(seeds[name], name, tensor)).view(tensor.shape) if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    for name, tensor in filled.items():
        if tensor.is_floating_point() and not torch.equal(tensor.half().double(), tensor):
            sys.exit(f"{name} is not exact in float16")
    network = network.double()
    network.load_state_dict(filled)
    outputs = network(image)
    entries = []
    for key, name in sorted(storages.items(), key=lambda item: int(item[0])):
        tensor = state[name]
        kind_and_places = kind_of(name, tensor) if tensor.is_floating_point() else None
        fill = "number" if not tensor.is_floating_point() else "counting" if kind_and_places is None else list(kind_and_places)
        entries.append([key, tensor.numel(), fill])
    written["networks"][head] = {
        "tensors": sum(tensor.is_floating_point() for tensor in state.values()),
        "storages": entries,
        "others": others,
        "outputs": {name: sample(output, max(1, output.numel() // 400)) for name, output in outputs.items()},
    }
    for name, output in outputs.items():
        print(head, name, tuple(output.shape), float(output.abs().max()), float(output.std()))
(here / "published.json").write_text(json.dumps(written, separators=(",", ":")) + "\n")
