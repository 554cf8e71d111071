"""IoU, F1, accuracy, precision and recall of masks in every reduction, by NumPy from sets of pixels; segmentation-metrics.json.

Pixels are looked at as sets, and image-wise values are kept as arrays with NaN for 0/0, so that nothing is shared with
the program under test but the definitions.
"""
import numpy as np

import cases

IGNORE = 255
MEASURES = {
    "iou": lambda said, true, seen: (len(said & true), len(said | true)),
    "f1": lambda said, true, seen: (2 * len(said & true), len(said) + len(true)),
    "accuracy": lambda said, true, seen: (len(seen) - len(said ^ true), len(seen)),
    "precision": lambda said, true, seen: (len(said & true), len(said)),
    "recall": lambda said, true, seen: (len(said & true), len(true)),
}


def pixels(images, categories, measure):
    """[image, category, (numerator, denominator)]"""
    table = []
    for predicted, labels in images:
        seen = set(np.flatnonzero(labels != IGNORE))
        table.append(
            [
                MEASURES[measure](set(np.flatnonzero(predicted == c)) & seen, set(np.flatnonzero(labels == c)), seen)
                for c in range(categories)
            ]
        )
    return np.array(table, np.float64)


def quotient(pair, zero):
    with np.errstate(invalid="ignore", divide="ignore"):
        value = pair[..., 0] / pair[..., 1]
    return np.where(pair[..., 1] == 0, np.nan if zero is None else zero, value)


def average(values, axis=None, weights=None):
    """Over what is no NaN; NaN where there is nothing."""
    weights = np.ones_like(values) if weights is None else np.broadcast_to(weights, values.shape)
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(there, values * weights, 0).sum(axis) / np.where(there, weights, 0).sum(axis)


def reduced(table, zero, weights):
    imagewise = quotient(table, zero)
    by_category = quotient(table.sum(0), zero)
    return {
        "micro": quotient(table.sum((0, 1)), zero),
        "macro": average(by_category),
        "weighted": average(by_category, weights=weights),
        "micro-imagewise": average(quotient(table.sum(1), zero)),
        "macro-imagewise": average(average(imagewise, axis=0)),
        "weighted-imagewise": average(average(imagewise, axis=0), weights=weights),
        "none": imagewise,
    }


def plain(value):
    if np.ndim(value) > 0:
        return [plain(item) for item in value]
    return None if np.isnan(value) else float(f"{float(value):.12g}")


def draw(shape, allowed, categories, ignoring):
    predicted = cases.RANDOM.choice(allowed, shape)
    labels = np.where(cases.RANDOM.random(shape) < 0.6, predicted, cases.RANDOM.integers(0, categories, shape))
    labels[np.isin(labels, allowed, invert=True)] = allowed[0]
    if ignoring:
        labels[cases.RANDOM.random(shape) < 0.2] = IGNORE
    return predicted, labels


def documents():
    """Name, images, number of categories, weights."""
    two = lambda categories, *allowed: [draw((4, 6), np.array(list(a)), categories, i == 1) for i, a in enumerate(allowed)]
    yield "four categories", two(4, range(4), range(4), range(4)), 4, [0.1, 0.5, 0.1, 0.3]
    yield "categories that an image lacks", two(4, (0, 1), (0, 3), (3,)), 4, [1, 2, 3, 4]
    empty = (np.zeros((4, 6), int), np.full((4, 6), IGNORE))
    yield "an image that is all ignored", [*two(2, (0, 1)), empty], 2, [1, 3]


def write_all():
    cases.Family("segmentation-metrics", own_stream=True)
    rows = []
    for name, images, categories, weights in documents():
        tables = {measure: pixels(images, categories, measure) for measure in MEASURES}
        for zero in (1, 0, None):
            rows.append(
                {
                    "name": f"{name}, 0/0 is {'absent' if zero is None else zero}",
                    "categories": categories,
                    "zeroDivision": zero,
                    "classWeights": weights,
                    "predicted": [cases.numbers(predicted) for predicted, _ in images],
                    "labels": [cases.numbers(labels) for _, labels in images],
                    "values": {
                        measure: {reduction: plain(value) for reduction, value in reduced(table, zero, weights).items()}
                        for measure, table in tables.items()
                    },
                }
            )
    cases.write_json("segmentation-metrics.json", {"cases": rows}, rows=rows)
