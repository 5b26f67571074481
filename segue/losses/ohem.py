"""Online hard example mining for pixels (arXiv:1604.03540, applied per pixel as in arXiv:1605.06885)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from segue.errors import InputError


class OHEMPixelSampler:
    """Keeps the pixels that the model finds hard.

    Args:
        thresh: keep pixels whose predicted probability of the true class is below this. None: keep those with the
            largest loss.
        min_kept: keep at least this many per image of the batch (counted over the batch).
    """

    def __init__(self, thresh: float | None = None, min_kept: int = 100_000) -> None:
        if min_kept < 2:
            raise InputError(f"OHEMPixelSampler: min_kept={min_kept}; it must be at least 2")
        self.thresh = thresh
        self.min_kept = min_kept

    @torch.no_grad()
    def sample(self, logits: Tensor, labels: Tensor, losses: Sequence[Any], ignore_index: int) -> Tensor:
        """Weights (B, H, W), 1 for a kept pixel, from logits (B, C, H, W) and labels (B, H, W).

        Raises:
            InputError: without ``thresh`` a loss is needed that can be evaluated per pixel.
        """
        labeled = labels != ignore_index
        weight = torch.zeros_like(labels, dtype=logits.dtype)
        kept = self.min_kept * logits.shape[0]
        if not labeled.any():
            return weight
        if self.thresh is not None:
            truth = labels.where(labeled, 0).unsqueeze(1)
            prob = logits.softmax(dim=1).gather(1, truth).squeeze(1)[labeled]
            limit = prob.sort().values[min(kept, prob.numel() - 1)].clamp(min=self.thresh)
            weight[labeled] = (prob < limit).to(weight.dtype)
            return weight
        for loss in losses:
            if not hasattr(loss, "per_pixel"):
                raise InputError(
                    f"OHEMPixelSampler sorts pixels by their loss, which {type(loss).__name__} cannot give per pixel; "
                    "set thresh, or use CrossEntropyLoss"
                )
        hardness = sum(loss.per_pixel(logits, labels, ignore_index) for loss in losses)[labeled]
        chosen = torch.zeros_like(hardness)
        chosen[hardness.topk(min(kept, hardness.numel())).indices] = 1.0
        weight[labeled] = chosen
        return weight
