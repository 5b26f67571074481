"""mmengine's loops, for loops and runners of one's own: an object with ``model``, ``optim_wrapper`` and ``call_hook``.

A class derived from a loop of training that a config's ``train_cfg`` names is run by Segue's training; what a config
has without one runs in Lightning's loop.
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from bisect import bisect
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from segue.compat.mmengine.run_views import RunViews
from segue.training.user_views import offer

offer(RunViews())


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
    _epoch: int
    _max_iters: int
    _max_epochs: int
    val_begin: int
    val_interval: int

    def _set_up(self, val_begin: int, val_interval: int, dynamic_intervals: Any) -> None:
        self._epoch = self._iter = 0
        self.val_begin, self.val_interval, self.stop_training = val_begin, val_interval, False
        given = sorted((int(begin), int(every)) for begin, every in dynamic_intervals or ())
        self.dynamic_milestones = [0, *(begin for begin, _ in given)]
        self.dynamic_intervals = [val_interval, *(every for _, every in given)]
        metainfo = getattr(getattr(self.dataloader, "dataset", None), "metainfo", None)
        visualizer = getattr(self.runner, "visualizer", None)
        if metainfo and visualizer is not None:
            visualizer.dataset_meta = metainfo

    @property
    def _iter(self) -> int:
        return self._counted

    @_iter.setter
    def _iter(self, value: int) -> None:
        self._counted = value
        told = getattr(self.runner, "iterated", None)  # Segue's runner ends an iteration here
        if told is not None:
            told(value)

    @property
    def iter(self) -> int:
        """Iterations so far."""
        return self._iter

    @property
    def epoch(self) -> int:
        """Epochs so far."""
        return self._epoch

    @property
    def max_epochs(self) -> int:
        """Epochs in all; one, where iterations are what counts."""
        return self._max_epochs

    @property
    def max_iters(self) -> int:
        """Iterations in all."""
        return self._max_iters

    def _step(self, idx: int, data_batch: Any) -> None:
        self._call("before_train_iter", batch_idx=idx, data_batch=data_batch)
        outputs = self.runner.model.train_step(data_batch, optim_wrapper=self.runner.optim_wrapper)
        self._call("after_train_iter", batch_idx=idx, data_batch=data_batch, outputs=outputs)
        self._iter += 1

    def _interval_at(self, unit: int) -> None:
        self.val_interval = self.dynamic_intervals[bisect(self.dynamic_milestones, unit) - 1]

    def _validate(self, now: int, last: int) -> None:
        loop = getattr(self.runner, "val_loop", None)
        if loop is not None and now >= self.val_begin and (now % self.val_interval == 0 or now == last):
            loop.run()


class EpochBasedTrainLoop(_TrainLoop):
    """Training for ``max_epochs``, with validation every ``val_interval``."""

    def __init__(
        self, runner: Any, dataloader: Any, max_epochs: int, val_begin: int = 1, val_interval: int = 1,
        dynamic_intervals: Sequence[tuple[int, int]] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(runner, dataloader)
        self._max_epochs, self._max_iters = int(max_epochs), int(max_epochs) * len(self.dataloader)
        self._set_up(val_begin, val_interval, dynamic_intervals)

    def run(self) -> Any:
        """Train; returns the model."""
        self._call("before_train")
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._decide_current_val_interval()
            self._validate(self._epoch, self._max_epochs)
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

    def run_iter(self, idx: int, data_batch: Any) -> None:
        """One step of training, the ``idx``-th of its epoch."""
        self._step(idx, data_batch)

    def _decide_current_val_interval(self) -> None:
        """As ``dynamic_intervals`` say for the epoch that comes."""
        self._interval_at(self._epoch + 1)


class IterBasedTrainLoop(_TrainLoop):
    """Training for ``max_iters``, over the data again and again."""

    def __init__(
        self, runner: Any, dataloader: Any, max_iters: int, val_begin: int = 1, val_interval: int = 1000,
        dynamic_intervals: Sequence[tuple[int, int]] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(runner, dataloader)
        if int(max_iters) != max_iters:
            raise AssertionError(f"`max_iters` should be a integer number, but get {max_iters}")
        self._max_iters, self._max_epochs = int(max_iters), 1
        self._set_up(val_begin, val_interval, dynamic_intervals)
        #: the batches, without end
        self.dataloader_iterator = _Endless(self)

    def run(self) -> Any:
        """Train; returns the model."""
        self._call("before_train")
        self._call("before_train_epoch")
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._decide_current_val_interval()
            self._validate(self._iter, self._max_iters)
        self._call("after_train_epoch")
        self._call("after_train")
        return self.runner.model

    def run_iter(self, data_batch: Any) -> None:
        """One step of training."""
        self._step(self._iter, data_batch)

    def _decide_current_val_interval(self) -> None:
        """As ``dynamic_intervals`` say for the iteration that comes."""
        self._interval_at(self._iter + 1)


class _Endless:
    """The batches of a loop's loader again and again; its epochs are counted in the loop."""

    def __init__(self, loop: IterBasedTrainLoop) -> None:
        self._loop = loop
        self._reading: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._reading is None:
            self._reading = iter(self._loop.dataloader)
        try:
            return next(self._reading)
        except StopIteration:
            self._loop._epoch += 1
            self._reading = iter(self._loop.dataloader)
            return next(self._reading)


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
