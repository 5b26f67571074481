"""Checkpoints: when they are written, which are kept, how they are read, and what Ctrl-C leaves behind.

In the work folder: ``last.ckpt``, from which training resumes; ``iter_N.ckpt`` or ``epoch_N.ckpt`` at the config's
interval, also named ``.pth`` (`segue.training.mmengine_files`); ``best_<metric>_iter_N.safetensors``, weights only. A
file is complete or absent: it is written beside its place and then moved.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import CheckpointIO
from lightning.pytorch.utilities.exceptions import SIGTERMException

from segue.errors import InputError
from segue.system.replaced import clear_leftovers, replaced
from segue.training.chores.monitors import value_of
from segue.training.chores.published import publish_run, published_keys
from segue.training.hooks import CheckpointHook
from segue.training.interruption import Interrupted, StopRequest
from segue.training.loops import Loop
from segue.training.mmengine_files import also_pth, drop_pth, note_last, write_pth
from segue.training.resumed import BEST, KEPT, checked


class SafeFiles(CheckpointIO):
    """Writes atomically, and reads with Segue's own reader, which runs nothing that a file contains.

    Args:
        raw: the content of the file to resume from, if it has been read already.
    """

    def __init__(self, raw: dict[str, Any] | None = None) -> None:
        self.raw = raw

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write ``checkpoint`` to ``path``."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path, durable=True) as part, part.open("wb") as file:
            torch.save(checkpoint, file)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """The content of ``path``."""
        raw, self.raw = self.raw, None
        return read_state(Path(path)) if raw is None else raw

    def remove_checkpoint(self, path: Any) -> None:
        """Delete ``path``."""
        Path(path).unlink(missing_ok=True)


def writable(folder: str | Path) -> Path:
    """The folder, made if need be; asked for before the work whose results go there.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror or error}); choose another folder") from error
    return folder


def may_write(folder: str | Path) -> None:
    """The same without making the folder: whether the nearest one that is there can be written to.

    Raises:
        InputError: it is no folder, or not writable.
    """
    there = Path(folder)
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise InputError(f"{folder}: cannot write there ({there} is not a folder); choose another folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: cannot write there ({there} is not writable); choose another folder")


def read_state(path: Path) -> dict[str, Any]:
    """The full training state in ``path``.

    Raises:
        CheckpointError: it holds weights only, or is no checkpoint of Segue's training.
    """
    from segue.checkpoints.safe.reader import read

    return checked(path, dict(read(path).raw))


