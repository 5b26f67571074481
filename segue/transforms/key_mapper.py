"""KeyMapper: transforms that see a sample under other names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segue.errors import InputError
from segue.transforms.arguments import refuse
from segue.transforms.compose import Compose, Transform
from segue.types import Sample

_ABSENT = object()  # an entry that the inner transforms do not see


class KeyMapper:
    """Rename entries, apply ``transforms``, and rename back. Takes what they take.

    ``KeyMapper([Resize((64, 64))], mapping={"img": "img2"}, auto_remap=True)`` resizes ``img2``. A name may also be a
    list or dict of names, which collects entries into a list or dict; ``...`` hides an entry from the transforms.

    Args:
        transforms: one or several.
        mapping: {name inside: name outside}.
        remapping: {name inside: name outside} of the results; left out, they keep their names.
        auto_remap: use ``mapping`` as ``remapping`` too; the default if that is left out.
        allow_nonexist_keys: leave out what the sample lacks, instead of passing None.
    """

    def __init__(
        self,
        transforms: Transform | Sequence[Transform] = (),
        mapping: Mapping[str, Any] | None = None,
        remapping: Mapping[str, Any] | None = None,
        auto_remap: bool | None = None,
        allow_nonexist_keys: bool = False,
    ) -> None:
        if auto_remap and remapping is not None:
            raise refuse(self, "remapping", "None where auto_remap is set", remapping)
        self.transforms = Compose(transforms if isinstance(transforms, Sequence) else [transforms])
        self.mapping = mapping
        self.remapping = mapping if remapping is None and auto_remap in (None, True) else remapping
        self.allow_nonexist_keys = allow_nonexist_keys

    def __call__(self, sample: Sample) -> Sample:
        """Rename, apply, rename back."""
        sample.update(self.outer(self.applied(self.inner(sample))))
        return sample

    def inner(self, sample: Sample) -> Sample:
        """What the transforms will see."""
        if self.mapping is None:
            return dict(sample)
        return {**sample, **self._gathered(sample, self.mapping)}

    def applied(self, inside: Sample) -> Sample:
        """Apply the transforms to what they may see."""
        result = self.transforms({key: value for key, value in inside.items() if value is not _ABSENT})
        if result is None:
            raise InputError(f"{type(self).__name__}: a transform inside dropped the sample; drop it outside")
        return {**inside, **result}

    def outer(self, inside: Sample) -> Sample:
        """The results under their names outside."""
        if self.remapping is None:
            return {key: value for key, value in inside.items() if value is not _ABSENT}
        return self._spread(inside, self.remapping)

    def _gathered(self, sample: Sample, names: Any) -> Any:
        if isinstance(names, Mapping):
            return {inside: self._gathered(sample, outside) for inside, outside in names.items()}
        if isinstance(names, list | tuple):
            return type(names)(self._gathered(sample, name) for name in names)
        if names is ...:
            return _ABSENT
        return sample.get(names, _ABSENT if self.allow_nonexist_keys else None)

    def _spread(self, values: Any, names: Any) -> Sample:
        if names is ... or values is _ABSENT:
            return {}
        if isinstance(names, Mapping):
            absent = [name for name in names if not isinstance(values, Mapping) or name not in values]
            if absent:
                raise InputError(f"{type(self).__name__}: the transforms inside gave no {', '.join(absent)}")
            parts = [self._spread(values[name], outside) for name, outside in names.items()]
        elif isinstance(names, list | tuple):
            if not isinstance(values, list | tuple) or len(values) != len(names):
                raise InputError(f"{type(self).__name__}: {len(names)} names {names} for the result {values!r:.80}")
            parts = [self._spread(value, name) for value, name in zip(values, names, strict=True)]
        else:
            return {names: values}
        return {key: value for part in parts for key, value in part.items()}
