"""What makes a label map valid, and what to tell its owner when it is not.

Most failed trainings are label mistakes: binary masks of 0 and 255, ids that start at 1, colour pictures, 16-bit ids.
`remap_labels` applies a dataset's rules, `check_labels` refuses what is left over, `find_mistake` names the remedy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segue.errors import InputError, LabelError
from segue.images.read import Array

#: What samples carry where there is no label, whatever value the files use.
IGNORE = 255
#: A value that a label map does not list, although it makes the same id of another: this minus the value, no class.
UNLISTED = -(1 << 20)
#: What stands before the setting that ignores values, and never alone.
ASK = "To ignore them:"
_ROWS = 64
_MOST_MAPPED = 32  # values that a proposed label map lists
_SMOOTHED = (
    "most of them along borders: they were resized with interpolation or saved as JPEG. Export the labels again as "
    "PNG, resized with nearest-neighbor."
)
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
        new[clash] = UNLISTED - old[clash]  # by the number that a label_map would list
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
        f"(ignored: {ignore_index}). {find_mistake(counts, num_classes, ignore_index, ignore=ignore_index)}"
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


@dataclass(frozen=True)
class Mistake:
    """What is likely behind labels that cannot be right.

    Attributes:
        kind: ``binary-mask``, ``off-by-one`` ..., as docs/labels.md lists them.
        advice: one or more sentences.
        settings: of the dataset, which mend it; none where none does.
        source: how the label map is best written, if not entry by entry.
    """

    kind: str
    advice: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    def __str__(self) -> str:
        lines = [f"{key}={self.source or repr(value)}" for key, value in self.settings.items()]
        say = "set" if self.advice.endswith(":") else "Set"
        return f"{self.advice} {say} {' and '.join(lines)} on the dataset" if lines else self.advice


def find_mistake(
    pixels: Mapping[int, int],
    num_classes: int,
    void: int = IGNORE,
    *,
    ignore: int = IGNORE,
    wrong: Sequence[int] | None = None,
    reduced: bool = False,
    smooth: bool | None = None,
) -> Mistake:
    """The most likely mistake behind a set of label values, of which some are no classes.

    Args:
        pixels: per value of one or more label maps, as `label_counts` gives them.
        num_classes: classes of the dataset.
        void: value of unlabeled pixels in the files.
        ignore: value that label maps give to pixels that do not count.
        wrong: the values that are no classes, ascending; by default those outside of 0..num_classes - 1.
        reduced: the dataset has reduce_zero_label already.
        smooth: whether most of the values lie along borders; None where only their number is known.
    """
    values = sorted(value for value in pixels if value != void)
    if wrong is None:
        wrong = [value for value in values if not 0 <= value < num_classes]
    highest = max(wrong or values or [0])
    few = {"label_map": dict.fromkeys(wrong, ignore)} if len(wrong) <= _MOST_MAPPED else {}
    if num_classes == 2 and len(pixels) == 2 and min(pixels) == 0 and max(pixels) > 1:
        settings = {"label_map": {0: 0, max(pixels): 1}}
        return Mistake("binary-mask", f"This is a binary mask of 0 and {max(pixels)}.", settings)
    if smooth and len(wrong) > max(8, num_classes):
        return Mistake("smoothed-mask", f"{len(values)} values in masks of {num_classes} classes, {_SMOOTHED}")
    if scale := _scale(values, num_classes):
        kind = "16-bit-mask" if scale >= 256 else "scaled-mask"
        settings = {"label_map": {value * scale: value for value in range(num_classes)}}
        text = f"{{value * {scale}: value for value in range({num_classes})}}"
        return Mistake(kind, f"All are {scale} times a class id.", settings, text)
    if negative := {value: ignore for value in wrong if value < 0}:
        settings = few if len(negative) < len(wrong) else {"label_map": negative}
        return Mistake("negative-value", "Negative values usually mean unlabeled.", settings)
    if highest > 255:
        advice = f"Values above 255 (here {highest}) point to a map of instances in 16 bits"
        if highest < 1000 or any(value // 1000 >= num_classes for value in values):
            advice += "; convert it to class ids, or list the ids that are classes in label_map={id: class}."
            return Mistake("16-bit-mask", advice, few)
        several = {"label_map": {value: value // 1000 for value in values}} if len(values) <= 2000 else {}
        text = f"{{value: value // 1000 for value in {values}}}"
        return Mistake("16-bit-mask", f"{advice}, class * 1000 + instance.", several, text)
    if list(wrong) == [num_classes] and not reduced:
        if 0 not in values:
            advice = f"The values run from {values[0]} to {num_classes} and 0 is not used: ids start at 1."
            return Mistake("off-by-one", advice, {"reduce_zero_label": True})
        advice = (
            f"{num_classes} looks like unlabeled, which is {void} here. If 0 means unlabeled instead: "
            f"reduce_zero_label=True. If both are classes, there are {num_classes + 1} of them."
        )
        return Mistake("void-value", advice, {"ignore_index": num_classes})
    if num_classes == 19 and highest <= 33:
        advice = (
            "Values up to 33 with 19 classes look like Cityscapes labelIds; use the *_labelTrainIds.png files "
            "(segue convert dataset cityscapes makes them)."
        )
        return Mistake("label-ids", advice)
    if smooth is None and len(values) > max(2 * num_classes, 40):
        return Mistake("smoothed-mask", f"{len(values)} values for {num_classes} classes, {_SMOOTHED}")
    if len(values) == num_classes - 1 and void == IGNORE and IGNORE in pixels:
        values = [*values, IGNORE]  # as many values as classes, one of them 255
    if 1 < len(values) <= num_classes:
        advice = f"There are {len(values)} values for {num_classes} classes, but they are not 0, 1, 2 ..."
        return Mistake("gaps", advice, {"label_map": {value: i for i, value in enumerate(values)}})
    advice = covered_text(pixels, wrong, num_classes)
    return Mistake("out-of-range", f"{advice} {ASK if few else 'Say in label_map what each of them means.'}", few)


def covered_text(pixels: Mapping[int, int], wrong: Sequence[int], num_classes: int) -> str:
    """How much of the masks the values cover that are no classes."""
    part, whole = sum(pixels[value] for value in wrong), sum(pixels.values())
    advice = f"They cover {part:,} pixels ({share_text(part, whole)})."
    if part > 0.02 * whole:
        advice += f" If they are classes, the dataset has more than {num_classes}: name them in classes, count them "
        advice += "in num_classes."
    return advice


def share_text(part: int, whole: int) -> str:
    """``9.8 %``; of less than a hundredth of a percent, ``under 0.01 %``."""
    share = 100 * part / max(1, whole)
    if 0 < share < 0.01:
        return "under 0.01 %"
    return f"{share:.2f} %" if share < 1 else f"{share:.1f} %"


def _scale(values: Sequence[int], count: int) -> int:
    """The factor by which all values are too large, 257 or 256 for ids stretched to 16 bits; 0 for none."""
    if len(values) < 3 or values[0] < 0:
        return 0
    factors = (257, 256, 100, 50, 40, 30, 25, 20, 10)
    return next((f for f in factors if all(v % f == 0 and v // f < count for v in values)), 0)
