"""Reference values for resized and moved images, by PyTorch: python3 tests/golden/images/make.py"""
import json
from pathlib import Path

import torch
import torch.nn.functional as F

HERE = Path(__file__).parent
generator = torch.Generator().manual_seed(20)


def random_image(channels, height, width):
    return torch.randint(0, 256, (channels, height, width), generator=generator)


def rounded(values):
    return [round(v, 6) for v in values.flatten().tolist()]


def resizes():
    cases = []
    for (h, w), (oh, ow) in [((7, 5), (7, 5)), ((7, 5), (16, 11)), ((20, 31), (8, 8)), ((1, 9), (4, 3)), ((12, 2), (5, 9))]:
        image = random_image(3, h, w)
        out = F.interpolate(image[None].double(), size=(oh, ow), mode="bilinear", align_corners=False, antialias=False)
        cases.append({"image": image.flatten().tolist(), "size": [h, w], "resized": [oh, ow], "values": rounded(out)})
    return cases


def motions():
    """What is seen at each output pixel of an image that was moved by a matrix, its edge repeated beyond it."""
    cases = []
    for _ in range(4):
        h, w = 10, 14
        image, mask = random_image(3, h, w), random_image(1, h, w)
        angle = (torch.rand(1, generator=generator).item() - 0.5) * 2
        scale = 0.6 + torch.rand(1, generator=generator).item()
        shear = (torch.rand(1, generator=generator).item() - 0.5) * 0.4
        shift = (torch.rand(2, generator=generator).double() - 0.5) * 8
        c, s = torch.cos(torch.tensor(angle)).item() * scale, torch.sin(torch.tensor(angle)).item() * scale
        motion = torch.tensor([[c, -s + shear, shift[0] + 3], [s, c, shift[1]], [0, 0, 1]], dtype=torch.float64)
        back = torch.linalg.inv(motion)
        ys, xs = torch.meshgrid(torch.arange(h).double() + 0.5, torch.arange(w).double() + 0.5, indexing="ij")
        at = torch.stack([xs, ys, torch.ones_like(xs)], -1) @ back.T
        # To the sampler's coordinates, in which the image spans -1 ... 1.
        grid = torch.stack([at[..., 0] * 2 / w - 1, at[..., 1] * 2 / h - 1], -1)[None]
        sample = lambda values, mode: F.grid_sample(values[None].double(), grid, mode, "border", align_corners=False)
        inside = (at[..., 0] >= 0) & (at[..., 0] < w) & (at[..., 1] >= 0) & (at[..., 1] < h)
        cases.append({
            "size": [h, w],
            "image": image.flatten().tolist(),
            "mask": mask.flatten().tolist(),
            "motion": motion[:2].flatten().tolist(),
            "inside": inside.flatten().int().tolist(),
            "values": rounded(sample(image, "bilinear")),
            "labels": sample(mask, "nearest").flatten().int().tolist(),
        })
    return cases


(HERE / "images.json").write_text(json.dumps({"resizes": resizes(), "motions": motions()}, separators=(",", ":")) + "\n")
