"""Norms and histograms of made-up tensors by NumPy: python3 tests/golden/statistics/spreads.py > tests/golden/statistics/spreads.json"""
import json

import numpy as np

rng = np.random.RandomState(7)
BINS = 16


def case(name, values):
    values = values.astype(np.float32)
    wide = values.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    counts, edges = np.histogram(finite, bins=BINS)
    return {
        "name": name,
        "values": [float(value) if np.isfinite(value) else None for value in values],
        "norm": float(np.linalg.norm(wide)) if np.isfinite(wide).all() else None,
        "low": float(edges[0]),
        "high": float(edges[-1]),
        "counts": counts.tolist(),
    }


cases = [
    case("normal", rng.randn(200)),
    case("of very different sizes", np.exp(rng.randn(100) * 6)),
    case("far from zero", rng.rand(100) * 1e-3 + 1000),
    case("tiny", rng.randn(100) * 1e-20),
    case("one value", np.array([0.25, 0.75])),
    case("with a number that is none", np.concatenate([rng.randn(50), [np.nan]])),
]
print(json.dumps({"bins": BINS, "cases": cases}))
