"""PyTorch's side of the LeNet-5 benches: the same network, data and recipe, driven by one JSON line a command.

All images lie in memory as one normalised float tensor and batches are taken by index, which is PyTorch at its best.
Arguments: the folder of the CIFAR-10 binary batches, and how many threads. Commands on standard input, one answer line each (training answers with one line an epoch):
  {"command": "time", "batchNorm": bool, "steps": n}                       -> {"msPerStep": x}
  {"command": "train", "batchNorm": bool, "softmaxBeforeLoss": bool, "epochs": n, "seed": s}
                                                                          -> {"epoch", "trainLoss", "trainAccuracy", "testAccuracy"}
"""
import json
import sys
import time

import numpy as np
import torch
from torch import nn

BATCH = 64


def network(batch_norm):
    """LeNet-5; batch norm after each pool and each hidden layer (features 6, 400, 120, 84)."""
    norm2d = [nn.BatchNorm2d(6)] if batch_norm else []
    norm = lambda features: [nn.BatchNorm1d(features)] if batch_norm else []
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(inplace=True), nn.MaxPool2d(2), *norm2d,
        nn.Conv2d(6, 16, 5), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), *norm(400),
        nn.Linear(400, 120), nn.ReLU(inplace=True), *norm(120),
        nn.Linear(120, 84), nn.ReLU(inplace=True), *norm(84),
        nn.Linear(84, 10),
    )


def load(files):
    """CIFAR-10 binary batches as ([N, 3, 32, 32] in [-1, 1], [N])."""
    records = np.concatenate([np.fromfile(f, np.uint8).reshape(-1, 3073) for f in files])
    images = torch.from_numpy(records[:, 1:].copy()).float().div_(255).sub_(0.5).div_(0.5).reshape(-1, 3, 32, 32)
    return images, torch.from_numpy(records[:, 0].astype(np.int64))


class Trainer:
    def __init__(self, train, test, batch_norm, softmax_before_loss, seed):
        torch.manual_seed(seed)
        self.train, self.test, self.softmax_before_loss = train, test, softmax_before_loss
        self.net = network(batch_norm)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=1e-3)
        self.loss = nn.CrossEntropyLoss()

    def step(self, index):
        images, labels = self.train[0][index], self.train[1][index]
        self.optimiser.zero_grad(set_to_none=True)
        logits = self.net(images)
        loss = self.loss(torch.softmax(logits, 1) if self.softmax_before_loss else logits, labels)
        loss.backward()
        self.optimiser.step()
        return loss, logits, labels

    def epoch(self):
        order = torch.randperm(len(self.train[1]))
        loss_sum, correct = 0.0, 0
        for start in range(0, len(order), BATCH):
            loss, logits, labels = self.step(order[start:start + BATCH])
            loss_sum += loss.item() * len(labels)
            correct += (logits.argmax(1) == labels).sum().item()
        return loss_sum / len(order), correct / len(order)

    def accuracy(self):
        self.net.eval()
        with torch.no_grad():
            right = sum((self.net(self.test[0][i:i + 500]).argmax(1) == self.test[1][i:i + 500]).sum().item()
                        for i in range(0, len(self.test[1]), 500))
        self.net.train()
        return right / len(self.test[1])


def main(folder, threads):
    torch.set_num_threads(threads)
    train = load([f"{folder}/data_batch_{i}.bin" for i in range(1, 6)])
    test = load([f"{folder}/test_batch.bin"])
    timed = {}
    print(json.dumps({"ready": True, "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if request["command"] == "time":
            key = request["batchNorm"]
            trainer = timed.setdefault(key, Trainer(train, test, key, False, 0))
            order = torch.randperm(len(train[1]))[:request["steps"] * BATCH]
            started = time.perf_counter()
            for start in range(0, len(order), BATCH):
                trainer.step(order[start:start + BATCH])
            print(json.dumps({"msPerStep": (time.perf_counter() - started) / request["steps"] * 1e3}), flush=True)
        elif request["command"] == "train":
            trainer = Trainer(train, test, request["batchNorm"], request["softmaxBeforeLoss"], request["seed"])
            for epoch in range(1, request["epochs"] + 1):
                loss, accuracy = trainer.epoch()
                print(json.dumps({"epoch": epoch, "trainLoss": loss, "trainAccuracy": accuracy,
                                  "testAccuracy": trainer.accuracy()}), flush=True)
        else:
            raise ValueError(f"unknown command {request['command']!r}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
