"""What is true of each pixel, as losses with a binary problem per class compare it with logits."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def one_hot(target: Tensor, num_classes: int, ignore_index: int) -> Tensor:
    """Labels (B, H, W) to int64 (B, num_classes, H, W); all zero where ignored."""
    labeled = (target != ignore_index) & (target >= 0)
    encoded = F.one_hot(target.where(labeled, 0), num_classes).permute(0, 3, 1, 2)
    return encoded * labeled.unsqueeze(1)


def binary_truth(pred: Tensor, target: Tensor, labeled: Tensor) -> tuple[Tensor, Tensor]:
    """For logits (B, C, H, W): whether each class is true, 0 and 1 of their shape and dtype, and where that is known.

    Labels (B, H, W) are class ids, or 0 and 1 where C is 1; they are known for all classes at once, (B, 1, H, W).
    Multilabel annotations (B, C, H, W) say it for every class, which may be unknown by itself. ``labeled`` has the
    shape of ``target``.
    """
    target = target.where(labeled, 0)
    if target.ndim == pred.ndim:
        return target.to(pred.dtype), labeled
    labeled = labeled.unsqueeze(1)
    if pred.shape[1] == 1:
        return target.to(pred.dtype).unsqueeze(1), labeled
    return (F.one_hot(target, pred.shape[1]).permute(0, 3, 1, 2) * labeled).to(pred.dtype), labeled
