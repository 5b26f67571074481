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
        return self.choose(self.hardness(logits, labels, losses, ignore_index), labels, ignore_index)

    @torch.no_grad()
    def hardness(self, logits: Tensor, labels: Tensor, losses: Sequence[Any], ignore_index: int) -> Tensor:
        """What pixels are chosen by, (B, H, W): with ``thresh`` the probability of the true class, else the loss.

        Raises:
            InputError: as `sample`.
        """
        if self.thresh is not None:
            truth = labels.where(labels != ignore_index, 0).unsqueeze(1)
            return logits.softmax(dim=1).gather(1, truth).squeeze(1)
        for loss in losses:
            if not hasattr(loss, "per_pixel"):
                raise InputError(
                    f"OHEMPixelSampler sorts pixels by their loss, which {type(loss).__name__} cannot give per pixel; "
                    "set thresh, or use CrossEntropyLoss"
                )
        parts: list[Tensor] = [loss.per_pixel(logits, labels, ignore_index) for loss in losses]
        return torch.stack(parts).sum(dim=0)

    @torch.no_grad()
    def choose(self, hardness: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
        """Weights (B, H, W), 1 for a kept pixel, from the ``hardness`` (B, H, W) of all pixels of the batch."""
        labeled = labels != ignore_index
        weight = torch.zeros_like(hardness)
        kept = self.min_kept * len(labels)
        values = hardness[labeled]
        if values.numel() == 0:
            return weight
        if self.thresh is not None:
            limit = values.sort().values[min(kept, values.numel() - 1)].clamp(min=self.thresh)
            weight[labeled] = (values < limit).to(weight.dtype)
            return weight
        chosen = torch.zeros_like(values)
        chosen[values.topk(min(kept, values.numel())).indices] = 1.0
        weight[labeled] = chosen
        return weight