class Saver(Checkpoint):
    """Writes the checkpoints of a run.

    Args:
        folder: where checkpoints are written.
        hook: when to save, and which checkpoints to keep.
        loop: how training is counted.
        stop: the request to stop.
        save_weights: (path, state dict, notes) writes the weights of the best model.
    """

    def __init__(
        self,
        folder: Path,
        hook: CheckpointHook,
        loop: Loop,
        stop: StopRequest,
        save_weights: Callable[[Path, dict[str, Any], dict[str, Any]], object],
    ) -> None:
        self.folder = Path(hook.out_dir) / folder.name if hook.out_dir else folder
        self.hook = hook
        self.loop = loop
        self.stop = stop
        self.save_weights = save_weights
        #: metric -> [value, iteration, file name]
        self.best: dict[str, list[Any]] = {}
        self.kept: list[str] = []
        #: Iteration of the last finished validation, and of the last written full state.
        self.validated = 0
        self.saved = 0
        self._between = False

    @property
    def last(self) -> Path:
        """The file that training resumes from."""
        return self.folder / "last.ckpt"

    def due(self, iteration: int) -> bool:
        """Whether the config wants a checkpoint after ``iteration``."""
        if self.hook.save_last and iteration == self.loop.max_iters:
            return True
        if self.hook.by_epoch:  # iteration-based training is one long epoch
            unit = self.loop.unit(iteration) if self.loop.by_epoch else iteration // self.loop.max_iters or None
        else:
            unit = iteration
        begin = self.hook.save_begin
        return (
            unit is not None and self.hook.interval > 0 and unit >= begin and (unit - begin) % self.hook.interval == 0
        )

    def name(self, iteration: int) -> str:
        """``iter_N`` or ``epoch_N``."""
        if self.hook.by_epoch and self.loop.by_epoch:
            return f"epoch_{iteration // self.loop.epoch_length}"
        return f"iter_{iteration}"

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """From here on SIGTERM stops as Ctrl-C does; what a run that was killed left half written is removed."""
        self.stop.take_sigterm()
        if trainer.is_global_zero:
            clear_leftovers(self.folder)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """From here until the end of the iteration the state is not one to resume from."""
        self._between = False

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write what is due; stop if asked to."""
        iteration = batch_idx + 1
        self._between = True
        if self.due(iteration):
            self.write(trainer, pl_module, iteration)
        self._maybe_stop(trainer, iteration)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Stop inside validation if asked to; it runs again on resuming."""
        self._maybe_stop(trainer, batch_idx + 1)

    def _maybe_stop(self, trainer: Trainer, number: int) -> None:
        requested = self.stop.requested
        if trainer.world_size > 1:
            # all processes stop after the same batch, so they ask each other, but not every time
            requested = number % 10 == 0 and trainer.strategy.reduce_boolean_decision(requested, all=False)
        if requested:
            raise Interrupted

    def on_validation_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Keep the best; store the verdict beside the state it belongs to."""
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        iteration = self.validated = pl_module.iteration
        for metric in self.hook.best:
            self._keep_best(trainer, pl_module, metric, iteration)
        if self.saved == iteration:
            self.write(trainer, pl_module, iteration)
        if self.stop.requested and trainer.world_size == 1:
            raise Interrupted

    def _keep_best(self, trainer: Trainer, task: Any, metric: str, iteration: int) -> None:
        values = task.metrics
        key = next(iter(values), metric) if metric == "auto" else metric
        value, known = value_of(key, values, task.logged, "default_hooks.checkpoint.save_best"), self.best.get(key)
        if value != value:
            return  # not a number
        if known and not (value > known[0] if self.hook.greater(metric, key) else value < known[0]):
            return
        safe = re.sub(r"[/\\\s\x00-\x1f]", "_", key)  # it may hold the name of a class
        file = f"best_{safe}_{self.name(iteration)}.safetensors"
        if trainer.is_global_zero:
            self.folder.mkdir(parents=True, exist_ok=True)
            notes = {**task.notes, "iter": iteration, "metrics": {k: v for k, v in values.items() if v == v}}
            self.save_weights(self.folder / file, task.deployable(), notes)
            if known and known[2] != file and known[2].endswith(".safetensors"):  # a .pth is another toolbox's
                self.drop(known[2])
        self.best[key] = [value, iteration, file]

    def write(self, trainer: Trainer, task: Any, iteration: int, *, only_last: bool = False) -> None:
        """Write the state after ``iteration``: under its own name and as ``last.ckpt``, which is the same file."""
        own = self.folder / f"{self.name(iteration)}.ckpt"
        drop: list[str] = []
        self.saved = iteration
        full = self.hook.save_optimizer and not only_last
        if not only_last:
            name = own.name if full else own.with_suffix(".safetensors").name
            self.kept = [*(k for k in self.kept if k != name), name]
            limit = self.hook.max_keep_ckpts
            if limit > 0:
                self.kept, drop = self.kept[-limit:], self.kept[:-limit]
        trainer.save_checkpoint(own if full else self.last)
        if not trainer.is_global_zero:
            return
        newest = self.last if only_last else own.with_suffix(".pth")
        if full:
            link(own, self.last)
            also_pth(own)
        elif not only_last:
            weights, notes = task.deployable(), {**task.notes, "iter": iteration}
            self.save_weights(own.with_suffix(".safetensors"), weights, notes)
            write_pth(newest, weights, notes)
        note_last(self.folder, newest if newest.exists() else self.last)
        for name in drop:
            self.drop(name)

    def publish(self, task: Any) -> list[Path]:
        """The published copies that the config asks for, of the last checkpoint and of the best ones."""
        keys = published_keys(self.hook.published_keys)
        if not keys:
            return []
        last = None
        if self.hook.save_last:
            last = self.name(task.iteration), task.deployable(), {**task.notes, "iter": task.iteration}
        names = [name for *_, name in self.best.values() if (self.folder / name).is_file()]
        return publish_run(self.folder, keys, last, names)

    def drop(self, name: str) -> None:
        """Delete a file of this run; a name of any other form is left alone, wherever it came from."""
        if KEPT.fullmatch(name):
            drop_pth(self.folder / name)
        if KEPT.fullmatch(name) or BEST.fullmatch(name):
            (self.folder / name).unlink(missing_ok=True)

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        """Save before leaving, if the interruption came between two iterations."""
        if isinstance(exception, (KeyboardInterrupt, Interrupted, SIGTERMException)) and self._between:
            iteration = pl_module.iteration
            if self.saved != iteration:
                self.write(trainer, pl_module, iteration, only_last=True)

    def state_dict(self) -> dict[str, Any]:
        """What the files in the folder are, as of this checkpoint."""
        return {
            "best": {k: list(v) for k, v in self.best.items()},
            "kept": list(self.kept),
            "validated": self.validated,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue with the files of the interrupted run."""
        self.best = {k: list(v) for k, v in state_dict["best"].items()}
        self.kept = list(state_dict["kept"])
        self.validated = int(state_dict["validated"])


def link(source: Path, target: Path) -> None:
    """Make ``target`` another name of ``source``, or a copy where the file system has no hard links."""
    with replaced(target) as part:
        part.unlink()
        try:
            os.link(source, part)
        except OSError:
            shutil.copyfile(source, part)
