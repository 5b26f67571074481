"""The forward pass of one training step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from segue.models.seg_data_preprocessor import stack_targets
from segue.models.total_loss import total_loss
from segue.types import SegSample


def losses_of(model: Any, batch: Mapping[str, Any]) -> tuple[Tensor, Mapping[str, Tensor], list[SegSample]]:
    """The total loss of a batch as the loader gave it, its parts by name, and the samples after preprocessing."""
    own: Any = getattr(model, "own_losses", None)
    if own is not None:  # a user's class says how losses are made and added up
        total, values = own(batch)
        return total, values, list(batch["data_samples"])
    inputs, samples = model.data_preprocessor(batch, training=True)
    total, values = total_loss(model.loss(inputs, stack_targets(samples, inputs.device)))
    return total, values, samples
