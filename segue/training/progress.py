"""What a person sees of a run: a bar with the facts of the moment and a table after each validation.

On a terminal the bar moves; elsewhere (a file, a cluster's log) the same facts come as lines, as often as the record's
and in the form of mmengine's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from rich import box
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table
from rich.text import Text

from segue.system.bars import wide_bar
from segue.system.shown import escape, visible
from segue.training.loops import Loop
from segue.training.mmengine_log import train_text
from segue.training.record import iteration_times

Line = Mapping[str, Any]
REFRESH = 0.1  # seconds


class Terminal(Callback):
    """Shows training and validation on ``console``.

    Args:
        loop: how training is counted; None for an evaluation alone.
        console: where to print.
        best: the best values so far, as `segue.training.saving.Saver.best` has them.
    """

    def __init__(
        self, loop: Loop | None = None, console: Console | None = None, best: Callable[[], Mapping[str, Any]] = dict
    ) -> None:
        self.loop = loop
        self.console = console or Console()
        self.best = best
        self.rate, self.eval_rate = Rate(), Rate()
        self._progress: Progress | None = None
        self._train: TaskID | None = None
        self._eval: TaskID | None = None
        self._drawn = 0.0
        self._spoken = 0.0

    # training

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Show the bar."""
        assert self.loop is not None
        self._open(trainer)
        if self._progress is not None:
            done = pl_module.iteration
            self._train = self._progress.add_task("train", total=self.loop.max_iters, completed=done, facts="")

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Move the bar."""
        self.rate.step(*iteration_times(trainer))
        if self._progress is None or self._train is None or not self._time_to_draw():
            return
        assert self.loop is not None
        left = (self.loop.max_iters - batch_idx - 1) * self.rate.seconds
        lr = trainer.optimizers[0].param_groups[0]["lr"]
        facts = (
            f"loss {float(pl_module.values['loss']):.4f} · lr {lr:.2e} · {self.rate} · "
            f"data {self.rate.waited:.3f} s · eta {clock(left)}"
        )
        self._progress.update(self._train, completed=batch_idx + 1, facts=facts)
        self._progress.refresh()

    def line(self, line: Line) -> None:
        """A line of the log, where there is no bar."""
        if line["mode"] != "train" or self._progress is not None or self.loop is None:
            return
        self.say(train_text(line, self.loop))

    # validation and test

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A second bar."""
        self._begin(trainer, "validate", sum(int(n) for n in trainer.num_val_batches))

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Move it."""
        self._advance(batch_idx + 1)

    def on_validation_end(self, trainer: Trainer, pl_module: Any) -> None:
        """The table."""
        self._finish(trainer, pl_module, f"Validation after iteration {pl_module.iteration}")

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The bar."""
        self._open(trainer)
        self._begin(trainer, "evaluate", sum(int(n) for n in trainer.num_test_batches))

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Move it."""
        self._advance(batch_idx + 1)

    def on_test_end(self, trainer: Trainer, pl_module: Any) -> None:
        """The table."""
        self._finish(trainer, pl_module, "Evaluation")
        self._close()

    def _begin(self, trainer: Trainer, what: str, total: int) -> None:
        self.eval_rate.start()
        self._spoken = time.perf_counter()
        self._total, self._what = total, what
        if self._progress is not None:
            self._eval = self._progress.add_task(what, total=total, facts="")

    def _advance(self, done: int) -> None:
        self.eval_rate.tick()
        left = clock((self._total - done) * self.eval_rate.seconds)
        if self._progress is not None and self._eval is not None:
            if self._time_to_draw() or done == self._total:
                self._progress.update(self._eval, completed=done, facts=f"{self.eval_rate} · eta {left}")
                self._progress.refresh()
        elif time.perf_counter() - self._spoken > 30:
            self._spoken = time.perf_counter()
            self.say(f"{self._what} {done}/{self._total}  {self.eval_rate}  eta {left}")

    def _finish(self, trainer: Trainer, task: Any, title: str) -> None:
        if self._progress is not None and self._eval is not None:
            self._progress.remove_task(self._eval)
            self._eval = None
            self._progress.refresh()
        if trainer.is_global_zero and self._opened:
            for metric in task.evaluation.metrics:
                if getattr(metric, "format_only", False):
                    folder = getattr(metric, "output_dir", None)
                    self.say(f"{title}: nothing is measured (format_only); the label maps are in {folder}")
                    continue
                self.console.print(Text(title, style="bold"), class_table(metric.table()), sep="\n")
            if task.metrics:
                self.say(summary(task.metrics, self._best_so_far(task)))

    def _best_so_far(self, task: Any) -> Mapping[str, Any]:
        known = dict(self.best())
        # the saver comes after this callback, so the newest best is still to be compared
        return {k: v for k, v in known.items() if k in task.metrics}

    # drawing

    _opened = False
    _total = 0
    _what = ""

    def _open(self, trainer: Trainer) -> None:
        if self._opened or not trainer.is_global_zero:
            return
        self._opened = True
        if not self.console.is_terminal:
            return
        self._progress = wide_bar(self.console)
        self._progress.start()

    def say(self, text: str) -> None:
        """A line above the bar."""
        self.console.print(Text(visible(text)), soft_wrap=True)

    def _time_to_draw(self) -> bool:
        now = time.perf_counter()
        if now - self._drawn < REFRESH:
            return False
        self._drawn = now
        return True

    def _close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
        self._progress, self._train, self._eval = None, None, None

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Leave the finished bar standing."""
        if self._progress is not None and self._train is not None:
            self._progress.update(self._train, completed=pl_module.iteration)
            self._progress.refresh()
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Give the terminal back before the message."""
        self._close()


class Rate:
    """Seconds per step and of waiting for data, smoothed over the last few dozen steps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waited = 0.0
        self._seen = 0
        self._mark = 0.0

    def start(self) -> None:
        """Start the clock for `tick`."""
        self._mark, self._seen = time.perf_counter(), 0

    def tick(self) -> None:
        """A step is over."""
        now = time.perf_counter()
        self.step(now - self._mark, 0.0)
        self._mark = now

    def step(self, seconds: float, waited: float) -> None:
        """A step took ``seconds``, and ``waited`` of them for data."""
        self._seen += 1
        weight = max(0.05, 1 / self._seen)
        self.seconds += weight * (seconds - self.seconds)
        self.waited += weight * (waited - self.waited)

    def __str__(self) -> str:
        return f"{1 / self.seconds:.1f} it/s" if 0 < self.seconds < 1 else f"{self.seconds:.2f} s/it"


