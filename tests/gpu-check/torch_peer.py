"""PyTorch's side of `npm run gpu:check`: images a second of a training step of a network given as the engine's layer records.

Arguments: the device ("cuda", "cpu") and the folder of tests/bench, whose engine_peer.py knows the layers. One command a
line on standard input, one answer a line:
  {"folder": f, "shape": [N, C, H, W]} -> {"imagesPerSecond": x}   f holds network.json and parameters.f32
"""
import json
import sys
import time

import torch

device = torch.device(sys.argv[1])
sys.path.insert(0, sys.argv[2])
from engine_peer import Network  # noqa: E402


def wait():
    if device.type == "cuda":
        torch.cuda.synchronize()


def images_per_second(folder, shape):
    net = Network(folder, False)
    for name, value in net.values.items():
        net.values[name] = value.detach().to(device).requires_grad_(value.requires_grad)
    trained = [value for value in net.values.values() if value.requires_grad]
    optimiser = torch.optim.SGD(trained, lr=0.01)
    images = torch.randn(shape, device=device)
    weights = [torch.randn_like(output) for output in net(images)]

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss = sum((output * weight).sum() for output, weight in zip(net(images), weights)) / len(images)
        loss.backward()
        optimiser.step()

    for _ in range(3):
        step()
    wait()
    count, started = 0, time.perf_counter()
    while count == 0 or time.perf_counter() - started < 1:
        step()
        wait()
        count += 1
    return count * len(images) / (time.perf_counter() - started)


print(json.dumps({"ready": True, "torch": torch.__version__, "cuda": torch.cuda.is_available()}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    try:
        print(json.dumps({"imagesPerSecond": images_per_second(request["folder"], request["shape"])}), flush=True)
    except RuntimeError as error:
        print(json.dumps({"imagesPerSecond": None, "reason": str(error).splitlines()[0]}), flush=True)
