"""The schedules that mmseg configs name, each as a rule from one learning rate to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

NEVER = 1_000_000_000  # the `end` of a rule that never ends


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One entry of ``param_scheduler``.

    Attributes:
        begin: first tick on which the rule acts.
        end: first tick on which it no longer acts.
        by_epoch: ticks are epochs, otherwise iterations.
        convert_to_iter_based: written in epochs, applied in iterations.
        verbose: accepted for old configs; the log has the rates anyway.
        last_step: accepted for old configs; resuming does not need it.
        param_name: which of a parameter group's values it sets; ``momentum`` is the first of ``betas`` where there are.
        parts: pieces of parameters' names, ``backbone`` ...: the rule acts on parameters that have one of these in
            their names, and on no others; None: on all.
    """

    begin: int = 0
    end: int = NEVER
    by_epoch: bool = True
    convert_to_iter_based: bool = False
    verbose: bool = False
    last_step: int = -1
    param_name: str = "lr"
    parts: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.parts is not None and not (self.parts and all(self.parts)):
            raise ValueError(f"parts must be pieces of parameters' names, got {self.parts!r}")
        if self.begin < 0:
            raise ValueError(f"begin must be 0 or more, got {self.begin}")
        if self.end <= self.begin:
            raise ValueError(f"end must be larger than begin, got begin={self.begin}, end={self.end}")

    def acts_on(self, name: str) -> bool:
        """Whether the rule is for the parameter of this name."""
        return self.parts is None or any(part in name for part in self.parts)

    @property
    def span(self) -> int:
        """Index of the last tick on which the rule acts, counted from ``begin``."""
        return self.end - self.begin - 1

    def start(self, base: float) -> float:
        """The rate from which training starts; rules that set their own scale override it."""
        return base

    def step(self, tick: int, rate: float, base: float) -> float:
        """The next rate: ``tick`` counts from ``begin``, ``rate`` is the current one, ``base`` the optimizer's."""
        raise NotImplementedError

    def per_iteration(self, epoch_length: int) -> Rule:
        """The same rule with iterations as ticks."""
        end = self.end if self.end == NEVER else int(self.end * epoch_length)
        return replace(self, begin=int(self.begin * epoch_length), end=end, by_epoch=False, convert_to_iter_based=False)


@dataclass(frozen=True, kw_only=True)
class ConstantLR(Rule):
    """The rate times ``factor`` while the rule acts; after a factor of 0 the optimizer's own rate is back."""

    factor: float = 1 / 3

    def step(self, tick: int, rate: float, base: float) -> float:
        """See `Rule.step`."""
        if tick == 0:
            return rate * self.factor
        if tick != self.span:
            return rate
        return rate * (1.0 / self.factor) if self.factor else base


