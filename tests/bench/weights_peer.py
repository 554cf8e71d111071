"""Networks in PyTorch whose random weights are written as .pth, with what they compute: the peer of weights.ts.

Encoders are torchvision's own; whole segmentation networks are those of tests/golden/engine/network_models.py, written from
the papers. Reference values are float64. One JSON request a line: {"network", "weights", "results"} (two files to write);
the answer says the network's parameters, and PyTorch's own float32 error.
"""

import json
import math
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'golden' / 'engine'))
import network_models as models  # noqa: E402
from networks import least_margin  # noqa: E402

import torchvision.models as published  # noqa: E402

SIDE, BATCH, CATEGORIES = 64, 4, 7
MEAN = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).reshape(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).reshape(1, 3, 1, 1)


class EfficientNet(models.EfficientNetB0):
    """Any of the family: widths and depths scaled as in the paper."""

    def __init__(self, width, depth, side):
        nn.Module.__init__(self)
        scaled = lambda channels: (lambda r: r + 8 if r < 0.9 * channels * width else r)(
            max(8, int(channels * width + 4) // 8 * 8)
        )
        self._conv_stem, self._bn0 = models.SameConv(3, scaled(32), 3, 2, side), models.efficient_norm(scaled(32))
        blocks, inputs, side = [], scaled(32), math.ceil(side / 2)
        plan = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))
        ends = []
        for count, kernel, stride, expansion, outputs in plan:
            for i in range(math.ceil(count * depth)):
                blocks.append(models.MbConv(inputs, scaled(outputs), kernel, stride if i == 0 else 1, expansion, side))
                side = math.ceil(side / blocks[-1]._depthwise_conv.stride[0])
                inputs = scaled(outputs)
            ends.append(len(blocks))
        # Stages end with the groups at strides 4, 8, 16 and 32.
        self.ends = {ends[1], ends[2], ends[4], ends[6]}
        self.channels = [scaled(c) for c in (32, 24, 40, 112, 320)]
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = nn.Conv2d(inputs, scaled(1280), 1, bias=False), models.efficient_norm(scaled(1280))

    def stages(self, x):
        x = F.silu(self._bn0(self._conv_stem(x)))
        found = [x]
        for i, block in enumerate(self._blocks):
            x = block(x)
            if i + 1 in self.ends:
                found.append(x)
        return found


def without_chance(net):
    """Dropout and stochastic depth draw random numbers. What works in place hides its input from a look at it."""
    for module in net.modules():
        if hasattr(module, 'inplace'):
            module.inplace = False
        for name in ('p', 'dropout'):
            if hasattr(module, name) and isinstance(getattr(module, name), float):
                setattr(module, name, 0.0)
    return net


def efficientnet(build):
    net = build(num_classes=CATEGORIES)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3  # as the original network has it; torchvision's smaller variants have 1e-5
    return net


def unet(encoder, centre=False):
    return models.Segmentation(encoder, models.UnetDecoder(encoder.channels, centre), CATEGORIES)


networks = {
    'mobilenet_v2': lambda: published.mobilenet_v2(num_classes=CATEGORIES),
    'resnet18': lambda: published.resnet18(num_classes=CATEGORIES),
    'resnet50': lambda: published.resnet50(num_classes=CATEGORIES),
    'vgg11_bn': lambda: nn.Sequential(nn.Sequential(), published.vgg11_bn(num_classes=CATEGORIES).features),
    'efficientnet-b0': lambda: efficientnet(published.efficientnet_b0),
    'efficientnet-b5': lambda: efficientnet(published.efficientnet_b5),
    'unet mobilenet_v2': lambda: unet(models.MobileNetV2()),
    'unet resnet18': lambda: unet(models.ResNet(models.BasicBlock, (2, 2, 2, 2))),
    'unet resnet50': lambda: unet(models.ResNet(models.Bottleneck, (3, 4, 6, 3))),
    'unet vgg11_bn': lambda: unet(models.Vgg11Bn(), centre=True),
    'unet efficientnet-b0': lambda: unet(models.EfficientNetB0()),
    'unet efficientnet-b5': lambda: unet(EfficientNet(1.6, 2.2, 456)),
}


def randomise(net):
    """Default first values, and norms with something to say, whose results lie away from a ReLU's kink."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.2, 0.3)
            nn.init.uniform_(module.bias, 0.75, 1.25)
            module.bias.data *= torch.where(torch.rand(module.bias.shape) < 0.25, -1.0, 1.0)
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)


def scaled(images, dtype):
    return (images.to(dtype) / 255 - MEAN.to(dtype)) / STD.to(dtype)


#: A ReLU that switches, or a pool that picks another element, in another precision changes gradients by far more than
#: rounding does: images are drawn until none is nearer than this.
MARGIN = 1e-6


def draw_images(net, state):
    net = net.double().train()
    for _ in range(200):
        images = torch.randint(0, 256, (BATCH, 3, SIDE, SIDE), dtype=torch.uint8)
        if least_margin(net, scaled(images, torch.float64)) > MARGIN:
            break
    else:
        raise ValueError('no images keep away from all kinks')
    net.load_state_dict(state)
    return images


def run(net, images, upstream, dtype):
    net = net.to(dtype)
    x = scaled(images, dtype)
    with torch.no_grad():
        output = net.eval()(x)
    net.train().zero_grad()
    (net(x) * upstream.to(dtype)).mean().backward()
    gradients = {name: p.grad.detach().clone() for name, p in net.named_parameters() if p.grad is not None}
    return output, gradients


def answer(request):
    torch.manual_seed(11)
    net = without_chance(networks[request['network']]())
    randomise(net)
    own = lambda name: name.replace('1.', 'features.', 1) if request['network'] == 'vgg11_bn' else name
    # Training steps change the running statistics in place.
    state = {name: value.clone() for name, value in net.state_dict().items()}
    torch.save({own(name): value for name, value in state.items()}, request['weights'])
    images = draw_images(net, state)
    with torch.no_grad():
        shape = net.eval()(torch.zeros(BATCH, 3, SIDE, SIDE, dtype=torch.float64)).shape
    upstream = 2 * torch.rand(shape, dtype=torch.float64) - 1
    single, single_gradients = run(net.float(), images, upstream, torch.float32)
    net.load_state_dict(state)
    output, gradients = run(net, images, upstream, torch.float64)
    results = {'images': images.float(), 'upstream': upstream, 'output': output}
    results.update({f'gradients.{own(name)}': value for name, value in gradients.items()})
    torch.save(results, request['results'])
    largest = max(value.abs().max().item() for value in gradients.values())
    distance = lambda a, b, least: ((a.double() - b).abs().max() / max(b.abs().max().item(), least)).item()
    return {
        'parameters': sum(p.numel() for p in net.parameters()),
        'output32': distance(single, output, 0),
        'gradient32': max(distance(single_gradients[name], value, largest / 100) for name, value in gradients.items()),
    }


for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line))), flush=True)
    except Exception as error:  # the bench says what it was
        print(json.dumps({'error': f'{type(error).__name__}: {error}'}), flush=True)
