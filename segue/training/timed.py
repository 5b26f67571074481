"""How long a step takes here: one is run to warm up, two are measured; then nothing of them is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from segue.datasets.collate import collate
from segue.errors import InputError
from segue.inference.segment import label_maps
from segue.recipes.folder.planning import Length
from segue.system.cores import usable_cores
from segue.training.data import read_loader
from segue.training.optimizers import build_optimizer
from segue.training.parts import build_parts
from segue.training.plan import read_plan
from segue.training.step import losses_of

WARM, MEASURED = 1, 2
#: Seconds that a run takes before its first step and after its last.
AROUND = 10.0
#: Of the time so much goes to validation at most.
VALIDATION = 0.2
#: Below this a schedule has no shape.
LEAST = 20


@dataclass(frozen=True)
class StepTime:
    """Seconds of one step's computing, of reading its images in one process, and of validating one image."""

    compute: float
    reading: float
    validating: float
    cores: int
    on_cpu: bool

    @property
    def step(self) -> float:
        """Seconds from step to step: reading goes on beside a GPU, and takes its share of a CPU's cores."""
        reading = self.reading / self.cores
        return self.compute + reading if self.on_cpu else max(self.compute, reading)

    def length(self, seconds: float, images: int) -> Length:
        """The steps that fit, with the validations that a fifth of the time allows.

        Raises:
            InputError: the time is too short.
        """
        once = images * self.validating
        count = max(1, min(10, int(VALIDATION * seconds / once) if once else 10))
        steps = int((seconds - AROUND - count * once) / self.step)
        if steps < LEAST:
            needed = AROUND + count * once + LEAST * self.step
            raise InputError(
                f"--time {in_words(seconds)}: a step takes {self.step:.2f} s here and a validation {once:.0f} s, so "
                f"that {max(steps, 0)} steps would fit; {in_words(needed)} is the least, for {LEAST}. A smaller model "
                "or crop needs less"
            )
        why = (
            f"what fits into {in_words(seconds)} at {self.step:.2f} s a step, measured on {MEASURED} after {WARM} of "
            f"warm-up, with {count} validation{'s' if count > 1 else ''} of {once:.0f} s"
        )
        return Length(steps, why, count)


def step_time(cfg: Mapping[str, Any]) -> StepTime:
    """Measure the steps of a config on the device that training would take."""
    parts = build_parts(cfg, "train")
    plan = read_plan(cfg, False)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = parts.model.to(device).train()
    optimizer = build_optimizer(model, plan.wrapper)
    loader, _ = read_loader(cfg["train_dataloader"], "train_dataloader")

    def read(number: int) -> dict[str, Any]:
        first = number * loader.batch_size
        return collate([parts.train_data[(first + i) % len(parts.train_data)] for i in range(loader.batch_size)])

    def step(batch: dict[str, Any]) -> None:
        total, *_ = losses_of(model, batch)
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    batches: list[dict[str, Any]] = []
    reading = clocked(lambda: batches.extend(read(i) for i in range(WARM + MEASURED))) / (WARM + MEASURED)
    for batch in batches[:WARM]:
        step(batch)

    def steps() -> None:
        for batch in batches[WARM:]:
            step(batch)

    compute = clocked(steps) / MEASURED

    validating = 0.0
    if parts.val_data is not None:
        model.eval()

        def validate() -> None:
            with torch.no_grad():
                label_maps(model, collate([parts.val_data[0]]))

        validate()
        validating = clocked(validate)
    cores = max(1, min(loader.num_workers or 1, usable_cores()))
    return StepTime(compute, reading, validating, cores, device.type == "cpu")


def clocked(work: Callable[[], object]) -> float:
    """Seconds of some work, until a GPU has done it."""
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def in_words(seconds: float) -> str:
    """``1 h 30 min``, ``45 s``."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{left} s" if left else ""]
    return " ".join(part for part in parts if part) or "0 s"
