"""A training loop of the user's own, run in place of Lightning's loop over the batches.

``train_cfg = dict(type='MyLoop', ...)`` names a class derived from mmengine's loops, whose ``run()`` fetches batches,
steps and validates when it wants to, by way of its ``runner``. Segue calls that ``run()`` and keeps what surrounds it:
devices, precision, schedule, checkpoints, records and hooks. An iteration is what the loop counts as one: it begins
with a batch and ends with ``call_hook('after_train_iter')`` or when ``_iter`` goes up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from types import MethodType
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import Tensor

from segue.errors import ConfigError, Problem, SegueError
from segue.models.seg_data_preprocessor import stack_targets
from segue.models.total_loss import total_loss
from segue.training.data import Loader
from segue.training.hook_callback import HookCallback, RunnerView
from segue.training.loops import Loop
from segue.training.optimizers import OptimWrapper
from segue.training.user_views import offered
from segue.transforms.compose import taken

#: As many batches as a loop may ask for; the loop ends by itself.
ENDLESS = 2**62


def train_step_of(model: Any, data: Any, optim_wrapper: StepWrapper) -> dict[str, Tensor]:
    """``model.train_step`` of a model that has none, since it is not of mmseg's classes."""
    with optim_wrapper.optim_context(model):
        inputs, samples = model.data_preprocessor(taken_batch(data), training=True)
        total, values = total_loss(model.loss(inputs, stack_targets(samples, inputs.device)))
    optim_wrapper.update_params(total)
    return {"loss": total, **values}


def taken_batch(batch: Mapping[str, Any]) -> dict[str, Any]:
    """A batch with Segue's samples."""
    return {**batch, "data_samples": [taken({"data_samples": one})["data_samples"] for one in batch["data_samples"]]}


class Batches:
    """The loader as the loop sees it: iterating over it gives an epoch of batches, then the next epoch's."""

    def __init__(self, runner: LoopRunner, loader: Loader, epoch_length: int, start: int, batch_size: int) -> None:
        self.runner, self.loader, self.epoch_length = runner, loader, epoch_length
        self.batch_size = batch_size
        self.dataset = loader.loader.dataset.dataset  # type: ignore[attr-defined]
        self._left = epoch_length - start % epoch_length
        self._reading: Iterator[Any] | None = None

    def __len__(self) -> int:
        return self.epoch_length

    def __iter__(self) -> Iterator[Any]:
        if self._reading is None:
            self._reading = iter(self.loader)
        while self._left:
            self._left -= 1
            yield self.runner.given(next(self._reading))
        self._left = self.epoch_length


class StepWrapper:
    """The optimizer with mmengine's names; steps go through Lightning's precision."""

    def __init__(self, trainer: Trainer, task: Any, settings: OptimWrapper) -> None:
        self._trainer, self._task = trainer, task
        self.accumulative_counts, self.clip_grad = settings.accumulative_counts, settings.clip_grad
        self._inner_count = 0

    @property
    def optimizer(self) -> Any:
        """torch's."""
        return self._trainer.optimizers[0]

    @property
    def param_groups(self) -> Any:
        """The optimizer's groups."""
        return self.optimizer.param_groups

    @property
    def _scaler(self) -> Any:
        return getattr(self._trainer.precision_plugin, "scaler", None)

    def optim_context(self, model: Any = None) -> AbstractContextManager[Any]:
        """Where losses are computed: in mixed precision, if the config asks for it."""
        return self._trainer.precision_plugin.train_step_context()

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss divided by the number of gradients that are added up for a step."""
        counts, length = self.accumulative_counts, self._task.recipe.loop.max_iters
        rest = length % counts
        return loss / (rest if rest and self._inner_count >= length - rest else counts)

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Gradients of a loss."""
        self._task.looked_at(loss)
        self._task.manual_backward(loss, **kwargs)
        self._inner_count += 1

    def should_update(self) -> bool:
        """Whether enough gradients are added up."""
        return (
            self._inner_count % self.accumulative_counts == 0 or self._inner_count == self._task.recipe.loop.max_iters
        )

    def update_params(self, loss: Tensor, step_kwargs: Any = None, zero_kwargs: Any = None) -> None:
        """Backward, and a step where enough gradients are added up."""
        self.backward(self.scale_loss(loss))
        if self.should_update():
            self.step(**(step_kwargs or {}))
            self.zero_grad(**(zero_kwargs or {}))

    def step(self, **kwargs: Any) -> None:
        """The optimizer's step, with clipped gradients."""
        scaler = self._scaler
        if scaler is not None:
            scaler.unscale_(self.optimizer)
        self._task.configure_gradient_clipping(self.optimizer)
        progress = self._trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        progress.increment_ready()
        if scaler is not None:
            scaler.step(self.optimizer, **kwargs)
            scaler.update()
        else:
            self.optimizer.step(**kwargs)
        progress.increment_completed()

    def zero_grad(self, **kwargs: Any) -> None:
        """Forget the gradients."""
        self.optimizer.zero_grad(**kwargs)

    def get_lr(self) -> dict[str, list[float]]:
        """The rates of the groups."""
        return {"lr": [group["lr"] for group in self.param_groups]}

    def get_momentum(self) -> dict[str, list[Any]]:
        """The momenta of the groups."""
        return {"momentum": [group.get("momentum", 0) for group in self.param_groups]}

    def state_dict(self) -> Any:
        """The optimizer's state."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: Any) -> None:
        """Continue from a state."""
        self.optimizer.load_state_dict(state)


class Validation:
    """``runner.val_loop``: Segue's validation, when the loop asks for it."""

    def __init__(self, runner: LoopRunner) -> None:
        self.runner = runner

    def run(self) -> dict[str, float]:
        """The metrics."""
        self.runner.finished()
        self.runner.trainer.fit_loop.epoch_loop.validate()
        if self.runner.trainer.should_stop:
            self.runner.train_loop.stop_training = True
        return dict(self.runner.task.metrics)


