"""What a training leaves behind, as `segue.train` returns it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class TrainResult:
    """What a run left behind.

    Attributes:
        work_dir: the folder of its files.
        checkpoint: the best weights if the config keeps them, otherwise the last checkpoint.
        metrics: of the last validation.
        best: metric -> (value, iteration).
        iterations: how many were trained in all.
        first: this is the first of the processes, the one that speaks.
        runs: of several seeds or folds each one's result; ``metrics`` are then their means.
        deviation: of those, per metric.
    """

    work_dir: Path
    checkpoint: Path | None
    metrics: dict[str, float] = field(default_factory=dict)
    best: dict[str, tuple[float, int]] = field(default_factory=dict)
    iterations: int = 0
    first: bool = True
    runs: list[TrainResult] = field(default_factory=list)
    deviation: dict[str, float] = field(default_factory=dict)
