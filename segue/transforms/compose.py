"""Compose: transforms one after the other, with errors that name the step and the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from segue.errors import DataError, InputError, LabelError, line_of
from segue.transforms.fused import LoadWindow
from segue.types import Sample

#: Takes a sample and returns it changed, or None to drop it.
Transform: TypeAlias = Callable[[Sample], Any]


class Compose:
    """Apply transforms in order; a step that returns None drops the sample.

    Reading and cropping are done in one go where the first steps allow it: see `segue.transforms.fused`.

    Args:
        transforms: callables, first to last.
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        if not isinstance(transforms, (list, tuple)):
            raise InputError(f"Compose: the pipeline must be a list of steps, not {transforms!r}")
        for index, step in enumerate(transforms):
            if not callable(step):
                raise InputError(f"Compose: step {index} of the pipeline is not callable: {step!r}")
        self.transforms = list(transforms)
        self._fused: tuple[list[Transform], LoadWindow | None] = ([], None)

    def __call__(self, sample: Sample) -> Any:
        """The transformed sample, or None if a step dropped it."""
        paths = [str(sample[key]) for key in ("img_path", "seg_map_path") if sample.get(key)]
        source = paths[0] if paths else "a sample without img_path"
        first = self._first_steps()
        begun = None if first is None else first.attempt(sample)
        done = 0 if first is None or begun is None else first.count
        result: Any = sample if begun is None else begun
        for index, step in enumerate(self.transforms[done:], done):
            try:
                result = step(result)
            except (DataError, LabelError, InputError) as error:
                if any(path in str(error) for path in paths):
                    raise
                raise type(error)(f"{source}: {error}") from error
            except Exception as error:
                raise DataError(
                    f"{source}: {type(step).__name__} (step {index + 1} of {len(self.transforms)} of the pipeline) "
                    f"failed with {type(error).__name__}: {error}{line_of(error)}"
                ) from error
            if result is None:
                return None
        return taken(result)

    def _first_steps(self) -> LoadWindow | None:
        """Of the transforms as they are now, since user code may change the list."""
        if self._fused[0] != self.transforms:
            self._fused = list(self.transforms), LoadWindow.of(self.transforms)
        return self._fused[1]

    def __repr__(self) -> str:
        return f"Compose({', '.join(type(step).__name__ for step in self.transforms)})"


def taken(packed: Any) -> Any:
    """A packed sample whose ``data_samples`` are a `SegSample`; those of user code know how they become it."""
    if not isinstance(packed, dict):
        return packed
    found = packed.get("data_samples")
    if found is not None and hasattr(found, "as_segue"):
        return {**packed, "data_samples": found.as_segue()}
    if isinstance(found, list) and any(hasattr(view, "as_segue") for view in found):  # of test-time augmentation
        return {**packed, "data_samples": [v.as_segue() if hasattr(v, "as_segue") else v for v in found]}
    return packed