class LoopRunner(RunnerView):
    """The run as a loop of the user's own sees it: what hooks see, and what steps and calls hooks."""

    def __init__(
        self, trainer: Trainer, task: Any, cfg: Mapping[str, Any], folder: Path, loop: Loop, batch_size: int, start: int
    ) -> None:
        self._count, self._is_open = start, False
        self._batch: Any = {"inputs": [], "data_samples": []}
        self._hooking: list[HookCallback] = [c for c in trainer.callbacks if isinstance(c, HookCallback)]  # type: ignore[attr-defined]
        backends: Sequence[Any] = self._hooking[0].backends if self._hooking else ()
        super().__init__(trainer, task, cfg, folder, backends)
        self._plan, self._batch_size = loop, batch_size
        self._wrapper = StepWrapper(trainer, task, task.recipe.wrapper)
        if not hasattr(task.model, "train_step"):
            task.model.train_step = MethodType(train_step_of, task.model)
        for callback in self._hooking:
            callback.runner, callback.by_loop = self, True

    @property
    def iter(self) -> int:
        """What the loop has counted."""
        loop = self.__dict__.get("train_loop")
        return int(getattr(loop, "iter", getattr(loop, "_iter", self._count)))

    @iter.setter
    def iter(self, value: int) -> None:
        pass  # the loop counts

    @property
    def epoch(self) -> int:
        """What the loop has counted."""
        loop = self.__dict__.get("train_loop")
        return int(getattr(loop, "epoch", getattr(loop, "_epoch", 0)))

    @property
    def optim_wrapper(self) -> Any:
        """Steps, and the optimizer's groups."""
        return self._wrapper

    @cached_property
    def train_dataloader(self) -> Any:
        """The training batches, epoch by epoch."""
        loader: Any = self.trainer.train_dataloader
        return Batches(self, loader, self._plan.epoch_length, self._count, self._batch_size)

    @cached_property
    def train_loop(self) -> Any:
        """The user's, made when it is first asked for.

        Raises:
            ConfigError: it does not take what the config gives it.
        """
        own = self._plan.own
        assert own is not None
        try:
            made = own.cls(**{"runner": self, "dataloader": self.train_dataloader, **own.arguments})
        except SegueError:
            raise
        except TypeError as error:
            raise ConfigError(Problem(own.key, f"{own.cls.__name__}: {error}")) from error
        if self._count:
            made._iter = self._count
            made._epoch = self._count // self._plan.epoch_length if self._plan.by_epoch else 0
        return made

    @property
    def _train_loop(self) -> Any:
        return self.train_loop

    @property
    def val_loop(self) -> Validation | None:
        """Validates; None without a validation set."""
        return Validation(self) if self.trainer.enable_validation else None

    @property
    def hooks(self) -> list[Any]:
        """The config's own."""
        return [hook for callback in self._hooking for hook in callback.hooks]

    def call_hook(self, fn_name: str, **kwargs: Any) -> None:
        """One point of every hook, as mmengine's runner calls it."""
        if fn_name == "before_train_iter":
            self.opened()
        if fn_name == "after_train_iter" and isinstance(outputs := kwargs.get("outputs"), Mapping):
            kwargs["outputs"] = outputs = {name: _detached(value) for name, value in outputs.items()}
            self.noted(outputs)
        for callback in self._hooking:
            callback.call_named(fn_name, kwargs)
        if fn_name == "after_train_iter":
            self.finished()

    def given(self, batch: Any) -> Any:
        """A batch as the loop gets it; it begins an iteration, if none is running."""
        self._batch = batch
        self.opened()
        views = offered()
        return batch if views is None else views.batch(batch)

    def opened(self) -> None:
        """Begin an iteration, if none is running."""
        if not self._is_open:
            self._is_open = True
            self.task.values = {}
            self.trainer.fit_loop.epoch_loop.begin(self._batch)

    def noted(self, outputs: Mapping[str, Any]) -> None:
        """The losses of the iteration, as the loop gives them to hooks."""
        found = outputs.get("log_vars", outputs)
        for name, value in found.items() if isinstance(found, Mapping) else ():
            if isinstance(value, Tensor) and value.numel() == 1:
                self.task.values[name] = value.detach()
            elif isinstance(value, (int, float)):
                self.task.values[name] = torch.tensor(float(value))
        self.outputs = {"loss": self.task.values.get("loss"), "log_vars": dict(self.task.values)}

    def finished(self) -> None:
        """End the iteration that is running."""
        if self._is_open:
            self._is_open = False
            self._count += 1
            self.trainer.fit_loop.epoch_loop.end(self._batch)

    def iterated(self, count: int) -> None:
        """The loop has set its counter: iterations up to there are over, whether it has called hooks or not."""
        if count > self._count:
            self.finished()


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value
