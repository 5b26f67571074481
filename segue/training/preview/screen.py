"""The screen before the first step, and the picture of the first batches."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Callback
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from rich.console import Console
from rich.table import Table
from torch import nn

from segue.doctor.counts import count_labels
from segue.errors import SegueError
from segue.system.shown import visible
from segue.training.collating import batch_of
from segue.training.data import Failure, Fetch
from segue.training.failures.memory import is_out_of_memory, out_of_memory
from segue.training.preview.batches import MOST, draw_batches
from segue.training.preview.measured import Measured, measure
from segue.training.progress import clock

#: Masks that are read for the histogram of labels, where not all have been counted.
MASKS = 24
Row = tuple[str, str]


class DryRun(Exception):
    """The screen was shown, and that was all that was asked for."""


class Preview(Callback):
    """Shows the screen when training starts, in the first process, once model and optimizer are in their places.

    Args:
        run: the `segue.training.run.Run`.
        loop: how training is counted.
        dry: stop after it.
    """

    def __init__(self, run: Any, loop: Any, dry: bool = False) -> None:
        self.run, self.loop, self.dry = run, loop, dry
        self.measured: Measured | None = None
        self.data_seconds = 0.0  # of one sample, in one process

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Show it."""
        if trainer.is_global_zero:
            rows = list(self.rows(trainer, pl_module))
            show(rows, self.run.console)
            if self.run.log is not None:
                self.run.log.say("\n".join(f"{name}: {text}" for name, text in rows))
        if self.dry:
            raise DryRun

    def rows(self, trainer: Any, task: Any) -> Iterator[Row]:
        """The lines of the screen; of a resumed run the ones that may have changed."""
        run = self.run
        node = run.cfg["train_dataloader"]
        counts = task.recipe.wrapper.accumulative_counts
        yield from _batch(run.cfg, int(node.get("batch_size", 1)), trainer.world_size, counts)
        if run.resumed and not self.dry:
            return
        data = run.parts.train_data
        yield "data", f"{len(data)} images to train on, {_length(run.parts.val_data)} to validate"
        yield "labels", _guarded(lambda: histogram(data, run.parts._counts))
        yield "weights", _weights(run.cfg, run.raw)
        yield "parameters", _parameters(task.model)
        batches = self.first_batches(task)
        if batches:
            yield "first batches", self.picture(batches, data)
        yield from self.step(trainer, task, batches, node)

    def first_batches(self, task: Any) -> list[Any]:
        """The first batches of the run, as its loader will give them; none where they cannot be drawn here."""
        found: list[Any] = []
        images, begin = 0, time.perf_counter()
        try:
            stream = self.run.stream(0, task.trainer.world_size)
            fetch = Fetch(self.run.parts.train_data)
            for number in range(2):
                samples = [fetch[draw] for draw in stream.batch(self.run.resumed + number)]
                failure = next((sample for sample in samples if isinstance(sample, Failure)), None)
                if failure is not None:
                    raise failure.error
                images += len(samples)
                self.data_seconds = (time.perf_counter() - begin) / images
                found.append(batch_of(self.run.parts.collate, [sample for sample, _ in samples], "collate_fn"))
                if images >= MOST:
                    break
        except SegueError:
            raise
        except Exception as error:  # a sampler or dataset of the user's own
            logging.getLogger("segue").debug("the first batches cannot be drawn: %s", error)
        return found

    def picture(self, batches: list[Any], data: Any) -> str:
        """Draw them, and say where."""
        path = Path(self.run.folder) / "first_batches.png"
        metainfo = dict(getattr(data, "metainfo", None) or {})
        return _guarded(lambda: str(draw_batches(path, batches, metainfo)))

    def step(self, trainer: Any, task: Any, batches: list[Any], node: Mapping[str, Any]) -> Iterator[Row]:
        """Memory, times, what waits for what, and how long it will take."""
        if self.loop.own or not isinstance(trainer.strategy, (SingleDeviceStrategy, DDPStrategy)) or not batches:
            yield "step", "not measured: the loop, the strategy or the sampler is not Segue's own"
            return
        device = trainer.strategy.root_device
        try:
            found = measure(task.model, batches[0], device, trainer.precision_plugin.forward_context)
        except Exception as error:
            if is_out_of_memory(error):
                raise out_of_memory(error, self.run.cfg, task.model, None) from error
            yield "step", f"not measured: {type(error).__name__}: {error}"
            return
        self.measured = found
        if getattr(self.run, "cache", None) is not None:
            self.run.cache.begin()
        weights = sum(p.numel() * p.element_size() for p in task.model.parameters())
        peak = f", {size(found.peak)} allocated at most" if found.peak is not None else ""
        yield "memory", f"{size(found.activations)} kept for the backward pass, {size(weights)} weights{peak}"
        workers = int(node.get("num_workers") or 0)
        waits = self.data_seconds * found.images / max(1, workers)
        bound = "the data is slower: more num_workers, or segue pack" if workers and waits > found.seconds else ""
        bound = bound or ("the data is read in between: num_workers=0" if not workers else "the data keeps up")
        yield "step", f"{found.seconds:.3g} s to compute, {waits:.3g} s to read a batch; {bound}"
        total = max(found.seconds, waits) if workers else found.seconds + waits
        left = self.loop.max_iters - self.run.resumed
        yield "time", f"about {clock(total * left)} for {left} iterations, validations not counted"


