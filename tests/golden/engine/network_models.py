"""The networks of the zoo in plain PyTorch, written from their papers and published configurations.

Attribute names are chosen so that `state_dict` has the names of the published checkpoints. Dropout and drop-connect are
left out: they draw random numbers. A norm whose result goes into a sum is marked `before_sum`.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn


def before_sum(norm):
    norm.before_sum = True
    return norm


# YOLOv8


class ConvSilu(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)

    def forward(self, x):
        return F.silu(self.bn(self.conv(x)))


class Twice(nn.Module):
    def __init__(self, channels, shortcut):
        super().__init__()
        self.cv1, self.cv2 = ConvSilu(channels, channels, 3), ConvSilu(channels, channels, 3)
        self.shortcut = shortcut

    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class C2f(nn.Module):
    def __init__(self, inputs, outputs, repeats, shortcut):
        super().__init__()
        self.hidden = outputs // 2
        self.cv1 = ConvSilu(inputs, 2 * self.hidden, 1)
        self.cv2 = ConvSilu((2 + repeats) * self.hidden, outputs, 1)
        self.m = nn.ModuleList(Twice(self.hidden, shortcut) for _ in range(repeats))

    def forward(self, x):
        parts = list(self.cv1(x).chunk(2, 1))
        for block in self.m:
            parts.append(block(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class Sppf(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.cv1, self.cv2 = ConvSilu(channels, channels // 2, 1), ConvSilu(2 * channels, channels, 1)

    def forward(self, x):
        parts = [self.cv1(x)]
        for _ in range(3):
            parts.append(F.max_pool2d(parts[-1], 5, 1, 2))
        return self.cv2(torch.cat(parts, 1))


class Dfl(nn.Module):
    def __init__(self, bins):
        super().__init__()
        self.conv = nn.Conv2d(bins, 1, 1, bias=False).requires_grad_(False)
        self.conv.weight.data[:] = torch.arange(bins, dtype=torch.float).view(1, bins, 1, 1)

    def forward(self, x):
        n, channels, places = x.shape
        sides = x.view(n, 4, channels // 4, places).transpose(2, 1).softmax(1)
        return self.conv(sides).view(n, 4, places)


class Detect(nn.Module):
    def __init__(self, categories, channels, bins=16):
        super().__init__()
        boxes, scores = max(16, channels[0] // 4, 4 * bins), max(channels[0], min(categories, 100))
        branch = lambda c, hidden, out: nn.Sequential(ConvSilu(c, hidden, 3), ConvSilu(hidden, hidden, 3), nn.Conv2d(hidden, out, 1))
        self.cv2 = nn.ModuleList(branch(c, boxes, 4 * bins) for c in channels)
        self.cv3 = nn.ModuleList(branch(c, scores, categories) for c in channels)
        self.dfl = Dfl(bins)

    def forward(self, features):
        flat = lambda branches: torch.cat([branch(x).flatten(2) for branch, x in zip(branches, features)], 2)
        boxes, scores = flat(self.cv2), flat(self.cv3)
        return boxes, scores, self.dfl(boxes)


class Yolov8n(nn.Module):
    """Depth 0.33, width 0.25."""

    def __init__(self, categories):
        super().__init__()
        none = nn.Identity
        self.model = nn.ModuleList(
            [
                ConvSilu(3, 16, 3, 2),
                ConvSilu(16, 32, 3, 2),
                C2f(32, 32, 1, True),
                ConvSilu(32, 64, 3, 2),
                C2f(64, 64, 2, True),
                ConvSilu(64, 128, 3, 2),
                C2f(128, 128, 2, True),
                ConvSilu(128, 256, 3, 2),
                C2f(256, 256, 1, True),
                Sppf(256),
                none(),
                none(),
                C2f(384, 128, 1, False),
                none(),
                none(),
                C2f(192, 64, 1, False),
                ConvSilu(64, 64, 3, 2),
                none(),
                C2f(192, 128, 1, False),
                ConvSilu(128, 128, 3, 2),
                none(),
                C2f(384, 256, 1, False),
                Detect(categories, (64, 128, 256)),
            ]
        )

    def forward(self, x):
        m, kept = self.model, {}
        for i in range(10):
            x = kept[i] = m[i](x)
        up = lambda y: F.interpolate(y, scale_factor=2, mode="nearest")
        middle = m[12](torch.cat([up(kept[9]), kept[6]], 1))
        fine = m[15](torch.cat([up(middle), kept[4]], 1))
        middle = m[18](torch.cat([m[16](fine), middle], 1))
        coarse = m[21](torch.cat([m[19](middle), kept[9]], 1))
        return m[22]([fine, middle, coarse])


# ResNet


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), before_sum(nn.BatchNorm2d(width))
        self.downsample = shortcut(inputs, width, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.downsample(x))


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), before_sum(nn.BatchNorm2d(4 * width))
        self.downsample = shortcut(inputs, 4 * width, stride)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(torch.relu(self.bn2(self.conv2(y)))))
        return torch.relu(y + self.downsample(x))


def shortcut(inputs, outputs, stride):
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), before_sum(nn.BatchNorm2d(outputs)))


class ResNet(nn.Module):
    """With `categories` a classifier, else the five stages."""

    def __init__(self, block, repeats, categories=None):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        inputs = 64
        for stage, count in enumerate(repeats):
            width, blocks = 64 * 2**stage, []
            for i in range(count):
                blocks.append(block(inputs, width, 2 if i == 0 and stage > 0 else 1))
                inputs = width * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.channels = [64] + [64 * 2**stage * block.expansion for stage in range(4)]
        if categories:
            self.fc = nn.Linear(inputs, categories)

    def stages(self, x):
        found = [torch.relu(self.bn1(self.conv1(x)))]
        x = F.max_pool2d(found[0], 3, 2, 1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            found.append(x)
        return found

    def forward(self, x):
        return self.fc(self.stages(x)[-1].mean((2, 3)))


# VGG


class Vgg11Bn(nn.Module):
    channels = [128, 256, 512, 512, 512]

    def __init__(self):
        super().__init__()
        layers, inputs = [], 3
        for outputs in (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"):
            if outputs == "M":
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
                inputs = outputs
        self.features = nn.Sequential(*layers)

    def stages(self, x):
        found = []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                found.append(x)
            x = layer(x)
        return found[1:] + [x]

    def forward(self, x):
        return self.stages(x)


# MobileNetV2


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden, self.shortcut = inputs * expansion, stride == 1 and inputs == outputs
        expand = [conv_relu6(inputs, hidden, 1)] if expansion > 1 else []
        norm = nn.BatchNorm2d(outputs)
        self.conv = nn.Sequential(
            *expand, conv_relu6(hidden, hidden, 3, stride, hidden), nn.Conv2d(hidden, outputs, 1, bias=False), before_sum(norm)
        )

    def forward(self, x):
        return x + self.conv(x) if self.shortcut else self.conv(x)


def conv_relu6(inputs, outputs, kernel, stride=1, groups=1):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU6())


class MobileNetV2(nn.Module):
    channels = [16, 24, 32, 96, 1280]

    def __init__(self, categories=None):
        super().__init__()
        features, inputs = [conv_relu6(3, 32, 3, 2)], 32
        plan = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
        for expansion, outputs, count, stride in plan:
            for i in range(count):
                features.append(InvertedResidual(inputs, outputs, stride if i == 0 else 1, expansion))
                inputs = outputs
        self.features = nn.Sequential(*features, conv_relu6(inputs, 1280, 1))
        if categories:
            self.classifier = nn.Sequential(nn.Identity(), nn.Linear(1280, categories))

    def stages(self, x):
        found = []
        for part in (self.features[:2], self.features[2:4], self.features[4:7], self.features[7:14], self.features[14:]):
            x = part(x)
            found.append(x)
        return found

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


# EfficientNet


def efficient_norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class SameConv(nn.Conv2d):
    """Padded so that `side` pixels become side / stride, rounded up."""

    def __init__(self, inputs, outputs, kernel, stride, side, groups=1):
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)
        total = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
        self.before, self.after = total // 2, total - total // 2

    def forward(self, x):
        return super().forward(F.pad(x, (self.before, self.after, self.before, self.after)))


class MbConv(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expansion, side):
        super().__init__()
        hidden, self.shortcut = inputs * expansion, stride == 1 and inputs == outputs
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv, self._bn0 = nn.Conv2d(inputs, hidden, 1, bias=False), efficient_norm(hidden)
        self._depthwise_conv, self._bn1 = SameConv(hidden, hidden, kernel, stride, side, hidden), efficient_norm(hidden)
        squeezed = max(1, inputs // 4)
        self._se_reduce, self._se_expand = nn.Conv2d(hidden, squeezed, 1), nn.Conv2d(squeezed, hidden, 1)
        self._project_conv, self._bn2 = nn.Conv2d(hidden, outputs, 1, bias=False), efficient_norm(outputs)

    def forward(self, x):
        y = F.silu(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.silu(self._bn1(self._depthwise_conv(y)))
        gate = self._se_expand(F.silu(self._se_reduce(F.adaptive_avg_pool2d(y, 1))))
        y = self._bn2(self._project_conv(torch.sigmoid(gate) * y))
        return x + y if self.shortcut else y


class EfficientNetB0(nn.Module):
    channels = [32, 24, 40, 112, 320]
    side = 224

    def __init__(self, categories=None):
        super().__init__()
        self._conv_stem, self._bn0 = SameConv(3, 32, 3, 2, self.side), efficient_norm(32)
        blocks, inputs, side = [], 32, self.side // 2
        plan = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))
        for count, kernel, stride, expansion, outputs in plan:
            for i in range(count):
                blocks.append(MbConv(inputs, outputs, kernel, stride if i == 0 else 1, expansion, side))
                side = math.ceil(side / blocks[-1]._depthwise_conv.stride[0])
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = nn.Conv2d(inputs, 1280, 1, bias=False), efficient_norm(1280)
        if categories:
            self._fc = nn.Linear(1280, categories)

    def stages(self, x):
        x = F.silu(self._bn0(self._conv_stem(x)))
        found = [x]
        for i, block in enumerate(self._blocks):
            x = block(x)
            if i + 1 in (3, 5, 9, 16):
                found.append(x)
        return found

    def forward(self, x):
        x = F.silu(self._bn1(self._conv_head(self.stages(x)[-1])))
        return self._fc(x.mean((2, 3)))


# Segmentation


def conv_relu(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class Step(nn.Module):
    def __init__(self, inputs, skips, outputs):
        super().__init__()
        self.conv1, self.conv2 = conv_relu(inputs + skips, outputs), conv_relu(outputs, outputs)

    def forward(self, x, *skips):
        return self.conv2(self.conv1(torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), *skips], 1)))


WIDTHS = (256, 128, 64, 32, 16)


class UnetDecoder(nn.Module):
    stride, kernel, outputs = 1, 3, WIDTHS[-1]

    def __init__(self, channels, centre=False):
        super().__init__()
        deepest, *skips = channels[::-1]
        self.center = nn.Sequential(conv_relu(deepest, deepest), conv_relu(deepest, deepest)) if centre else nn.Identity()
        inputs = (deepest, *WIDTHS[:-1])
        self.blocks = nn.ModuleList(Step(*sizes) for sizes in zip(inputs, (*skips, 0), WIDTHS))

    def forward(self, stages):
        x, *skips = stages[::-1]
        x = self.center(x)
        for i, block in enumerate(self.blocks):
            x = block(x, *skips[i : i + 1])
        return x


class UnetPlusPlusDecoder(nn.Module):
    """Node (i, j) of the paper's triangle, counted from the deepest: i is the depth that a path began at."""

    stride, kernel, outputs = 1, 3, WIDTHS[-1]

    def __init__(self, channels):
        super().__init__()
        c = channels[::-1]
        blocks = {}
        for level in range(4):
            for start in range(level + 1):
                outputs_at = lambda i: WIDTHS[i] if start == 0 else c[i + 1]
                inputs, outputs = c[start] if start == level else outputs_at(level - 1), outputs_at(level)
                blocks[f"x_{start}_{level}"] = Step(inputs, c[level + 1] * (level + 1 - start), outputs)
        blocks["x_0_4"] = Step(WIDTHS[3], 0, WIDTHS[4])
        self.blocks = nn.ModuleDict(blocks)

    def forward(self, stages):
        s, x = stages[::-1], {}
        for level in range(4):
            for start in range(level, -1, -1):
                before = s[start] if start == level else x[start, level - 1]
                beside = [x[other, level] for other in range(start + 1, level + 1)]
                x[start, level] = self.blocks[f"x_{start}_{level}"](before, *beside, s[level + 1])
        return self.blocks["x_0_4"](x[0, 3])


