"""Hooks with mmengine's points and visualizer backends of the user's, run as one Lightning callback.

A hook sees a ``runner`` with what hooks commonly read: ``iter``, ``epoch``, ``max_iters``, ``model``, ``cfg``,
``logger``, ``work_dir``, ``optim_wrapper`` ...
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lightning.pytorch import Callback

from segue.training.chores.settings import rank_of
from segue.training.chores.validation_loss import told_apart
from segue.training.guarded import Guard
from segue.training.trackers import LocalVisBackend
from segue.training.user_views import offered


def is_hook_class(cls: Any) -> bool:
    """Whether a class has mmengine's hook points."""
    return isinstance(cls, type) and hasattr(cls, "before_train_iter") and hasattr(cls, "after_train_iter")


class RunnerView:
    """What hooks read of the run, by mmengine's names."""

    def __init__(
        self, trainer: Any, task: Any, cfg: Mapping[str, Any], folder: Path, backends: Sequence[Any] = ()
    ) -> None:
        self.trainer, self.task, self.cfg = trainer, task, cfg
        self.work_dir = self.log_dir = str(folder)
        self.logger = logging.getLogger("segue")
        self.timestamp, self.experiment_name = folder.name, folder.name
        views = offered()
        nothing = {name: lambda *a, **k: None for name in ("add_scalar", "add_scalars", "add_image", "add_datasample")}
        self.visualizer = SimpleNamespace(**nothing) if views is None else self._made(views, folder, backends)
        #: stays -1 until the first iteration has ended, then counts the finished ones
        self.iter = 0
        #: the last iteration's, as mmcv's runner has them
        self.outputs: dict[str, Any] = {}

    def _made(self, views: Any, folder: Path, backends: Sequence[Any]) -> Any:
        return views.visualizer(folder, self._metainfo(), self.cfg.get("visualizer") or {}, backends)

    def _metainfo(self) -> dict[str, Any]:
        """Class names and colors of the run's data."""
        meta: dict[str, Any] = dict((getattr(self.task, "notes", None) or {}).get("dataset_meta") or {})
        return meta

    @property
    def model(self) -> Any:
        """The segmentor."""
        return self.task.model

    @property
    def _loop(self) -> Any:
        return self.task.recipe.loop if self.task.trains else None

    @property
    def max_iters(self) -> int:
        """Batches to train; 0 where nothing is trained."""
        count: int = self._loop.max_iters if self._loop else 0
        return count

    @property
    def max_epochs(self) -> int:
        """Epochs to train; 1 where training counts iterations, 0 where nothing is trained."""
        count: int = self._loop.max_epochs if self._loop else 0
        return count

    @property
    def epoch(self) -> int:
        """Finished epochs; 0 where training counts iterations."""
        return self.iter // self._loop.epoch_length if self._loop and self._loop.by_epoch else 0

    @property
    def optim_wrapper(self) -> Any:
        """The optimizer, with the names that mmengine's wrapper has."""
        optimizer = self.trainer.optimizers[0]
        rates = {"lr": [group["lr"] for group in optimizer.param_groups]}
        return SimpleNamespace(
            optimizer=optimizer,
            param_groups=optimizer.param_groups,
            get_lr=lambda: rates,
            get_momentum=lambda: {"momentum": [g.get("momentum", 0) for g in optimizer.param_groups]},
        )

    @property
    def message_hub(self) -> Any:
        """Takes what hooks note down; nobody reads it."""
        return SimpleNamespace(update_scalar=lambda *a, **k: None, update_info=lambda *a, **k: None)

    @property
    def train_dataloader(self) -> Any:
        """The training batches."""
        return self.trainer.train_dataloader

    @property
    def train_loop(self) -> Any:
        """Counters of the training."""
        return SimpleNamespace(iter=self.iter, epoch=self.epoch, max_iters=self.max_iters, max_epochs=self.max_epochs)

    @property
    def rank(self) -> int:
        """This process."""
        rank: int = self.trainer.global_rank
        return rank

    @property
    def world_size(self) -> int:
        """How many processes there are."""
        count: int = self.trainer.world_size
        return count


def takes_runner_only(method: Any) -> bool:
    """Whether a hook's method has one argument, as in 0.x, where the rest is read from the runner."""
    parameters = inspect.signature(method).parameters.values()
    return len(parameters) == 1 and all(p.kind is not p.VAR_POSITIONAL for p in parameters)


