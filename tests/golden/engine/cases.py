"""Runs one operator in PyTorch, forward and backward, in float64 and float32, and writes what came out as JSON.

A case is an operator with its inputs. The gradients are those of sum(output * upstream). The file holds the float64
values; float32's own worst error stands beside them, so that a tolerance can be judged.
"""
import json
import pathlib
import zlib

import numpy as np
import torch

FOLDER = pathlib.Path(__file__).parent
RANDOM = np.random.default_rng(20240917)

TYPES = {
    np.dtype(np.float32): "float32",
    np.dtype(np.float64): "float64",
    np.dtype(np.int64): "int64",
    np.dtype(np.int32): "int32",
    np.dtype(np.uint8): "uint8",
    np.dtype(np.bool_): "bool",
}


class Input:
    """`grad`: the gradient by this input is wanted. `constant`: it must be an initializer of the graph."""

    def __init__(self, data, grad=False, constant=False):
        self.data, self.grad, self.constant = np.asarray(data), grad, constant


def rnd(*shape, scale=1.0, shift=0.0):
    """Normal numbers with three decimals, as float32."""
    return np.asarray(np.round(RANDOM.standard_normal(shape) * scale + shift, 3), np.float32)


def positive(*shape, low=0.6, high=2.5):
    return np.asarray(np.round(RANDOM.uniform(low, high, shape), 3), np.float32)


def var(*shape, **options):
    """A float input whose gradient is wanted."""
    return Input(rnd(*shape, **options), grad=True)


def ints(*values):
    """A constant int64 vector: shapes, axes, bounds."""
    return Input(np.asarray(values, np.int64), constant=True)


def numbers(array):
    """JSON numbers: float32 by their shortest text, float64 with 9 digits, integers and truth values as integers."""
    flat = np.asarray(array).reshape(-1)
    if flat.dtype == np.float32:
        return [compact(float(str(value))) for value in flat]
    if flat.dtype == np.float64:
        return [compact(float(f"{value:.9g}")) for value in flat]
    return [int(value) for value in flat]


def compact(value):
    return int(value) if value == int(value) else value


def worst(value, reference):
    """max|a - b| / max|b|, with two digits."""
    scale = np.abs(reference).max(initial=0)
    if scale == 0:
        return 0
    return float(f"{np.abs(value - reference).max() / scale:.1e}")


def evaluate(function, inputs, upstreams, dtype):
    """Outputs and gradients as numpy arrays, with all floats in `dtype`."""
    tensors = []
    for item in inputs:
        tensor = torch.from_numpy(np.array(item.data))
        tensor = tensor.to(dtype) if item.data.dtype == np.float32 else tensor
        tensors.append(tensor.requires_grad_() if item.grad else tensor)
    outputs = function(*tensors)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    terms = [
        (output.to(dtype) * torch.from_numpy(upstream).to(dtype)).sum()
        for output, upstream in zip(outputs, upstreams or [None] * len(outputs))
        if upstream is not None
    ]
    wanted = [tensor for tensor, item in zip(tensors, inputs) if item.grad]
    found = torch.autograd.grad(sum(terms), wanted, allow_unused=True) if terms and wanted else []
    gradients = iter(found)
    by_input = [next(gradients) if item.grad and terms else None for item in inputs]
    return (
        [output.detach().numpy() for output in outputs],
        [
            None if not item.grad else np.zeros_like(item.data, np.float64) if gradient is None else gradient.numpy()
            for item, gradient in zip(inputs, by_input)
        ],
    )


class Family:
    """The cases of one file."""

    def __init__(self, name, own_stream=False):
        """`own_stream`: its random numbers depend on nothing but its name and what it draws."""
        global RANDOM
        self.name, self.cases = name, []
        if own_stream:
            RANDOM = np.random.default_rng(zlib.crc32(name.encode()))

    def add(self, op, name, inputs, function, attributes=None, domain="", unused=(), **flags):
        """`unused`: outputs that the loss does not read. Flags go into the case as they are."""
        inputs = [item if item is None or isinstance(item, Input) else Input(item) for item in inputs]
        present = [item for item in inputs if item is not None]
        outputs, _ = evaluate(function, present, None, torch.float64)
        differentiable = any(item.grad for item in present)
        upstreams = [
            rnd(*output.shape) if differentiable and output.dtype.kind == "f" and index not in unused else None
            for index, output in enumerate(outputs)
        ]
        outputs, gradients = evaluate(function, present, upstreams, torch.float64)
        outputs32, gradients32 = evaluate(function, present, upstreams, torch.float32)
        by_input = iter(gradients)
        self.cases.append(
            {
                "opType": op,
                "domain": domain,
                "name": name,
                "attributes": attributes or {},
                "inputs": [item and self.input(item, next(by_input)) for item in inputs],
                "outputs": [self.output(output, upstream) for output, upstream in zip(outputs, upstreams)],
                "torch32": {
                    "outputs": [worst(a, b) if b.dtype.kind == "f" else 0 for a, b in zip(outputs32, outputs)],
                    "gradients": [worst(a, b) for a, b in zip(gradients32, gradients) if b is not None],
                },
                **flags,
            }
        )

    @staticmethod
    def input(item, gradient):
        entry = {"dataType": TYPES[item.data.dtype], "shape": list(item.data.shape), "data": numbers(item.data)}
        if item.constant:
            entry["constant"] = True
        if gradient is not None:
            entry["gradient"] = numbers(gradient.astype(np.float64))
        return entry

    @staticmethod
    def output(value, upstream):
        is_float = value.dtype.kind == "f"
        entry = {
            "dataType": "float32" if is_float else TYPES[value.dtype],
            "shape": list(value.shape),
            "data": numbers(value.astype(np.float64) if is_float else value),
        }
        if upstream is not None:
            entry["upstream"] = numbers(upstream)
        return entry

    def write(self):
        write_json(f"ops-{self.name}.json", {"cases": self.cases}, rows=self.cases)


def write_json(file, document, rows=None):
    """One line a case, so that a change of one case is a change of one line."""
    dump = lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    text = dump(document) if rows is None else '{"cases":[\n' + ",\n".join(map(dump, rows)) + "\n]}"
    (FOLDER / file).write_text(text + "\n")
    print(f"{file}: {len(text) / 1024:.0f} KB")
