"""The mask loss of a detector of instances in float64, written from the published recipe (YOLACT's prototypes and coefficients,
cropped to the box and divided by its area), anchor by anchor and cell by cell; gradients by torch.autograd. Assignment, boxes
and scores are those of loss.py.

Coefficients and prototypes come from mulberry32. A mask is the ellipse in its object's box; of several the smallest one shows.
"""
import json

import numpy as np
import torch

import loss

STRIDE, PROTOTYPES, GAIN = 4, 5, 7.5


def mask_outputs(seed, images, size, anchors):
    """float32 coefficients [N, P, A] and prototypes [N, P, H/4, W/4]."""
    height, width = size
    coefficients = 4 * loss.draw(seed + 4, images, PROTOTYPES, anchors) - 2
    prototypes = 4 * loss.draw(seed + 5, images, PROTOTYPES, height // STRIDE, width // STRIDE) - 1
    return coefficients.astype(np.float32), prototypes.astype(np.float32)


def instance_map(objects, size):
    """[H/4, W/4]: 1 + the number of the object that a cell's middle shows, else 0."""
    height, width = (side // STRIDE for side in size)
    shown = np.zeros((height, width), int)
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    for number in sorted(range(len(objects)), key=lambda i: -area(objects[i])):
        x1, y1, x2, y2 = objects[number]
        for row in range(height):
            for column in range(width):
                x, y = STRIDE * (column + 0.5), STRIDE * (row + 0.5)
                across, down = (2 * x - x1 - x2) / (x2 - x1), (2 * y - y1 - y2) / (y2 - y1)
                if across**2 + down**2 < 1:
                    shown[row, column] = number + 1
    return shown


def mask_loss(coefficients, prototypes, case, assignments):
    """With its gain. Every anchor that has an object weighs the same."""
    height, width = prototypes.shape[2:]
    losses = []
    for image, assignment in enumerate(assignments):
        shown = case["maps"][image]
        for anchor, (number, _) in assignment.items():
            x1, y1, x2, y2 = (side / STRIDE for side in case["boxes"][image][number])
            logits = torch.einsum("p,phw->hw", coefficients[image, :, anchor], prototypes[image])
            inside = torch.zeros(height, width, dtype=logits.dtype)
            for row in range(height):
                for column in range(width):
                    inside[row, column] = x1 <= column < x2 and y1 <= row < y2
            wanted = torch.tensor(np.array(shown).reshape(height, width) == number + 1, dtype=logits.dtype)
            entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
            losses.append((entropy * inside).sum() / ((x2 - x1) * (y2 - y1)))
    return GAIN * torch.stack(losses).mean() if losses else 0 * (coefficients.sum() + prototypes.sum())


def evaluate(said, case, assignments, dtype):
    inputs = [torch.from_numpy(values).to(dtype).requires_grad_() for values in said]
    value = mask_loss(*inputs, case, assignments)
    found = torch.autograd.grad(value, inputs)
    return float(value), [gradient.numpy().astype(np.float64).reshape(-1) for gradient in found]


def make(name, size, objects, seed, capacity=None, every=1, **outputs):
    """objects: for each image a list of (category, x1, y1, x2, y2)."""
    detection = loss.make(name, size, 2, objects, seed, capacity, **outputs)
    keep = ("name", "size", "capacity", "seed", "boxes", "assigned")
    case = {key: detection[key] for key in keep}
    case |= {"prototypeCount": PROTOTYPES, "every": every}
    case["maps"] = [instance_map(boxes, size).reshape(-1).tolist() for boxes in case["boxes"]]
    assignments = [{} for _ in objects]
    for image, number, anchor, weight in case["assigned"]:
        assignments[image][anchor] = (number, weight)
    said = mask_outputs(seed, len(objects), size, len(loss.anchors(*size)))
    value, gradients = evaluate(said, case, assignments, torch.float64)
    _, single = evaluate(said, case, assignments, torch.float32)
    text = lambda values: loss.base64.b64encode(values[::every].astype("<f4").tobytes()).decode()
    case["loss"] = float(f"{value:.12g}")
    case["gradients"] = {
        part: {"values": text(values), "torch32": loss.worst(alone, values)}
        for part, values, alone in zip(("coefficients", "prototypes"), gradients, single)
    }
    return case


def cases():
    yield make("random objects, padded", (64, 96), loss.random_objects(911, (4, 6, 1), 2, (64, 96), 12), 1101, capacity=8, every=5)
    yield make("no objects", (32, 32), [[], []], 1301, capacity=2, every=3)
    yield make("an image without objects", (64, 32), [[], loss.random_objects(931, (3,), 2, (64, 32), 8)[0]], 1401, every=3)
    nested = [(0, 4, 4, 60, 60), (1, 16, 18, 40, 44), (0, 10, 40, 30, 62)]
    twins = [(0, 4, 4, 40, 40), (0, 4, 4, 40, 40), (1, 6, 5, 41, 43), (1, 20, 20, 60, 60)]
    yield make("overlapping and equal objects", (64, 64), [nested, twins], 1601, every=3)
    outside = [(0, -30, -20, 25, 30), (1, 40, 10, 120, 90)]
    yield make("boxes that reach outside the image", (64, 64), [outside], 1701, every=3)
    # Of the boxes some hold the edge of a cell, and the others nothing that could be learned.
    pixels = [(0, 3.5, 3.5, 4.5, 4.5), (1, 11, 11, 12, 12), (1, 4, 4, 5, 5), (0, 27.75, 19.5, 28.75, 20.5), (1, 15.5, 15.5, 16.5, 16.5)]
    yield make("boxes of one pixel", (32, 32), [pixels], 737, reach=0.375, slope=4)


def write():
    text = '{"cases":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases()) + "\n]}\n"
    (loss.FOLDER / "mask-loss.json").write_text(text)
    print(f"mask-loss.json: {len(text) / 1024:.0f} KB")


if __name__ == "__main__":
    torch.set_num_threads(1)
    write()
