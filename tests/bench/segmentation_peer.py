"""PyTorch's side of the membranes: the U-Net of tests/golden/engine/network_models.py, written from the papers, trained from
given first weights with images in a given order, by cross-entropy of one logit plus Dice.

One JSON request: {"weights" (safetensors), "images" and "masks" (uint8 files), "side", "order" (a list of rows an epoch),
"evaluated", "batchSize", "learningRate", "gamma"}; one answer an epoch: {"loss", "f1"}.
"""

import json
import pathlib
import struct
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'golden' / 'engine'))
import network_models as models  # noqa: E402


def read_safetensors(path):
    """All of them float32."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack('<Q', data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name != '__metadata__':
            begin, end = (8 + length + offset for offset in entry['data_offsets'])
            tensors[name] = torch.from_numpy(np.frombuffer(data[begin:end], '<f4').reshape(entry['shape']).copy())
    return tensors


def pad_at_the_end(module, inputs):
    return (F.pad(inputs[0], (0, 1, 0, 1)),)


def network(weights):
    encoder = models.MobileNetV2()
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d) and module.stride[0] == 2:
            # TensorFlow's "same" for even sides.
            module.padding = (0, 0)
            module.register_forward_pre_hook(pad_at_the_end)
    net = models.Segmentation(encoder, models.UnetDecoder(encoder.channels), 1)
    missing, unknown = net.load_state_dict(read_safetensors(weights), strict=False)
    wrong = [name for name in missing if not name.endswith('num_batches_tracked')] + list(unknown)
    if wrong:
        raise ValueError(f'tensors that do not fit: {wrong[:3]}')
    return net


def loss_of(logits, targets):
    p = torch.sigmoid(logits)
    dice = 1 - (2 * (p * targets).sum() + 1) / (p.sum() + targets.sum() + 1)
    return F.binary_cross_entropy_with_logits(logits, targets) + dice


def load(request):
    side = request['side']
    images = torch.from_numpy(np.fromfile(request['images'], np.uint8).reshape(-1, 3, side, side))
    masks = torch.from_numpy(np.fromfile(request['masks'], np.uint8).reshape(-1, 1, side, side))
    return images.float() / 127.5 - 1, masks.float()


def f1_of(net, images, masks, rows):
    net.eval()
    both = predicted = expected = 0
    with torch.no_grad():
        for row in rows:
            found, shown = net(images[row : row + 1]) > 0, masks[row : row + 1] > 0
            both += (found & shown).sum().item()
            predicted += found.sum().item()
            expected += shown.sum().item()
    net.train()
    return 2 * both / (predicted + expected)


def train(request):
    torch.set_num_threads(1)
    images, masks = load(request)
    net = network(request['weights']).train()
    optimiser = torch.optim.Adam(net.parameters(), lr=request['learningRate'])
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, request['gamma'])
    for order in request['order']:
        losses = []
        for start in range(0, len(order), request['batchSize']):
            rows = order[start : start + request['batchSize']]
            optimiser.zero_grad(set_to_none=True)
            loss = loss_of(net(images[rows]), masks[rows])
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        schedule.step()
        answer = {'loss': sum(losses) / len(losses), 'f1': f1_of(net, images, masks, request['evaluated'])}
        print(json.dumps(answer), flush=True)


for line in sys.stdin:
    try:
        train(json.loads(line))
    except Exception as error:  # the bench says what it was
        print(json.dumps({'error': f'{type(error).__name__}: {error}'}), flush=True)
