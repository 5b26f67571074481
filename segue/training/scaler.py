"""``loss_scale`` of fp16 training to torch's gradient scaler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from segue.errors import ConfigError, Problem


class StaticScaler(torch.amp.GradScaler):
    """A scale that never changes; steps whose gradients overflow are still skipped."""

    def __init__(self, scale: float, device: str = "cuda") -> None:
        super().__init__(device, init_scale=scale)
        self.constant = scale

    def update(self, new_scale: float | torch.Tensor | None = None) -> None:
        """Go back to the constant."""
        super().update(self.constant if new_scale is None else new_scale)


def make_scaler(loss_scale: str | float | Mapping[str, Any]) -> torch.amp.GradScaler:
    """``'dynamic'``, a constant, or the arguments of ``GradScaler``."""
    if loss_scale == "dynamic":
        return torch.amp.GradScaler("cuda")
    if isinstance(loss_scale, (int, float)) and not isinstance(loss_scale, bool) and loss_scale > 0:
        return StaticScaler(float(loss_scale))
    if isinstance(loss_scale, Mapping):
        try:
            return torch.amp.GradScaler("cuda", **loss_scale)
        except TypeError as error:
            raise ConfigError(Problem("optim_wrapper.loss_scale", str(error))) from error
    message = f"'dynamic', a positive number or GradScaler's arguments are expected, got {loss_scale!r}"
    raise ConfigError(Problem("optim_wrapper.loss_scale", message))
