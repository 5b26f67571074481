"""Bilinear resizing of feature maps and logits, in one place because ``align_corners`` moves mIoU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F


def resize(
    x: Tensor,
    size: Sequence[int],
    align_corners: bool = False,
    mode: Literal["nearest", "bilinear", "bicubic"] = "bilinear",
) -> Tensor:
    """Resize (B, C, H, W) to (B, C, *size); returns ``x`` itself when it has that size already.

    ``align_corners=True`` maps the centers of the corner pixels onto each other, which suits sizes of the form 8k + 1
    (769 x 769 crops); False maps the outer edges of the image.
    """
    if same_size(x.shape[-2:], size):
        return x
    return F.interpolate(x, size=tuple(size), mode=mode, align_corners=None if mode == "nearest" else align_corners)


def same_size(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two sizes are equal; while a model is exported, whether they are for images of every size.

    Two maps that happen to be as large as each other for the image that an export is traced with are not so for others.
    """
    if torch.compiler.is_exporting():
        from torch.fx.experimental.symbolic_shapes import statically_known_true  # costs time, which others need not

        return all(statically_known_true(a == b) for a, b in zip(one, other, strict=True))
    return tuple(one) == tuple(other)


def row_matrix(source: int, target: int, align_corners: bool) -> Tensor:
    """(target, source) in float64: what each row of a map takes from rows of the smaller one, resized bilinearly."""
    eye = torch.eye(source, dtype=torch.float64).view(1, source, source, 1)
    return F.interpolate(eye, size=(target, 1), mode="bilinear", align_corners=align_corners)[0, :, :, 0].T