class Refine(nn.Module):
    def __init__(self, inputs, outputs, enlarge):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.GroupNorm(32, outputs), nn.ReLU())
        self.enlarge = enlarge

    def forward(self, x):
        x = self.block(x)
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True) if self.enlarge else x


class Lateral(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.skip_conv = nn.Conv2d(inputs, 256, 1)

    def forward(self, x, skip):
        return F.interpolate(x, scale_factor=2, mode="nearest") + self.skip_conv(skip)


class Segment(nn.Module):
    def __init__(self, enlargements):
        super().__init__()
        sizes = [256] + [128] * max(1, enlargements)
        self.block = nn.Sequential(*(Refine(a, b, enlargements > 0) for a, b in zip(sizes, sizes[1:])))

    def forward(self, x):
        return self.block(x)


class FpnDecoder(nn.Module):
    stride, kernel, outputs = 4, 1, 128

    def __init__(self, channels):
        super().__init__()
        self.p5 = nn.Conv2d(channels[-1], 256, 1)
        self.p4, self.p3, self.p2 = Lateral(channels[-2]), Lateral(channels[-3]), Lateral(channels[-4])
        self.seg_blocks = nn.ModuleList(Segment(n) for n in (3, 2, 1, 0))

    def forward(self, stages):
        p5 = self.p5(stages[-1])
        p4 = self.p4(p5, stages[-2])
        p3 = self.p3(p4, stages[-3])
        p2 = self.p2(p3, stages[-4])
        return sum(segment(p) for segment, p in zip(self.seg_blocks, (p5, p4, p3, p2)))


class Segmentation(nn.Module):
    def __init__(self, encoder, decoder, categories):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.segmentation_head = nn.Sequential(nn.Conv2d(decoder.outputs, categories, decoder.kernel, padding=decoder.kernel // 2))

    def forward(self, x):
        x = self.segmentation_head(self.decoder(self.encoder.stages(x)))
        stride = self.decoder.stride
        return F.interpolate(x, scale_factor=stride, mode="bilinear", align_corners=True) if stride > 1 else x


# Layers that no network above has


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of an image."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class RareLayers(nn.Module):
    def __init__(self, categories):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=2, dilation=2)
        self.grouped = nn.Conv2d(8, 12, 3, padding=1, groups=4, bias=False)
        self.norm = ChannelNorm(12, eps=1e-6)
        self.up = nn.ConvTranspose2d(12, 6, 4, 2, 1)
        self.fc = nn.Linear(6 * 49, 20, bias=False)
        self.norm2 = nn.LayerNorm(20)
        self.fc2 = nn.Linear(20, categories)

    def forward(self, x):
        x = F.gelu(self.norm(self.grouped(self.conv(x))))
        x = F.avg_pool2d(x, 3, 2, 1)
        x = F.hardswish(self.up(x))
        x = F.interpolate(x, scale_factor=3, mode="bilinear", align_corners=True)
        x = F.adaptive_avg_pool2d(x, 7).flatten(1)
        return torch.sigmoid(self.fc2(self.norm2(self.fc(x))))
