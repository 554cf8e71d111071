"""The detection loss in float64, written from the papers (task-aligned assigner: TOOD; CIoU: Zheng et al. 2020; distribution
focal loss: Generalized Focal Loss), object by object and with dense targets; gradients by torch.autograd.

Distributions and scores come from mulberry32, so that the file need not hold them. No case lies near a decision: what
float32 could see differently (the tenth and eleventh claim, two overlaps of one anchor) is apart by MARGIN at least, or
exactly equal.
"""
import base64
import json
import pathlib

import numpy as np
import torch

FOLDER = pathlib.Path(__file__).parent
BINS, STRIDES, CLAIMS, MARGIN = 16, (8, 16, 32), 10, 3e-4


def draw(seed, *shape):
    """mulberry32, all at once: its state is a counter."""
    count = int(np.prod(shape))
    low = lambda x: x & np.uint64(0xFFFFFFFF)
    state = low(np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x6D2B79F5))
    mixed = low((state ^ (state >> np.uint64(15))) * (state | np.uint64(1)))
    mixed ^= low(mixed + low((mixed ^ (mixed >> np.uint64(7))) * (mixed | np.uint64(61))))
    return ((mixed ^ (mixed >> np.uint64(14))).astype(np.float64) / 2**32).reshape(shape)