def clock(seconds: float) -> str:
    """``1 day, 2:03:04``."""
    return str(timedelta(seconds=max(0, round(seconds)))) if math.isfinite(seconds) else "?"


def class_table(rows: list[dict[str, str | float]]) -> Table:
    """One row per class, as `Metric.table` gives them."""
    table = Table(box=box.SIMPLE_HEAD)
    columns = list(rows[0]) if rows else []
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*(number(row[column]) for column in columns))
    return table


def number(value: str | float) -> str:
    """A table's cell; a class that does not occur has no value."""
    if isinstance(value, str):
        return escape(value)
    return "-" if not math.isfinite(value) else f"{value:.2f}"


def summary(metrics: Mapping[str, float], best: Mapping[str, Any]) -> str:
    """The values that are not of one class, and the best ones before."""
    text = "  ".join(f"{name}: {number(value)}" for name, value in metrics.items() if "/" not in name)
    known = "  ".join(f"{name} {number(v[0])} at {v[1]}" for name, v in best.items())
    return f"{text}  (best before: {known})" if known else text


def device_line(trainer: Trainer) -> str:
    """``1 x NVIDIA H200, bf16-mixed``."""
    root = trainer.strategy.root_device
    name = torch.cuda.get_device_name(root) if root.type == "cuda" else root.type.upper()
    return f"{trainer.world_size} x {name}, {trainer.precision}"
