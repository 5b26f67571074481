"""The functions that losses of a user's own were written with: mmseg.models.losses.utils."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def get_class_weight(class_weight: Any) -> Any:
    """Class weights from a list, or from a file of one (.json, .yaml, .npy)."""
    if isinstance(class_weight, str):
        if class_weight.endswith(".npy"):
            return np.load(class_weight, allow_pickle=False)
        from segue.compat.mmengine.files import load

        return load(class_weight)
    return class_weight


def reduce_loss(loss: Tensor, reduction: str) -> Tensor:
    """``mean``, ``sum`` or ``none``."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"reduction={reduction!r}: none, mean or sum")
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


def weight_reduce_loss(
    loss: Tensor, weight: Tensor | None = None, reduction: str = "mean", avg_factor: Any = None
) -> Tensor:
    """Weigh, then reduce; ``avg_factor`` replaces the number of elements in a mean."""
    if weight is not None:
        if weight.dim() != loss.dim():
            raise AssertionError(f"weight has {weight.dim()} dimensions, the loss {loss.dim()}")
        loss = loss * weight
    if avg_factor is None:
        return reduce_loss(loss, reduction)
    if reduction == "mean":
        return loss.sum() / (avg_factor + torch.finfo(torch.float32).eps)
    if reduction != "none":
        raise ValueError('avg_factor can not be used with reduction="sum"')
    return loss


def weighted_loss(function: Any) -> Any:
    """A decorator that adds ``weight``, ``reduction`` and ``avg_factor`` to a loss per element."""

    @functools.wraps(function)
    def wrapper(
        pred: Any, target: Any, weight: Any = None, reduction: str = "mean", avg_factor: Any = None, **kwargs: Any
    ) -> Tensor:
        return weight_reduce_loss(function(pred, target, **kwargs), weight, reduction, avg_factor)

    return wrapper


def cross_entropy(
    pred: Tensor,
    label: Tensor,
    weight: Tensor | None = None,
    class_weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: Any = None,
    ignore_index: int = -100,
    avg_non_ignore: bool = False,
) -> Tensor:
    """Cross-entropy of logits (B, C, ...) and labels, as a function."""
    loss = F.cross_entropy(pred, label, weight=class_weight, reduction="none", ignore_index=ignore_index)
    if avg_factor is None and reduction == "mean":
        if class_weight is not None:
            counted = torch.ones_like(label, dtype=torch.bool) if not avg_non_ignore else label != ignore_index
            avg_factor = class_weight[label[counted]].sum()
        elif avg_non_ignore:
            avg_factor = label.numel() - (label == ignore_index).sum().item()
    return weight_reduce_loss(loss, None if weight is None else weight.float(), reduction, avg_factor)
