"""``ReduceOnPlateauLR`` and its kin: a rate times ``factor`` when a logged value has stopped getting better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from segue.training.rules import Rule


@dataclass(frozen=True, kw_only=True)
class ReduceOnPlateauLR(Rule):
    """Looks once after each validation, as `Watch` counts.

    Attributes:
        monitor: a metric of the validation, or a value of the last iteration's log, as ``loss``.
        rule: ``less`` or ``greater`` is better.
        factor: from 0 to 1, 1 excluded.
        patience: validations without an improvement that change nothing.
        threshold, threshold_rule: an improvement is more than this part of the best (``rel``) or this amount (``abs``).
        cooldown: validations after a change that do not count.
        min_value: of all groups, or one of each.
        eps: a change that is no larger is not made.
    """

    monitor: str = "loss"
    rule: str = "less"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_rule: str = "rel"
    cooldown: int = 0
    min_value: float | Sequence[float] = 0.0
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rule not in ("less", "greater"):
            raise ValueError(f"rule must be 'less' or 'greater', got {self.rule!r}")
        if self.threshold_rule not in ("rel", "abs"):
            raise ValueError(f"threshold_rule must be 'rel' or 'abs', got {self.threshold_rule!r}")
        if not 0 <= self.factor < 1:
            raise ValueError(f"factor must be below 1 and not negative, got {self.factor}")

    def step(self, tick: int, rate: float, base: float) -> float:
        """Nothing by itself: see `lowered`."""
        return rate

    def lowered(self, rate: float, group: int) -> float:
        """The rate of a group after a change."""
        least = self.min_value if isinstance(self.min_value, (int, float)) else self.min_value[group]
        new = max(rate * self.factor, least)
        return new if rate - new > self.eps else rate

    def better(self, value: float, best: float) -> bool:
        """Whether ``value`` improves on ``best``."""
        sign = 1 if self.rule == "greater" else -1
        if self.threshold_rule == "abs":
            return value > best + self.threshold if sign > 0 else value < best - self.threshold
        if math.isinf(best):
            return sign * (value - best) > 0
        return value > best * (1 + self.threshold) if sign > 0 else value < best * (1 - self.threshold)


class Watch:
    """What a `ReduceOnPlateauLR` has seen: the best value, validations since, and those that still do not count."""

    def __init__(self, rule: ReduceOnPlateauLR) -> None:
        self.rule = rule
        self.best = math.inf if rule.rule == "less" else -math.inf
        self.waited = self.resting = 0

    def due(self, value: float) -> bool:
        """Take the value of a validation; whether the rates go down now."""
        if self.rule.better(value, self.best):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        if self.resting > 0:
            self.resting -= 1
            self.waited = 0
        if self.waited <= self.rule.patience:
            return False
        self.resting, self.waited = self.rule.cooldown, 0
        return True

    def state(self) -> list[Any]:
        """For `restore`."""
        return [self.best, self.waited, self.resting]

    def restore(self, state: Sequence[Any]) -> None:
        """Go on from there."""
        self.best, self.waited, self.resting = float(state[0]), int(state[1]), int(state[2])
