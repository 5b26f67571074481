"""Lightning's place for a loop over batches, in which a loop of the user's own runs (`segue.training.own_loop`)."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.trainer import call

from segue.errors import InputError
from segue.training.own_loop import LoopRunner


class OwnEpochLoop(_TrainingEpochLoop):
    """The loop over batches."""

    def __init__(self, trainer: Trainer, runner: LoopRunner) -> None:
        super().__init__(trainer)
        self.runner = runner

    def run(self, data_fetcher: Any) -> None:
        """The user's ``run``."""
        self.reset()
        self.on_run_start(data_fetcher)
        self.val_loop.restarting = False
        self.on_iteration_done()
        try:
            self.runner.train_loop.run()
        except StopIteration as error:  # which Lightning would take for the end of training
            name = type(self.runner.train_loop).__name__
            message = f"{name}.run: StopIteration: it asks for a batch after the last one of an epoch; iterate again"
            raise InputError(message) from error
        self.runner.finished()
        self.batch_progress.is_last_batch = True

    def begin(self, batch: Any) -> None:
        """Before an iteration."""
        trainer, index = self.trainer, self.batch_idx + 1
        self.batch_progress.increment_ready()
        trainer._logger_connector.on_batch_start(batch)
        call._call_callback_hooks(trainer, "on_train_batch_start", batch, index)
        call._call_lightning_module_hook(trainer, "on_train_batch_start", batch, index)
        self.batch_progress.increment_started()

    def end(self, batch: Any) -> None:
        """After an iteration."""
        trainer, index = self.trainer, self.batch_idx
        self.batch_progress.increment_processed()
        call._call_callback_hooks(trainer, "on_train_batch_end", None, batch, index)
        call._call_lightning_module_hook(trainer, "on_train_batch_end", None, batch, index)
        trainer._logger_connector.on_batch_end()
        self.batch_progress.increment_completed()
        self._batches_that_stepped += 1

    def validate(self) -> None:
        """Validate now."""
        self.trainer.validating = True
        self.val_loop.run()
        self.trainer.training = True
