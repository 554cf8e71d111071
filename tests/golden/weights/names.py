"""Names and shapes of published networks' state dicts, as their packages give them. Needs torchvision and timm:

    python3 tests/golden/weights/names.py

names.json: package → network → "name shape" of each tensor of floating-point numbers; the shape as "64x3x7x7".
"""

import json
import pathlib

import timm
import torchvision.models as models

torchvision_networks = ['resnet18', 'resnet101', 'vgg11', 'vgg13_bn', 'mobilenet_v2', 'efficientnet_b0', 'efficientnet_b5']
timm_networks = ['resnet50', 'vgg16_bn', 'mobilenetv2_100', 'efficientnet_b0', 'tf_efficientnet_b3']


def listing(network):
    return [
        f'{name} {"x".join(map(str, tensor.shape))}'
        for name, tensor in network.state_dict().items()
        if tensor.is_floating_point()
    ]


names = {
    'torchvision': {name: listing(getattr(models, name)()) for name in torchvision_networks},
    'timm': {name: listing(timm.create_model(name)) for name in timm_networks},
}
(pathlib.Path(__file__).parent / 'names.json').write_text(json.dumps(names, indent=0) + '\n')
