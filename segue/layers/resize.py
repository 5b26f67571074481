"""Bilinear resizing of feature maps and logits, in one place because ``align_corners`` moves mIoU."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F


def resize(x: Tensor, size: Sequence[int], align_corners: bool = False) -> Tensor:
    """Resize (B, C, H, W) to (B, C, *size) bilinearly; returns ``x`` itself when it has that size already.

    ``align_corners=True`` maps the centers of the corner pixels onto each other, which suits sizes of the form 8k + 1
    (769 x 769 crops); False maps the outer edges of the image.
    """
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=align_corners)
