"""``EmptyCacheHook`` and ``SyncBuffersHook``: what is done between batches and epochs."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback

from segue.training.chores.settings import EmptyCacheHook
from segue.training.loops import Loop


def ends_epoch(loop: Loop, iteration: int) -> bool:
    """Whether the ``iteration``-th batch is an epoch's last; training that counts iterations is one epoch."""
    return iteration % loop.epoch_length == 0 if loop.by_epoch else iteration == loop.max_iters


class EmptyCache(Callback):
    """Gives cached memory of the GPU back; on the CPU there is none."""

    def __init__(self, hook: EmptyCacheHook) -> None:
        self.hook = hook

    @staticmethod
    def empty(wanted: bool) -> None:
        """Do it, if this is the moment."""
        if wanted and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Before an epoch's first batch."""
        loop = pl_module.recipe.loop
        self.empty(self.hook.before_epoch and (batch_idx == 0 or ends_epoch(loop, batch_idx)))

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """After a batch, and after an epoch's last."""
        self.empty(self.hook.after_iter or (self.hook.after_epoch and ends_epoch(pl_module.recipe.loop, batch_idx + 1)))

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """A validation is an epoch."""
        self.empty(self.hook.before_epoch)

    def on_validation_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
        """After a batch of it."""
        self.empty(self.hook.after_iter)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """After it."""
        self.empty(self.hook.after_epoch)

    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        """So is a test."""
        self.empty(self.hook.before_epoch)

    def on_test_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
        """After a batch of it."""
        self.empty(self.hook.after_iter)

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """After it."""
        self.empty(self.hook.after_epoch)


class SyncBuffers(Callback):
    """Gives all processes the mean of their buffers after each epoch of training, before it is measured and saved."""

    @torch.no_grad()
    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """After an epoch's last batch."""
        if trainer.world_size == 1 or not ends_epoch(pl_module.recipe.loop, batch_idx + 1):
            return
        for buffer in pl_module.model.buffers():
            mean = trainer.strategy.reduce(buffer.detach().double(), reduce_op="mean")
            buffer.copy_(mean if buffer.is_floating_point() else mean.round())
