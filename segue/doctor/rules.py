"""How the values of mask files become class ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from segue.masks.labels import IGNORE, remap_labels


@dataclass(frozen=True)
class Rules:
    """A dataset's rules for the values in its mask files.

    Attributes:
        classes: names; None where nobody has named or counted them.
        void: value of unlabeled pixels in the files.
        ignore_index: value of unlabeled pixels in samples.
        reduce_zero_label: 0 means unlabeled, and classes start at 1.
        label_map: (value, class id) pairs; None for none.
        chosen: the map follows from a choice of classes, so that it cannot be set as well.
        void_given: whether somebody has named the void value; else it is what is usual.
    """

    classes: tuple[str, ...] | None = None
    void: int = IGNORE
    ignore_index: int = IGNORE
    reduce_zero_label: bool = False
    label_map: tuple[tuple[int, int], ...] | None = None
    chosen: bool = False
    void_given: bool = False

    @property
    def num_classes(self) -> int | None:
        """How many classes, if that is known."""
        return None if self.classes is None else len(self.classes)

    def ids(self, values: Iterable[int]) -> dict[int, int]:
        """{value in the files: class id or `ignore_index`}."""
        raw = np.fromiter(values, np.int64)
        if not raw.size:
            return {}
        new = remap_labels(
            raw[None],
            void=self.void,
            ignore_index=self.ignore_index,
            reduce_zero_label=self.reduce_zero_label,
            label_map=None if self.label_map is None else dict(self.label_map),
        )[0]
        return dict(zip(raw.tolist(), new.tolist(), strict=True))

    def ignored(self, values: Iterable[int]) -> list[int]:
        """The values that become unlabeled, in order."""
        return sorted(value for value, new in self.ids(values).items() if new == self.ignore_index)

    def wrong(self, values: Iterable[int]) -> list[int]:
        """The values that become neither a class nor ignored, in order."""
        count = self.num_classes
        if count is None:
            return []
        return sorted(v for v, new in self.ids(values).items() if new != self.ignore_index and not 0 <= new < count)


def pairs_of(label_map: Mapping[int, int] | None) -> tuple[tuple[int, int], ...] | None:
    """A label map as `Rules` keeps it."""
    return None if not label_map else tuple((int(k), int(v)) for k, v in label_map.items())
