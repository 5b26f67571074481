"""The number that training minimizes, of all that a model returns as its losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def total_loss(losses: Mapping[str, Tensor | Sequence[Tensor]]) -> tuple[Tensor, dict[str, Tensor]]:
    """The sum of the values whose name contains ``loss``, and all values, each a scalar: means, lists added up."""
    values = {
        name: torch.stack([v.mean() for v in value]).sum() if isinstance(value, (list, tuple)) else value.mean()  # type: ignore[union-attr]
        for name, value in losses.items()
    }
    counted = [value for name, value in values.items() if "loss" in name]
    return sum(counted[1:], counted[0]) if counted else torch.zeros(()), values
