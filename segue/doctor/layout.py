"""A folder nobody has described: which of its folders hold images, which masks, and of which split."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from segue.datasets.class_files import ClassFile, find_class_file
from segue.datasets.folder import FolderDataset
from segue.datasets.mask_files import format_of_folder
from segue.datasets.multilabel import MultilabelDataset
from segue.datasets.options import DatasetOptions
from segue.datasets.scan import some_of, walk_files
from segue.datasets.split_files import listed_images
from segue.datasets.suffixes import ends_in, strip_end
from segue.doctor.annotated import find_annotations
from segue.doctor.findings import Finding
from segue.doctor.folder_names import SPLITS, split_of
from segue.doctor.guess import Part
from segue.doctor.guess import guess as guess_parts
from segue.doctor.pairing import list_paired
from segue.doctor.rules import Rules
from segue.doctor.sources import Source, list_dataset, rules_of
from segue.doctor.stack_folders import MULTILABEL, find_stack_folder
from segue.errors import DataError, InputError
from segue.images.read import IMAGE_SUFFIXES
from segue.masks.decode import ColorMaskError, read_mask
from segue.masks.formats import READERS, split_format
from segue.masks.names import with_background

#: Where lists of names lie that are no split's: CVAT calls the only one ``default``.
_LISTS = ("default", "trainval", "all")
_SPLIT_ORDER = ("train", "val", "test", "all")


@dataclass(frozen=True)
class Given:
    """What the user has said of a folder: format of the masks, ends of names, files of splits relative to it."""

    mask_format: str | Mapping[str, Any] | None = None
    image_suffix: str | None = None
    mask_suffix: str | None = None
    splits: tuple[str, ...] = ()


NOTHING = Given()


@dataclass
class Layout:
    """What was recognized.

    Attributes:
        root: the folder.
        parts: one per split.
        classes, palette, label_map: from a file of classes in the folder.
        class_file: that file.
        notes: what else could have been meant.
    """

    root: Path
    parts: list[Part]
    classes: tuple[str, ...] | None = None
    class_file: str = ""
    palette: tuple[tuple[int, int, int], ...] = ()
    label_map: tuple[tuple[int, int], ...] | None = None
    notes: list[str] = field(default_factory=list)


def recognize(root: str | Path, images: str | None = None, masks: str | None = None, given: Given = NOTHING) -> Layout:
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
        if not _has_pictures(root / images):
            raise DataError(f"{root / images}: no images in it")
        parts = [_named(root, images, masks, given)]
    else:
        wanted = None if given.mask_format is None else split_format(given.mask_format)[0]
        parts = guess_parts(root, notes) if wanted in (None, "rgb", "index") else []
        parts = parts or [Part(*part) for part in _annotated_parts(root) if wanted in (None, part[4])]
        if not parts:
            raise _unrecognized(root)
    parts.sort(key=lambda part: _order(part.split))
    for part in parts:
        part.mask_format = given.mask_format or part.mask_format
        part.image_suffix = given.image_suffix or part.image_suffix
        part.mask_suffix = given.mask_suffix or part.mask_suffix
    if given.splits:
        parts = [replace(part, split=_split_named(name), listed=name) for part in parts[:1] for name in given.splits]
    elif [part.split for part in parts] == ["all"]:
        parts = _listed(root, parts[0]) or parts
    for part in parts if images is None and given == NOTHING else ():
        _as_stacks(root, part, notes)
    layout = Layout(root, parts, notes=notes)
    _name_classes(layout)
    return layout


def _named(root: Path, images: str, masks: str, given: Given) -> Part:
    """The folders that were named."""
    part = Part(split_of(images), images, masks)
    if given.mask_format is None and given.mask_suffix is None:
        part.mask_format = format_of_folder(str(root / masks), str(root / images))
        if part.mask_format is None and os.path.realpath(root / images) == os.path.realpath(root / masks):
            names = [name for name in walk_files(root / images) if name.lower().endswith(IMAGE_SUFFIXES)]
            ends = ends_in(names)
            if ends is None:
                raise DataError(
                    f"{root / images}: images and masks are in one folder, and their names do not tell them apart; say "
                    "what they end with: --image-suffix .jpg --mask-suffix _mask.png"
                )
            part.image_suffix, part.mask_suffix = ends
    return part


def _split_named(name: str) -> str:
    split = split_of(os.path.splitext(os.path.basename(name))[0])
    return Path(name).stem if split == "all" else split


def _annotated_parts(root: Path) -> Iterator[tuple[str, str, str, None, str]]:
    for split, images, masks, name in find_annotations(root):
        yield split, images, masks, None, name


def _name_classes(layout: Layout) -> None:
    """Names of classes, and what else a file of them says about the masks."""
    found = _class_file(layout.root, layout.parts)
    if found is None:
        return
    layout.class_file = os.path.relpath(found.path, layout.root)
    colored = [part for part in layout.parts if part.format in (None, "rgb") and found.palette]
    colored = [part for part in colored if part.format == "rgb" or _in_colors(layout.root, part)]
    if found.palette and not colored:
        return  # the colors of something else
    for part in colored:
        part.mask_format = {"type": "rgb", "others": "ignore"} if found.others else "rgb"
    layout.classes, layout.palette = found.names, found.palette
    layout.label_map = found.values or None


def _as_stacks(root: Path, part: Part, notes: list[str]) -> None:
    """Take the masks of several classes together, where each has one of its own."""
    folder = None if part.mask_format else find_stack_folder(root, part.images, part.masks)
    if folder is not None:
        notes[:] = [note for note in notes if not note.startswith(f"{folder}{os.sep}")]
        notes.append(f"{part.split}: {folder} has a mask per class; a pixel may have several")
        notes[:] = [note for note in notes if not note.startswith(f"{part.masks}: masks that end")]
        part.masks, part.mask_format, part.mask_suffix = folder, MULTILABEL, None


def sources_of_layout(layout: Layout, rules: Rules, usual: tuple[str, bool | None] = ("", None)) -> list[Source]:
    """The datasets of a layout; ``usual`` names a public dataset, and whether 0 means unlabeled in it."""
    found = []
    for part in layout.parts:
        if part.mask_format is not None:
            found.append(_annotated(layout, part))
            continue
        images, masks = str(layout.root / part.images), str(layout.root / part.masks)
        listing = list_paired(images, masks, part.split, ends=(part.image_suffix, part.mask_suffix))
        findings, pairs = listing.findings, listing.pairs
        if part.listed is not None:
            by_name = {os.path.relpath(image, images): (image, mask) for image, mask in pairs}
            listed, absent = listed_images(
                list(by_name), str(layout.root / part.listed), images, str(layout.root), part.image_suffix
            )
            pairs = [by_name[one.image] for one in sorted(listed, key=lambda one: one.image)]
            findings = [finding for finding in findings if finding.kind.startswith("duplicate")]
            if absent:
                count = len(absent) + len(listed)
                message = f"{part.listed}: {len(absent)} of {count} names have no pair: {some_of(absent)}"
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
        classes=_names_for(layout, part),
        palette=layout.palette or None,
        split=part.listed,
        image_suffix=part.image_suffix,
        mask_suffix=part.mask_suffix,
        options=DatasetOptions(
            lazy_init=True,
            mask_format=part.mask_format,
            label_map=dict(layout.label_map) if layout.label_map and not READERS[part.format or ""].named else None,
        ),
    )
    listing = list_dataset(dataset, part.split)
    layout.notes.append(f"{part.split}: the annotations in {part.masks} are of the format {part.format}")
    rules = rules_of(dataset)
    return Source(part.split, (), "FolderDataset", listing.pairs, rules, dataset.metainfo["palette"], listing.findings)


def _names_for(layout: Layout, part: Part) -> tuple[str, ...] | None:
    named = READERS[part.format or ""].named and part.format != "rgb"
    return with_background(layout.classes) if layout.classes is not None and named else layout.classes


def _multilabel(layout: Layout, part: Part) -> Source:
    lazily = DatasetOptions(lazy_init=True)
    dataset = MultilabelDataset(
        str(layout.root), part.images, part.masks, layout.classes, split=part.listed, options=lazily
    )
    listing, info = list_dataset(dataset, part.split), dataset.metainfo
    source = Source(part.split, (), "MultilabelDataset", listing.pairs, rules_of(dataset), info["palette"])
    source.findings, source.stacks = listing.findings, listing.stacks
    return source


def _unrecognized(root: Path) -> DataError:
    folders = sorted({os.path.dirname(name) or "." for name in walk_files(root)})
    return DataError(
        f"{root}: no folder of images with a folder of masks or annotations was recognized among "
        f"{some_of(folders, 8) or 'nothing'}; name them: --images FOLDER --masks FOLDER, relative to it"
    )


def _order(split: str) -> int:
    return _SPLIT_ORDER.index(split) if split in _SPLIT_ORDER else len(_SPLIT_ORDER)


def _has_pictures(folder: Path) -> bool:
    return any(name.lower().endswith(IMAGE_SUFFIXES) for name in walk_files(folder))


def _listed(root: Path, whole: Part) -> list[Part]:
    """The splits that text files list, as VOC's ImageSets/Segmentation/train.txt does."""
    images = [name for name in walk_files(root / whole.images) if name.lower().endswith(IMAGE_SUFFIXES)]
    found: dict[str, Part] = {}
    rest: dict[str, Part] = {}
    for name in walk_files(root):
        stem, suffix = os.path.splitext(os.path.basename(name))
        split = SPLITS.get(stem.lower())
        if suffix.lower() != ".txt" or not _lists(root, name, images, whole.images):
            continue
        if split and split not in found:
            found[split] = replace(whole, split=split, listed=name)
        elif stem.lower() in _LISTS and Path(name).parts[0].lower() == "imagesets":
            rest.setdefault("all", replace(whole, listed=name))
    return sorted(found.values() or rest.values(), key=lambda part: _order(part.split))


def _lists(root: Path, name: str, images: Sequence[str], folder: str) -> bool:
    """Whether a text file names some of the images; others are about something else."""
    try:
        return bool(listed_images(images, str(root / name), str(root / folder), str(root))[0])
    except DataError:
        return False


def _class_file(root: Path, parts: Sequence[Part]) -> ClassFile | None:
    """Names in the folder, on the way to the images, or beside them or the masks."""
    folders = dict.fromkeys(parent for part in parts for parent in reversed(Path(part.images).parents))
    folders |= dict.fromkeys(Path(at) for part in parts for at in (part.images, part.masks))
    return find_class_file([root, *(root / folder for folder in folders)])


def _in_colors(root: Path, part: Part) -> bool:
    """Whether the first mask of a part is a color picture."""
    names = [name for name in walk_files(root / part.masks) if name.lower().endswith(IMAGE_SUFFIXES)]
    if part.mask_suffix is not None:
        names = [name for name in names if strip_end(name, part.mask_suffix) is not None]
    try:
        read_mask(root / part.masks / names[0])
    except ColorMaskError:
        return True
    except (DataError, IndexError, OSError):
        pass
    return False
