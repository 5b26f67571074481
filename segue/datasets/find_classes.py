"""Classes from the masks themselves, for a folder that comes without a list of names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import PurePath

from segue.datasets.scan import walk_files
from segue.errors import LabelError
from segue.images.read import IMAGE_SUFFIXES
from segue.masks.decode import read_mask
from segue.masks.documents import annotation_files
from segue.masks.labels import label_counts
from segue.masks.meaning import meaning_of, void_text
from segue.system.cores import default_workers, in_parallel

#: Names of folders that hold one part of a dataset each.
SPLITS = ("train", "training", "val", "valid", "validation", "test", "testing", "trainval")
_MOST_CLASSES = 255


@dataclass(frozen=True)
class FoundClasses:
    """Class names, and the label map that makes ids of the values found.

    Attributes:
        names: ``class_<value>``, or background and foreground.
        label_map: {value: id} where the values are not 0..n-1 already.
        counts: pixels per value.
        files: number of masks read.
        question: what the values alone do not tell, and how it was answered.
    """

    names: tuple[str, ...]
    label_map: dict[int, int] | None
    counts: dict[int, int]
    files: int
    question: str = ""


def find_classes(
    paths: Sequence[str], ignore_index: int | None = None, reduce_zero_label: bool = False
) -> FoundClasses:
    """Read all masks and name the classes after their values.

    ``ignore_index`` and negative values are no classes, and with ``reduce_zero_label`` 0 is none either. Where nobody
    has named an ``ignore_index``, 255 is none only beside ids 0, 1, 2 ... (`segue.masks.meaning`).

    Raises:
        LabelError: the values can mean several things, or are too many.
    """
    per_file = in_parallel(lambda path: label_counts(read_mask(path)), paths, default_workers())
    counts: Counter[int] = Counter()
    for path, found in zip(paths, per_file, strict=True):
        counts.update(found)
        if len(counts) > _MOST_CLASSES + 1:
            raise LabelError(
                f"{path}: up to this mask there are {len(counts)} different values, too many to be classes. Were "
                "the masks saved as JPEG or resized with interpolation, or do they hold instances? "
                "Otherwise name the classes"
            )
    total = dict(sorted(counts.items()))
    known = {value: total[value] for value in total if value >= 0 and value != ignore_index}
    if set(known) - {255} and not reduce_zero_label:
        meaning = meaning_of(known, ignore_index)
        if meaning.refused:
            raise LabelError(f"{os.path.dirname(paths[0])}: {meaning.question}\n    {meaning.line}")
        given = dict(meaning.label_map or {})
        label_map = given if meaning.kind in ("binary", "levels") else {v: i for v, i in given.items() if v != i}
        label_map |= {value: -1 for value in total if value < 0}
        return FoundClasses(meaning.classes, label_map or None, total, len(paths), meaning.question)
    void = 255 if ignore_index is None else ignore_index
    values = [v for v in total if v >= 0 and v != void and not (reduce_zero_label and v == 0)]
    if not values:
        raise LabelError(
            f"{paths[0]} and the other {len(paths) - 1} masks: hold no labels but the ignored value {void}"
        )
    names = tuple(f"class_{value}" for value in values)
    shift = 1 if reduce_zero_label else 0  # label_map is applied after 0 is taken away
    label_map = {value - shift: index for index, value in enumerate(values) if value - shift != index}
    label_map |= {value - shift: -1 for value in total if value < 0}
    return FoundClasses(names, label_map or None, total, len(paths), void_text(total) if void == 255 in total else "")


def masks_of_all_splits(root: str, masks: str, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> list[str]:
    """Mask files of this folder and of its sister folders for the other splits; a file in their place is itself one.

    Training and validation must number the classes alike, even where one of them lacks a class.
    """
    parts = PurePath(os.path.normpath(masks)).parts
    choices = [(part, *(split for split in SPLITS if split != part)) if part in SPLITS else (part,) for part in parts]
    found: list[str] = []
    for candidate in product(*choices):
        folder = os.path.join(root, *candidate)
        if os.path.isfile(folder):
            found.append(folder)
        elif candidate == parts or os.path.isdir(folder):
            found += [os.path.join(folder, name) for name in annotation_files(walk_files(folder), suffixes)]
    return found
