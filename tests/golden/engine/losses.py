"""Losses over logits and labels, in PyTorch float64 and written out from their definitions; losses.json.

Deliberately slow and plain: each category on its own, the Lovász extension as a sum of differences of the IoU's loss.
"""
import torch
import torch.nn.functional as F

import cases

IGNORE = 255


def cross_entropy(logits, labels, classWeights):
    weights = None if classWeights is None else torch.tensor(classWeights, dtype=logits.dtype)
    if logits.shape[1] > 1:
        return F.cross_entropy(logits, labels, weights, ignore_index=IGNORE)
    keep = labels != IGNORE
    x, t = logits[:, 0][keep], labels[keep].to(logits.dtype)
    w = torch.ones_like(x) if weights is None else weights[labels[keep]]
    return F.binary_cross_entropy_with_logits(x, t, w, reduction="sum") / w.sum()


def by_category(logits, labels, activated):
    """For each category what the network says of the labels that count (probabilities or logits), and whether they are it."""
    keep = labels != IGNORE
    if logits.shape[1] == 1:
        said = torch.sigmoid(logits) if activated else logits
        return [(said[:, 0][keep], (labels[keep] == 1).to(logits.dtype))]
    said = torch.softmax(logits, 1) if activated else logits
    return [(said[:, c][keep], (labels[keep] == c).to(logits.dtype)) for c in range(logits.shape[1])]


def overlap(logits, labels, score):
    losses = []
    for p, t in by_category(logits, labels, activated=True):
        losses.append(1 - score(p, t) if t.sum() > 0 else p.sum() * 0)
    return torch.stack(losses).mean()


def dice(logits, labels, smooth):
    return overlap(logits, labels, lambda p, t: (2 * (p * t).sum() + smooth) / (p.sum() + t.sum() + smooth).clamp(min=1e-7))


def jaccard(logits, labels, smooth):
    def score(p, t):
        both = (p * t).sum()
        return (both + smooth) / (p.sum() + t.sum() - both + smooth).clamp(min=1e-7)

    return overlap(logits, labels, score)


def tversky(logits, labels, alpha, beta, gamma, smooth):
    def score(p, t):
        both, false_positive, false_negative = (p * t).sum(), (p * (1 - t)).sum(), ((1 - p) * t).sum()
        return (both + smooth) / (both + alpha * false_positive + beta * false_negative + smooth).clamp(min=1e-7)

    return overlap(logits, labels, score) ** gamma


def focal(logits, labels, gamma, alpha):
    total = 0
    for x, t in by_category(logits, labels, activated=False):
        entropy = F.binary_cross_entropy_with_logits(x, t, reduction="none")
        p = torch.sigmoid(x)
        p_t = p * t + (1 - p) * (1 - t)
        share = 1 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
        total = total + (share * (1 - p_t) ** gamma * entropy).mean()
    return total


def iou_loss(wrong, t):
    """1 - IoU of a prediction that is wrong at these pixels and right at all others."""
    said = torch.where(wrong, 1 - t, t)
    union = ((said + t) > 0).sum()
    return 0.0 if union == 0 else 1 - float((said * t).sum()) / float(union)


def extension(errors, t):
    order = torch.argsort(errors, descending=True)
    wrong = torch.zeros(len(t), dtype=torch.bool)
    total, before = errors.sum() * 0, 0.0
    for index in order:
        wrong[index] = True
        now = iou_loss(wrong, t)
        total = total + F.relu(errors[index]) * (now - before)
        before = now
    return total


def lovasz(logits, labels):
    if logits.shape[1] == 1:
        [(x, t)] = by_category(logits, labels, activated=False)
        return extension(1 - x * (2 * t - 1), t)
    parts = by_category(logits, labels, activated=True)
    return torch.stack([extension((t - p).abs(), t) for p, t in parts if t.sum() > 0]).mean()


LOSSES = {
    "cross-entropy": cross_entropy,
    "dice": dice,
    "jaccard": jaccard,
    "tversky": tversky,
    "focal": focal,
    "lovasz": lovasz,
}


def total_of(terms, logits, labels):
    return sum(
        term["weight"] * LOSSES[term["loss"]["kind"]](logits, labels, **{k: v for k, v in term["loss"].items() if k != "kind"})
        for term in terms
    )


def one(kind, **settings):
    return [{"weight": 1, "loss": {"kind": kind, **settings}}]


def each_loss(categories):
    weights = [0.5, 2, 1.25, 0.75, 1][:categories]
    return {
        "cross-entropy": one("cross-entropy", classWeights=None),
        "cross-entropy, weighted": one("cross-entropy", classWeights=weights),
        "dice": one("dice", smooth=0),
        "dice, smooth": one("dice", smooth=1.5),
        "jaccard": one("jaccard", smooth=0),
        "jaccard, smooth": one("jaccard", smooth=0.5),
        "tversky": one("tversky", alpha=0.3, beta=0.7, gamma=1, smooth=0),
        "tversky, focal": one("tversky", alpha=0.7, beta=0.3, gamma=1.5, smooth=1),
        "focal": one("focal", gamma=2, alpha=None),
        "focal, weighted": one("focal", gamma=1.5, alpha=0.25),
        "focal without focus": one("focal", gamma=0, alpha=None),
        "lovasz": one("lovasz"),
        "sum": one("cross-entropy", classWeights=None) + [{"weight": 0.5, "loss": {"kind": "dice", "smooth": 1}}],
    }


def images():
    """(name, categories of the labels, channels of the logits, shape of the labels, categories that never occur)"""
    return [
        ("all categories", 3, 3, (2, 4, 5), []),
        ("an absent category and ignored pixels", 4, 4, (2, 4, 5), [1]),
        ("one logit", 2, 1, (2, 4, 5), []),
        ("one logit, nothing there", 2, 1, (2, 3, 3), [1]),
        ("a label an image", 5, 5, (7,), []),
    ]


def labels_for(categories, shape, absent, ignoring):
    present = [c for c in range(categories) if c not in absent]
    labels = torch.tensor(cases.RANDOM.choice(present, shape))
    if ignoring:
        labels[torch.tensor(cases.RANDOM.random(shape) < 0.2)] = IGNORE
    return labels


def write_all():
    cases.Family("losses", own_stream=True)
    rows = []
    for name, categories, channels, shape, absent in images():
        labels = labels_for(categories, shape, absent, ignoring=name != "all categories")
        logits = cases.rnd(shape[0], channels, *shape[1:], scale=2.0)
        for loss, terms in each_loss(categories).items():
            found = {}
            for dtype in (torch.float64, torch.float32):
                x = torch.tensor(logits, dtype=dtype, requires_grad=True)
                value = total_of(terms, x, labels)
                [gradient] = torch.autograd.grad(value, [x])
                found[dtype] = [value.detach().numpy(), gradient.numpy()]
            rows.append(
                {
                    "name": f"{loss}: {name}",
                    "terms": terms,
                    "logits": {"dataType": "float32", "shape": list(logits.shape), "data": cases.numbers(logits)},
                    "labels": {"dataType": "int64", "shape": list(labels.shape), "data": cases.numbers(labels.numpy())},
                    "loss": cases.numbers(found[torch.float64][0])[0],
                    "gradient": cases.numbers(found[torch.float64][1]),
                    "torch32": [cases.worst(a, b) for a, b in zip(found[torch.float32], found[torch.float64])],
                }
            )
    cases.write_json("losses.json", {"cases": rows}, rows=rows)
