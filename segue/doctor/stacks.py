"""Multilabel masks: listing them, and counting each class by itself."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from segue.datasets.multilabel import MultilabelDataset
from segue.datasets.scan import some_of
from segue.doctor.facts import Facts, digest, examine, label_pixels
from segue.doctor.findings import Finding, several
from segue.doctor.pairing import Listing, without_image
from segue.errors import DataError, LabelError, SegueError
from segue.masks.stacks import StackFiles


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
