"""TestTimeAug: several views of one image."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from segue.errors import DataError
from segue.transforms.arguments import refuse
from segue.transforms.compose import Compose, Transform
from segue.types import Sample


class TestTimeAug:
    """Apply every combination of one transform from each list; the result holds a list under every key.

    ``transforms=[[Resize(s) for s in scales], [RandomFlip(prob=0.0), RandomFlip(prob=1.0)], [PackSegInputs()]]`` gives
    two views per scale, in the order of nested loops.

    Args:
        transforms: lists of transforms, applied from the first list to the last.
    """

    __test__ = False  # not a test case, whatever pytest thinks of the name

    def __init__(self, transforms: Sequence[Sequence[Transform]]) -> None:
        if not isinstance(transforms, Sequence) or not transforms:
            raise refuse(self, "transforms", "a list of lists of transforms", transforms)
        for index, choices in enumerate(transforms):
            if not isinstance(choices, Sequence) or not choices or not all(callable(choice) for choice in choices):
                raise refuse(self, f"transforms[{index}]", "a list of transforms", choices)
        self.views = [Compose(steps) for steps in product(*transforms)]

    def __call__(self, sample: Sample) -> dict[str, list[Any]]:
        """One entry per view under every key."""
        results = []
        for view in self.views:
            result = view(_separate(sample))
            if result is None:
                raise DataError(f"{sample.get('img_path', 'a sample')}: {view} dropped it in test-time augmentation")
            results.append(result)
        return {key: [result[key] for result in results] for key in results[0]}


def _separate(sample: Sample) -> Sample:
    """A copy whose containers and arrays a view may change."""
    return {key: value.copy() if hasattr(value, "copy") else value for key, value in sample.items()}
