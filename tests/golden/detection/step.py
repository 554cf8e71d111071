"""A whole training step of a detector in PyTorch, in float64: YOLOv8n on two small images with objects, the assignment,
the three losses, and the gradient of their sum by every weight. Weights and images as in ../engine/networks.py, assigner
and losses as in loss.py; where the assignment comes close to a decision, other objects are drawn.
"""
import json
import pathlib
import sys

import numpy as np
import torch

import loss

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "engine"))
import network_models as models  # noqa: E402
import networks  # noqa: E402

SIDE, BATCH, CATEGORIES, SEED = 64, 2, networks.CATEGORIES, 10_000
OBJECTS = (3, 5)


def assigned(boxes, distances, scores, points, case):
    """Of each image, {anchor: (object, target score)}."""
    sides = distances * points[:, 2]
    predicted = np.stack([points[:, 0] - sides[:, 0], points[:, 1] - sides[:, 1], points[:, 0] + sides[:, 2], points[:, 1] + sides[:, 3]], -1)
    return [
        loss.assign(torch.from_numpy(predicted[i]), torch.from_numpy(scores[i]).sigmoid(), case["categories"][i], np.array(case["boxes"][i]), points)
        for i in range(BATCH)
    ]


def step(images, case, dtype, assignments=None):
    model = models.Yolov8n(CATEGORIES)
    specs = networks.fill(model, SEED)
    model = model.to(dtype).train()
    boxes, scores, distances = model((torch.from_numpy(images).to(dtype) / 255 - 0.5) / 0.5)
    points = loss.anchors(SIDE, SIDE)
    if assignments is None:
        numbers = [value.detach().numpy() for value in (boxes, distances, scores)]
        assignments = assigned(*numbers, points, case)
    parts = loss.losses(boxes, scores, case, points, assignments)
    sum(parts.values()).backward()
    gradients = {name: p.grad.numpy().astype(np.float64).reshape(-1) for name, p in model.named_parameters() if p.requires_grad}
    return specs, assignments, {name: float(value) for name, value in parts.items()}, gradients


def write():
    images = networks.image_bytes(SEED, BATCH, SIDE)
    for place in range(20_000, 21_000, 10):
        objects = loss.random_objects(place, OBJECTS, CATEGORIES, (SIDE, SIDE), 8)
        case = {
            "categories": [[int(o[0]) for o in image] for image in objects],
            "boxes": [[[float(np.float32(side)) for side in o[1:]] for o in image] for image in objects],
        }
        try:
            specs, assignments, parts, gradients = step(images, case, torch.float64)
        except AssertionError:
            continue
        if all(len(assignment) >= 10 for assignment in assignments):
            break
    else:
        raise SystemExit("every drawing of objects comes close to a decision")
    _, _, _, single = step(images, case, torch.float32, assignments)
    largest = max(np.abs(value).max() for value in gradients.values())
    document = {
        "side": SIDE,
        "batch": BATCH,
        "categoryCount": CATEGORIES,
        "imageSeed": SEED,
        **case,
        "parameters": specs,
        "assigned": [
            [image, number, anchor, float(f"{weight:.9g}")]
            for image, assignment in enumerate(assignments)
            for anchor, (number, weight) in sorted(assignment.items())
        ],
        "losses": {name: float(f"{value:.12g}") for name, value in parts.items()},
        "gradients": {name: networks.sampled(value, single[name], largest * networks.LEAST_SHARE) for name, value in gradients.items()},
    }
    text = json.dumps(document, separators=(",", ":")) + "\n"
    (loss.FOLDER / "step.json").write_text(text)
    off = max(entry["torch32"] for entry in document["gradients"].values())
    print(f"step.json: {len(text) / 1024:.0f} KB, objects of {place}, losses {document['losses']}, float32's own worst gradient {off}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    write()
