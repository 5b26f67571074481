"""``scalars.jsonl``: a JSON object per line, every ``LoggerHook.interval`` iterations and after each validation.

    {"mode": "train", "step": 50, "epoch": 1, "lr": 0.01, "loss": 1.9, "decode.loss_ce": 1.3, "time": 0.4, ...}
    {"mode": "val", "step": 4000, "epoch": 1, "mIoU": 71.2, "aAcc": 95.0, "IoU/road": 97.1, ..., "time": 0.1}

Losses and times are means over the iterations since the last line. Times are seconds per iteration (``data_time`` of
them waiting for data), ``memory`` is the peak on the GPU in MB, numbers that are not finite are null. Every line is
written out before the next iteration.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from segue.system.replaced import replaced
from segue.training.loops import Loop

Line = dict[str, Any]


class Record(Callback):
    """Writes the file, and tells listeners each line.

    Args:
        path: of the file.
        interval: iterations per line.
        loop: how training is counted.
        resumed: the iteration that training continues from; later lines are dropped. None starts a new file.
        validated: the iteration of the last validation that the resumed checkpoint knows.
        listeners: called with each line, in the main process.
    """

    def __init__(
        self,
        path: Path,
        interval: int,
        loop: Loop,
        resumed: int | None,
        validated: Callable[[], int],
        listeners: list[Callable[[Line], None]],
    ) -> None:
        self.path = path
        self.interval = interval
        self.loop = loop
        self.resumed = resumed
        self.validated = validated
        self.listeners = listeners
        self.sums: dict[str, Any] = {}
        self.count = 0
        self._file: TextIO | None = None
        self._trainer: Trainer | None = None
        self._validation = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Open the file."""
        self._trainer = trainer
        if trainer.is_global_zero and self._file is None:
            self._file = open_lines(self.path, self.resumed, self.validated())

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Add up; write a line when it is time."""
        times = iteration_times(trainer)
        values = {**pl_module.values, "time": times[0], "data_time": times[1]}
        for name, value in values.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value
        self.count += 1
        iteration = batch_idx + 1
        if iteration % self.interval == 0 or iteration == self.loop.max_iters:
            self.write(self.train_line(trainer, iteration))

    def train_line(self, trainer: Trainer, iteration: int) -> Line:
        """The means since the last line, which are then forgotten."""
        means = {name: value / self.count for name, value in self.totals().items()}
        self.sums, self.count = {}, 0
        rates = [group["lr"] for group in trainer.optimizers[0].param_groups]
        line: Line = {"mode": "train", "step": iteration, "epoch": self.epoch(iteration), "lr": rates[0]}
        if max(rates) != rates[0]:
            line["lr_max"] = max(rates)
        line |= means
        if torch.cuda.is_available():
            line["memory"] = int(torch.cuda.max_memory_allocated() / 2**20)
        return line

    def totals(self) -> dict[str, float]:
        """The sums; of several processes their mean, in one exchange, and with one wait for the device."""
        tensors = [value.float() for value in self.sums.values() if isinstance(value, Tensor)]
        stacked = torch.stack(tensors) if tensors else torch.zeros(0)
        if tensors and self._trainer is not None and self._trainer.world_size > 1:
            stacked = self._trainer.strategy.reduce(stacked, reduce_op="mean")
        read = iter(stacked.tolist())
        return {name: next(read) if isinstance(value, Tensor) else value for name, value in self.sums.items()}

    def epoch(self, iteration: int) -> int:
        """The pass over the data, counted from 1."""
        return (iteration - 1) // self.loop.epoch_length + 1

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the time."""
        self._validation = time.perf_counter()

    def on_validation_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Write the metrics."""
        if trainer.state.fn != "fit":
            return
        iteration = pl_module.iteration
        batches = max(1, sum(int(b) for b in trainer.num_val_batches))
        seconds = time.perf_counter() - self._validation
        line: Line = {"mode": "val", "step": iteration, "epoch": self.epoch(iteration), **pl_module.metrics}
        self.write({**line, "time": seconds / batches})

    def write(self, line: Line) -> None:
        """One line to the file and to the listeners."""
        if self._file is None:
            return
        finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in line.items()}
        self._file.write(json.dumps(finite, allow_nan=False) + "\n")
        self._file.flush()
        for listener in self.listeners:
            listener(line)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Close the file."""
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def state_dict(self) -> dict[str, Any]:
        """The sums since the last line, so that a resumed run's next line covers the same iterations."""
        return {"sums": self.totals(), "count": self.count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue adding."""
        self.sums, self.count = dict(state_dict["sums"]), int(state_dict["count"])


def open_lines(path: Path, resumed: int | None, validated: int) -> TextIO:
    """Open ``path`` for appending.

    A resumed run keeps the lines up to where it continues; a new one puts an older file aside (``scalars.1.jsonl``).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if resumed is None:
        if path.exists():
            number = 1
            while (aside := path.with_suffix(f".{number}{path.suffix}")).exists():
                number += 1
            path.rename(aside)
        return path.open("w", encoding="utf-8")
    kept = []
    if path.exists():
        for text in path.read_text(encoding="utf-8").splitlines(keepends=True):
            try:
                line = json.loads(text)
                ends = validated if line.get("mode") == "val" else resumed
                if text.endswith("\n") and line["step"] <= ends:
                    kept.append(text)
            except (ValueError, KeyError):
                continue  # the line that a crash cut off
    with replaced(path) as part:
        part.write_text("".join(kept), encoding="utf-8")
    return path.open("a", encoding="utf-8")


def iteration_times(trainer: Trainer) -> tuple[float, float]:
    """Seconds since this iteration's batch was asked for, and how long it took to arrive."""
    loader = trainer.train_dataloader
    return time.perf_counter() - loader.asked, loader.arrived - loader.asked  # type: ignore[union-attr]
