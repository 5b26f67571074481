"""mmengine's parameter schedulers, for loops of one's own: a value of an optimizer's groups, step by step.

Segue's training has schedules of its own for ``param_scheduler``; these are for code that builds them by hand. A
subclass gives ``_get_value``: the value of each group at ``self.last_step``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

INF = int(1e9)


class _ParamScheduler:
    """One value per group of an optimizer, from step ``begin`` to step ``end``."""

    def __init__(
        self,
        optimizer: Any,
        param_name: str,
        begin: int = 0,
        end: int = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        if end <= begin:
            raise ValueError(f"end should be larger than begin, but got begin={begin}, end={end}")
        self.optimizer = getattr(optimizer, "optimizer", optimizer)
        self.param_name, self.begin, self.end, self.by_epoch, self.verbose = param_name, begin, end, by_epoch, verbose
        self.last_step, self._global_step = last_step, last_step
        for group in self.optimizer.param_groups:
            if last_step == -1:
                group.setdefault(f"initial_{param_name}", group[param_name])
            elif f"initial_{param_name}" not in group:
                raise KeyError(f"last_step={last_step} needs 'initial_{param_name}' in every group of the optimizer")
        self.base_values = [group[f"initial_{param_name}"] for group in self.optimizer.param_groups]
        self._last_value: list[float] = []
        self.step()

    def _values(self) -> list[float]:
        return [group[self.param_name] for group in self.optimizer.param_groups]

    def _get_value(self) -> list[float]:
        raise NotImplementedError

    def get_last_value(self) -> list[float]:
        """What the last step set."""
        return self._last_value

    def step(self) -> None:
        """The values of the next step."""
        self._global_step += 1
        if self.begin <= self._global_step < self.end:
            self.last_step += 1
            for group, value in zip(self.optimizer.param_groups, self._get_value(), strict=True):
                group[self.param_name] = value
        self._last_value = self._values()

    def state_dict(self) -> dict[str, Any]:
        """All but the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from a state."""
        self.__dict__.update(state_dict)


class StepParamScheduler(_ParamScheduler):
    """Times ``gamma`` every ``step_size`` steps."""

    def __init__(self, optimizer: Any, param_name: str, step_size: int, gamma: float = 0.1, **kwargs: Any) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, param_name, **kwargs)

    def _get_value(self) -> list[float]:
        turn = self.last_step > 0 and self.last_step % self.step_size == 0
        return [value * self.gamma if turn else value for value in self._values()]


class MultiStepParamScheduler(_ParamScheduler):
    """Times ``gamma`` at each of the ``milestones``."""

    def __init__(
        self, optimizer: Any, param_name: str, milestones: Sequence[int], gamma: float = 0.1, **kwargs: Any
    ) -> None:
        self.milestones, self.gamma = list(milestones), gamma
        super().__init__(optimizer, param_name, **kwargs)

    def _get_value(self) -> list[float]:
        factor = self.gamma ** self.milestones.count(self.last_step)
        return [value * factor for value in self._values()]


class ConstantParamScheduler(_ParamScheduler):
    """Times ``factor`` until the end."""

    def __init__(self, optimizer: Any, param_name: str, factor: float = 1.0 / 3, **kwargs: Any) -> None:
        if not 0 <= factor <= 1:
            raise ValueError("Constant multiplicative factor should between 0 and 1.")
        self.factor = factor
        super().__init__(optimizer, param_name, **kwargs)
        self.total_iters = self.end - self.begin - 1

    def _get_value(self) -> list[float]:
        if self.last_step == 0:
            return [value * self.factor for value in self._values()]
        last = self.last_step == self.end - self.begin - 1
        return [value / self.factor if last else value for value in self._values()]


class ExponentialParamScheduler(_ParamScheduler):
    """Times ``gamma`` at every step."""

    def __init__(self, optimizer: Any, param_name: str, gamma: float, **kwargs: Any) -> None:
        self.gamma = gamma
        super().__init__(optimizer, param_name, **kwargs)

    def _get_value(self) -> list[float]:
        return [value * (self.gamma if self.last_step else 1) for value in self._values()]


class LinearParamScheduler(_ParamScheduler):
    """Times a factor that goes from ``start_factor`` to ``end_factor`` in a line."""

    def __init__(
        self, optimizer: Any, param_name: str, start_factor: float = 1.0 / 3, end_factor: float = 1.0, **kwargs: Any
    ) -> None:
        if not 0 < start_factor <= 1 or not 0 <= end_factor <= 1:
            raise ValueError("start_factor is in (0, 1], end_factor in [0, 1]")
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = kwargs.get("end", INF) - kwargs.get("begin", 0) - 1
        super().__init__(optimizer, param_name, **kwargs)

    def _get_value(self) -> list[float]:
        if self.last_step == 0:
            return [value * self.start_factor for value in self._values()]
        rise = (self.end_factor - self.start_factor) / self.total_iters
        before = self.start_factor + (self.last_step - 1) * rise
        return [value * (1.0 + rise / before) for value in self._values()]


class PolyParamScheduler(_ParamScheduler):
    """Down to ``eta_min`` as (1 - t) to the ``power``."""

    def __init__(
        self, optimizer: Any, param_name: str, power: float = 1.0, eta_min: float = 0.0, **kwargs: Any
    ) -> None:
        self.power, self.eta_min = power, eta_min
        self.total_iters = kwargs.get("end", INF) - kwargs.get("begin", 0) - 1
        super().__init__(optimizer, param_name, **kwargs)

    def _get_value(self) -> list[float]:
        if self.last_step == 0:
            return self._values()
        left = self.total_iters - self.last_step
        return [(v - self.eta_min) * (left / (left + 1)) ** self.power + self.eta_min for v in self._values()]


class CosineAnnealingParamScheduler(_ParamScheduler):
    """Down to ``eta_min`` (or ``eta_min_ratio`` of the start) along a cosine of ``T_max`` steps."""

    def __init__(
        self,
        optimizer: Any,
        param_name: str,
        T_max: int | None = None,
        eta_min: float | None = None,
        eta_min_ratio: float | None = None,
        **kwargs: Any,
    ) -> None:
        if (eta_min is None) == (eta_min_ratio is None):
            eta_min = 0.0 if eta_min is None and eta_min_ratio is None else eta_min
            if eta_min_ratio is not None:
                raise AssertionError("give eta_min or eta_min_ratio, not both")
        self.T_max = T_max or kwargs.get("end", INF) - kwargs.get("begin", 0)
        self.eta_min, self.eta_min_ratio = eta_min, eta_min_ratio
        super().__init__(optimizer, param_name, **kwargs)

    def _get_value(self) -> list[float]:
        t, period = self.last_step, self.T_max
        out = []
        for group, base in zip(self.optimizer.param_groups, self.base_values, strict=True):
            low = self.eta_min if self.eta_min_ratio is None else base * self.eta_min_ratio
            value = group[self.param_name]
            if t == 0:
                out.append(value)
            elif (t - 1 - period) % (2 * period) == 0:
                out.append(value + (base - low) * (1 - math.cos(math.pi / period)) / 2)
            else:
                ratio = (1 + math.cos(math.pi * t / period)) / (1 + math.cos(math.pi * (t - 1) / period))
                out.append(ratio * (value - low) + low)
        return out


class CosineRestartParamScheduler(_ParamScheduler):
    """Cosines of ``periods`` steps, each from ``restart_weights`` times the start."""

    def __init__(
        self,
        optimizer: Any,
        param_name: str,
        periods: Sequence[int],
        restart_weights: Sequence[float] = (1,),
        eta_min: float | None = None,
        eta_min_ratio: float | None = None,
        **kwargs: Any,
    ) -> None:
        if len(periods) != len(restart_weights):
            raise AssertionError("periods and restart_weights should have the same length.")
        self.periods, self.restart_weights = periods, restart_weights
        self.eta_min, self.eta_min_ratio = eta_min, eta_min_ratio
        self.cumulative_periods = [sum(periods[: n + 1]) for n in range(len(periods))]
        super().__init__(optimizer, param_name, **kwargs)

    def _get_value(self) -> list[float]:
        turn = next((n for n, end in enumerate(self.cumulative_periods) if self.last_step < end), None)
        if turn is None:
            raise ValueError(f"step {self.last_step} is behind all periods {self.cumulative_periods}")
        start = 0 if turn == 0 else self.cumulative_periods[turn - 1]
        wave = 0.5 * (1 + math.cos(math.pi * min((self.last_step - start) / self.periods[turn], 1)))
        out = []
        for base in self.base_values:
            low = base * self.eta_min_ratio if self.eta_min_ratio is not None else self.eta_min or 0.0
            out.append(low + (base * self.restart_weights[turn] - low) * wave)
        return out


class LRSchedulerMixin:
    """Before a `_ParamScheduler`: it sets the learning rate."""

    def __init__(self, optimizer: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(optimizer, "lr", *args, **kwargs)  # type: ignore[call-arg]


class MomentumSchedulerMixin:
    """Before a `_ParamScheduler`: it sets the momentum."""

    def __init__(self, optimizer: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(optimizer, "momentum", *args, **kwargs)  # type: ignore[call-arg]


class StepLR(LRSchedulerMixin, StepParamScheduler):
    """`StepParamScheduler` of the learning rate."""


class MultiStepLR(LRSchedulerMixin, MultiStepParamScheduler):
    """`MultiStepParamScheduler` of the learning rate."""


class ConstantLR(LRSchedulerMixin, ConstantParamScheduler):
    """`ConstantParamScheduler` of the learning rate."""


class ExponentialLR(LRSchedulerMixin, ExponentialParamScheduler):
    """`ExponentialParamScheduler` of the learning rate."""


class LinearLR(LRSchedulerMixin, LinearParamScheduler):
    """`LinearParamScheduler` of the learning rate."""


class PolyLR(LRSchedulerMixin, PolyParamScheduler):
    """`PolyParamScheduler` of the learning rate."""


class CosineAnnealingLR(LRSchedulerMixin, CosineAnnealingParamScheduler):
    """`CosineAnnealingParamScheduler` of the learning rate."""


class CosineRestartLR(LRSchedulerMixin, CosineRestartParamScheduler):
    """`CosineRestartParamScheduler` of the learning rate."""


class StepMomentum(MomentumSchedulerMixin, StepParamScheduler):
    """`StepParamScheduler` of the momentum."""


class MultiStepMomentum(MomentumSchedulerMixin, MultiStepParamScheduler):
    """`MultiStepParamScheduler` of the momentum."""


class ConstantMomentum(MomentumSchedulerMixin, ConstantParamScheduler):
    """`ConstantParamScheduler` of the momentum."""


class ExponentialMomentum(MomentumSchedulerMixin, ExponentialParamScheduler):
    """`ExponentialParamScheduler` of the momentum."""


class LinearMomentum(MomentumSchedulerMixin, LinearParamScheduler):
    """`LinearParamScheduler` of the momentum."""


class PolyMomentum(MomentumSchedulerMixin, PolyParamScheduler):
    """`PolyParamScheduler` of the momentum."""


class CosineAnnealingMomentum(MomentumSchedulerMixin, CosineAnnealingParamScheduler):
    """`CosineAnnealingParamScheduler` of the momentum."""


class CosineRestartMomentum(MomentumSchedulerMixin, CosineRestartParamScheduler):
    """`CosineRestartParamScheduler` of the momentum."""


class PolyLRRatio(LRSchedulerMixin, _ParamScheduler):
    """mmseg's: polynomial down to ``eta_min_ratio`` of the start."""

    def __init__(
        self,
        optimizer: Any,
        eta_min: float | None = None,
        eta_min_ratio: float | None = None,
        power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        self.power, self.eta_min, self.eta_min_ratio = power, eta_min or 0.0, eta_min_ratio
        self.total_iters = kwargs.get("end", INF) - kwargs.get("begin", 0) - 1
        super().__init__(optimizer, **kwargs)

    def _get_value(self) -> list[float]:
        if self.last_step == 0:
            return self._values()
        left = self.total_iters - self.last_step
        ratio = (left / (left + 1)) ** self.power
        out = []
        for value, base in zip(self._values(), self.base_values, strict=True):
            low = self.eta_min if self.eta_min_ratio is None else base * self.eta_min_ratio
            out.append((value - low) * ratio + low)
        return out
