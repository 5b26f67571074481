"""A folder nobody has described: which of its folders hold images, which masks, and of which split."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segue.datasets.folder import FolderDataset
from segue.datasets.mask_files import format_of_folder
from segue.datasets.metainfo import read_names
from segue.datasets.multilabel import MultilabelDataset
from segue.datasets.options import DatasetOptions
from segue.datasets.scan import read_split, some_of, walk_files
from segue.doctor.annotated import find_annotations
from segue.doctor.findings import Finding
from segue.doctor.pairing import list_paired
from segue.doctor.rules import Rules
from segue.doctor.sources import Source, list_dataset, rules_of
from segue.doctor.stack_folders import MULTILABEL, find_stack_folder
from segue.errors import DataError, InputError
from segue.images.read import IMAGE_SUFFIXES
from segue.masks.names import with_background

#: Names of folders of masks, the likeliest first: ``mask`` may also be a field of view, as in DRIVE.
MASKS = (
    *("segmentationclass", "1st_manual", "trainannot", "annotations", "ann_dir", "annot", "gtfine", "groundtruth"),
    *("ground_truth", "gt", "labels", "labels_mask", "label", "masks", "mask"),
)
IMAGES = (
    "jpegimages",
    "images",
    "img_dir",
    "imgs",
    "leftimg8bit",
    "image",
    "img",
    "photos",
    "pictures",
    "rgb",
    "input",
)
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"}
SPLITS |= {"test": "test", "testing": "test"}
_NOT_LABELS = re.compile(r"visual|color|colour|preview|overlay|instance", re.IGNORECASE)
CLASS_FILES = ("classes.txt", "class_names.txt", "labels.txt")


@dataclass
class Part:
    """The folders of one split, relative to the root, the file that lists its names, if there is one, and the format
    of masks that are no pictures.
    """

    split: str
    images: str
    masks: str
    listed: str | None = None
    mask_format: str | None = None


@dataclass
class Layout:
    """What was recognized.

    Attributes:
        root: the folder.
        parts: one per split.
        classes: names from a text file in the folder.
        notes: what else could have been meant.
    """

    root: Path
    parts: list[Part]
    classes: tuple[str, ...] | None = None
    class_file: str = ""
    notes: list[str] = field(default_factory=list)


def recognize(root: str | Path, images: str | None = None, masks: str | None = None) -> Layout:
    """Find images, masks and splits below ``root``; ``images`` and ``masks`` name folders that cannot be guessed.

    Raises:
        DataError: no such pair of folders.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder")
    if (images is None) != (masks is None):
        raise InputError("give both --images and --masks, relative to the folder, or neither")
    notes: list[str] = []
    if images is not None and masks is not None:
        pairs = {_split_of(images): (images, masks)}
        if not _has_pictures(root / images) and pairs:
            raise DataError(f"{root / images}: no images in it")
        formats = {split: format_of_folder(str(root / masks), str(root / images)) for split in pairs}
    else:
        pairs, formats = _guess(root, notes), {}
        for split, images_at, masks_at, name in find_annotations(root) if not pairs else ():
            pairs[split], formats[split] = (images_at, masks_at), name
        if not pairs:
            raise _unrecognized(root)
    parts = [
        Part(split, *folders, mask_format=formats.get(split))
        for split, folders in sorted(pairs.items(), key=lambda item: _order(item[0]))
    ]
    if [part.split for part in parts] == ["all"]:
        parts = _listed(root, parts[0]) or parts
    for part in parts if images is None else ():
        _as_stacks(root, part, notes)
    names, file = _class_names(root, parts)
    return Layout(root, parts, names, file, notes)


def _as_stacks(root: Path, part: Part, notes: list[str]) -> None:
    """Take the masks of several classes together, where each has one of its own."""
    folder = None if part.mask_format else find_stack_folder(root, part.images, part.masks)
    if folder is not None:
        notes[:] = [note for note in notes if not note.startswith(f"{folder}{os.sep}")]
        notes.append(f"{part.split}: {folder} has a mask per class; a pixel may have several")
        part.masks, part.mask_format = folder, MULTILABEL


def sources_of_layout(layout: Layout, rules: Rules, usual: tuple[str, bool | None] = ("", None)) -> list[Source]:
    """The datasets of a layout; ``usual`` names a public dataset, and whether 0 means unlabeled in it."""
    found = []
    for part in layout.parts:
        if part.mask_format is not None:
            found.append(_annotated(layout, part))
            continue
        images, masks = str(layout.root / part.images), str(layout.root / part.masks)
        listing = list_paired(images, masks, part.split)
        findings, pairs = listing.findings, listing.pairs
        if part.listed is not None:
            wanted = {os.path.normpath(name) for name in read_split(layout.root / part.listed)}
            stems = {os.path.splitext(os.path.relpath(image, images))[0]: (image, mask) for image, mask in pairs}
            pairs = [stems[name] for name in sorted(wanted & stems.keys())]
            findings = [finding for finding in findings if finding.kind.startswith("duplicate")]
            absent = sorted(wanted - stems.keys())
            if absent:
                message = f"{part.listed}: {len(absent)} of {len(wanted)} names have no pair: {some_of(absent)}"
                findings.append(Finding("missing-image", "error", part.split, message, [], len(absent)))
        found.append(Source(part.split, (), "FolderDataset", pairs, rules, (), findings, *usual))
    return found


