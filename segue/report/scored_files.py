"""Folders of label maps: which prediction belongs to which truth, and what their values mean."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from segue.datasets.pairs import closest_pairing
from segue.datasets.scan import some_of, walk_files
from segue.datasets.suffixes import stems_by_end
from segue.errors import DataError, InputError
from segue.images.read import Array
from segue.masks.decode import ColorMaskError, read_mask
from segue.masks.labels import check_label_map, label_counts
from segue.masks.names import Names
from segue.masks.rgb import RgbReader

SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".npy", ".pgm", ".ppm", ".jp2", ".jpg", ".jpeg")
#: What a color that is in no palette is read as; no file's own value.
NO_COLOR = -(1 << 21)
_OVERLAY = "_overlay"  # what `segue predict` puts beside its label maps


@dataclass(frozen=True)
class Matched:
    """Files by name.

    Attributes:
        pairs: (name, prediction, truth); a truth without prediction has None for it. Sorted by name.
        extra: predictions without truth.
    """

    pairs: list[tuple[str, Path | None, Path]]
    extra: list[Path]

    @property
    def missing(self) -> list[str]:
        """Names of the truths without prediction."""
        return [name for name, prediction, _ in self.pairs if prediction is None]


def match(
    predictions: str | Path, truth: str | Path, prediction_suffix: str | None = None, truth_suffix: str | None = None
) -> Matched:
    """Pair the label maps of two folders, or two files.

    Names, taken below each folder and without suffix, must agree but for a beginning or ending that nearly all of one
    side share; where no names agree so, their last parts must. Files ending in ``_overlay`` beside one that does not
    are pictures, and left out.

    Raises:
        DataError: no two files belong together, or two of one folder cannot be told apart.
    """
    folders = Path(predictions), Path(truth)
    if folders[0].is_file() and folders[1].is_file():
        return Matched([(folders[0].stem, *folders)], [])
    found = [_label_files(folder) for folder in folders]
    found[0] = _without_overlays(found[0])
    suffixes = prediction_suffix, truth_suffix
    whats = "prediction", "truth"
    stems = [
        stems_by_end(names, suffixes[i], suffixes[1 - i], str(folders[i]), whats[i]) for i, names in enumerate(found)
    ]
    pairing = closest_pairing(stems[0], stems[1], share=0.9)
    if not pairing.pairs:
        last = [{os.path.basename(stem): name for stem, name in side.items()} for side in stems]
        if all(len(a) == len(b) for a, b in zip(last, stems, strict=True)):
            pairing = closest_pairing(last[0], last[1], share=0.9)
    if not pairing.pairs:
        raise DataError(
            f"no file of {folders[0]} ({some_of(found[0], 2)}) has the name of one of {folders[1]} "
            f"({some_of(found[1], 2)}); say what they end with: --prediction-suffix and --truth-suffix"
        )
    pairs: list[tuple[str, Path | None, Path]] = [
        (os.path.splitext(one)[0], folders[0] / one, folders[1] / other) for one, other in pairing.pairs
    ]
    pairs += [(os.path.splitext(name)[0], None, folders[1] / name) for name in pairing.unused_masks]
    return Matched(sorted(pairs, key=lambda pair: pair[0]), [folders[0] / name for name in pairing.unused_images])


def _label_files(folder: Path) -> list[str]:
    names = [name for name in walk_files(folder) if os.path.splitext(name)[1].lower() in SUFFIXES]
    if not names:
        raise DataError(f"{folder}: no label maps there ({', '.join(SUFFIXES)})")
    return names


def _without_overlays(names: Sequence[str]) -> list[str]:
    stems = {os.path.splitext(name)[0] for name in names}
    own = [os.path.splitext(name)[0].removesuffix(_OVERLAY) for name in names]
    return [
        name for name, stem in zip(names, own, strict=True) if os.path.splitext(name)[0] == stem or stem not in stems
    ]


@dataclass
class Side:
    """How the files of one side become class ids: 0 .. C - 1, C for no class, C + 1 for pixels that do not count.

    Attributes:
        classes: C names.
        palette: a color of each, for files in colors; empty where none is known.
        void: values that do not count; a prediction has none.
        void_colors: the same of files in colors.
        reduce_zero_label: 0 is no class and does not count in a truth; all others move down by one.
        label_map: {value: class id}, before all else; values that it does not list stay.
        outside: pixels by the values that are no class; of all files so far.
    """

    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...] = ()
    void: tuple[int, ...] = ()
    void_colors: tuple[tuple[int, int, int], ...] = ()
    reduce_zero_label: bool = False
    label_map: Mapping[int, int] | None = None
    outside: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if self.palette and len(self.palette) != len(self.classes):
            raise InputError(f"palette has {len(self.palette)} colors for {len(self.classes)} classes")
        if self.void_colors and not self.palette:
            raise InputError("a color to ignore means something only beside the colors of the classes: --palette")
        if self.label_map is not None:
            check_label_map(self.label_map, len(self.classes))
            if any(not 0 <= target < len(self.classes) for target in self.label_map.values()):
                raise InputError("label_map leads to classes; what does not count is named by ignore_index")

    @cached_property
    def _colors(self) -> RgbReader | None:
        """Made for the first file in colors: many a dataset has classes of one color, which matters only there."""
        names = (*self.classes, *(f"void {i}" for i in range(len(self.void_colors))))
        colors = (*self.palette, *self.void_colors)
        return RgbReader("", Names(names, NO_COLOR, others="ignore", palette=colors)) if self.palette else None

    def read(self, path: Path) -> Array:
        """(H, W) of 0 .. C + 1, uint8 or int32.

        Raises:
            DataError: the file cannot be read, or is in colors and no palette is known.
        """
        count = len(self.classes)
        try:
            values = read_mask(path)
        except ColorMaskError as error:
            if self._colors is None:
                raise DataError(f"{error}; or give the color of each class: --palette") from error
            return self._settled(self._colored(path))
        if self.palette and self._outside(values) and _in_colors(path):
            colored = self._colored(path)  # three equal channels are a map of values, or grays of a palette
            if (colored == count).mean() < (self._ids(values) == count).mean():
                return self._settled(colored)
        ids = self._ids(values)
        if (ids == count).any():
            self.outside.update(label_counts(values[ids == count].reshape(1, -1)))
        return ids

    def _outside(self, values: Array) -> bool:
        return bool((self._ids(values) == len(self.classes)).any())

    def _ids(self, values: Array) -> Array:
        if values.dtype == np.uint8 and len(self.classes) + 2 <= 256:
            return self._mapped(np.arange(256)).astype(np.uint8)[values]
        return self._mapped(values.astype(np.int64)).astype(np.int32)

    def _mapped(self, values: Array) -> Array:
        count = len(self.classes)
        ids = values - 1 if self.reduce_zero_label else values
        ids = np.where((ids >= 0) & (ids < count), ids, count)
        void = (*self.void, 0) if self.reduce_zero_label and self.void else self.void
        ids = np.where(np.isin(values, void), count + 1, ids)
        for value, target in (self.label_map or {}).items():
            ids[values == value] = target
        return ids

    def _colored(self, path: Path) -> Array:
        """As `read`, of a file in colors."""
        assert self._colors is not None
        count = len(self.classes)
        ids = self._colors.read(str(path), "")
        ids = np.where(ids >= count, count + 1, np.where(ids == NO_COLOR, count, ids))
        return ids.astype(np.uint8 if count + 2 <= 256 else np.int32)

    def _settled(self, ids: Array) -> Array:
        wrong = int((ids == len(self.classes)).sum())
        if wrong:
            self.outside[NO_COLOR] += wrong
        return ids


def _in_colors(path: Path) -> bool:
    """Whether a file has three channels or more."""
    if path.suffix.lower() == ".npy":
        return False
    with Image.open(path) as picture:
        return picture.mode in ("RGB", "RGBA")
