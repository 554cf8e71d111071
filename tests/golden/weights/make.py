"""PyTorch files, sound and hostile, and what is in them. Run with Debian's python3-torch:

    /usr/bin/python3 tests/golden/weights/make.py

sound/*.pth, *.pt    written by torch.save
hostile/*.pt         made by hand from such files: each must be refused, and none may do anything
expected.json        names, shapes and values of the sound ones
"""

import collections
import io
import json
import os
import pathlib
import pickle
import struct
import sys
import types
import zipfile

import numpy as np
import torch
from torch import nn

here = pathlib.Path(__file__).parent
(here / 'sound').mkdir(exist_ok=True)
(here / 'hostile').mkdir(exist_ok=True)
expected = {}


def values(tensor):
    return tensor.detach().float().contiguous().numpy().ravel().tolist()


def expect(name, tensors, others=0):
    expected[name] = {
        'others': others,
        'tensors': [
            {'name': key, 'shape': list(tensor.shape), 'dtype': str(tensor.dtype)[6:], 'values': values(tensor)}
            for key, tensor in tensors.items()
        ],
    }


def floating(state):
    return {key: tensor for key, tensor in state.items() if tensor.is_floating_point()}


# A class that only its writer knows, as in the checkpoints of detection packages.
package = types.ModuleType('somewhere.nn.tasks')
sys.modules['somewhere'] = types.ModuleType('somewhere')
sys.modules['somewhere.nn'] = types.ModuleType('somewhere.nn')
sys.modules['somewhere.nn.tasks'] = package


class Unit(nn.Module):
    def __init__(self, c1, c2):
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, 3, bias=False)
        self.bn = nn.BatchNorm2d(c2, eps=1e-3, momentum=0.03)
        self.act = nn.SiLU()


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(Unit(2, 3), nn.Identity(), Unit(3, 2))
        self.names = {0: 'one', 1: 'two'}
        self.args = types.SimpleNamespace(lr=0.01, note='ä')
        self.stride = torch.tensor([8.0, 16.0])


for kind in (Unit, Detector):
    kind.__module__ = 'somewhere.nn.tasks'
    kind.__qualname__ = kind.__name__
    setattr(package, kind.__name__, kind)

torch.manual_seed(7)


def sound(name, document, tensors, **options):
    torch.save(document, here / 'sound' / name, **options)
    expect(name, floating(tensors), sum(not tensor.is_floating_point() for tensor in tensors.values()))


def randomised(module):
    for key, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape) + 0.25)
    return module


net = randomised(nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(4, 2)))
sound('state-dict.pth', net.state_dict(), net.state_dict())
sound('protocol-4.pth', net.state_dict(), net.state_dict(), pickle_protocol=4)
wrapped = {'epoch': 3, 'state_dict': net.state_dict(), 'best': 0.5, 'optimizer': {'lr': 1e-3}}
sound('wrapped.pth', wrapped, {f'state_dict.{key}': tensor for key, tensor in net.state_dict().items()})

base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 7
views = collections.OrderedDict(
    float16=torch.tensor([0.5, -65504.0, 2.0**-24, -(2.0**-14)]).half(),
    bfloat16=torch.tensor([1.5, -3.0, 1e30]).bfloat16(),
    float64=torch.tensor([1 / 3, 1e-30], dtype=torch.float64),
    int64=torch.tensor([1, 2]),
    scalar=torch.tensor(4.25),
    empty=torch.zeros(0, 3),
    base=base,
    transposed=base.t(),
    rows=base[1:3],
    columns=base[:, 1::2],
    offset=base[2, 3:],
    permuted=torch.arange(12, dtype=torch.float32).reshape(2, 3, 2).permute(2, 0, 1),
)
sound('views.pt', views, views)
sound('parameters.pt', [nn.Parameter(torch.ones(2)), (torch.zeros(1), 'text')], {'0': torch.ones(2), '1.0': torch.zeros(1)})

detector = randomised(Detector()).half()
state = detector.state_dict()
document = {
    'epoch': -1,
    'model': detector,
    'ema': None,
    'optimizer': None,
    'train_args': {'imgsz': 640, 'lr0': 0.01},
    'date': '2023-01-01',
}
sound('whole-model.pt', document, {f'model.{key}': tensor for key, tensor in state.items()})


# Hostile files ----------------------------------------------------------------------------------------------------