def _annotated(layout: Layout, part: Part) -> Source:
    """The dataset of a part whose masks are no pictures of class ids; its classes are what they name."""
    if part.mask_format == MULTILABEL:
        return _multilabel(layout, part)
    dataset = FolderDataset(
        str(layout.root),
        part.images,
        part.masks,
        classes=None if layout.classes is None else with_background(layout.classes),
        split=part.listed,
        options=DatasetOptions(lazy_init=True, mask_format=part.mask_format),
    )
    listing = list_dataset(dataset, part.split)
    layout.notes.append(f"{part.split}: the annotations in {part.masks} are of the format {part.mask_format}")
    rules = rules_of(dataset)
    return Source(part.split, (), "FolderDataset", listing.pairs, rules, dataset.metainfo["palette"], listing.findings)


def _multilabel(layout: Layout, part: Part) -> Source:
    lazily = DatasetOptions(lazy_init=True)
    dataset = MultilabelDataset(
        str(layout.root), part.images, part.masks, layout.classes, split=part.listed, options=lazily
    )
    listing, info = list_dataset(dataset, part.split), dataset.metainfo
    source = Source(part.split, (), "MultilabelDataset", listing.pairs, rules_of(dataset), info["palette"])
    source.findings, source.stacks = listing.findings, listing.stacks
    return source


def _guess(root: Path, notes: list[str]) -> dict[str, tuple[str, str]]:
    folders = sorted({os.path.dirname(name) for name in walk_files(root) if name.lower().endswith(IMAGE_SUFFIXES)})
    folders = [folder for folder in folders if not _NOT_LABELS.search(folder)]
    ranked = [(rank, folder) for folder in folders if (rank := _rank(folder, MASKS)) is not None]
    pictures = [folder for folder in folders if _rank(folder, MASKS) is None or _rank(folder, IMAGES) is not None]
    found: dict[str, tuple[str, str]] = {}
    for _, masks in sorted(ranked):
        split = _split_of(masks)
        fitting = [
            folder
            for folder in pictures
            if folder != masks and _split_of(folder) == split and _pairs(root, folder, masks)
        ]
        if not fitting:
            continue
        images = min(fitting, key=lambda folder: (_rank(folder, IMAGES) is None, _rank(folder, IMAGES) or 0, folder))
        if split in found:
            notes.append(f"{masks} also pairs with {images}; {found[split][1]} is taken. --images and --masks choose")
        else:
            found[split] = (images, masks)
    if "all" in found and len(found) > 1:
        del found["all"]
    return found


def _unrecognized(root: Path) -> DataError:
    folders = sorted({os.path.dirname(name) or "." for name in walk_files(root)})
    return DataError(
        f"{root}: no folder of images with a folder of masks or annotations was recognized among "
        f"{some_of(folders, 8) or 'nothing'}; name them: --images FOLDER --masks FOLDER, relative to it"
    )


def _rank(folder: str, words: Sequence[str]) -> int | None:
    parts = {part.lower() for part in Path(folder).parts}
    return next((rank for rank, word in enumerate(words) if word in parts), None)


def _split_of(folder: str) -> str:
    found = [SPLITS[part.lower()] for part in Path(folder).parts if part.lower() in SPLITS]
    return found[0] if found else "all"


def _order(split: str) -> int:
    return ("train", "val", "test", "all").index(split)


def _has_pictures(folder: Path) -> bool:
    return any(name.lower().endswith(IMAGE_SUFFIXES) for name in walk_files(folder))


def _pairs(root: Path, images: str, masks: str) -> bool:
    """Whether at least half of the images have a mask there."""
    listing = list_paired(str(root / images), str(root / masks), "")
    count = sum(name.lower().endswith(IMAGE_SUFFIXES) for name in os.listdir(root / images))
    return bool(listing.pairs) and 2 * len(listing.pairs) >= count


def _listed(root: Path, whole: Part) -> list[Part]:
    """The splits that text files list, as VOC's ImageSets/Segmentation/train.txt does."""
    found: dict[str, Part] = {}
    for name in walk_files(root):
        stem, suffix = os.path.splitext(os.path.basename(name))
        split = SPLITS.get(stem.lower())
        if suffix == ".txt" and split and split not in found:
            found[split] = Part(split, whole.images, whole.masks, name)
    return sorted(found.values(), key=lambda part: _order(part.split))


def _class_names(root: Path, parts: Sequence[Part]) -> tuple[tuple[str, ...] | None, str]:
    """Names from a text file on the way to the images; labelme's ``__ignore__`` is value -1 and no class."""
    folders = dict.fromkeys(parent for part in parts for parent in reversed(Path(part.images).parents))
    for file in (root / folder / name for folder in folders for name in CLASS_FILES):
        if file.is_file():
            names = tuple(name for name in read_names(file) if name != "__ignore__")
            return (names or None), str(file.relative_to(root))
    return None, ""
