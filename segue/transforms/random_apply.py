"""RandomApply: some transforms, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from segue.transforms.arguments import probability
from segue.transforms.compose import Compose, Transform
from segue.types import Sample


class RandomApply:
    """Apply all ``transforms`` with some probability, and else none. Takes what they take.

    Args:
        transforms: one or several, first to last.
        prob: probability of applying them.
    """

    def __init__(self, transforms: Transform | Sequence[Transform], prob: float = 0.5) -> None:
        self.prob = probability(self, "prob", prob)
        self.transforms = Compose(transforms if isinstance(transforms, Sequence) else [transforms])

    def __call__(self, sample: Sample) -> Any:
        """Draw, and apply."""
        return self.transforms(sample) if np.random.rand() < self.prob else sample