def archive(name, entries, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(here / 'hostile' / name, 'w', compression) as file:
        for key, data in entries.items():
            info = zipfile.ZipInfo(key, (2000, 1, 1, 0, 0, 0))
            info.compress_type = compression
            file.writestr(info, data)


def text(value):
    data = value.encode()
    return b'X' + struct.pack('<I', len(data)) + data


def number(value):
    return b'J' + struct.pack('<i', value) if -(2**31) <= value < 2**31 else b'\x8a\x08' + struct.pack('<q', value)


def tuple_of(*items):
    return b'(' + b''.join(items) + b't'


def tensor(shape, stride, offset=0, length=4, key='0', storage='FloatStorage'):
    reference = tuple_of(text('storage'), b'ctorch\n' + storage.encode() + b'\n', text(key), text('cpu'), number(length)) + b'Q'
    numbers = lambda items: tuple_of(*map(number, items))
    arguments = tuple_of(reference, number(offset), numbers(shape), numbers(stride), b'\x89', b'}')
    return b'ctorch._utils\n_rebuild_tensor_v2\n' + arguments + b'R'


def state_dict(**tensors):
    return b'\x80\x02}(' + b''.join(text(key) + value for key, value in tensors.items()) + b'u.'


storage = np.arange(4, dtype='<f4').tobytes()


def file_of(name, data, extra=None, **options):
    archive(name, {'archive/data.pkl': data, 'archive/data/0': storage, **(extra or {})}, **options)


class Command:
    def __reduce__(self):
        return os.system, ('echo owned > owned-by-pickle',)


class Evaluate:
    def __reduce__(self):
        return eval, ("open('owned-by-pickle', 'w').write('owned')",)


# These two hold a tensor besides, which must not make them look sound.
file_of('command.pt', b'\x80\x02}(' + text('x') + pickle.dumps(Command(), 2)[2:-1] + text('w') + tensor([4], [1]) + b'u.')
file_of('evaluate.pt', b'\x80\x02}(' + text('x') + pickle.dumps(Evaluate(), 2)[2:-1] + text('w') + tensor([4], [1]) + b'u.')

file_of('outside-end.pt', state_dict(w=tensor([2, 2], [2, 1], offset=1)))
file_of('outside-stride.pt', state_dict(w=tensor([2], [1000])))
file_of('outside-negative.pt', state_dict(w=tensor([2], [1], offset=-1)))
file_of('storage-too-long.pt', state_dict(w=tensor([1000], [1], length=1000)))
file_of('storage-missing.pt', state_dict(w=tensor([4], [1], key='7')))
file_of('storage-path.pt', state_dict(w=tensor([4], [1], key='../../../../etc/passwd')))
file_of('expanded.pt', state_dict(w=tensor([1_000_000, 1_000_000], [0, 0])))
file_of('huge-shape.pt', state_dict(w=tensor([2**40, 2**40], [1, 1], length=2**40)))
file_of('strides-differ.pt', state_dict(w=tensor([2, 2], [1])))
file_of('unknown-storage.pt', state_dict(w=tensor([4], [1], storage='StrangeStorage')))
file_of('cycle.pt', b'\x80\x02]q\x00h\x00a.')
file_of('nested.pt', b'\x80\x02' + b']' * 20_000 + b'a' * 19_999 + b'.')
# Each list holds the one before it a hundred times: 100^12 values.
laughs = b'\x80\x02]q\x00' + b''.join(b'](' + b'h' + bytes([i]) + (b'h' + bytes([i])) * 99 + b'eq' + bytes([i + 1]) for i in range(12)) + b'.'
file_of('laughs.pt', laughs)
file_of('many-instructions.pt', b'\x80\x02' + b'N0' * 1_500_000 + b'N.', compression=zipfile.ZIP_DEFLATED)
file_of('bomb.pt', b'\x80\x02' + b'N0' * 20_000_000 + b'N.', compression=zipfile.ZIP_DEFLATED)
file_of('bomb-storage.pt', state_dict(w=tensor([4], [1])), compression=zipfile.ZIP_DEFLATED)
file_of('unknown-instruction.pt', b'\x80\x02\xff.')
file_of('empty-stack.pt', b'\x80\x02R.')
file_of('cut-pickle.pt', state_dict(w=tensor([4], [1]))[:-20])
file_of('long-number.pt', b'\x80\x02\x8b' + struct.pack('<I', 2**31 - 1) + b'\x00.')
file_of('long-text.pt', b'\x80\x04\x8d' + struct.pack('<Q', 2**62) + b'x.')
archive('no-pickle.pt', {'readme.txt': b'hello'})
archive('absolute.pt', {'/archive/data.pkl': b'\x80\x02}.'})
archive('climbing.pt', {'../archive/data.pkl': b'\x80\x02}.'})
file_of('torchscript.pt', b'\x80\x02}.', {'archive/constants.pkl': b'\x80\x02).'})
whole = (here / 'sound' / 'state-dict.pth').read_bytes()
(here / 'hostile' / 'truncated.pt').write_bytes(whole[: len(whole) // 2])
buffer = io.BytesIO()
torch.save(net.state_dict(), buffer, _use_new_zipfile_serialization=False)
(here / 'hostile' / 'legacy.pt').write_bytes(buffer.getvalue()[:400])
(here / 'hostile' / 'text.pt').write_text('This is no file of weights.\n')
(here / 'hostile' / 'empty.pt').write_bytes(b'')

# They are nothing but repetition, and must stay small in the repository.
for name in ('bomb.pt', 'many-instructions.pt'):
    size = (here / 'hostile' / name).stat().st_size
    if size > 100_000:
        sys.exit(f'{name} has {size} bytes')

(here / 'expected.json').write_text(json.dumps(expected, separators=(',', ':')) + '\n')
