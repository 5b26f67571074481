"""How far the logits of a file are from those of its model, and whether that is too far."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

#: values above which float32 itself is too coarse for an absolute limit: depths in millimeters, say
COARSE = 500.0


@dataclass(frozen=True)
class Limits:
    """What an export may differ by.

    Attributes:
        difference: of logits, at most, or of values above ``COARSE`` as much more as they are above it; of float16 and
            int8 as a share of the range of the model's logits.
        agreement: share of pixels with the same label, at least, near-ties apart.
        relative: whether ``difference`` is such a share.
    """

    difference: float
    agreement: float
    relative: bool = False


LIMITS = {
    "float32": Limits(1e-3, 0.999),
    "float16": Limits(0.02, 0.99, True),
    "bfloat16": Limits(0.16, 0.99, True),  # eight times float16's, as its rounding is: 8 bits of precision, not 11
    "int8": Limits(0.2, 0.99, True),  # of its own results elsewhere; what it may lose is the user's to say
}


@dataclass(frozen=True)
class Comparison:
    """One image, or batch.

    Attributes:
        name: which image.
        shape: of the network's input.
        largest, mean: absolute difference of logits; None where the file gives labels.
        tolerance: what ``largest`` may be.
        agreement: share of the pixels that are no near-ties with the same label.
        near_ties: share of pixels whose two best logits differ by less than the tolerance.
        wrong: what is wrong, if anything.
    """

    name: str
    shape: tuple[int, ...]
    largest: float | None
    mean: float | None
    tolerance: float
    agreement: float
    near_ties: float
    wrong: str = ""

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def compare(
    name: str, shape: tuple[int, ...], wanted: np.ndarray, found: np.ndarray, limits: Limits, threshold: float | None
) -> Comparison:
    """Compare logits.

    Args:
        name, shape: of the input.
        wanted: the model's, (B, K, H, W) float32.
        found: the file's; or its labels (B, H, W).
        limits: to hold.
        threshold: of the sigmoid, where that decides; None where the largest logit does.
    """
    span = float(wanted.max() - wanted.min())
    largest_value = float(np.abs(wanted).max()) if np.isfinite(wanted).all() else 0.0
    tolerance = limits.difference * (max(span, 1e-6) if limits.relative else max(1.0, largest_value / COARSE))
    labels_only = found.dtype.kind in "iu"
    due = (wanted.shape[0], *wanted.shape[2:]) if labels_only else wanted.shape
    if found.shape != due:
        said = f"the shape of the result is {found.shape}, not {due}"
        return Comparison(name, shape, None, None, tolerance, 0.0, 0.0, said)
    if not np.isfinite(wanted).all():
        return Comparison(name, shape, None, None, tolerance, 0.0, 0.0, "the model's own logits are not finite")
    if not labels_only and not np.isfinite(found).all():
        share = 1 - float(np.isfinite(found).mean())
        return Comparison(name, shape, None, None, tolerance, 0.0, 0.0, f"{share:.1%} of the logits are not finite")
    right, gap = decision(wanted, threshold)
    own = found if labels_only else decision(found, threshold)[0]
    ties = gap < tolerance
    counted = ~ties
    agreement = float((right == own)[counted].mean()) if counted.any() else 1.0
    difference = None if labels_only else np.abs(wanted - found)
    largest = None if difference is None else float(difference.max())
    wrong = []
    if largest is not None and largest > tolerance:
        wrong.append(f"logits differ by {largest:.3g}, more than {tolerance:.3g}")
    if agreement < limits.agreement:
        wrong.append(f"{agreement:.3%} of the labels agree, fewer than {limits.agreement:.1%}")
    mean = None if difference is None else float(difference.mean())
    return Comparison(name, shape, largest, mean, tolerance, agreement, float(ties.mean()), "; ".join(wrong))


def decision(logits: np.ndarray, threshold: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Labels of logits (B, K, H, W), and how near each decision is to another one, in logits."""
    if threshold is not None:
        bound = float(np.log(threshold / (1 - threshold)))
        return logits > bound, np.abs(logits - bound)
    best = np.partition(logits, -2, axis=1)[:, -2:]
    return logits.argmax(axis=1), best[:, 1] - best[:, 0]
