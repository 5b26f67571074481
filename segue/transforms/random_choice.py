"""RandomChoice: one of several pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from segue.transforms.arguments import probability, refuse
from segue.transforms.compose import Compose, Transform
from segue.types import Sample


class RandomChoice:
    """Apply one entry of ``transforms``, drawn by ``prob``. Takes what the entries take.

    Args:
        transforms: each a transform or a list of them.
        prob: one probability per entry, 1 in total; None makes all equally likely.
    """

    def __init__(
        self, transforms: Sequence[Transform | Sequence[Transform]], prob: Sequence[float] | None = None
    ) -> None:
        if not isinstance(transforms, Sequence) or not transforms:
            raise refuse(self, "transforms", "a list of transforms or of lists of them", transforms)
        if prob is not None:
            if not isinstance(prob, Sequence) or len(prob) != len(transforms):
                raise refuse(self, "prob", f"one probability for each of the {len(transforms)} entries", prob)
            prob = [probability(self, "prob", value) for value in prob]
            if abs(sum(prob) - 1) > 1e-6:
                raise refuse(self, "prob", "1 in total", prob)
        self.transforms = [Compose(entry if isinstance(entry, Sequence) else [entry]) for entry in transforms]
        self.prob = prob

    def __call__(self, sample: Sample) -> Any:
        """Draw an entry, and apply it."""
        return self.transforms[int(np.random.choice(len(self.transforms), p=self.prob))](sample)
