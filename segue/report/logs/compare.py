"""How far one loss curve is from another.

With the losses a of a reference and b of another run at the steps that both have:

    relative = mean((b - a) / a)        relative size = mean(|b - a| / |a|)
    absolute = mean(b - a)              absolute size = mean(|b - a|)

The first two keep their signs, as the tutorial of the rule has them: a loss below the reference's counts as good. The
curves pass where ``relative <= 0.05 or absolute <= 0.0002``. The sizes say how far they are apart whatever the sign,
and may be judged in place of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segue.errors import DataError, InputError, nearest
from segue.report.logs.read import Log


@dataclass(frozen=True)
class Difference:
    """What was found; nan where there is nothing to measure.

    Attributes:
        steps, reference, other: the matched values that are finite in both.
        relative, absolute: means with their signs.
        relative_size, absolute_size: means of sizes.
        worst: the step where they are farthest apart.
        passed: by the rule.
        said: steps that are not matched, values that are left out.
    """

    steps: Sequence[int]
    reference: Sequence[float]
    other: Sequence[float]
    relative: float
    absolute: float
    relative_size: float
    absolute_size: float
    worst: int
    passed: bool
    said: tuple[str, ...]


def compare(
    reference: Log,
    other: Log,
    key: str = "loss",
    *,
    relative: float = 0.05,
    absolute: float = 0.0002,
    sizes: bool = False,
    skip: int = 0,
) -> Difference:
    """Compare a curve of two runs.

    Args:
        reference, other: a and b.
        key: the curve.
        relative, absolute: the limits.
        sizes: judge the means of sizes, not those with signs.
        skip: leave out steps up to this one; 0 leaves out none.

    Raises:
        InputError: limits that are no numbers.
        DataError: a run has no such curve, or the two have no step in common.
    """
    for name, limit in (("relative", relative), ("absolute", absolute)):
        if math.isnan(limit):
            raise InputError(f"{name}: the limit is a number, not {limit!r}")
    curves = []
    for log in (reference, other):
        curve = log.curve(key)
        if not curve:
            have = sorted({*log.train, *log.val})
            raise DataError(f"{log.files[-1]}: there is no {key!r}{nearest(key, have)}")
        curves.append({step: value for step, value in curve.items() if step > skip})
    first, second = curves
    common = [step for step in first if step in second]
    if not common:
        raise DataError(
            f"{reference.name} and {other.name} have no step in common: {_steps(list(first))} and "
            f"{_steps(list(second))}; train both with one interval of the logger"
        )
    said = [
        f"{len(mine) - len(common)} of {len(mine)} steps are only in {log.name}"
        for log, mine in ((reference, first), (other, second))
        if len(mine) > len(common)
    ]
    a, b = (np.array([curve[step] for step in common]) for curve in curves)
    broken = np.isfinite(a) != np.isfinite(b)
    if broken.any():
        at = common[int(np.argmax(broken))]
        said.append(f"{int(broken.sum())} steps are finite in one of them only (the first: {at}), so they do not pass")
    neither = ~np.isfinite(a) & ~np.isfinite(b)
    if neither.any():
        said.append(f"{int(neither.sum())} steps are finite in none of them and left out")
    kept = np.isfinite(a) & np.isfinite(b)
    steps, a, b = np.array(common)[kept], a[kept], b[kept]
    gap = b - a
    some = a != 0
    if not some.all():
        said.append(f"{int((~some).sum())} steps where the reference is 0 have no relative error")
    shares = gap[some] / a[some]
    means = _mean(shares), _mean(gap)
    widths = _mean(np.abs(gap[some]) / np.abs(a[some])), _mean(np.abs(gap))
    judged = widths if sizes else means
    passed = bool(judged[0] <= relative or judged[1] <= absolute) and not broken.any()
    if passed and not sizes and not (widths[0] <= relative or widths[1] <= absolute):
        said.append("it passes by its sign only: the curves are farther apart than the limits")
    worst = int(steps[np.argmax(np.abs(gap))]) if len(steps) else 0
    if not len(steps):
        said.append("so no step is left to measure, and nothing passes")
    return Difference(steps.tolist(), a.tolist(), b.tolist(), *means, *widths, worst, passed, tuple(said))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else math.nan


def _steps(steps: Sequence[int]) -> str:
    if not steps:
        return "no step left"
    return f"{steps[0]} to {steps[-1]}, {len(steps)} of them"
