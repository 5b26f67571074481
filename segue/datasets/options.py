"""The arguments that datasets share, written once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from segue.types import Sample

Init = TypeVar("Init", bound=Callable[..., None])


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """What every dataset takes, by the names in a config.

    Attributes:
        indices: use only these samples; a number n means the first n (the last, if negative).
        serialize_data: keep the paths of many samples in a few blocks of memory that worker processes share; then
            ``data_list`` cannot be changed any more (`segue.datasets.sample_table`).
        pipeline: transforms of a sample.
        test_mode: a sample that the pipeline drops is an error instead of being replaced.
        lazy_init: look for the files at first use.
        max_refetch: replacements tried for a dropped sample.
        ignore_index: value of unlabeled pixels in the files, such as 11 in CamVid; None takes the class's.
        reduce_zero_label: 0 in the files means unlabeled, and classes start at 1; None takes the class's setting.
        backend_args: accepted for mmseg configs; only the local disk.
        label_map: {value in the file: class id}, such as {0: 0, 255: 1} for masks of 0 and 255. Unlisted values stay,
            but one that the map makes of another value is an error.
        mask_format: how the label maps are kept if they are no pictures, such as ``labelme``, or ``dict(type='coco',
            ...)`` with arguments (see `segue.masks.formats`). By default it is seen from the files.
        pack: folder that ``segue pack`` made of these files; their pixels are read from there.
    """

    indices: int | Sequence[int] | None = None
    serialize_data: bool = True
    pipeline: Sequence[Callable[[Sample], Any]] = ()
    test_mode: bool = False
    lazy_init: bool = False
    max_refetch: int = 1000
    ignore_index: int | None = None
    reduce_zero_label: bool | None = None
    backend_args: Mapping[str, Any] | None = None
    label_map: Mapping[int, int] | None = None
    mask_format: str | Mapping[str, Any] | None = None
    pack: str | None = None


USUAL = DatasetOptions()
_NAMES = frozenset(field.name for field in dataclasses.fields(DatasetOptions))


def shared(init: Init) -> Init:
    """Let a constructor that takes ``options: DatasetOptions`` take its fields as keywords of their own as well."""

    @functools.wraps(init)
    def flat(self: Any, *args: Any, **given: Any) -> None:
        own = {name: given.pop(name) for name in list(given) if name in _NAMES}
        if own:
            given["options"] = dataclasses.replace(given.get("options", USUAL), **own)
        init(self, *args, **given)

    return flat  # type: ignore[return-value]
