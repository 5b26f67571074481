"""Losses of mask classification: of the classes of masks, and of binary masks that were matched to true ones.

They carry the names that a config gives them (``loss_cls=dict(type="mmdet.CrossEntropyLoss", ...)``) and differ from
the losses per pixel of the same names: masks are divided by the number of true masks in the whole batch, over all
processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, distributed
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class CrossEntropyLoss:
    """Cross-entropy over classes, or, with ``use_sigmoid``, between binary masks.

    Attributes:
        use_sigmoid: binary.
        class_weight: one factor per class, and one for "no object"; the mean is weighted.
        loss_weight: factor of the result.
        loss_name: key in the log, where the head does not give it.
        reduction: fixed.
    """

    use_sigmoid: bool = False
    class_weight: Sequence[float] | None = None
    loss_weight: float = 1.0
    loss_name: str = "loss_ce"
    reduction: Literal["mean"] = "mean"

    def classes(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Scores (N, classes + 1) against labels (N,), of which the last class is "no object"."""
        weight = scores.new_ones(scores.shape[1]) if self.class_weight is None else scores.new_tensor(self.class_weight)
        total = F.cross_entropy(scores, labels, weight=weight, reduction="sum")
        return self.loss_weight * total / weight[labels].sum().clamp(min=torch.finfo(scores.dtype).eps)

    def masks(self, masks: Tensor, truth: Tensor, count: Tensor) -> Tensor:
        """Mask logits (N, P) against values from 0 to 1 (N, P); the sum over masks is divided by ``count``."""
        total = F.binary_cross_entropy_with_logits(masks, truth, reduction="sum")
        return self.loss_weight * total / (count * masks.shape[1])


@dataclass(frozen=True, kw_only=True)
class FocalLoss:
    """Focal loss between binary masks (arXiv:1708.02002, equation 5).

    Attributes:
        gamma: how much easy pixels are played down.
        alpha: weight of the foreground; the background has 1 - alpha.
        loss_weight: factor of the result.
        loss_name: key in the log, where the head does not give it.
        use_sigmoid, reduction: fixed.
    """

    gamma: float = 2.0
    alpha: float = 0.25
    loss_weight: float = 1.0
    loss_name: str = "loss_focal"
    use_sigmoid: Literal[True] = True
    reduction: Literal["mean"] = "mean"

    def masks(self, masks: Tensor, truth: Tensor, count: Tensor) -> Tensor:
        """As for cross-entropy."""
        prob = masks.sigmoid()
        miss = (1 - prob) * truth + prob * (1 - truth)
        weight = (self.alpha * truth + (1 - self.alpha) * (1 - truth)) * miss.pow(self.gamma)
        total = (weight * F.binary_cross_entropy_with_logits(masks, truth, reduction="none")).sum()
        return self.loss_weight * total / (count * masks.shape[1])


@dataclass(frozen=True, kw_only=True)
class DiceLoss:
    """One minus the overlap of two masks (V-Net, arXiv:1606.04797).

    Attributes:
        naive_dice: divide by the sums of the values, not of their squares.
        eps: keeps the quotient finite.
        loss_weight: factor of the result.
        loss_name: key in the log, where the head does not give it.
        ignore_index: means nothing for binary masks.
        use_sigmoid, activate, reduction: fixed.
    """

    naive_dice: bool = False
    eps: float = 1e-3
    loss_weight: float = 1.0
    loss_name: str = "loss_dice"
    ignore_index: int | None = None
    use_sigmoid: Literal[True] = True
    activate: Literal[True] = True
    reduction: Literal["mean"] = "mean"

    def masks(self, masks: Tensor, truth: Tensor, count: Tensor) -> Tensor:
        """As for cross-entropy."""
        prob = masks.sigmoid()
        overlap = 2 * (prob * truth).sum(dim=1)
        if self.naive_dice:
            dice = (overlap + self.eps) / (prob.sum(dim=1) + truth.sum(dim=1) + self.eps)
        else:
            dice = overlap / (prob.pow(2).sum(dim=1) + truth.pow(2).sum(dim=1) + 2 * self.eps)
        return self.loss_weight * (1 - dice).sum() / count


def mean_over_processes(value: Tensor) -> Tensor:
    """The mean of a tensor over the processes of a distributed run; the tensor itself in any other."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return value
    value = value / distributed.get_world_size()
    distributed.all_reduce(value)
    return value
