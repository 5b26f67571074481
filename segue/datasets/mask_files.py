"""Label maps that are no pictures, for datasets: their format, their classes, and which belongs to which image."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from segue.datasets.scan import is_hidden, some_of, walk_files
from segue.errors import DataError, InputError
from segue.images.read import IMAGE_SUFFIXES
from segue.masks.documents import annotation_files
from segue.masks.formats import READERS, SUFFIXES, reader_of, recognize, split_format
from segue.masks.names import Names
from segue.masks.reader import MaskReader
from segue.masks.yolo import YoloReader


def open_masks(
    owner: str,
    mask_format: str | Mapping[str, Any],
    root: str,
    names: Names | None,
    *,
    label_map: bool = False,
) -> MaskReader | None:
    """The reader of a dataset's label maps; None for pictures.

    Args:
        owner: name of the dataset class, for messages.
        mask_format: the setting.
        root: file or folder.
        names: classes, if they are known.
        label_map: whether the config has one, which formats of names cannot use.
    """
    name, options = split_format(mask_format)
    reader = READERS.get(name)
    if reader is not None and reader.named:
        if names is None:
            raise InputError(f"{owner}: annotations of the format {name!r} need the names of the classes")
        if label_map:
            raise InputError(
                f"{owner}: label_map is for values in mask files, but {name!r} names its classes; list them in classes"
            )
        if not os.path.exists(root):
            raise DataError(f"{root}: no such file or folder of {name} annotations")
    return reader_of({"type": name, **options}, file_in(root, name), names)


def file_in(root: str, name: str) -> str:
    """The one file of a format that lists many images, where a folder with it is named; else the root itself.

    Raises:
        DataError: there are several, or none.
    """
    if name not in READERS or not READERS[name].lists_images or not os.path.isdir(root):
        return root
    found = []
    for entry in annotation_files([name for name in sorted(os.listdir(root)) if not is_hidden(name)], SUFFIXES):
        try:
            found += [os.path.join(root, entry)] if recognize(os.path.join(root, entry), []) == name else []
        except DataError:
            continue
    if len(found) != 1:
        raise DataError(f"{root}: {len(found)} files of {name} annotations: {some_of(found)}; name one in masks")
    return found[0]


def format_of_folder(masks: str, images: str) -> str | None:
    """The format of a folder or file of label maps that nobody has named; None for pictures, and for none at all."""
    if os.path.isfile(masks):
        return recognize(masks, [])
    if not os.path.isdir(masks):
        return None
    beside = os.path.realpath(masks) == os.path.realpath(images)
    if not beside and _has_pictures(masks):
        return None
    return recognize(masks, walk_files(masks), beside)


def format_by_suffix(masks: str, suffix: str) -> str | None:
    """The format where the end of the names, or a file in place of a folder, shows that they are no pictures."""
    if os.path.isfile(masks):
        return recognize(masks, [])
    if not suffix.lower().endswith(SUFFIXES) or not os.path.isdir(masks):
        return None
    return recognize(masks, [name for name in walk_files(masks) if name.endswith(suffix)])


def pictures_in(folder: str) -> list[str]:
    """The files below a folder that are images by their names."""
    return [name for name in walk_files(folder) if name.lower().endswith(IMAGE_SUFFIXES)]


def suffixes_of(reader: type[MaskReader]) -> tuple[str, ...]:
    """What the annotation files of a format may end with."""
    return reader.suffixes or SUFFIXES


def pictures_of(reader: MaskReader, names: Sequence[str], images: str) -> list[str]:
    """The images of a folder: those that the annotations list, or the pictures that are no masks.

    Args:
        reader: the format.
        names: the pictures in the folder.
        images: the folder.
    """
    chosen = reader.chosen(names)
    if chosen is not None:
        return list(chosen)
    listed = reader.listed()
    if listed is None:
        beside = os.path.realpath(images) == os.path.realpath(reader.root)
        return list(reader.pictures(names) if beside else names)
    there = set(names)
    absent = [name for name in listed if name not in there]
    if absent:
        raise DataError(
            f"{images}: {len(absent)} of the {len(listed)} images that {reader.root} lists are missing: "
            f"{some_of(absent)}; the folder has {some_of(sorted(there)) or 'no images'}"
        )
    return sorted(listed)


def places_of(reader: MaskReader, images: Sequence[str]) -> list[str]:
    """Where the label map of each image is, of a format that finds them itself."""
    places = [reader.place(image) for image in images]
    if isinstance(reader, YoloReader) and not any(os.path.exists(place) for place in places):
        raise DataError(
            f"{reader.root}: none of the {len(images)} images has a file there; of {images[0]} it would be {places[0]}"
        )
    return places


def _has_pictures(folder: str) -> bool:
    """Whether there is one at least; a folder of a million is not listed for that."""
    below: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.path)
            elif entry.name.lower().endswith(IMAGE_SUFFIXES):
                return True
    return any(_has_pictures(path) for path in below)