@dataclass(frozen=True, kw_only=True)
class LinearLR(Rule):
    """From ``start_factor`` to ``end_factor`` times the rate, in equal steps (the usual warmup).

    From a ``start_factor`` of 0 it rises to that of the optimizer's own rate.
    """

    start_factor: float = 1 / 3
    end_factor: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("start_factor", "end_factor"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")

    def step(self, tick: int, rate: float, base: float) -> float:
        """See `Rule.step`."""
        if tick == 0:
            return rate * self.start_factor
        rise = self.end_factor - self.start_factor
        before = self.span * self.start_factor + (tick - 1) * rise
        return rate * (1.0 + rise / before) if before else base * rise / self.span


@dataclass(frozen=True, kw_only=True)
class PolyLR(Rule):
    """``(1 - t / T) ** power`` from the current rate down to ``eta_min`` (or ``eta_min_ratio`` times the base rate)."""

    eta_min: float = 0.0
    eta_min_ratio: float | None = None
    power: float = 1.0

    def step(self, tick: int, rate: float, base: float) -> float:
        """See `Rule.step`."""
        if tick == 0:
            return rate
        floor = self.eta_min if self.eta_min_ratio is None else base * self.eta_min_ratio
        lowered: float = (rate - floor) * (1 - 1 / (self.span - tick + 1)) ** self.power
        return lowered + floor


class PolyLRRatio(PolyLR):
    """mmseg's name for `PolyLR` with ``eta_min_ratio``."""


@dataclass(frozen=True, kw_only=True)
class ExponentialLR(Rule):
    """The rate times ``gamma`` on every tick."""

    gamma: float

    def step(self, tick: int, rate: float, base: float) -> float:
        """See `Rule.step`."""
        return rate if tick == 0 else rate * self.gamma


@dataclass(frozen=True, kw_only=True)
class StepLR(Rule):
    """The rate times ``gamma`` every ``step_size`` ticks."""

    step_size: int
    gamma: float = 0.1

    def step(self, tick: int, rate: float, base: float) -> float:
        """See `Rule.step`."""
        return rate if tick == 0 or tick % self.step_size else rate * self.gamma

    def per_iteration(self, epoch_length: int) -> Rule:
        """See `Rule.per_iteration`."""
        return replace(super().per_iteration(epoch_length), step_size=self.step_size * epoch_length)  # type: ignore[call-arg]


@dataclass(frozen=True, kw_only=True)
class MultiStepLR(Rule):
    """The rate times ``gamma`` at each milestone; milestones count from ``begin``; one written twice counts twice."""

    milestones: Sequence[int]
    gamma: float = 0.1

    def step(self, tick: int, rate: float, base: float) -> float:
        """See `Rule.step`."""
        hits = list(self.milestones).count(tick)
        return rate * self.gamma**hits if hits else rate

    def per_iteration(self, epoch_length: int) -> Rule:
        """See `Rule.per_iteration`."""
        milestones = [m * epoch_length for m in self.milestones]
        return replace(super().per_iteration(epoch_length), milestones=milestones)  # type: ignore[call-arg]


@dataclass(frozen=True, kw_only=True)
class CosineAnnealingLR(Rule):
    """Half a cosine of length ``T_max`` from the current rate to ``eta_min`` (SGDR, eq. 5), and back up after it."""

    T_max: int | None = None
    eta_min: float | None = None
    eta_min_ratio: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eta_min is not None and self.eta_min_ratio is not None:
            raise ValueError("give either eta_min or eta_min_ratio, not both")

    def step(self, tick: int, rate: float, base: float) -> float:
        """See `Rule.step`."""
        if tick == 0:
            return rate
        period = self.T_max or self.end - self.begin
        floor = (self.eta_min or 0.0) if self.eta_min_ratio is None else base * self.eta_min_ratio
        if (tick - 1 - period) % (2 * period) == 0:  # just past the bottom, where the ratio below is 0 / 0
            return rate + (base - floor) * (1 - math.cos(math.pi / period)) / 2
        ratio = (1 + math.cos(math.pi * tick / period)) / (1 + math.cos(math.pi * (tick - 1) / period))
        return ratio * (rate - floor) + floor

    def per_iteration(self, epoch_length: int) -> Rule:
        """See `Rule.per_iteration`."""
        period = None if self.T_max is None else self.T_max * epoch_length
        return replace(super().per_iteration(epoch_length), T_max=period)  # type: ignore[call-arg]


@dataclass(frozen=True, kw_only=True)
class CosineRestartLR(Rule):
    """Cosines of the given ``periods``, each restarting at its ``restart_weights`` times the base rate."""

    periods: Sequence[int]
    restart_weights: Sequence[float] = (1,)
    eta_min: float | None = None
    eta_min_ratio: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.eta_min is None) == (self.eta_min_ratio is None):
            raise ValueError("give exactly one of eta_min and eta_min_ratio")
        if len(self.periods) != len(self.restart_weights):
            count = len(self.restart_weights)
            raise ValueError(f"{len(self.periods)} periods need as many restart_weights, got {count}")

    def step(self, tick: int, rate: float, base: float) -> float:
        """See `Rule.step`."""
        offset = 0
        period, weight = 1, 0.0
        for period, weight in zip(self.periods, self.restart_weights, strict=True):  # noqa: B007  used after the break
            if tick < offset + period:
                break
            offset += period
        else:
            return rate
        if tick == offset:
            return base * weight
        floor = (self.eta_min or 0.0) if self.eta_min_ratio is None else base * self.eta_min_ratio
        tick -= offset
        ratio = (1 + math.cos(math.pi * tick / period)) / (1 + math.cos(math.pi * (tick - 1) / period))
        return ratio * (rate - floor) + floor

    def per_iteration(self, epoch_length: int) -> Rule:
        """See `Rule.per_iteration`."""
        periods = [p * epoch_length for p in self.periods]
        return replace(super().per_iteration(epoch_length), periods=periods)  # type: ignore[call-arg]


@dataclass(frozen=True, kw_only=True)
class OneCycleLR(Rule):
    """Up from ``eta_max / div_factor`` to ``eta_max`` and down again (Smith and Topin, arXiv 1708.07120)."""

    eta_max: float
    total_steps: int | None = None
    pct_start: float = 0.3
    anneal_strategy: str = "cos"
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    three_phase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be 'cos' or 'linear', got {self.anneal_strategy!r}")
        if not 0 <= self.pct_start <= 1:
            raise ValueError(f"pct_start must lie in [0, 1], got {self.pct_start}")

    def start(self, base: float) -> float:
        """See `Rule.start`: the optimizer's own rate plays no part."""
        return self.eta_max / self.div_factor

    def step(self, tick: int, rate: float, base: float) -> float:
        """See `Rule.step`."""
        steps = self.total_steps or self.end - self.begin
        low, high = self.eta_max / self.div_factor, self.eta_max
        final = low / self.final_div_factor
        phases = [(float(self.pct_start * steps) - 1, low, high)]
        if self.three_phase:
            phases.append((float(2 * self.pct_start * steps) - 2, high, low))
        phases.append((steps - 1, phases[-1][2], final))
        begin = 0.0
        for end, first, last in phases:  # noqa: B007  used after the break
            if tick <= end or end == steps - 1:
                break
            begin = end
        done = (tick - begin) / (end - begin)
        if self.anneal_strategy == "linear":
            return (last - first) * done + first
        return last + (first - last) / 2.0 * (math.cos(math.pi * done) + 1)

    def per_iteration(self, epoch_length: int) -> Rule:
        """See `Rule.per_iteration`."""
        steps = None if self.total_steps is None else self.total_steps * epoch_length
        return replace(super().per_iteration(epoch_length), total_steps=steps)  # type: ignore[call-arg]


@dataclass(frozen=True, kw_only=True)
class QuadraticWarmupLR(Rule):
    """Up to the base rate along a parabola: ``((t + 1) / T) ** 2`` of it (mmdet's; here, too, it is a sum of steps)."""

    def step(self, tick: int, rate: float, base: float) -> float:
        """See `Rule.step`."""
        rise = base * (2 * tick + 1) / (self.end - self.begin) ** 2
        return rise if tick == 0 else rate + rise


RULES: dict[str, type[Rule]] = {
    rule.__name__: rule
    for rule in (
        ConstantLR,
        LinearLR,
        PolyLR,
        PolyLRRatio,
        ExponentialLR,
        StepLR,
        MultiStepLR,
        CosineAnnealingLR,
        CosineRestartLR,
        OneCycleLR,
        QuadraticWarmupLR,
    )
}
