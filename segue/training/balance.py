"""Class weights from the data: ``class_weight='auto'`` and its kin, in numbers.

With n_c labeled pixels of class c, N of all classes, and C classes that occur:

- ``inverse``: N / (C n_c), the inverse frequency; a class of average size weighs 1.
- ``median``: median frequency balancing (Eigen and Fergus, arXiv:1411.4734, section 6.3.1): f_c is n_c divided by the
  labeled pixels of the images that have c; the weight is median(f) / f_c.
- ``effective``: effective number of samples (Cui et al., arXiv:1901.05555, equations 2 and 12): (1 - b) / (1 - b^n_c)
  with b = (N - 1) / N, scaled so that the weights of the classes that occur add up to C.
- ``auto``: ``median``, kept between 1/10 and 10, so that a class of a few pixels does not drown the others.

Ignored pixels count nowhere. A class that does not occur weighs 1, which no pixel feels.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from segue.config.balance import named_weights
from segue.config.nodes import heads_of
from segue.doctor.counts import LabelCounts
from segue.images.read import Array

LIMIT = 10.0


def class_weights(kind: str, counts: LabelCounts) -> list[float]:
    """One factor per class, rounded to four digits."""
    pixels = counts.per_class().astype(np.float64)
    there = pixels > 0
    weights = np.ones_like(pixels)
    if there.any():
        weights[there] = _formulas(kind, pixels[there], counts.with_class()[there].astype(np.float64))
    return [float(f"{weight:.4g}") for weight in weights]


def _formulas(kind: str, pixels: Array, images: Array) -> Array:
    total = pixels.sum()
    if kind == "inverse":
        shares: Array = total / (len(pixels) * pixels)
        return shares
    if kind == "effective":
        # 1 - b^n = -expm1(n log b), which stays exact where b is almost 1
        inverse = 1 / -np.expm1(pixels * np.log1p(-1 / max(total, 2.0)))
        scaled: Array = inverse * len(pixels) / inverse.sum()
        return scaled
    frequency = pixels / images
    weights = np.median(frequency) / frequency
    return np.clip(weights, 1 / LIMIT, LIMIT) if kind == "auto" else weights


def with_class_weights(cfg: Mapping[str, Any], counts: LabelCounts) -> tuple[Mapping[str, Any], list[str]]:
    """The config with numbers in place of the names, and lines that say what each name became."""
    made = {kind: class_weights(kind, counts) for kind in sorted({kind for _, kind in named_weights(cfg)})}
    changed = copy.deepcopy(cfg)
    for _, head in heads_of(changed):
        if head.get("out_channels") != 1:  # a single logit means foreground
            continue
        for node, kind in named_weights({"model": head.get("loss_decode")}):
            background, foreground = made[kind]
            node["class_weight"] = [float(f"{foreground / background:.4g}")]  # of positive pixels
    for node, kind in named_weights(changed):
        node["class_weight"] = made[kind]
    return changed, [f"class_weight={kind!r}: {values}" for kind, values in made.items()]
