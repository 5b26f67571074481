"""Schedule-free optimizers (https://arxiv.org/abs/2405.15682) of the package ``schedulefree``, by name.

They train one set of weights and are meant to be used with another, an average that they can compute at any time. Here
that one is validated, kept as the best and written as the model, as `segue.training.averaging` does with ``EMAHook``'s;
the other goes on training, bit by bit, also over a resume.
"""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn

from segue.errors import ConfigError, Problem
from segue.training.averaging import Averaging
from segue.training.hooks import EMAHook, Hooks
from segue.training.loops import Loop
from segue.training.optimization.named import is_schedule_free
from segue.training.optimizers import OptimWrapper


class ScheduleFree(Averaging):
    """Swaps the optimizer's average in for validation, and hands it out for what is written."""

    def __init__(self, loop: Loop) -> None:
        super().__init__(EMAHook(), loop)
        self.model: nn.Module | None = None
        self.optimizer: Any = None
        self._trained: list[tuple[Tensor, Tensor]] = []

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The optimizer trains."""
        self.model = pl_module.model  # type: ignore[assignment]
        self.optimizer = trainer.optimizers[0]
        self.optimizer.train()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """The optimizer keeps the average itself."""

    @torch.no_grad()
    def swap(self, model: nn.Module) -> None:
        """Put the average into the weights; called again, the trained ones, as they were."""
        if not self.swapped:
            every = [p for group in self.optimizer.param_groups for p in group["params"]]
            self._trained = [(parameter, parameter.detach().clone()) for parameter in every]
            self.optimizer.eval()
        else:
            self.optimizer.train()
            for parameter, value in self._trained:
                parameter.copy_(value)
            self._trained = []
        self.swapped = not self.swapped

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validate the average."""
        if self.optimizer is not None and not self.swapped:
            self.swap(pl_module.model)  # type: ignore[arg-type]

    def averaged(self) -> dict[str, Tensor]:
        """The average of every trained weight."""
        if self.model is None or self.optimizer is None:
            return {}
        names = {id(parameter): name for name, parameter in self.model.named_parameters()}
        if self.swapped:
            return {names[id(p)]: p.detach().clone() for p, _ in self._trained}
        self.swap(self.model)
        found = {names[id(p)]: p.detach().clone() for p, _ in self._trained}
        self.swap(self.model)
        return found

    def deployable(self, model: nn.Module) -> dict[str, Tensor]:
        """The model's state dict with the average in place of what is trained."""
        average = self.averaged()
        return {k: average.get(k, v) for k, v in model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Nothing: all of it is the optimizer's state."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing to load."""


def averaging_of(hooks: Hooks, wrapper: OptimWrapper, loop: Loop) -> Averaging | None:
    """The average of the weights that a config asks for by ``EMAHook``, or by a schedule-free optimizer.

    Raises:
        ConfigError: by both.
    """
    free = is_schedule_free(wrapper.optimizer.get("type"))
    if free and hooks.ema:
        message = "a schedule-free optimizer averages the weights itself: take EMAHook out, or use another optimizer"
        raise ConfigError(Problem("custom_hooks: EMAHook", message))
    if free:
        return ScheduleFree(loop)
    return Averaging(hooks.ema, loop) if hooks.ema else None
