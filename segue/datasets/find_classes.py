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
    """

    names: tuple[str, ...]
    label_map: dict[int, int] | None
    counts: dict[int, int]
    files: int


def find_classes(paths: Sequence[str], ignore_index: int = 255, reduce_zero_label: bool = False) -> FoundClasses:
    """Read all masks and name the classes after their values.

    ``ignore_index`` and negative values are no classes, and with ``reduce_zero_label`` 0 is none either, except in
    masks of just 0 and 255: there 255 is the foreground.
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
    if set(total) == {0, 255} and not reduce_zero_label:
        return FoundClasses(("background", "foreground"), {0: 0, 255: 1}, total, len(paths))
    values = [v for v in total if v >= 0 and v != ignore_index and not (reduce_zero_label and v == 0)]
    if not values:
        raise LabelError(
            f"{paths[0]} and the other {len(paths) - 1} masks: hold no labels but the ignored value {ignore_index}"
        )
    names = tuple(f"class_{value}" for value in values)
    shift = 1 if reduce_zero_label else 0  # label_map is applied after 0 is taken away
    label_map = {value - shift: index for index, value in enumerate(values) if value - shift != index}
    label_map |= {value - shift: -1 for value in total if value < 0}
    return FoundClasses(names, label_map or None, total, len(paths))


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
