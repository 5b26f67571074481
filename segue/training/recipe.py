"""How a segmentor is trained and evaluated: what a task is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from segue.inference.crf import CRF
from segue.training.averaging import Averaging
from segue.training.data import Loader
from segue.training.loops import Loop
from segue.training.optimizers import OptimWrapper
from segue.training.parts import Metric
from segue.training.report_card import CardPass
from segue.training.rules import Rule


@dataclass
class Recipe:
    """How a segmentor is trained.

    Attributes:
        loop: how long.
        wrapper: optimizer and what belongs to it.
        rules: the learning-rate schedule.
        seed: of everything random.
        lr_scale: ``auto_scale_lr``'s ratio.
        train_loader, val_loader: (rank, world) to this process's batches.
        averaging: the average of the weights, if there is one.
    """

    loop: Loop
    wrapper: OptimWrapper
    rules: list[Rule]
    seed: int
    train_loader: Callable[[int, int], Loader]
    val_loader: Callable[[int, int], Loader] | None = None
    lr_scale: float = 1.0
    averaging: Averaging | None = None


@dataclass
class Evaluation:
    """How a segmentor is evaluated: by which metrics, with mixed precision or not, on which test batches, what refines
    its probabilities, and what gathers its report.
    """

    metrics: list[Metric] = field(default_factory=list)
    mixed: bool = False
    loader: Callable[[int, int], Loader] | None = None
    crf: CRF | None = None
    card: CardPass | None = None
