"""Reference masks for tests/unit/geometry-golden.test.ts: COCO run lengths, strings, areas, bounds, IoU and rasterised
polygons, worked out with NumPy alone (arrays of pixels; an even-odd test of every pixel's centre), independent of ours.
Run: python3 tests/golden/geometry/masks.py > tests/golden/geometry/masks.json
"""
import json
import numpy as np

rng = np.random.default_rng(20261128)


def counts_of(mask):
    flat = mask.flatten(order="F").astype(np.int8)
    change = np.flatnonzero(np.diff(flat)) + 1
    edges = np.concatenate([[0], change, [flat.size]])
    runs = np.diff(edges).tolist()
    return ([0] if flat[0] else []) + runs


def string_of(counts):
    out = ""
    for i, c in enumerate(counts):
        x = int(c) - int(counts[i - 2]) if i > 2 else int(c)
        while True:
            low = x % 32
            x = (x - low) // 32
            more = not ((x == 0 and low < 16) or (x == -1 and low >= 16))
            out += chr((low + 32 if more else low) + 48)
            if not more:
                break
    return out


def bounds_of(mask):
    ys, xs = np.nonzero(mask)
    if xs.size == 0:
        return None
    return [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]


def random_mask(h, w):
    kind = rng.integers(0, 4)
    if kind == 0:
        return rng.random((h, w)) < 0.5
    if kind == 1:
        return np.zeros((h, w), bool)
    if kind == 2:
        return np.ones((h, w), bool)
    m = np.zeros((h, w), bool)
    for _ in range(3):
        y, x = rng.integers(0, h), rng.integers(0, w)
        m[y : y + rng.integers(1, h + 1), x : x + rng.integers(1, w + 1)] ^= True
    return m


def inside_ring(ring, px, py):
    """Even-odd by counting crossings of a ray to the left."""
    n = len(ring) // 2
    hit = np.zeros(px.shape, bool)
    for i in range(n):
        xa, ya = ring[2 * i], ring[2 * i + 1]
        xb, yb = ring[(2 * i + 2) % (2 * n)], ring[(2 * i + 3) % (2 * n)]
        if ya == yb:
            continue
        crosses = (ya > py) != (yb > py)
        at = xa + (py - ya) / (yb - ya) * (xb - xa)
        hit ^= crosses & (at < px)
    return hit


masks = []
for _ in range(40):
    h, w = int(rng.integers(1, 40)), int(rng.integers(1, 40))
    a, b = random_mask(h, w), random_mask(h, w)
    union = int((a | b).sum())
    masks.append(
        {
            "size": [h, w],
            "rows": ["".join("1" if v else "0" for v in row) for row in a],
            "counts": counts_of(a),
            "string": string_of(counts_of(a)),
            "other": counts_of(b),
            "area": int(a.sum()),
            "bounds": bounds_of(a),
            "union": counts_of(a | b),
            "intersection": counts_of(a & b),
            "iou": 0 if union == 0 else int((a & b).sum()) / union,
        }
    )

polygons = []
for _ in range(40):
    h, w = int(rng.integers(4, 48)), int(rng.integers(4, 48))
    py, px = np.mgrid[0:h, 0:w] + 0.5
    parts, total = [], np.zeros((h, w), bool)
    for _ in range(int(rng.integers(1, 4))):
        rings = []
        for _ in range(int(rng.integers(1, 3))):
            n = int(rng.integers(3, 9))
            xy = rng.random((n, 2)) * [w * 1.4, h * 1.4] - [w * 0.2, h * 0.2]
            rings.append(np.round(xy, 3).flatten().tolist())
        inside = np.zeros((h, w), bool)
        for ring in rings:
            inside ^= inside_ring(ring, px, py)
        total |= inside
        parts.append({"outer": rings[0], "holes": rings[1:]})
    polygons.append({"size": [h, w], "parts": parts, "counts": counts_of(total)})

large = [4000 * 3000 - 7, 5, 2]  # a run that needs five characters
print(json.dumps({"masks": masks, "polygons": polygons, "large": {"counts": large, "string": string_of(large)}}))