class HookCallback(Callback):
    """Calls the points of ``hooks``, ordered by priority, and feeds ``backends`` with losses and metrics."""

    def __init__(
        self,
        hooks: Sequence[tuple[Any, int | str | None]],
        backends: Sequence[Any],
        cfg: Mapping[str, Any],
        folder: Path,
        interval: int,
        say: Callable[[str], None] = print,
    ) -> None:
        self.guard = Guard(say)
        ranked = [(rank_of(given if given is not None else getattr(h, "priority", None)), h) for h, given in hooks]
        self.hooks = [hook for _, hook in sorted(ranked, key=lambda pair: pair[0])]
        self.backends, self.cfg, self.folder, self.interval = list(backends), cfg, folder, interval
        self.runner: RunnerView | None = None
        #: a loop of the user's own calls the points of training itself, by `call_named`
        self.by_loop = False

    def view(self, trainer: Any, task: Any) -> RunnerView:
        """The run, as hooks see it."""
        if self.runner is None:
            self.runner = RunnerView(trainer, task, self.cfg, self.folder, self.backends)
        return self.runner

    def call(self, point: str, trainer: Any, task: Any, *args: Any) -> None:
        """One point of every hook."""
        runner = self.view(trainer, task)
        for hook in self.hooks:
            method = getattr(hook, point)
            if takes_runner_only(method):  # as mmcv's hooks are
                method(runner)
            else:
                method(runner, *args)

    def call_named(self, point: str, given: Mapping[str, Any]) -> None:
        """One point of those hooks that have it, with what a loop of the user's own gives by name."""
        for hook in self.hooks:
            method = getattr(hook, point, None)
            if method is not None and takes_runner_only(method):
                method(self.runner)
            elif method is not None:
                method(self.runner, **given)

    def _of_training(self, point: str, trainer: Any, task: Any, *args: Any) -> None:
        if not self.by_loop:
            self.call(point, trainer, task, *args)

    def _fed(self, trainer: Any) -> list[Any]:
        """Who gets numbers: the first process's backends; the work folder's own log has them in any case."""
        return [b for b in self.backends if type(b) is not LocalVisBackend] if trainer.is_global_zero else []

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Before anything."""
        for backend in self._fed(trainer):
            self.guard.call(backend, "add_config", self.cfg)
        self.call("before_run", trainer, pl_module)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Before the first iteration."""
        self._of_training("before_train", trainer, pl_module)
        self._of_training("before_train_epoch", trainer, pl_module)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Before an iteration, and before an epoch's first."""
        loop = pl_module.recipe.loop
        if loop.by_epoch and batch_idx and batch_idx % loop.epoch_length == 0:
            self._of_training("before_train_epoch", trainer, pl_module)
        self._of_training("before_train_iter", trainer, pl_module, batch_idx, batch)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """After the optimizer's step."""
        values = dict(pl_module.values)
        fed = self._fed(trainer)
        if fed and (batch_idx + 1) % self.interval == 0:
            scalars = {"lr": trainer.optimizers[0].param_groups[0]["lr"], **{k: float(v) for k, v in values.items()}}
            for backend in fed:
                self.guard.call(backend, "add_scalars", scalars, step=batch_idx + 1)
        outputs = {"loss": values.get("loss"), "log_vars": values, "num_samples": len(batch["data_samples"])}
        if not self.by_loop:
            self.view(trainer, pl_module).outputs = outputs  # where hooks of 0.x look
        self._of_training("after_train_iter", trainer, pl_module, batch_idx, batch, values)
        self.view(trainer, pl_module).iter = batch_idx + 1
        loop = pl_module.recipe.loop
        if loop.by_epoch and (batch_idx + 1) % loop.epoch_length == 0:
            self._of_training("after_train_epoch", trainer, pl_module)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """After the last iteration."""
        if not pl_module.recipe.loop.by_epoch:
            self._of_training("after_train_epoch", trainer, pl_module)
        self._of_training("after_train", trainer, pl_module)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """After everything."""
        self.call("after_run", trainer, pl_module)
        for backend in self._fed(trainer):
            self.guard.call(backend, "close")

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Before a validation."""
        self.call("before_val", trainer, pl_module)
        self.call("before_val_epoch", trainer, pl_module)

    def on_validation_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Before a batch of it."""
        self.call("before_val_iter", trainer, pl_module, batch_idx, batch)

    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """After a batch of it; hooks get its samples with what was predicted."""
        self.call("after_val_iter", trainer, pl_module, batch_idx, batch, self._samples(pl_module))

    @staticmethod
    def _samples(task: Any) -> list[Any]:
        views = offered()
        return [] if views is None else [views.sample(sample, labels) for sample, labels in task.predicted]

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """After a validation."""
        metrics = dict(pl_module.metrics)
        for backend in self._fed(trainer):
            self.guard.call(backend, "add_scalars", told_apart(metrics), step=pl_module.iteration)
        self.call("after_val_epoch", trainer, pl_module, metrics)
        self.call("after_val", trainer, pl_module)

    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        """Before a test."""
        for point in ("before_run", "before_test", "before_test_epoch"):
            self.call(point, trainer, pl_module)

    def on_test_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Before a batch of it."""
        self.call("before_test_iter", trainer, pl_module, batch_idx, batch)

    def on_test_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """After a batch of it; hooks get its samples with what was predicted."""
        self.call("after_test_iter", trainer, pl_module, batch_idx, batch, self._samples(pl_module))

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """After a test."""
        metrics = dict(pl_module.metrics)
        for backend in self._fed(trainer):
            self.guard.call(backend, "add_scalars", told_apart(metrics), step=0)
        self.call("after_test_epoch", trainer, pl_module, metrics)
        self.call("after_test", trainer, pl_module)
        self.call("after_run", trainer, pl_module)
        for backend in self._fed(trainer):
            self.guard.call(backend, "close")

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Hooks may add to what is written."""
        self.call("before_save_checkpoint", trainer, pl_module, checkpoint)

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Hooks may read what they added."""
        self.call("after_load_checkpoint", trainer, pl_module, checkpoint)
