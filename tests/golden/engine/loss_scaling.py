"""A sequence of updates under PyTorch's GradScaler rule, with SGD by torch.optim; loss-scaling.json.

GradScaler itself needs a GPU, so its rule (_amp_update_scale_) is written out here: after a gradient that is not finite the
update is left out and the scale halved; after `interval` good updates in a row it is doubled.
"""
import math

import torch

import cases

GROWTH, BACKOFF, INTERVAL = 2.0, 0.5, 2000
SIZE = 3


def gradients(steps, bad, seed):
    """Gradients of `steps` steps without a scale, as the network would give them; `bad` puts a value in place of one element."""
    made = torch.randn(steps, SIZE, generator=torch.Generator().manual_seed(seed))
    return [[bad.get((step, i), made[step, i].item()) for i in range(SIZE)] for step in range(steps)]


def run(name, accumulation, clip, start, steps, bad, seed):
    scale, good = start
    parameter = torch.nn.Parameter(torch.tensor([1.0, -2.0, 0.5]))
    optimiser = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
    rows = []
    unscaled = gradients(steps, bad, seed)
    parameter.grad = torch.zeros(SIZE)
    for step, row in enumerate(unscaled):
        # What reaches the scaler: the gradient times the scale, in float32.
        scaled = torch.tensor(row) * scale
        parameter.grad += scaled / accumulation
        if (step + 1) % accumulation == 0:
            parameter.grad *= 1 / scale
            if bool(torch.isfinite(parameter.grad).all()):
                if clip is not None:
                    torch.nn.utils.clip_grad_norm_([parameter], clip)
                optimiser.step()
                good += 1
                if good == INTERVAL:
                    scale, good = scale * GROWTH, 0
            else:
                scale, good = scale * BACKOFF, 0
            parameter.grad = torch.zeros(SIZE)
        momentum = optimiser.state[parameter].get("momentum_buffer")
        rows.append({
            "gradient": [x if math.isfinite(x) else str(x) for x in row],
            "scale": scale,
            "goodUpdates": good,
            "parameters": parameter.tolist(),
            "momentum": [0.0] * SIZE if momentum is None else momentum.tolist(),
        })
    return {"name": name, "accumulation": accumulation, "clipNorm": clip, "start": list(start), "steps": rows}


def write_all():
    inf, nan = math.inf, math.nan
    rows = [
        run("overflows at the start", 1, None, (65536.0, 0), 6, {(0, 1): inf, (1, 2): nan, (3, 0): -inf}, 1),
        run("growth after enough good updates", 1, None, (1024.0, 1997), 7, {(5, 0): inf}, 2),
        run("the norm is that without the scale", 1, 0.5, (4096.0, 1998), 5, {(3, 2): nan}, 3),
        run("an overflow in one of several steps", 2, None, (2048.0, 1998), 8, {(2, 0): inf, (7, 1): nan}, 4),
    ]
    cases.write_json("loss-scaling.json", {"cases": rows}, rows=rows)


if __name__ == "__main__":
    write_all()
