"""PyTorch's side of the engine bench: a network given as the engine's own layer records, trained on one fixed batch.

Arguments: the folder with network.json, parameters.f32 (all parameters in their order), batch.u8 and labels.i64; how many
threads; and whether images lie channels last (0 or 1). Commands on standard input, one answer line each:
  {"command": "step", "count": n} -> {"ms": [milliseconds of each step], "losses": [...]}
  {"command": "memory"}           -> {"baselineBytes": before the network was made, with PyTorch loaded, "peakBytes": most since then}
"""
import gc
import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F


def resident(field):
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))


def reset_peak():
    with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
        refs.write("5")


def conv2d(net, layer, x):
    padding, pad = layer["padding"], 0
    if isinstance(padding, int):
        pad = padding
    elif padding[0] == padding[2] and padding[1] == padding[3]:
        pad = (padding[0], padding[1])
    else:
        top, left, bottom, right = padding
        x = F.pad(x, (left, right, top, bottom))
    return F.conv2d(x, net.weight(layer), net.bias(layer), layer["stride"], pad,
                    layer.get("dilation", 1), layer.get("groups", 1))


def batch_norm(net, layer, x):
    path = layer["path"]
    return F.batch_norm(x, net.values[path + ".running_mean"], net.values[path + ".running_var"], net.weight(layer),
                        net.bias(layer), True, layer.get("momentum", 0.1), layer.get("epsilon", 1e-5))


def dfl(net, layer, x):
    places = net.weight(layer).view(1, -1, 1, 1)
    return F.conv2d(x.view(len(x), 4, layer["bins"], -1).transpose(2, 1).softmax(1), places).flatten(1, 2)


def upsample(layer, x):
    if layer["mode"] == "nearest":
        return F.interpolate(x, scale_factor=layer["factor"], mode="nearest")
    return F.interpolate(x, scale_factor=layer["factor"], mode="bilinear", align_corners=True)


KINDS = {
    "add": lambda net, layer, *xs: sum(xs[1:], xs[0]),
    "batchNorm": batch_norm,
    "concat": lambda net, layer, *xs: torch.cat(xs, layer.get("axis", 0) + 1),
    "conv2d": conv2d,
    "dfl": dfl,
    "flatten": lambda net, layer, x: x.flatten(1),
    "flattenSpace": lambda net, layer, x: x.flatten(2),
    "globalAveragePool": lambda net, layer, x: F.adaptive_avg_pool2d(x, 1),
    "linear": lambda net, layer, x: F.linear(x, net.weight(layer), net.bias(layer)),
    "maxPool2d": lambda net, layer, x: F.max_pool2d(x, layer["kernel"], layer["stride"], layer.get("padding", 0)),
    "multiply": lambda net, layer, x, gate: x * gate,
    "relu": lambda net, layer, x: F.relu(x, inplace=layer["inPlace"]),
    "relu6": lambda net, layer, x: F.relu6(x, inplace=layer["inPlace"]),
    "sigmoid": lambda net, layer, x: torch.sigmoid(x),
    "silu": lambda net, layer, x: F.silu(x),
    "sliceChannels": lambda net, layer, x: x[:, layer["start"]:layer["end"]],
    "upsample": lambda net, layer, x: upsample(layer, x),
}


class Network:
    def __init__(self, folder, channels_last):
        with open(f"{folder}/network.json", encoding="utf8") as file:
            spec = json.load(file)
        flat = torch.from_numpy(np.fromfile(f"{folder}/parameters.f32", np.float32))
        self.values, at = {}, 0
        for parameter in spec["parameters"]:
            size = int(np.prod(parameter["shape"]))
            value = flat[at:at + size].reshape(parameter["shape"]).clone()
            if channels_last and value.dim() == 4:
                value = value.contiguous(memory_format=torch.channels_last)
            self.values[parameter["name"]] = value.requires_grad_(not parameter["fixed"])
            at += size
        for buffer in spec["buffers"]:
            self.values[buffer["name"]] = torch.full(buffer["shape"], float(buffer["initialValue"]))
        self.trained = [value for value in self.values.values() if value.requires_grad]
        self.layers, self.outputs = spec["layers"], spec["outputs"]
        last_reader = {}
        for layer in self.layers:
            for source in layer["sources"]:
                last_reader[source] = layer["path"]
        # A layer's results are let go after their last reader, as in a network written by hand.
        self.done_after = {layer["path"]: [source for source in set(layer["sources"])
                                           if last_reader[source] == layer["path"] and source not in self.outputs]
                           for layer in self.layers}

    def weight(self, layer):
        return self.values[layer["path"] + ".weight"]

    def bias(self, layer):
        return self.values.get(layer["path"] + ".bias")

    def __call__(self, x):
        results = {"": x}
        for layer in self.layers:
            results[layer["path"]] = KINDS[layer["kind"]](self, layer, *[results[s] for s in layer["sources"]])
            for source in self.done_after[layer["path"]]:
                del results[source]
        return [results[path] for path in self.outputs]


class Trainer:
    def __init__(self, folder, channels_last):
        self.net = Network(folder, channels_last)
        with open(f"{folder}/recipe.json", encoding="utf8") as file:
            recipe = json.load(file)
        self.loss = recipe["loss"]
        x = torch.from_numpy(np.fromfile(f"{folder}/batch.u8", np.uint8)).reshape(recipe["shape"]).float().div_(255)
        self.x = x.contiguous(memory_format=torch.channels_last) if channels_last else x
        self.labels = torch.from_numpy(np.fromfile(f"{folder}/labels.i64", np.int64))
        optimiser = recipe["optimiser"]
        self.optimiser = torch.optim.AdamW(self.net.trained, lr=recipe["learningRate"],
                                           betas=(optimiser["beta1"], optimiser["beta2"]), eps=optimiser["epsilon"],
                                           weight_decay=optimiser["weightDecay"])

    def step(self):
        self.optimiser.zero_grad(set_to_none=True)
        outputs = self.net(self.x)
        if self.loss == "crossEntropy":
            loss = F.cross_entropy(outputs[0], self.labels)
        else:
            loss = sum(output.square().mean() for output in outputs)
        loss.backward()
        self.optimiser.step()
        return loss.item()


def main(folder, threads, channels_last):
    torch.set_num_threads(threads)
    torch.ones(1) + 1  # loads what any graph needs, as the other side has by then
    gc.collect()
    baseline = resident("VmRSS")
    reset_peak()
    trainer = Trainer(folder, channels_last)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if request["command"] == "memory":
            print(json.dumps({"baselineBytes": baseline, "peakBytes": resident("VmHWM")}), flush=True)
            continue
        times, losses = [], []
        for _ in range(request["count"]):
            started = time.perf_counter()
            losses.append(trainer.step())
            times.append((time.perf_counter() - started) * 1e3)
        print(json.dumps({"ms": times, "losses": losses}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1")
