"""COCO's measures of poses: the evaluation of measures.py with object keypoint similarity in place of overlap, written from its
definition (cocodataset.org, "Keypoint evaluation"): one pair of an object and a detection at a time.
"""
import json

import numpy as np

import measures

PERSON = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000


def sigmas(points):
    return PERSON if points == 17 else np.full(points, 1 / points)


def oks(detection, item):
    found, wanted = np.array(detection["keypoints"]), np.array(item["keypoints"])
    labelled = wanted[:, 2] > 0
    if labelled.any():
        offsets = (found - wanted)[:, :2]
    else:
        x, y, width, height = item["bbox"]
        low, high = np.array([x - width, y - height]), np.array([x + 2 * width, y + 2 * height])
        offsets = np.maximum(0, low - found[:, :2]) + np.maximum(0, found[:, :2] - high)
        labelled[:] = True
    variances = (2 * sigmas(len(wanted))) ** 2
    exponents = (offsets**2).sum(1) / variances / (item["area"] + np.spacing(1)) / 2
    return float(np.exp(-exponents[labelled]).mean())


def area_of_points(detection):
    points = np.array(detection["keypoints"])[:, :2]
    return float(np.prod(points.max(0) - points.min(0)))


POSES = (oks, area_of_points, lambda o: all(point[2] == 0 for point in o["keypoints"]), 20)


def random_case(name, seed, images, categories, points, objects, extra, score_steps, crowds=0.0, unlabelled=0.0, side=240):
    rng = np.random.default_rng(seed)
    case = {"name": name, "images": images, "categoryCount": categories, "pointCount": points, "objects": [], "detections": []}

    def pose(box, spread, visibility):
        x, y, w, h = box
        places = np.column_stack([x + w * rng.uniform(0, 1, points), y + h * rng.uniform(0, 1, points)])
        return np.column_stack([np.round((places + rng.normal(0, spread, places.shape)) * 4) / 4, visibility])

    for image in range(images):
        for _ in range(rng.integers(0, objects + 1)):
            width, height = np.exp(rng.uniform(np.log(8), np.log(side * 0.8), 2))
            box = measures.quarter([rng.uniform(0, side - width), rng.uniform(0, side - height), width, height])
            category = int(rng.integers(categories))
            area = round(box[2] * box[3] * rng.uniform(0.4, 1), 3)
            seen = rng.integers(0, 3, points) if rng.uniform() >= unlabelled else np.zeros(points)
            truth = pose(box, 0, seen)
            case["objects"].append({"image": image, "category": category, "bbox": box, "area": area, "iscrowd": int(rng.uniform() < crowds), "keypoints": truth.tolist()})
            for _ in range(rng.integers(0, 4)):
                spread = np.sqrt(area) * sigmas(points)[:, None] * rng.choice([0.3, 0.8, 1.6, 4])
                found = truth.copy()
                found[:, :2] = np.round((truth[:, :2] + rng.normal(0, 1, (points, 2)) * spread) * 4) / 4
                found[:, 2] = np.round(rng.uniform(0, 1, points), 3)
                called = int(rng.integers(categories)) if rng.uniform() < 0.1 else category
                case["detections"].append({"image": image, "category": called, "bbox": box, "score": rng.integers(score_steps // 3, score_steps) / score_steps, "keypoints": found.tolist()})
        for _ in range(extra):
            box = measures.quarter([*rng.uniform(0, side, 2), *rng.uniform(4, 90, 2)])
            found = pose(box, 0, np.round(rng.uniform(0, 1, points), 3))
            case["detections"].append({"image": image, "category": int(rng.integers(categories)), "bbox": box, "score": rng.integers(1, score_steps) / score_steps, "keypoints": found.tolist()})
    rng.shuffle(case["detections"])
    return case


def cases():
    yield measures.evaluated(random_case("a person's 17 points", 61, 10, 1, 17, 4, 1, 1000), POSES)
    yield measures.evaluated(random_case("four points, two categories, few scores", 62, 12, 2, 4, 5, 2, 8), POSES)
    yield measures.evaluated(random_case("crowds, and objects without a labelled point", 63, 12, 2, 5, 6, 2, 1000, crowds=0.2, unlabelled=0.3), POSES)
    yield measures.evaluated(random_case("more than twenty detections an image", 64, 3, 1, 3, 12, 24, 1000), POSES)
    yield measures.evaluated(random_case("one point", 65, 10, 1, 1, 3, 1, 50), POSES)


def compact(case):
    """Rows instead of records; the points behind the numbers that boxes have."""
    flat = lambda item: [value for point in item["keypoints"] for value in point]
    return {
        **case,
        "objects": [[o["image"], o["category"], *o["bbox"], o["area"], o["iscrowd"], *flat(o)] for o in case["objects"]],
        "detections": [[d["image"], d["category"], *d["bbox"], d["score"], *flat(d)] for d in case["detections"]],
    }


def write():
    text = '{"cases":[\n' + ",\n".join(json.dumps(compact(case), separators=(",", ":")) for case in cases()) + "\n]}\n"
    (measures.FOLDER / "pose-measures.json").write_text(text)
    print(f"pose-measures.json: {len(text) / 1024:.0f} KB")


if __name__ == "__main__":
    write()
