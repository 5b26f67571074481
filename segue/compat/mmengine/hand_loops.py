"""mmengine's loops, for runners of one's own: an object with ``model``, ``optim_wrapper`` and ``call_hook``.

``train_cfg``, ``val_cfg`` and ``test_cfg`` of a config are read by Segue's training, whose loop is Lightning's.
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import torch


class BaseLoop(metaclass=ABCMeta):
    """A loop over the batches of ``dataloader``."""

    def __init__(self, runner: Any, dataloader: Any) -> None:
        if isinstance(dataloader, dict):
            raise TypeError("a loop of your own takes a DataLoader; a config's dict is built by segue.train(cfg)")
        self._runner, self.dataloader = runner, dataloader

    @property
    def runner(self) -> Any:
        """Whose loop it is."""
        return self._runner

    @abstractmethod
    def run(self) -> Any:
        """All of it."""

    def _call(self, point: str, **given: Any) -> None:
        call = getattr(self.runner, "call_hook", None)
        if call is not None:
            call(point, **given)


class _TrainLoop(BaseLoop):
    _iter: int
    _epoch: int

    @property
    def iter(self) -> int:
        """Iterations so far."""
        return self._iter

    @property
    def epoch(self) -> int:
        """Epochs so far."""
        return self._epoch

    def run_iter(self, idx: int, data_batch: Any) -> Any:
        """One step of training."""
        self._call("before_train_iter", batch_idx=idx, data_batch=data_batch)
        outputs = self.runner.model.train_step(data_batch, optim_wrapper=self.runner.optim_wrapper)
        self._call("after_train_iter", batch_idx=idx, data_batch=data_batch, outputs=outputs)
        self._iter += 1
        return outputs

    def _validate(self, now: int, begin: int, interval: int, last: int) -> None:
        loop = getattr(self.runner, "val_loop", None)
        if loop is not None and now >= begin and (now % interval == 0 or now == last):
            loop.run()


class EpochBasedTrainLoop(_TrainLoop):
    """Training for ``max_epochs``, with validation every ``val_interval``."""

    def __init__(
        self, runner: Any, dataloader: Any, max_epochs: int, val_begin: int = 1, val_interval: int = 1,
        dynamic_intervals: Sequence[tuple[int, int]] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(runner, dataloader)
        if dynamic_intervals:
            raise TypeError("dynamic_intervals: not offered; give one val_interval")
        self._max_epochs, self._max_iters = max_epochs, max_epochs * len(dataloader)
        self._epoch = self._iter = 0
        self.val_begin, self.val_interval, self.stop_training = val_begin, val_interval, False

    @property
    def max_epochs(self) -> int:
        """Epochs in all."""
        return self._max_epochs

    @property
    def max_iters(self) -> int:
        """Iterations in all."""
        return self._max_iters

    def run(self) -> Any:
        """Train; returns the model."""
        self._call("before_train")
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate(self._epoch, self.val_begin, self.val_interval, self._max_epochs)
        self._call("after_train")
        return self.runner.model

    def run_epoch(self) -> None:
        """One epoch."""
        self._call("before_train_epoch")
        self.runner.model.train()
        for idx, data_batch in enumerate(self.dataloader):
            self.run_iter(idx, data_batch)
        self._call("after_train_epoch")
        self._epoch += 1


class IterBasedTrainLoop(_TrainLoop):
    """Training for ``max_iters``, over the data again and again."""

    def __init__(
        self, runner: Any, dataloader: Any, max_iters: int, val_begin: int = 1, val_interval: int = 1000,
        dynamic_intervals: Sequence[tuple[int, int]] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(runner, dataloader)
        if dynamic_intervals:
            raise TypeError("dynamic_intervals: not offered; give one val_interval")
        self._max_iters, self._max_epochs = int(max_iters), 1
        self._epoch = self._iter = 0
        self.val_begin, self.val_interval, self.stop_training = val_begin, val_interval, False

    @property
    def max_epochs(self) -> int:
        """One: iterations are what counts."""
        return self._max_epochs

    @property
    def max_iters(self) -> int:
        """Iterations in all."""
        return self._max_iters

    def _batches(self) -> Iterator[Any]:
        while True:
            yield from self.dataloader
            self._epoch += 1

    def run(self) -> Any:
        """Train; returns the model."""
        self._call("before_train")
        self._call("before_train_epoch")
        batches = self._batches()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(self._iter, next(batches))
            self._validate(self._iter, self.val_begin, self.val_interval, self._max_iters)
        self._call("after_train_epoch")
        self._call("after_train")
        return self.runner.model


class ValLoop(BaseLoop):
    """Predictions of all batches, given to ``evaluator`` by ``process`` and summed up by ``evaluate``."""

    mode = "val"

    def __init__(self, runner: Any, dataloader: Any, evaluator: Any, fp16: bool = False) -> None:
        super().__init__(runner, dataloader)
        self.evaluator, self.fp16 = evaluator, fp16

    def run(self) -> dict[str, Any]:
        """The metrics."""
        self._call(f"before_{self.mode}")
        self._call(f"before_{self.mode}_epoch")
        self.runner.model.eval()
        for idx, data_batch in enumerate(self.dataloader):
            self.run_iter(idx, data_batch)
        metrics = self.evaluator.evaluate(len(self.dataloader.dataset))
        self._call(f"after_{self.mode}_epoch", metrics=metrics)
        self._call(f"after_{self.mode}")
        return metrics

    def run_iter(self, idx: int, data_batch: Any) -> None:
        """One batch."""
        self._call(f"before_{self.mode}_iter", batch_idx=idx, data_batch=data_batch)
        kind = "cuda" if torch.cuda.is_available() else "cpu"
        with torch.no_grad(), torch.autocast(kind, enabled=self.fp16):
            outputs = getattr(self.runner.model, f"{self.mode}_step")(data_batch)
        self.evaluator.process(data_samples=outputs, data_batch=data_batch)
        self._call(f"after_{self.mode}_iter", batch_idx=idx, data_batch=data_batch, outputs=outputs)


class TestLoop(ValLoop):
    """The same at the points of a test."""

    __test__ = False  # not a test of pytest's
    mode = "test"
