"""What makes a label map valid, and what to tell its owner when it is not.

Most failed trainings are label mistakes: binary masks of 0 and 255, ids that start at 1, colour pictures, 16-bit ids.
`remap_labels` applies a dataset's rules, `check_labels` refuses what is left over, `diagnose` names the likely remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from segue.errors import InputError, LabelError
from segue.images.read import Array

#: What samples carry where there is no label, whatever value the files use.
IGNORE = 255
#: A value that a label map does not list, although it makes the same id of another: this minus the value, no class.
UNLISTED = -(1 << 20)
_ROWS = 64
_STEP = 16  # of the grid of pixels that most values are found on


def label_counts(mask: Array) -> dict[int, int]:
    """Pixels per value, in ascending order of the value."""
    if mask.dtype == np.uint8:
        counts = np.bincount(mask.ravel(), minlength=256)
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    values, totals = np.unique(mask, return_counts=True)
    return {int(value): int(total) for value, total in zip(values, totals, strict=True)}


def remap_labels(
    mask: Array,
    *,
    void: int | None = IGNORE,
    ignore_index: int = IGNORE,
    reduce_zero_label: bool = False,
    label_map: Mapping[int, int] | None = None,
) -> Array:
    """Turn the values of a file into class ids.

    With ``reduce_zero_label`` 0 becomes ``ignore_index`` and every other value moves down by one; then ``label_map``
    replaces the ids it lists (-1 stands for ``ignore_index``) and leaves the others, but for those that it makes of
    other values: 2 beside {0: 0, 128: 1, 255: 2} is no class 2 but an error, as `UNLISTED` minus itself. The file's
    ``void`` value becomes ``ignore_index`` whatever the others say.

    Args:
        mask: (H, W) integers.
        void: the value that marks unlabeled pixels in the file.
        ignore_index: the value that marks them in the result.
        reduce_zero_label: see above.
        label_map: {value: class id}.

    Returns:
        (H, W) uint8 if all values fit and so does ``ignore_index``, else int32.
    """
    if mask.dtype == np.uint8 and 0 <= ignore_index <= 255:
        table = _remap(np.arange(256, dtype=np.int64), void, ignore_index, reduce_zero_label, label_map)
        unlisted = np.flatnonzero(table <= UNLISTED)
        if len(unlisted) and not np.isin(unlisted, values_in(mask) if mask.size else ()).any():
            table[unlisted] = ignore_index  # there are none
        if table.min() >= 0 and table.max() <= 255:
            if np.array_equal(table, np.arange(256)):
                return mask
            return cv2.LUT(np.ascontiguousarray(mask), table.astype(np.uint8))
    values, places = np.unique(mask, return_inverse=True)
    new = _remap(values.astype(np.int64), void, ignore_index, reduce_zero_label, label_map)
    small = new.size == 0 or (new.min() >= 0 and new.max() <= 255 and 0 <= ignore_index <= 255)
    return new.astype(np.uint8 if small else np.int32)[places.reshape(mask.shape)]


def _remap(
    values: Array, void: int | None, ignore_index: int, reduce_zero_label: bool, label_map: Mapping[int, int] | None
) -> Array:
    new = values - 1 if reduce_zero_label else values.copy()
    new[values == ignore_index] = ignore_index
    if label_map:
        old = new.copy()
        made = {target for source, target in label_map.items() if target not in (-1, ignore_index, source)}
        clash = np.isin(old, list(made - set(label_map))) & (values != ignore_index)
        new[clash] = UNLISTED - values[clash]
        for source, target in label_map.items():
            new[old == source] = ignore_index if target == -1 else target
    if void is not None and void != ignore_index:  # else a label_map may give the value a meaning, as in {0: 0, 255: 1}
        new[values == void] = ignore_index
    if reduce_zero_label:
        new[values == 0] = ignore_index
    return new


def check_label_map(
    label_map: Mapping[int, int], num_classes: int | None, ignore_index: int = IGNORE
) -> dict[int, int]:
    """The map with integer keys and values, or an InputError that names the entry that cannot be meant."""
    if not isinstance(label_map, Mapping):
        raise InputError(f"label_map must be a dict such as {{0: 0, 255: 1}}, got {label_map!r}")
    checked: dict[int, int] = {}
    for source, target in label_map.items():
        if not all(isinstance(item, int | np.integer) and not isinstance(item, bool) for item in (source, target)):
            raise InputError(f"label_map entries are integer: integer, got {source!r}: {target!r}")
        if target not in (-1, ignore_index) and not 0 <= target < (num_classes or target + 1):
            raise InputError(
                f"label_map sends {source} to class {target}, but the {num_classes} classes are numbered "
                f"0..{(num_classes or 0) - 1}; use {ignore_index} for pixels to ignore"
            )
        checked[int(source)] = int(target)
    return checked


def check_labels(mask: Array, num_classes: int, ignore_index: int = IGNORE, path: str | Path = "<mask>") -> None:
    """Raise LabelError unless every value of ``mask`` (H, W) is a class id or ``ignore_index``.

    The message holds the file, the offending values with their pixel counts, and the likely remedy.
    """
    if all_valid(mask, num_classes, ignore_index):
        return
    check_listed(mask, path)
    counts = label_counts(mask)
    wrong = {value: n for value, n in counts.items() if value != ignore_index and not 0 <= value < num_classes}
    raise LabelError(
        f"{path}: {_listed(wrong)} outside the {num_classes} classes 0..{num_classes - 1} "
        f"(ignored: {ignore_index}). {diagnose(counts, num_classes, ignore_index)}"
    )


def check_listed(mask: Array, path: str | Path = "<mask>") -> None:
    """Raise LabelError for values that the label map leaves out, although it makes their ids of other values."""
    if mask.dtype == np.uint8 or not mask.size or mask.min() > UNLISTED:
        return
    counts = {UNLISTED - value: n for value, n in label_counts(mask).items() if value <= UNLISTED}
    first = min(counts)
    raise LabelError(
        f"{path}: {_listed(counts)} not in label_map, which makes the same id of another value. Say what it is: "
        f"label_map={{..., {first}: {first}}} for the class of that number, {first}: {IGNORE} to ignore it"
    )


def values_in(mask: Array) -> Array:
    """The values of a label map (H, W) or a volume of labels, uint8, ascending, (N,) uint8."""
    mask = np.ascontiguousarray(mask).reshape(len(mask), -1)
    present = np.zeros(256, np.uint8)
    present[mask[::_STEP, ::_STEP]] = 1
    # most pixels have a value that was seen by now: to look for others is five times faster than to count all
    others = cv2.LUT(mask, 1 - present)
    if cv2.countNonZero(others):
        present[mask[others.view(np.bool_)]] = 1
    return np.flatnonzero(present).astype(np.uint8)


def all_valid(mask: Array, num_classes: int, ignore_index: int) -> bool:
    """Whether every value is a class id or ``ignore_index``."""
    if mask.size == 0:
        return True
    if mask.dtype == np.uint8:
        if ignore_index == 255:
            # 255 + 1 is 0 here; that is ten times faster than counting, part by part so that it stays in the cache
            parts = (mask[row : row + _ROWS] for row in range(0, mask.shape[0], _ROWS))
            return all(int((part + np.uint8(1)).max()) <= num_classes for part in parts)
        values = values_in(mask)
        return bool(((values < num_classes) | (values == ignore_index)).all())
    valid = (mask >= 0) & (mask < num_classes)
    return bool((valid | (mask == ignore_index)).all())


def _listed(counts: Mapping[int, int], limit: int = 6) -> str:
    parts = [f"{value} ({n} pixels)" for value, n in list(counts.items())[:limit]]
    more = f" and {len(counts) - limit} more values" if len(counts) > limit else ""
    return f"label{'s' if len(counts) > 1 else ''} {', '.join(parts)}{more}"


def diagnose(counts: Mapping[int, int], num_classes: int, ignore_index: int = IGNORE) -> str:
    """The most likely mistake behind a set of label values, and the config line that mends it.

    Args:
        counts: pixels per value of one or more label maps, as `label_counts` gives them.
        num_classes: classes of the dataset.
        ignore_index: value of unlabeled pixels.
    """
    values = sorted(value for value in counts if value != ignore_index)
    wrong = [value for value in values if not 0 <= value < num_classes]
    highest = values[-1] if values else 0
    if len(counts) == 2 and min(counts) == 0 and num_classes == 2 and max(counts) not in (0, 1):
        top = max(counts)
        return f"This is a binary mask of 0 and {top}: set label_map={{0: 0, {top}: 1}} on the dataset"
    if wrong == [num_classes] and 0 not in values:
        return (
            f"The ids run from {values[0]} to {num_classes}, one too high, and 0 is not used: set "
            "reduce_zero_label=True on the dataset"
        )
    if wrong == [num_classes]:
        return (
            f"The ids run from 0 to {num_classes}: if {num_classes} means unlabeled, set ignore_index={num_classes} on "
            "the dataset; if 0 does, reduce_zero_label=True; if both are classes, the dataset has "
            f"{num_classes + 1} of them, and classes and num_classes must say so"
        )
    if any(value < 0 for value in wrong):
        return f"Negative ids usually mean unlabeled: set label_map={{{wrong[0]}: {ignore_index}}} on the dataset"
    if highest > 255:
        return (
            f"Ids above 255 (here {highest}) point to a 16-bit instance or panoptic map, often class * 1000 "
            "+ instance; convert it to class ids, or list the ids that are classes in label_map={id: class}"
        )
    if num_classes == 19 and highest <= 33:
        return (
            "Values up to 33 with 19 classes look like Cityscapes labelIds; use the *_labelTrainIds.png files "
            "(segue convert dataset cityscapes makes them)"
        )
    if len(values) > max(2 * num_classes, 40):
        return (
            f"{len(values)} different values in one mask: it was saved as JPEG, resized with interpolation, or is a "
            "grayscale picture; export the labels again as PNG without smoothing"
        )
    if len(values) <= num_classes:
        entries = ", ".join(f"{value}: {index}" for index, value in enumerate(values))
        return f"The {len(values)} values are not 0, 1, 2 ...: set label_map={{{entries}}} on the dataset"
    return f"To ignore such pixels set label_map={{{wrong[0] if wrong else highest}: {ignore_index}}} on the dataset"