def show(rows: list[Row], console: Console) -> None:
    """A table on a terminal, lines elsewhere."""
    if not console.is_terminal:
        for name, text in rows:
            console.print(visible(f"{name}: {text}"), highlight=False, markup=False, soft_wrap=True)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(name, visible(text).replace("[", "\\["))
    console.print(table)


def histogram(data: Any, counted: Any) -> str:
    """The share of each class of the labeled pixels: of all masks where they are counted, else of some."""
    classes = list((getattr(data, "metainfo", None) or {}).get("classes") or ())
    total, whence = len(data), "all masks, counted"
    if counted is None:
        if not classes or not hasattr(data, "get_data_info"):
            return "not counted: the dataset names no classes or files"
        chosen = np.unique(np.linspace(0, total - 1, min(MASKS, total)).astype(int))
        counted = count_labels(_Some(data, chosen), len(classes))
        whence = f"{len(chosen)} of {total} masks, evenly spread"
    pixels = counted.per_class()
    shares = pixels / max(1, pixels.sum())
    order = np.argsort(-shares)
    parts = [f"{classes[i] if i < len(classes) else i} {shares[i]:.1%}" for i in order if pixels[i]]
    none = [str(classes[i]) for i in order if not pixels[i] and i < len(classes)]
    text = ", ".join(parts[:20]) + (f" and {len(parts) - 20} more" if len(parts) > 20 else "")
    some = ", ".join(none[:6]) + (" ..." if len(none) > 6 else "")
    return f"{text}{f'; none of {some}' if none else ''} ({whence})"


class _Some:
    """Some of the samples of a dataset, for counting."""

    def __init__(self, data: Any, chosen: Any) -> None:
        self.data, self.chosen = data, [int(i) for i in chosen]

    def __len__(self) -> int:
        return len(self.chosen)

    def get_data_info(self, index: int) -> Any:
        """Of the sample in the dataset."""
        return self.data.get_data_info(self.chosen[index])


def size(number: int | None) -> str:
    """Bytes for people."""
    return f"{(number or 0) / 2**30:.2f} GiB" if (number or 0) >= 2**28 else f"{(number or 0) / 2**20:.1f} MiB"


def _batch(cfg: Mapping[str, Any], batch: int, world: int, counts: int) -> Iterator[Row]:
    """The batch of a step, and what it means for the learning rate."""
    whole = batch * world * counts
    factors = f"{batch} a process" + (f" x {world} processes" if world > 1 else "")
    factors += f" x {counts} accumulated" if counts > 1 else ""
    yield "batch", f"{whole} images for each step of the optimizer ({factors})"
    given = cfg.get("auto_scale_lr") or {}
    base = given.get("base_batch_size")
    if not base:
        yield "learning rate", "as the config says; it names no batch that it was chosen for (auto_scale_lr)"
    elif given.get("enable"):
        yield "learning rate", f"scaled by {batch * world}/{base}: auto_scale_lr is enabled, for {base} images"
    elif whole == base:
        yield "learning rate", f"as the config says, which was chosen for {base} images"
    else:
        text = f"as the config says, although it was chosen for {base} images a step"
        if base % (batch * world) == 0:
            more = base // (batch * world)
            text += f"; optim_wrapper.accumulative_counts={more} keeps them, and takes {more} times as many iterations"
            text += " (--effective-batch does both)"
        yield "learning rate", f"{text}; auto_scale_lr.enable=True scales it"


def _weights(cfg: Mapping[str, Any], raw: Any) -> str:
    from segue.config.builder.pretrained import pretrained_sources

    if raw is not None:
        return "of the checkpoint that is continued"
    if cfg.get("load_from"):
        return str(cfg["load_from"])
    found = [source.checkpoint for source in pretrained_sources(cfg)] if cfg.get("model") else []
    return ", ".join(found) or "random"


def _parameters(model: nn.Module) -> str:
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    return f"{trained:,} trained, {frozen:,} frozen" + (
        f" ({trained / (trained + frozen):.1%} trained)" if frozen else ""
    )


def _length(data: Any) -> str:
    return "none" if data is None else str(len(data))


def _guarded(work: Callable[[], str]) -> str:
    """A line, or why there is none: what is only shown must not stop a run."""
    try:
        return work()
    except (SegueError, OSError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        return f"not shown: {error}"
