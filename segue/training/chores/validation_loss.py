"""The validation loss, ``loss`` of a validation: the mean cross-entropy of the labeled pixels at the size of the image.

It is of the prediction that is measured, from the same logits, band by band, and so needs no second pass; class
weights, hard-example sampling and auxiliary heads, which are there for training, are no part of it. It has six
decimals: the last digits of a sum depend on the order in which a processor adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from segue.inference.segment import Seen, is_multilabel
from segue.masks.labels import IGNORE


class ValidationLoss:
    """A sum over the images of a validation."""

    def __init__(self) -> None:
        self.sums = torch.zeros(2, dtype=torch.float64)

    def reset(self) -> None:
        """Forget all images."""
        self.sums.zero_()

    def add(self, model: Any, seen: Seen, truth: Tensor | None) -> None:
        """One image; one without labels or logits, of several views or of several classes a pixel does not count."""
        views = seen.views
        if truth is None or not views or len(views) != 1 or is_multilabel(model):
            return
        for low, band in views[0].bands():
            labels = truth[low : low + band.shape[1]].to(band.device).long()
            known = labels != IGNORE
            count = int(known.sum())
            if not count:
                continue
            if band.shape[0] == 1:  # a single logit means foreground
                values, wanted = band[0][known], (labels[known] > 0).float()
                each = F.binary_cross_entropy_with_logits(values, wanted, reduction="none")
            elif int(labels[known].max()) >= band.shape[0]:
                return  # of another set of classes; the metric has said so, if it minds
            else:
                each = F.cross_entropy(band[None], labels[None], ignore_index=IGNORE, reduction="none")
            self.sums += torch.tensor([float(each.double().sum()), count], dtype=torch.float64)

    def value(self, trainer: Any) -> dict[str, float]:
        """``{"loss": mean}`` of all processes' pixels; empty where none was counted."""
        sums = self.sums
        if trainer.world_size > 1:
            sums = trainer.strategy.reduce(sums.to(trainer.strategy.root_device), reduce_op="sum").cpu()
        return {"loss": round(float(sums[0] / sums[1]), 6)} if sums[1] > 0 else {}


def told_apart(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics under the names for logs where ``loss`` is that of training: the validation's is ``val_loss`` there."""
    return {"val_loss" if name == "loss" else name: value for name, value in metrics.items()}
