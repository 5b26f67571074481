"""``EarlyStoppingHook``, and the callback that tells Lightning when to validate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lightning.pytorch import Callback, Trainer

from segue.training.chores.monitors import value_of
from segue.training.hooks import EarlyStoppingHook, is_greater_better
from segue.training.loops import Loop


class EarlyStopping(Callback):
    """Stops training when a metric no longer improves.

    As in mmengine, a value counts as an improvement when it reaches the best so far plus ``min_delta``.
    """

    def __init__(self, hook: EarlyStoppingHook, say: Callable[[str], None]) -> None:
        self.hook = hook
        self.say = say
        self.greater = is_greater_better(hook.monitor, hook.rule)
        self.best = -math.inf if self.greater else math.inf
        self.waited = 0

    def on_validation_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Judge the value."""
        if trainer.state.fn != "fit":
            return
        value = value_of(self.hook.monitor, pl_module.metrics, pl_module.logged, "custom_hooks: EarlyStoppingHook")
        reason = self.judge(value)
        if reason:
            self.say(f"Stopping early after iteration {pl_module.iteration}: {reason}")
            trainer.should_stop = True

    def judge(self, value: float) -> str | None:
        """Why to stop after this value, or None."""
        hook = self.hook
        sign = 1 if self.greater else -1
        if hook.check_finite and not math.isfinite(value):
            return f"{hook.monitor} is {value}"
        if hook.stopping_threshold is not None and sign * (value - hook.stopping_threshold) > 0:
            self.best = value
            return f"{hook.monitor} reached {value:.4g}, beyond the threshold {hook.stopping_threshold:.4g}"
        if sign * (value - self.best) >= hook.min_delta:
            self.best, self.waited = value, 0
            return None
        self.waited += 1
        if self.waited < hook.patience:
            return None
        return f"{hook.monitor} has not improved on {self.best:.4g} in {self.waited} validations"

    def state_dict(self) -> dict[str, Any]:
        """The best value and how long ago it was."""
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on waiting."""
        self.best, self.waited = state_dict["best"], state_dict["waited"]


class ValidationTimes(Callback):
    """Makes Lightning validate exactly when the loop says so, and makes up for a validation that was cut off.

    Args:
        loop: says when.
        validated: the iteration of the last finished validation.
        resumed: the iteration that training continues from.
    """

    def __init__(self, loop: Loop, validated: Callable[[], int], resumed: int) -> None:
        self.loop = loop
        self.validated = validated
        self.resumed = resumed

    @property
    def never(self) -> int:
        """An interval that is longer than training."""
        return self.loop.max_iters + 1

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Take over the timing."""
        trainer.val_check_batch = self.never
        if not self.resumed or not self.loop.validates_after(self.resumed) or self.validated() >= self.resumed:
            return
        if trainer.enable_validation:
            trainer.validating = True
            validation = trainer.fit_loop.epoch_loop.val_loop
            validation.restarting = False  # else it takes the images of the validation before for seen
            validation.run()
            trainer.training = True

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Lightning validates when the iteration is a multiple of ``val_check_batch``."""
        iteration = batch_idx + 1
        trainer.val_check_batch = iteration if self.loop.validates_after(iteration) else self.never
