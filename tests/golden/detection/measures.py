"""COCO's measures of boxes, and non-maximum suppression, in plain Python from their definitions (cocodataset.org, "Detection
evaluation", and the published evaluation's order of ties): the reference implementation itself is in no Debian package.
One image, category, size and threshold at a time, with every list searched again; nothing is shared with ours.
"""
import json
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).parent
IOUS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
SIZES = {"all": (0, 1e5**2), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e5**2)}


def iou(detection, item):
    d, g = detection["bbox"], item["bbox"]
    width = min(d[0] + d[2], g[0] + g[2]) - max(d[0], g[0])
    height = min(d[1] + d[3], g[1] + g[3]) - max(d[1], g[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (d[2] * d[3] if item["iscrowd"] else d[2] * d[3] + g[2] * g[3] - common)


# What is compared: how alike a detection and an object are, a detection's area, which objects never count, how many detections of
# an image count.
BOXES = (iou, lambda d: d["bbox"][2] * d["bbox"][3], lambda o: False, 100)


def one_image(objects, found, size, threshold, kind):
    """found: by falling score. Returns (score, is right, counts) and positives."""
    alike, area_of, never, _ = kind
    low, high = size
    ignore = [bool(o["iscrowd"]) or never(o) or o["area"] < low or o["area"] > high for o in objects]
    order = sorted(range(len(objects)), key=lambda i: ignore[i])
    taken, rows = set(), []
    for d in found:
        best, chosen = min(threshold, 1 - 1e-10), None
        for i in order:
            if i in taken and not objects[i]["iscrowd"]:
                continue
            if chosen is not None and not ignore[chosen] and ignore[i]:
                break
            overlap = alike(d, objects[i])
            if overlap >= best:
                best, chosen = overlap, i
        if chosen is None:
            rows.append((d["score"], False, low <= area_of(d) <= high))
        else:
            taken.add(chosen)
            rows.append((d["score"], not ignore[chosen], not ignore[chosen]))
    return rows, ignore.count(False)


def curve(case, category, size, threshold, most, kind):
    """Precision at the recalls and the recall reached; None where no object counts."""
    rows, positives = [], 0
    for image in range(case["images"]):
        objects = [o for o in case["objects"] if (o["image"], o["category"]) == (image, category)]
        found = [d for d in case["detections"] if (d["image"], d["category"]) == (image, category)]
        found = sorted(found, key=lambda d: -d["score"])[: kind[3]]
        of_image, count = one_image(objects, found, size, threshold, kind)
        rows += of_image[:most]
        positives += count
    if positives == 0:
        return None
    rows = sorted(rows, key=lambda row: -row[0])
    right = np.cumsum([row[1] for row in rows])
    wrong = np.cumsum([row[2] and not row[1] for row in rows])
    recall = right / positives
    precision = right / (right + wrong + np.spacing(1))
    at = [max(precision[recall >= r], default=0.0) for r in RECALLS] if rows else [0.0] * len(RECALLS)
    return at, float(recall[-1]) if rows else 0.0


def mean(values):
    values = [value for value in values if value is not None]
    return float(np.mean(values)) if values else None


def measures(case, category, kind=BOXES):
    def ap(size="all", ious=IOUS):
        curves = [curve(case, category, SIZES[size], t, 100, kind) for t in ious]
        return None if curves[0] is None else float(np.mean([c[0] for c in curves]))

    def ar(size="all", most=100):
        curves = [curve(case, category, SIZES[size], t, most, kind) for t in IOUS]
        return None if curves[0] is None else float(np.mean([c[1] for c in curves]))

    return {
        "ap": ap(), "ap50": ap(ious=IOUS[:1]), "ap75": ap(ious=IOUS[5:6]),
        "apSmall": ap("small"), "apMedium": ap("medium"), "apLarge": ap("large"),
        "ar1": ar(most=1), "ar10": ar(most=10), "ar100": ar(),
        "arSmall": ar("small"), "arMedium": ar("medium"), "arLarge": ar("large"),
    }  # fmt: skip


def evaluated(case, kind=BOXES):
    per_category = [measures(case, category, kind) for category in range(case["categoryCount"])]
    case["perCategory"] = per_category
    case["all"] = {key: mean([m[key] for m in per_category]) for key in per_category[0]}
    return case


def quarter(values):
    return [float(np.round(value * 4) / 4) for value in values]


def random_case(name, seed, images, categories, objects, extra, score_steps, crowds=0.0, side=200):
    """Objects, for each some detections near it, and `extra` others an image."""
    rng = np.random.default_rng(seed)
    case = {"name": name, "images": images, "categoryCount": categories, "objects": [], "detections": []}
    for image in range(images):
        boxes = []
        for _ in range(rng.integers(0, objects + 1)):
            width, height = np.exp(rng.uniform(np.log(6), np.log(side * 0.8), 2))
            box = quarter([rng.uniform(0, side - width), rng.uniform(0, side - height), width, height])
            category = int(rng.integers(categories))
            crowd = int(rng.uniform() < crowds)
            share = 1 if rng.uniform() < 0.5 else rng.uniform(0.5, 1)
            case["objects"].append({"image": image, "category": category, "bbox": box, "area": round(box[2] * box[3] * share, 3), "iscrowd": crowd})
            boxes.append((category, box))
        for category, box in boxes:
            for _ in range(rng.integers(0, 4)):
                x, y, w, h = box
                shift = rng.normal(0, 0.07, 4)
                near = quarter([x + w * shift[0], y + h * shift[1], w * (1 + shift[2]), h * (1 + shift[3])])
                if rng.uniform() < 0.15:
                    category = int(rng.integers(categories))
                case["detections"].append({"image": image, "category": category, "bbox": near, "score": rng.integers(score_steps // 3, score_steps) / score_steps})
        for _ in range(extra):
            box = quarter([*rng.uniform(0, side, 2), *rng.uniform(4, 60, 2)])
            case["detections"].append({"image": image, "category": int(rng.integers(categories)), "bbox": box, "score": rng.integers(1, score_steps) / score_steps})
    rng.shuffle(case["detections"])
    return case


def edge_case():
    """Overlaps of exactly 0.5 and 0.75, areas on the bounds, a category with crowds alone, one with nothing, one without objects."""
    o = lambda image, category, bbox, area=None, crowd=0: {"image": image, "category": category, "bbox": bbox, "area": area or bbox[2] * bbox[3], "iscrowd": crowd}
    d = lambda image, category, bbox, score: {"image": image, "category": category, "bbox": bbox, "score": score}
    return {
        "name": "edges",
        "images": 5,
        "categoryCount": 6,
        "objects": [
            o(0, 0, [0, 0, 32, 32]), o(0, 0, [100, 0, 96, 96]), o(1, 0, [0, 0, 40, 20]), o(1, 0, [0, 50, 10, 10], 1024), o(2, 0, [5, 5, 50, 50], crowd=1),
            o(0, 1, [0, 0, 20, 20], crowd=1), o(3, 4, [10, 10, 30, 30]), o(3, 4, [10, 10, 30, 30]), o(4, 5, [0, 0, 64, 64]),
        ],
        "detections": [
            d(0, 0, [0, 0, 32, 16], 0.9), d(0, 0, [0, 0, 32, 24], 0.9), d(0, 0, [100, 0, 96, 72], 0.5), d(1, 0, [0, 0, 40, 20], 0.9), d(1, 0, [0, 0, 40, 20], 0.9),
            d(1, 0, [0, 50, 10, 10], 0.3), d(2, 0, [10, 10, 8, 8], 0.95), d(2, 0, [20, 20, 8, 8], 0.2), d(2, 0, [90, 90, 32, 32], 0.1), d(2, 0, [90, 90, 96, 96], 0.1),
            d(0, 1, [2, 2, 5, 5], 0.5), d(1, 3, [0, 0, 5, 5], 0.5), d(3, 4, [10, 10, 30, 30], 0.5), d(3, 4, [10, 10, 30, 30], 0.5), d(3, 4, [10, 10, 30, 30], 0.5),
        ],
    }  # fmt: skip


def coco_cases():
    yield evaluated(random_case("random", 1, 20, 3, 6, 3, 1000))
    yield evaluated(random_case("few scores, many ties", 2, 20, 2, 6, 4, 8))
    yield evaluated(random_case("crowds", 3, 16, 2, 8, 3, 1000, crowds=0.3))
    yield evaluated(random_case("more than a hundred detections an image", 4, 2, 1, 12, 130, 1000))
    yield evaluated(random_case("sparse", 5, 12, 5, 1, 1, 20))
    yield evaluated(edge_case())


def suppress(boxes, scores, categories, settings):
    """Indices that stay, best first. Each time the best of what is left, and all that it covers goes."""
    left = [i for i in range(len(boxes)) if scores[i] > settings["scoreThreshold"]]
    kept = []
    while left and len(kept) < settings["maxDetections"]:
        best = min(left, key=lambda i: (-scores[i], i))
        kept.append(best)
        covers = lambda i: (settings["classAgnostic"] or categories[i] == categories[best]) and overlap(boxes[i], boxes[best]) > settings["iouThreshold"]
        left = [i for i in left if i != best and not covers(i)]
    return kept


def overlap(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    return common / union if union > 0 else 0.0


def suppression_cases():
    for number, (count, score_steps, threshold, iou_threshold, most, agnostic) in enumerate(
        [(60, 1000, 0.05, 0.5, 300, False), (60, 1000, 0.05, 0.5, 300, True), (80, 6, 0, 0.7, 300, False), (80, 6, 0.4, 0.3, 5, True), (1, 10, 0.95, 0.5, 10, False), (40, 10, 0, 0, 300, False)]
    ):
        rng = np.random.default_rng(50 + number)
        corner, extent = rng.integers(0, 40, (count, 2)), rng.integers(0 if number == 5 else 4, 30, (count, 2))
        boxes = np.concatenate([corner, corner + extent], 1).tolist()
        scores = (rng.integers(0, score_steps, count) / score_steps).astype(np.float32).tolist()
        categories = rng.integers(0, 3, count).tolist()
        settings = {"scoreThreshold": threshold, "iouThreshold": iou_threshold, "maxDetections": most, "classAgnostic": agnostic}
        yield {"boxes": boxes, "scores": scores, "categories": categories, "settings": settings, "kept": suppress(boxes, scores, categories, settings)}


def compact(case):
    """Rows instead of records."""
    return {
        **case,
        "objects": [[o["image"], o["category"], *o["bbox"], o["area"], o["iscrowd"]] for o in case["objects"]],
        "detections": [[d["image"], d["category"], *d["bbox"], d["score"]] for d in case["detections"]],
    }


def write():
    for file, rows in (("measures.json", map(compact, coco_cases())), ("suppression.json", suppression_cases())):
        text = '{"cases":[\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]}\n"
        (FOLDER / file).write_text(text)
        print(f"{file}: {len(text) / 1024:.0f} KB")


if __name__ == "__main__":
    write()
