"""Multilabel masks: listing them, counting each class by itself, and what their values say."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from segue.datasets.multilabel import MultilabelDataset
from segue.datasets.scan import some_of
from segue.doctor.facts import Facts, digest, examine, label_pixels
from segue.doctor.findings import Finding, Fix, several
from segue.doctor.pairing import Listing, without_image
from segue.doctor.tally import Tally
from segue.errors import DataError, LabelError, SegueError
from segue.masks.labels import IGNORE
from segue.masks.stacks import StackFiles

if TYPE_CHECKING:
    from segue.doctor.sources import Source

_MANY = 6  # more values than that without a meaning are no codes but gray levels


def list_stacks(dataset: MultilabelDataset, split: str) -> Listing:
    """The images of a dataset with the files of their masks, and what is wrong with its folders."""
    try:
        dataset.full_init()
    except LabelError:
        pass  # a first look at the values; they are all looked at later
    except DataError:
        try:
            found = dataset.stacks()  # whatever is missing among them
        except SegueError as error:
            return Listing([], [Finding("files", "error", split, str(error))])
        return _listing(dataset, found, split)
    found = [(info["img_path"], info["stack_files"]) for info in dataset.data_list if "stack_files" in info]
    return _listing(dataset, found, split)


def _listing(dataset: MultilabelDataset, found: Sequence[tuple[str, StackFiles]], split: str) -> Listing:
    masks = dataset.data_prefix["seg_map_path"]
    alone = dataset.unused if dataset.split is None and dataset.indices is None else []
    pairs = [(image, files.shown or masks) for image, files in found]
    findings = without_image(masks, alone, split)
    return Listing(pairs, findings + _missing(dataset, found, split), dict(found))


def _missing(dataset: MultilabelDataset, found: Sequence[tuple[str, StackFiles]], split: str) -> list[Finding]:
    """Classes without a file, where the dataset does not say what that means."""
    classes = dataset.metainfo["classes"] or ()
    lacking = [
        (image, name)
        for image, files in found
        for name, path in zip(classes, files.files, strict=False)
        if path is None
    ]
    if not lacking or dataset.missing != "error":
        return []
    images = list(dict.fromkeys(image for image, _ in lacking))
    names = [f"{os.path.basename(image)} ({name})" for image, name in lacking]
    message = (
        f"{dataset.data_prefix['seg_map_path']}: {several(len(lacking), 'mask')} of {several(len(images), 'image')} "
        f"missing: {some_of(names)}. If no pixel there has the class: missing='absent'. If nobody has looked: "
        "missing='ignore'"
    )
    return [Finding("missing-mask", "error", split, message, images[:12], len(images))]


def examine_stack(
    image: str, files: StackFiles, count: int, *, look_at_image: bool = True, color_type: str = "color"
) -> Facts:
    """Decode an image and its masks and sum them up; ``values`` of the result are {class: its pixels}."""
    facts = replace(examine(image, None, look_at_image=look_at_image, color_type=color_type), mask=files.shown or image)
    absent = tuple(k for k, path in enumerate(files.files) if path is None)
    facts = replace(facts, absent=absent)
    try:
        arrays = files.arrays()
        raw: Counter[int] = Counter()
        if files.storage != "bits":
            for one in arrays:
                raw.update({} if one is None else label_pixels(one))
        facts = replace(facts, raw=raw)
        if files.meaningless(raw):
            return facts  # judged by the values
        stack = files.combined(arrays, count, facts.image_size)
    except (DataError, OSError) as error:
        return replace(facts, mask_error=str(error))
    yes = stack == 1
    pixels = yes.sum(axis=(0, 1))
    return replace(
        facts,
        mask_size=stack.shape[:2],
        values={k: int(n) for k, n in enumerate(pixels) if n},
        distinct=int((pixels > 0).sum()),
        mask_digest=digest(stack),
        overlap=int((yes.sum(axis=2) > 1).sum()),
    )


def judge_stacks(source: Source, tally: Tally, split: str, keys: Sequence[str]) -> list[Finding]:
    """What the values of all masks together say."""
    files = next(iter(source.stacks.values()))
    values = sorted(tally.raw)
    wrong = files.meaningless(values)
    found = []
    if wrong:
        found.append(_wrong_values(tally, values, wrong, split, keys))
    elif files.void == IGNORE and set(values) == {0, IGNORE}:
        message = (
            f"Masks of 0 and 255 ({tally.raw[IGNORE]:,} pixels), and ignore_index=255 says that 255 is unknown; no "
            "class would ever be seen."
        )
        fix = Fix(tuple(f"{key}.ignore_index" for key in keys) or ("ignore_index",), None)
        found.append(Finding("binary-mask", "error", split, message, [], tally.masks, [fix], (IGNORE,)))
    elif tally.masks and not tally.overlap and len(tally.pixels) > 1:
        message = "No pixel has two classes; labels=dict(kind='multiclass') would say as much, with one mask per image."
        found.append(Finding("no-overlap", "note", split, message))
    return found


def propose_absent(source: Source, tally: Tally) -> None:
    """Where every mask that is there shows its class, a missing one probably means that there is none."""
    for finding in source.findings:
        shown = all(tally.images[k] == tally.pairs - count for k, count in tally.absent.items())
        if finding.kind == "missing-mask" and shown and not finding.fixes:
            finding.fixes = [Fix(tuple(f"{key}.missing" for key in source.keys) or ("missing",), "absent")]
            finding.message += ". Every mask that is there shows its class, which speaks for the first"


def _wrong_values(
    tally: Tally, values: Sequence[int], wrong: Sequence[int], split: str, keys: Sequence[str]
) -> Finding:
    """Values that mean neither yes nor no: gray levels along borders, another number for yes, or one for unknown."""
    listed = ", ".join(f"{value} ({tally.raw[value]:,} pixels)" for value in wrong[:_MANY])
    kind, text = "out-of-range", ""
    if len(wrong) > _MANY:
        half, top = values[-1] // 2, values[-1]
        kind, listed = "smoothed-mask", f"{listed} and {len(wrong) - _MANY} more"
        advice = f"They were smoothed or saved as JPEG; exporting again is best, the line below cuts at {half}."
        text = f"{{value: int(value > {half}) for value in range({top + 1})}}"
        mapping = {value: int(value > half) for value in range(top + 1)}
    elif len(values) == 2 and values[0] == 0:
        advice = f"{wrong[0]} is the only other value, so it means yes."
        mapping = {wrong[0]: 1}
    else:
        advice = "To leave such pixels out of the class:"
        mapping = dict.fromkeys(wrong, IGNORE)
    at = tuple(f"{key}.label_map" for key in keys) or ("label_map",)
    fixes = [Fix(at, mapping, text)] if values[-1] <= 255 else []
    message = f"Values {listed} in masks of a class, which hold 0 for no and 1 or 255 for yes. {advice}"
    return Finding(kind, "error", split, message, [], tally.pairs, fixes, tuple(wrong[:64]))
