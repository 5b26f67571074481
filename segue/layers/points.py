"""Feature maps read at points, and which points to read: PointRend (Kirillov et al. 2020, arXiv:1912.08193).

Points are (x, y) in 0..1 over the whole map, whatever its size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from segue.types import TestOptions


@dataclass(frozen=True, kw_only=True)
class PointSampling:
    """Which points are trained on (section 3.1), the config's ``train_cfg``.

    Attributes:
        num_points: per image.
        oversample_ratio: k; draw k times as many candidates.
        importance_sample_ratio: beta; this share are the most uncertain candidates, the others are random.
    """

    num_points: int = 2048
    oversample_ratio: float = 3
    importance_sample_ratio: float = 0.75


@dataclass(frozen=True, kw_only=True)
class Subdivision(TestOptions):
    """How evaluation looks at an image, and how it subdivides (section 3.1, figure 4); the config's ``test_cfg``.

    Attributes:
        subdivision_steps: how often the prediction is enlarged, and its most uncertain points predicted again.
        subdivision_num_points: how many of these each time.
        scale_factor: of each enlargement.
    """

    subdivision_steps: int = 2
    subdivision_num_points: int = 8196
    scale_factor: int = 2


def point_sample(
    x: Tensor, points: Tensor, align_corners: bool = False, mode: Literal["bilinear", "nearest"] = "bilinear"
) -> Tensor:
    """Values of a map (B, C, H, W) at points (B, P, 2): (B, C, P)."""
    grid = 2.0 * points.unsqueeze(2) - 1.0
    return F.grid_sample(x, grid, mode=mode, padding_mode="zeros", align_corners=align_corners).squeeze(3)


def uncertainty(logits: Tensor) -> Tensor:
    """Logits (B, C, ...) to (B, ...): how close the two best classes are, 0 at most (section 4)."""
    if logits.shape[1] == 1:
        return -logits[:, 0].abs()
    best = logits.topk(2, dim=1).values
    return best[:, 1] - best[:, 0]


def points_to_train(logits: Tensor, options: PointSampling, align_corners: bool = False) -> Tensor:
    """Random points, most of them where the logits (B, C, H, W) are uncertain: (B, num_points, 2)."""
    batch = logits.shape[0]
    candidates = torch.rand(batch, int(options.num_points * options.oversample_ratio), 2, device=logits.device)
    wanted = int(options.importance_sample_ratio * options.num_points)
    chosen = uncertainty(point_sample(logits, candidates, align_corners)).topk(wanted, dim=1).indices
    uncertain = candidates.gather(1, chosen.unsqueeze(2).expand(-1, -1, 2))
    return torch.cat([uncertain, torch.rand(batch, options.num_points - wanted, 2, device=logits.device)], dim=1)


def most_uncertain(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The pixels of logits (B, C, H, W) to predict again: indices (B, P) in H * W, and centers (B, P, 2)."""
    h, w = logits.shape[-2:]
    most = torch.sym_min(count, h * w)  # type: ignore[no-untyped-call]
    indices = uncertainty(logits).flatten(1).topk(most, dim=1).indices
    width = torch.full_like(indices, w)  # ONNX has no remainder by a size that may change
    x, y = indices % width, torch.div(indices, width, rounding_mode="floor")
    return indices, torch.stack([(x + 0.5) / w, (y + 0.5) / h], dim=2).to(logits.dtype)