def anchors(height, width):
    rows = [
        ((column + 0.5) * stride, (row + 0.5) * stride, stride)
        for stride in STRIDES
        for row in range(height // stride)
        for column in range(width // stride)
    ]
    return np.array(rows, np.float64)


def network_outputs(seed, images, categories, points, reach, slope):
    """float32 logits of the bins [N, 64, A], around a place of each side's own, and of the scores [N, C, A]."""
    count = len(points)
    place = draw(seed, images, 4, 1, count) * reach / (points[:, 2] / 8)
    noise = 2 * (2 * draw(seed + 1, images, 4, BINS, count) - 1)
    boxes = noise - slope * np.abs(np.arange(BINS).reshape(1, 1, BINS, 1) - place)
    scores = 8 * draw(seed + 2, images, categories, count) - 6
    return boxes.reshape(images, 4 * BINS, count).astype(np.float32), scores.astype(np.float32)


def ciou(a, b):
    """xyxy, broadcast together."""
    eps = 1e-7
    wa, ha, wb, hb = a[..., 2] - a[..., 0], a[..., 3] - a[..., 1], b[..., 2] - b[..., 0], b[..., 3] - b[..., 1]
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inner = (high - low).clamp(min=0).prod(-1)
    iou = inner / (wa * ha + wb * hb - inner + eps)
    outer = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    centres = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    rho = (centres**2).sum(-1) / ((outer**2).sum(-1) + eps)
    v = 4 / np.pi**2 * (torch.atan(wb / (hb + eps)) - torch.atan(wa / (ha + eps))) ** 2
    with torch.no_grad():
        alpha = v / (1 - iou + v + 1e-6)
    return iou - rho - alpha * v


def apart(a, b):
    return a == b or abs(a - b) > MARGIN * max(abs(a), abs(b))


def assign(boxes, scores, categories, objects, points):
    """One image. boxes: [A, 4], scores: [C, A] in (0, 1), objects: [M, 4]. Returns {anchor: (object, target score)}."""
    claims = {}
    for number, (category, box) in enumerate(zip(categories, objects)):
        inside = (points[:, 0] > box[0]) & (points[:, 0] < box[2]) & (points[:, 1] > box[1]) & (points[:, 1] < box[3])
        overlap = ciou(torch.from_numpy(box), boxes).clamp(min=0).numpy()
        aligned = np.where(inside, np.sqrt(scores[category].numpy()) * overlap**6, 0)
        order = np.argsort(-aligned, kind="stable")
        if len(order) > CLAIMS:
            assert apart(aligned[order[CLAIMS - 1]], aligned[order[CLAIMS]]), "the tenth and eleventh claim are close"
        for anchor in order[:CLAIMS]:
            assert aligned[anchor] == 0 or aligned[anchor] > 1e-30, "float32 may underflow"
            if aligned[anchor] > 0:
                claims.setdefault(int(anchor), []).append((overlap[anchor], number, aligned[anchor]))
    won = {}
    for anchor, list_ in claims.items():
        best = max(overlap for overlap, _, _ in list_)
        assert all(apart(overlap, best) for overlap, _, _ in list_), "two overlaps are close"
        won[anchor] = next(claim for claim in list_ if claim[0] == best)
    result = {}
    for anchor, (_, number, aligned) in won.items():
        mine = [claim for claim in won.values() if claim[1] == number]
        most = max(claim[2] for claim in mine)
        result[anchor] = (number, aligned * max(claim[0] for claim in mine) / (most + 1e-9))
    return result


def losses(boxes, scores, case, points, assignments):
    """With their gains: box, category, distribution. boxes: [N, 64, A], scores: [N, C, A]."""
    points = torch.from_numpy(points).to(boxes.dtype)
    stride = points[:, 2]
    images, _, count = boxes.shape
    logits = boxes.reshape(images, 4, BINS, count).permute(0, 3, 1, 2)  # [N, A, 4, bins]
    distances = (logits.softmax(-1) * torch.arange(BINS, dtype=boxes.dtype)).sum(-1)
    lows, highs = points[:, :2] / stride[:, None] - distances[..., :2], points[:, :2] / stride[:, None] + distances[..., 2:]
    predicted = torch.cat([lows, highs], -1)  # [N, A, 4] in strides
    targets = torch.zeros_like(scores)
    box = distribution = torch.zeros((), dtype=boxes.dtype)
    for image, assignment in enumerate(assignments):
        for anchor, (number, weight) in assignment.items():
            targets[image, case["categories"][image][number], anchor] = weight
            wanted = torch.tensor(case["boxes"][image][number], dtype=boxes.dtype) / stride[anchor]
            box = box + weight * (1 - ciou(predicted[image, anchor], wanted))
            place = points[anchor, :2] / stride[anchor]
            sides = torch.cat([place - wanted[:2], wanted[2:] - place]).clamp(0, BINS - 1 - 0.01)
            lower = sides.floor().long()
            log_p = logits[image, anchor].log_softmax(-1)
            at = lambda bins: log_p.gather(1, bins[:, None])[:, 0]
            distribution = distribution - weight * ((lower + 1 - sides) * at(lower) + (sides - lower) * at(lower + 1)).mean()
    z = max(sum(weight for assignment in assignments for _, weight in assignment.values()), 1)
    category = torch.nn.functional.binary_cross_entropy_with_logits(scores, targets, reduction="sum")
    return {"box": 7.5 * box / z, "category": 0.5 * category / z, "distribution": 1.5 * distribution / z}


def evaluate(boxes, scores, case, points, assignments, dtype):
    boxes = torch.from_numpy(boxes).to(dtype).requires_grad_()
    scores = torch.from_numpy(scores).to(dtype).requires_grad_()
    parts = losses(boxes, scores, case, points, assignments)
    by = {"box": boxes, "category": scores, "distribution": boxes}
    gradients = {}
    for name, value in parts.items():
        found = torch.autograd.grad(value, by[name], retain_graph=True)[0] if value.requires_grad else torch.zeros_like(by[name])
        gradients[name] = found.numpy().astype(np.float64).reshape(-1)
    return {name: float(value) for name, value in parts.items()}, gradients


def worst(values, reference):
    scale = np.abs(reference).max(initial=0)
    return 0 if scale == 0 else float(f"{np.abs(values - reference).max() / scale:.1e}")


def make(name, size, categories, objects, seed, capacity=None, every=1, reach=6, slope=0.75):
    """objects: for each image a list of (category, x1, y1, x2, y2)."""
    points = anchors(*size)
    boxes, scores = network_outputs(seed, len(objects), categories, points, reach, slope)
    as_float32 = lambda values: [float(np.float32(value)) for value in values]
    case = {
        "name": name,
        "size": list(size),
        "categoryCount": categories,
        "capacity": capacity or max(1, max(map(len, objects))),
        "seed": seed,
        "reach": reach,
        "slope": slope,
        "categories": [[int(o[0]) for o in image] for image in objects],
        "boxes": [[as_float32(o[1:]) for o in image] for image in objects],
    }
    wide = torch.from_numpy(boxes).double().reshape(len(objects), 4, BINS, -1)
    distances = (wide.softmax(2) * torch.arange(BINS).double().reshape(1, 1, BINS, 1)).sum(2).numpy() * points[:, 2]
    predicted = np.stack([points[:, 0] - distances[:, 0], points[:, 1] - distances[:, 1], points[:, 0] + distances[:, 2], points[:, 1] + distances[:, 3]], -1)
    probabilities = torch.from_numpy(scores).double().sigmoid()
    assignments = [
        assign(torch.from_numpy(predicted[i]), probabilities[i], case["categories"][i], np.array(case["boxes"][i]).reshape(-1, 4), points)
        for i in range(len(objects))
    ]
    parts, gradients = evaluate(boxes, scores, case, points, assignments, torch.float64)
    _, single = evaluate(boxes, scores, case, points, assignments, torch.float32)
    case["assigned"] = [
        [image, number, anchor, float(f"{weight:.9g}")]
        for image, assignment in enumerate(assignments)
        for anchor, (number, weight) in sorted(assignment.items())
    ]
    text = lambda values: base64.b64encode(values[::every].astype("<f4").tobytes()).decode()
    case["every"] = every
    case["losses"] = {part: float(f"{value:.12g}") for part, value in parts.items()}
    case["gradients"] = {
        part: {"values": text(values), "torch32": worst(single[part], values)} for part, values in gradients.items()
    }
    return case


def random_objects(seed, counts, categories, size, smallest=4):
    height, width = size
    result, place = [], seed
    for count in counts:
        u = draw(place, count, 5)
        place += 1
        image = []
        for c, x, y, w, h in u:
            w, h = smallest + w * (width - smallest) * 0.8, smallest + h * (height - smallest) * 0.8
            x, y = x * (width - w), y * (height - h)
            image.append((int(c * categories), x, y, x + w, y + h))
        result.append(image)
    return result


def cases():
    yield make("random objects, padded", (96, 96), 5, random_objects(11, (5, 8, 2), 5, (96, 96)), 101, capacity=12, every=7)
    yield make("no objects", (32, 64), 3, [[], []], 201, capacity=3)
    yield make("an image without objects", (64, 32), 3, [[], random_objects(21, (3,), 3, (64, 32))[0]], 301)
    yield make("more objects than anchors", (32, 32), 2, random_objects(31, (30, 25), 2, (32, 32), 8), 401)
    shifted = [(1, 10 + d, 12 - d, 44 + d, 50 - d / 2) for d in (0, 0.7, 1.9, 3.3)]
    twins = [(0, 4, 4, 40, 40), (0, 4, 4, 40, 40), (2, 4, 4, 40, 40), (1, 20, 20, 60, 60)]
    yield make("overlapping and equal objects", (64, 64), 3, [shifted, twins], 501, every=3)
    outside = [(0, -30, -20, 25, 30), (1, 40, 10, 120, 90), (0, -50, -50, -5, -5), (1, 70, 70, 90, 95)]
    yield make("boxes that reach or lie outside the image", (64, 64), 2, [outside], 601, every=3)
    pixels = [(0, 3.5, 3.5, 4.5, 4.5), (1, 11, 11, 12, 12), (1, 4, 4, 5, 5), (0, 27.75, 19.5, 28.75, 20.5), (1, 15.5, 15.5, 16.5, 16.5)]
    yield make("boxes of one pixel", (32, 32), 2, [pixels], 737, reach=0.375, slope=4)
    yield make("objects wider than the bins reach, one category", (32, 256), 1, [[(0, 1, 1, 255, 31)], [(0, 0, 0, 256, 32), (0, 90, 3, 200, 30)]], 801, every=5)


def write():
    rows = [json.dumps(case, separators=(",", ":")) for case in cases()]
    text = '{"cases":[\n' + ",\n".join(rows) + "\n]}\n"
    (FOLDER / "loss.json").write_text(text)
    print(f"loss.json: {len(text) / 1024:.0f} KB")


if __name__ == "__main__":
    torch.set_num_threads(1)
    write()
