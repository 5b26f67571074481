"""mmengine's schedules of one cycle, and of a metric that gets no better, for loops of one's own; see `parameters`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from segue.compat.mmengine.parameters import INF, LRSchedulerMixin, MomentumSchedulerMixin, _ParamScheduler


class OneCycleParamScheduler(_ParamScheduler):
    """Up to ``eta_max``, then far down (arXiv:1708.07120).

    Args:
        optimizer, param_name: whose value of which groups.
        eta_max: the highest value.
        total_steps: of the cycle; ``end - begin`` by default.
        pct_start: the part of the cycle that goes up.
        anneal_strategy: ``cos`` or ``linear``.
        div_factor: the first value is ``eta_max`` over this.
        final_div_factor: the last value is the first over this.
        three_phase: come down to the first value as fast as it went up, and then further.
        begin, end, last_step, by_epoch, verbose: as in every schedule.
    """

    def __init__(
        self,
        optimizer: Any,
        param_name: str,
        eta_max: float,
        total_steps: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        begin: int = 0,
        end: int = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        if total_steps is None and end == INF:
            raise ValueError("give total_steps, or begin and end")
        total = total_steps if total_steps is not None else end - begin
        if total <= 0:
            raise ValueError(f"total_steps must be positive, got {total}")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"pct_start must lie in 0..1, got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self.total_steps, self.anneal_strategy = total, anneal_strategy
        first = eta_max / div_factor
        last = first / final_div_factor
        top = float(pct_start * total) - 1
        if three_phase:
            self._phases = [(top, first, eta_max), (2 * top, eta_max, first), (total - 1.0, first, last)]
        else:
            self._phases = [(top, first, eta_max), (total - 1.0, eta_max, last)]
        if last_step == -1:
            inner = getattr(optimizer, "optimizer", optimizer)
            for group in inner.param_groups:
                group[f"initial_{param_name}"] = first
        super().__init__(optimizer, param_name, begin, end, last_step, by_epoch, verbose)

    def _get_value(self) -> list[float]:
        if self.last_step >= self.total_steps:
            raise ValueError(f"step {self.last_step} is behind the {self.total_steps} steps of the cycle")
        start = 0.0
        value = self._phases[-1][2]
        for end, low, high in self._phases:
            if self.last_step <= end or end == self._phases[-1][0]:
                value = self._between(low, high, (self.last_step - start) / (end - start))
                break
            start = end
        return [value] * len(self.base_values)

    def _between(self, start: float, end: float, part: float) -> float:
        if self.anneal_strategy == "linear":
            return start + (end - start) * part
        return end + (start - end) / 2 * (1 + math.cos(math.pi * part))


class ReduceOnPlateauParamScheduler(_ParamScheduler):
    """Times ``factor`` when a metric has got no better for more than ``patience`` steps.

    Args:
        optimizer, param_name: whose value of which groups.
        monitor: the metric's name in what ``step`` is given.
        rule: ``less`` or ``greater`` is better.
        factor: below 1.
        patience: steps.
        threshold, threshold_rule: what counts as better: by this part (``rel``) or amount (``abs``).
        cooldown: steps after a change that do not count.
        min_value: of the value, one or of each group.
        eps: a smaller change is not made.
        begin, end, last_step, by_epoch, verbose: as in every schedule.
    """

    need_val_args = True

    def __init__(
        self,
        optimizer: Any,
        param_name: str,
        monitor: str = "loss",
        rule: str = "less",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_rule: str = "rel",
        cooldown: int = 0,
        min_value: Any = 0.0,
        eps: float = 1e-8,
        begin: int = 0,
        end: int = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        if factor >= 1:
            raise ValueError(f"factor must be below 1, got {factor}")
        if rule not in ("less", "greater"):
            raise ValueError(f"rule must be 'less' or 'greater', got {rule!r}")
        if threshold_rule not in ("rel", "abs"):
            raise ValueError(f"threshold_rule must be 'rel' or 'abs', got {threshold_rule!r}")
        self.monitor, self.rule, self.factor, self.patience = monitor, rule, factor, patience
        self.threshold, self.threshold_rule, self.cooldown, self.eps = threshold, threshold_rule, cooldown, eps
        self.best = math.inf if rule == "less" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = 0
        self._turn, self._made = False, False
        super().__init__(optimizer, param_name, begin, end, last_step, by_epoch, verbose)
        self._made = True
        count = len(self.optimizer.param_groups)
        self.min_values = list(min_value) if isinstance(min_value, (list, tuple)) else [min_value] * count
        if len(self.min_values) != count:
            raise ValueError(f"min_value has {len(self.min_values)} values for {count} groups")

    def step(self, metrics: Mapping[str, Any] | None = None) -> None:
        """Look at ``metrics``, which hold ``monitor``; without them, as at first, nothing changes."""
        if metrics is not None and not isinstance(metrics, Mapping):
            raise TypeError(f"metrics is a dict with {self.monitor!r}, not {type(metrics).__name__}")
        self._turn = self._made and metrics is not None and self._counts(metrics)
        super().step()

    def _counts(self, metrics: Mapping[str, Any]) -> bool:
        """Whether this step changes the value."""
        if not self.begin <= self._global_step + 1 < self.end or metrics.get(self.monitor) is None:
            return False
        current = float(metrics[self.monitor])
        if self._is_better(current):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs <= self.patience:
            return False
        self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        return True

    def _is_better(self, value: float) -> bool:
        sign = 1 if self.rule == "greater" else -1
        if self.threshold_rule == "abs":
            return sign * (value - self.best) > self.threshold
        if math.isinf(self.best):
            return value == value
        return value > self.best * (1 + self.threshold) if sign > 0 else value < self.best * (1 - self.threshold)

    def _get_value(self) -> list[float]:
        if not self._turn:
            return self._values()
        lower = [max(value * self.factor, least) for value, least in zip(self._values(), self.min_values, strict=True)]
        return [new if old - new > self.eps else old for old, new in zip(self._values(), lower, strict=True)]


class OneCycleLR(LRSchedulerMixin, OneCycleParamScheduler):
    """`OneCycleParamScheduler` of the learning rate."""


class ReduceOnPlateauLR(LRSchedulerMixin, ReduceOnPlateauParamScheduler):
    """`ReduceOnPlateauParamScheduler` of the learning rate."""


class ReduceOnPlateauMomentum(MomentumSchedulerMixin, ReduceOnPlateauParamScheduler):
    """`ReduceOnPlateauParamScheduler` of the momentum."""
