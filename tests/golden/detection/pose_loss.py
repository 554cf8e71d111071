"""The keypoint losses of a detector of poses in float64, written from the published recipe (OKS as in COCO's keypoint
evaluation), anchor by anchor; gradients by torch.autograd. Assignment, boxes and scores are those of loss.py.

What the network says of the points lies around a guess, so that few similarities are 0: x = (guess/stride − column)/2 + spread·u.
"""
import json

import numpy as np
import torch

import loss

PERSON = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
POSITION_GAIN, VISIBILITY_GAIN = 12, 1


def keypoint_outputs(seed, guesses, points, spread):
    """float32 [N, 3·K, A]. guesses: [N, K, 2] px."""
    images, count = guesses.shape[:2]
    noise = 2 * loss.draw(seed + 3, images, count, 3, len(points)) - 1
    cells = points[:, :2] / points[:, 2:] - 0.5
    said = np.empty_like(noise)
    for axis in (0, 1):
        said[:, :, axis] = (guesses[:, :, axis, None] / points[:, 2] - cells[:, axis]) / 2 + spread * noise[:, :, axis]
    said[:, :, 2] = 2 * noise[:, :, 2]
    return said.reshape(images, 3 * count, -1).astype(np.float32)


def losses(said, case, points, assignments):
    images, depth, _ = said.shape
    count = depth // 3
    sigmas = torch.tensor(PERSON if count == 17 else np.full(count, 1 / count), dtype=said.dtype)
    position, visibility = [], []
    for image, assignment in enumerate(assignments):
        for anchor, (number, _) in assignment.items():
            x, y, stride = points[anchor]
            mine = said[image, :, anchor].reshape(count, 3)
            wanted = torch.tensor(case["points"][image][number], dtype=said.dtype).reshape(count, 3)
            labelled = (wanted[:, 2] != 0).to(said.dtype)
            column_and_row = torch.tensor([x, y], dtype=said.dtype) / stride
            places = mine[:, :2] * 2 + column_and_row - 0.5
            d2 = ((places - wanted[:, :2] / stride) ** 2).sum(-1)
            x1, y1, x2, y2 = (side / stride for side in case["boxes"][image][number])
            e = d2 / ((2 * sigmas) ** 2 * ((x2 - x1) * (y2 - y1) + 1e-9) * 2)
            position.append((labelled * (1 - torch.exp(-e))).sum() / (labelled.sum() + 1e-9))
            visibility.append(torch.nn.functional.binary_cross_entropy_with_logits(mine[:, 2], labelled))
    mean = lambda values: torch.stack(values).mean() if values else torch.zeros((), dtype=said.dtype)
    return {"position": POSITION_GAIN * mean(position), "visibility": VISIBILITY_GAIN * mean(visibility)}


def evaluate(said, case, points, assignments, dtype):
    said = torch.from_numpy(said).to(dtype).requires_grad_()
    parts = losses(said, case, points, assignments)
    gradients = {}
    for name, value in parts.items():
        found = torch.autograd.grad(value, said, retain_graph=True)[0] if value.requires_grad else torch.zeros_like(said)
        gradients[name] = found.numpy().astype(np.float64).reshape(-1)
    return {name: float(value) for name, value in parts.items()}, gradients


def pose(seed, box, count):
    """Points in and a little around a box, of every visibility."""
    x1, y1, x2, y2 = box
    u = loss.draw(seed, count, 3)
    x, y = x1 + (x2 - x1) * (1.1 * u[:, 0] - 0.05), y1 + (y2 - y1) * (1.1 * u[:, 1] - 0.05)
    return np.stack([x, y, np.floor(3 * u[:, 2])], -1).astype(np.float32).astype(float)


def make(name, size, objects, count, seed, capacity=None, spread=0.5, every=1, hidden=()):
    """objects: for each image a list of (category, x1, y1, x2, y2); hidden: (image, object) without a labelled point."""
    detection = loss.make(name, size, 2, objects, seed, capacity)
    points = loss.anchors(*size)
    poses = [[pose(seed + 50 + 10 * i + j, o[1:], count) for j, o in enumerate(image)] for i, image in enumerate(objects)]
    for image, number in hidden:
        poses[image][number][:, 2] = 0
    guesses = np.stack([image[0][:, :2] + 1.25 if image else np.full((count, 2), 16.0) for image in poses])
    keep = ("name", "size", "categoryCount", "capacity", "seed", "reach", "slope", "categories", "boxes", "assigned")
    case = {key: detection[key] for key in keep}
    case |= {"pointCount": count, "spread": spread, "every": every, "guesses": guesses.reshape(len(objects), -1).tolist()}
    case["points"] = [[pose.reshape(-1).tolist() for pose in image] for image in poses]
    assignments = [{} for _ in objects]
    for image, number, anchor, weight in case["assigned"]:
        assignments[image][anchor] = (number, weight)
    said = keypoint_outputs(seed, guesses, points, spread)
    parts, gradients = evaluate(said, case, points, assignments, torch.float64)
    _, single = evaluate(said, case, points, assignments, torch.float32)
    text = lambda values: loss.base64.b64encode(values[::every].astype("<f4").tobytes()).decode()
    case["losses"] = {part: float(f"{value:.12g}") for part, value in parts.items()}
    case["gradients"] = {part: {"values": text(values), "torch32": loss.worst(single[part], values)} for part, values in gradients.items()}
    return case


def cases():
    yield make("five points, padded", (64, 96), loss.random_objects(911, (4, 6, 1), 2, (64, 96), 12), 5, 1101, capacity=8, every=7)
    yield make("a person's 17 points", (64, 64), loss.random_objects(921, (2, 3), 2, (64, 64), 24), 17, 1201, spread=0.1, every=11)
    yield make("no objects", (32, 32), [[], []], 3, 1301, capacity=2)
    yield make("an image without objects, one point", (64, 32), [[], loss.random_objects(931, (3,), 2, (64, 32), 8)[0]], 1, 1401)
    boxes = [(0, 4, 4, 40, 40), (1, 20, 18, 60, 61), (0, 2, 30, 30, 62)]
    yield make("objects without a labelled point", (64, 64), [boxes, boxes[:1]], 4, 1501, every=3, hidden=[(0, 1), (1, 0)])
    twins = [(0, 4, 4, 40, 40), (0, 4, 4, 40, 40), (1, 6, 5, 41, 43), (1, 20, 20, 60, 60)]
    yield make("overlapping and equal objects", (64, 64), [twins], 4, 1601, every=3)


def write():
    text = '{"cases":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases()) + "\n]}\n"
    (loss.FOLDER / "pose-loss.json").write_text(text)
    print(f"pose-loss.json: {len(text) / 1024:.0f} KB")


if __name__ == "__main__":
    torch.set_num_threads(1)
    write()
