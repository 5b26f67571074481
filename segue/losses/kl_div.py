"""Distillation by the Kullback-Leibler divergence (Hinton et al. 2015, arXiv:1503.02531, section 2).

Deviation from the reference: student probabilities enter by their logarithm (there, as they are, which gives negative
"divergences"), and ``mean`` gives one number.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.reduction import Reduction, reduce


class KLDivLoss(nn.Module):
    """``T ** 2 * KL(teacher || student)`` of the class distributions of each pixel.

    Args:
        temperature: T; divides both logits.
        reduction: over images and pixels: ``mean``, ``sum`` or ``none`` (then (B, H, W)).
        loss_weight: factor of the result.
        loss_name: key in the log.
    """

    def __init__(
        self,
        temperature: float = 1.0,
        *,
        reduction: Reduction = "mean",
        loss_weight: float = 1.0,
        loss_name: str = "loss_kld",
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.reduction = reduction
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int | None = None
    ) -> Tensor:
        """Loss of logits ``pred`` for the teacher's logits ``target``, both (B, C, H, W); ``weight`` (B, H, W) scales
        pixels. There are no labels, so ``ignore_index`` means nothing: give ``weight`` 0.
        """
        student = (pred / self.temperature).log_softmax(dim=1)
        teacher = (target / self.temperature).log_softmax(dim=1)
        loss = F.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=1)
        if weight is not None:
            loss = loss * weight
        loss = self.loss_weight * self.temperature**2 * loss
        return reduce(loss, self.reduction)
