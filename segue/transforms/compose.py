"""Compose: transforms one after the other, with errors that name the step and the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from segue.errors import DataError, InputError, LabelError
from segue.types import Sample

#: Takes a sample and returns it changed, or None to drop it.
Transform: TypeAlias = Callable[[Sample], Any]


class Compose:
    """Apply transforms in order; a step that returns None drops the sample.

    Args:
        transforms: callables, first to last.
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        for index, step in enumerate(transforms):
            if not callable(step):
                raise InputError(f"Compose: step {index} of the pipeline is not callable: {step!r}")
        self.transforms = list(transforms)

    def __call__(self, sample: Sample) -> Any:
        """The transformed sample, or None if a step dropped it."""
        paths = [str(sample[key]) for key in ("img_path", "seg_map_path") if sample.get(key)]
        source = paths[0] if paths else "a sample without img_path"
        result: Any = sample
        for index, step in enumerate(self.transforms):
            try:
                result = step(result)
            except (DataError, LabelError, InputError) as error:
                if any(path in str(error) for path in paths):
                    raise
                raise type(error)(f"{source}: {error}") from error
            except Exception as error:
                raise DataError(
                    f"{source}: {type(step).__name__} (step {index + 1} of {len(self.transforms)} of the pipeline) "
                    f"failed with {type(error).__name__}: {error}"
                ) from error
            if result is None:
                return None
        return result

    def __repr__(self) -> str:
        return f"Compose({', '.join(type(step).__name__ for step in self.transforms)})"
