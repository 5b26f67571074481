"""How the multilabel masks of a folder are stored, and which belong to which image."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from segue.datasets.find_classes import SPLITS
from segue.datasets.scan import some_of, walk_files
from segue.errors import DataError, InputError
from segue.images.read import IMAGE_SUFFIXES
from segue.masks.stacks import read_channels

LAYOUTS = ("folders", "suffixes", "channels", "bits")
_SEPARATORS = "_-."


@dataclass
class FoundStacks:
    """What was found below a folder of masks.

    Attributes:
        layout: one of `LAYOUTS`.
        classes: their names; None where only their number can be seen (channels), or nothing (bits).
        files: {stem of the image: {class: path}}; with one file per image its class is the empty name.
        unused: masks that belong to no image or no class.
    """

    layout: str
    classes: tuple[str, ...] | None
    files: dict[str, dict[str, str]]
    unused: list[str] = field(default_factory=list)


def find_stacks(
    folder: str, stems: Sequence[str], classes: Sequence[str] | None = None, layout: str | None = None
) -> FoundStacks:
    """Find the masks of images.

    - ``folders``: ``<class>/<image>.png``
    - ``suffixes``: ``<image>_<class>.png``, also with ``-`` or ``.`` between them
    - ``channels``, ``bits``: ``<image>.png`` with a channel or a bit per class

    Args:
        folder: of the masks.
        stems: names of the images below their folder, without suffix.
        classes: their names; None takes those of the folders or endings.
        layout: one of these; None finds out, but for ``bits``.

    Raises:
        DataError: nothing there fits.
    """
    if layout not in (None, *LAYOUTS):
        raise InputError(f"MultilabelDataset: layout must be one of {', '.join(LAYOUTS)}, got {layout!r}")
    masks = [name for name in walk_files(folder) if name.lower().endswith(IMAGE_SUFFIXES)]
    if not masks:
        raise DataError(f"{folder}: no masks ({', '.join(IMAGE_SUFFIXES)}) in the folder")
    known = set(stems)
    if layout in (None, "folders"):
        found = _in_folders(folder, masks, known, classes)
        if found.files or layout:
            return _checked(found, folder, masks)
    if layout in (None, "suffixes"):
        found = _with_suffixes(folder, masks, known, classes)
        if layout or (found.files and (classes or len(found.classes or ()) > 1)):
            return _checked(found, folder, masks)
    single = {os.path.splitext(name)[0]: name for name in masks}
    files = {stem: {"": os.path.join(folder, single[stem])} for stem in stems if stem in single}
    if layout is None and files:
        first = next(iter(files.values()))[""]
        if read_channels(first).shape[2] == 1:
            raise DataError(
                f"{first}: a single channel, so a pixel has one class there; that is a FolderDataset with "
                "labels=dict(kind='multiclass'). If its bits are the classes, set layout='bits'"
            )
    unused = [os.path.join(folder, name) for stem, name in single.items() if stem not in known]
    found = FoundStacks(layout or "channels", tuple(classes) if classes else None, files, unused)
    return _checked(found, folder, masks)


def folders_of_other_splits(root: str, images: str, masks: str) -> list[tuple[str, str]]:
    """Folders of images and masks beside these for other splits: ``images/val`` and ``masks/val`` of a training set.

    Training and validation must number the classes alike, even where one of them lacks a class.
    """
    found = []
    for split in SPLITS:
        names = tuple(_of_split(path, split) for path in (images, masks))
        folders = os.path.join(root, names[0]), os.path.join(root, names[1])
        if names != (os.path.normpath(images), os.path.normpath(masks)) and all(map(os.path.isdir, folders)):
            found.append(folders)
    return found


def _of_split(path: str, split: str) -> str:
    parts = PurePath(os.path.normpath(path)).parts
    return str(PurePath(*(split if part in SPLITS else part for part in parts)))


def _in_folders(folder: str, masks: Sequence[str], known: set[str], classes: Sequence[str] | None) -> FoundStacks:
    files: defaultdict[str, dict[str, str]] = defaultdict(dict)
    unused = []
    for name in masks:
        owner, _, rest = name.partition(os.sep)
        stem = os.path.splitext(rest)[0]
        if stem in known and (classes is None or owner in classes):
            _put(files[stem], owner, os.path.join(folder, name))
        else:
            unused.append(os.path.join(folder, name))
    return FoundStacks("folders", _names(files, classes), dict(files), unused)


def _with_suffixes(folder: str, masks: Sequence[str], known: set[str], classes: Sequence[str] | None) -> FoundStacks:
    files: defaultdict[str, dict[str, str]] = defaultdict(dict)
    unused = []
    for name in masks:
        whole = os.path.splitext(name)[0]
        cuts = [i for i in range(len(whole) - 1, 0, -1) if whole[i] in _SEPARATORS and whole[:i] in known]
        fitting = [i for i in cuts if classes is None or whole[i + 1 :] in classes]
        if fitting and os.sep not in whole[fitting[0] + 1 :]:
            _put(files[whole[: fitting[0]]], whole[fitting[0] + 1 :], os.path.join(folder, name))
        else:
            unused.append(os.path.join(folder, name))
    return FoundStacks("suffixes", _names(files, classes), dict(files), unused)


def _put(files: dict[str, str], name: str, path: str) -> None:
    if name in files:
        raise DataError(f"{files[name]} and {path}: two masks of one class and image; move one of them away")
    files[name] = path


def _names(files: dict[str, dict[str, str]], classes: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(classes) if classes else tuple(sorted({name for found in files.values() for name in found}))


def _checked(found: FoundStacks, folder: str, masks: Sequence[str]) -> FoundStacks:
    if found.files:
        return found
    names = f" for the classes {some_of(found.classes, 6)}" if found.classes else ""
    raise DataError(
        f"{folder}: none of its {len(masks)} masks belongs to an image{names}; there are {some_of(masks)}. Masks are "
        "named <class>/<image>.png, <image>_<class>.png, or <image>.png with a channel or bit per class"
    )
