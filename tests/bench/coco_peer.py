"""COCO's measures of boxes in plain NumPy, a Python loop over categories, images and detections as the protocol is written
down: what ours is measured against.

Argument: a folder with objects.f64 [G, 8] (image, category, x, y, width, height, area, iscrowd) and detections.f64 [D, 7]
(image, category, x, y, width, height, score). Command on standard input, one answer line:
  {"command": "measure", "images": n, "categories": c} -> {"ms": x, "ap": y, "ap50": z}
"""
import json
import sys
import time

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
AREAS = [(0, 1e10), (0, 32**2), (32**2, 96**2), (96**2, 1e10)]
MOST = 100


def ious(d, g, crowd):
    """[D, G] of xywh boxes."""
    wide = np.minimum(d[:, None, 0] + d[:, None, 2], g[None, :, 0] + g[None, :, 2]) - np.maximum(d[:, None, 0], g[None, :, 0])
    high = np.minimum(d[:, None, 1] + d[:, None, 3], g[None, :, 1] + g[None, :, 3]) - np.maximum(d[:, None, 1], g[None, :, 1])
    common = np.maximum(wide, 0) * np.maximum(high, 0)
    own = d[:, 2] * d[:, 3]
    union = np.where(crowd[None, :], own[:, None], own[:, None] + (g[:, 2] * g[:, 3])[None, :] - common)
    return common / union


def match(overlap, g_ignore, crowd, threshold):
    """Which object each detection takes, -1 for none; objects are sorted so that those that count come first."""
    taken, chosen = np.zeros(len(g_ignore), bool), np.full(len(overlap), -1)
    for d in range(len(overlap)):
        best, at = min(threshold, 1 - 1e-10), -1
        for g in range(len(g_ignore)):
            if taken[g] and not crowd[g]:
                continue
            if at > -1 and not g_ignore[at] and g_ignore[g]:
                break
            if overlap[d, g] < best:
                continue
            best, at = overlap[d, g], g
        if at > -1:
            taken[at], chosen[d] = True, at
    return chosen


def measure(objects, detections, images, categories):
    by = lambda table: {key: table[rows] for key, rows in groups(table)}
    objects, detections = by(objects), by(detections)
    none_objects, none_detections = np.zeros((0, 8)), np.zeros((0, 7))
    results = np.full((len(AREAS), categories, len(THRESHOLDS), len(RECALLS)), -1.0)
    for category in range(categories):
        pairs = []
        for image in range(images):
            g, d = objects.get((image, category), none_objects), detections.get((image, category), none_detections)
            if len(g) + len(d) == 0:
                continue
            d = d[np.argsort(-d[:, 6], kind="mergesort")][:MOST]
            pairs.append((g, d, ious(d[:, 2:6], g[:, 2:6], g[:, 7] == 1)))
        for a, (low, high) in enumerate(AREAS):
            scores, hits, ignored, positives = [], [], [], 0
            for g, d, overlap in pairs:
                ignore = (g[:, 7] == 1) | (g[:, 6] < low) | (g[:, 6] > high)
                order = np.argsort(ignore, kind="mergesort")
                g, ignore, overlap = g[order], ignore[order], overlap[:, order]
                positives += int((~ignore).sum())
                outside = (d[:, 4] * d[:, 5] < low) | (d[:, 4] * d[:, 5] > high)
                scores.append(d[:, 6])
                found = np.stack([match(overlap, ignore, g[:, 7] == 1, t) for t in THRESHOLDS])
                hit = found >= 0
                hits.append(hit & ~np.where(hit, ignore[found] if len(g) else False, False))
                ignored.append(np.where(hit, ignore[found] if len(g) else False, outside[None, :]))
            if positives == 0:
                continue
            order = np.argsort(-np.concatenate(scores), kind="mergesort")
            hit, ignore = np.concatenate(hits, 1)[:, order], np.concatenate(ignored, 1)[:, order]
            right, wrong = np.cumsum(hit & ~ignore, 1).astype(float), np.cumsum(~hit & ~ignore, 1).astype(float)
            for t in range(len(THRESHOLDS)):
                recall = right[t] / positives
                precision = right[t] / (right[t] + wrong[t] + np.spacing(1))
                precision = np.maximum.accumulate(precision[::-1])[::-1]
                at = np.searchsorted(recall, RECALLS, side="left")
                results[a, category, t] = [precision[i] if i < len(precision) else 0 for i in at]
    mean = lambda values: float(values[values > -1].mean()) if (values > -1).any() else None
    return mean(results[0]), mean(results[0, :, 0])


def groups(table):
    keys = table[:, 0].astype(int) * 100_000 + table[:, 1].astype(int)
    order = np.argsort(keys, kind="mergesort")
    starts = np.flatnonzero(np.r_[True, np.diff(keys[order]) != 0]) if len(order) else []
    for start, rows in zip(starts, np.split(order, starts[1:]) if len(order) else []):
        yield (int(table[rows[0], 0]), int(table[rows[0], 1])), rows


def main(folder):
    read = lambda name, width: np.fromfile(f"{folder}/{name}.f64", np.float64).reshape(-1, width)
    objects, detections = read("objects", 8), read("detections", 7)
    for line in sys.stdin:
        request = json.loads(line)
        started = time.perf_counter()
        ap, ap50 = measure(objects, detections, request["images"], request["categories"])
        print(json.dumps({"ms": 1000 * (time.perf_counter() - started), "ap": ap, "ap50": ap50}), flush=True)


main(sys.argv[1])
