"""``EMAHook``: a running average of the weights, with which validation runs and which is saved as the model.

One step is one iteration, as in mmengine: ``average = (1 - momentum) average + momentum weights``, the first a copy.
Buffers follow the model unless ``update_buffers`` averages them too.
"""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn

from segue.errors import ConfigError, Problem
from segue.training.hooks import EMAHook
from segue.training.loops import Loop


class Averaging(Callback):
    """Keeps the average of a task's ``model`` and swaps it in for validation.

    Args:
        hook: the settings.
        loop: how training is counted.

    Raises:
        ConfigError: training ends before the average begins.
    """

    def __init__(self, hook: EMAHook, loop: Loop) -> None:
        self.hook = hook
        length = loop.epoch_length
        self.begin = (hook.begin_epoch - 1) * length if hook.begin_epoch > 0 else hook.begin_iter - 1
        for name, last, unit in (
            ("begin_iter", loop.max_iters, "iterations"),
            ("begin_epoch", loop.max_epochs, "epochs"),
        ):
            if getattr(hook, name) > last:
                message = f"EMAHook begins at {getattr(hook, name)}, but there are {last} {unit} of training"
                raise ConfigError(Problem(f"custom_hooks: {name}", message))
        self.average: dict[str, Tensor] = {}
        self.steps = 0
        self.swapped = False

    def tracked(self, model: nn.Module) -> dict[str, Tensor]:
        """The tensors that are averaged."""
        tensors: dict[str, Tensor] = dict(model.named_parameters())
        if self.hook.update_buffers:
            tensors |= {k: v for k, v in model.named_buffers() if v.is_floating_point()}
        return tensors

    @torch.no_grad()
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start from the model as it is; a resumed average moves to its device."""
        source = self.tracked(pl_module.model)  # type: ignore[arg-type]
        self.average = {k: self.average.get(k, v).detach().clone().to(v.device) for k, v in source.items()}

    @torch.no_grad()
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """One step of the average."""
        source = self.tracked(pl_module.model)  # type: ignore[arg-type]
        started = batch_idx >= self.begin
        if not started or self.steps == 0:
            for name, value in source.items():
                self.average[name].copy_(value)
        elif self.steps % self.hook.interval == 0:
            torch._foreach_lerp_(list(self.average.values()), [v.detach() for v in source.values()], self.weight())
        self.steps += started

    def weight(self) -> float:
        """How much of the current weights enters the average."""
        if self.hook.ema_type == "MomentumAnnealingEMA":
            return max(self.hook.weight, (gamma := self.hook.gamma or 100) / (gamma + self.steps))
        if self.hook.ema_type == "StochasticWeightAverage":
            return 1 / (self.steps // self.hook.interval + 1)
        return self.hook.weight

    @torch.no_grad()
    def swap(self, model: nn.Module) -> None:
        """Exchange the model's tensors with the average."""
        for name, value in self.tracked(model).items():
            kept = value.clone()
            value.copy_(self.average[name])
            self.average[name].copy_(kept)
        self.swapped = not self.swapped

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validate the average."""
        if self.average and not self.swapped:
            self.swap(pl_module.model)  # type: ignore[arg-type]

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on training the model."""
        if self.swapped:
            self.swap(pl_module.model)  # type: ignore[arg-type]

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Validation may be interrupted with the average swapped in."""
        self.on_validation_end(trainer, pl_module)

    def averaged(self) -> dict[str, Tensor]:
        """The average by name."""
        return self.average

    def deployable(self, model: nn.Module) -> dict[str, Tensor]:
        """The model's state dict with the average in place of what is averaged."""
        state = dict(model.state_dict())
        return {k: self.average.get(k, v) if not self.swapped else v for k, v in state.items()}

    def state_dict(self) -> dict[str, Any]:
        """The step count; the average itself is saved as the model's weights (see `SegmentationTask`)."""
        return {"steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue counting."""
        self.steps = int(state_dict["steps"])
