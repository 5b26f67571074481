"""Formats of one file for many images, which it names by paths of the place where they were drawn.

An entry belongs to the image of the same path, else to the one whose path or name ends so; Label Studio also puts
eight characters and a hyphen before the names of uploaded files.
"""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import numpy as np

from segue.errors import DataError, InputError
from segue.images.read import Array
from segue.masks.draw import Patch
from segue.masks.names import BACKGROUND, VOID, Names
from segue.masks.reader import MaskReader
from segue.masks.size import image_size

Boxes = Literal["error", "ignore", "draw"]
_UPLOADED = re.compile(r"[0-9a-f]{8}-")


@dataclass
class Region:
    """One annotation, not yet drawn: its label, and what its format needs to draw it; ``box`` if it is only that."""

    label: str
    where: str
    data: Any
    box: bool = False


@dataclass
class Entry:
    """The annotations of one image; ``size`` (H, W) if the file states it."""

    name: str
    regions: list[Region] = field(default_factory=list)
    size: tuple[int, int] | None = None


def check_boxes(boxes: str) -> None:
    """Raise InputError for what is no choice."""
    if boxes not in ("error", "ignore", "draw"):
        raise InputError(f"mask_format: boxes must be 'error', 'ignore' or 'draw', got {boxes!r}")


def paint_regions(
    regions: Sequence[Region],
    draw: Any,
    names: Names,
    size: tuple[int, int],
    place: str,
    boxes: str,
    name: str,
) -> Array:
    """(H, W) class ids of regions in their order, later ones on top; ignored boxes lie below everything.

    Raises:
        DataError: there are boxes, which are no outlines, and ``boxes`` does not say what they are.
    """
    alone = [region for region in regions if region.box]
    if alone and boxes == "error":
        raise DataError(
            f"{place}: {len(alone)} of {len(regions)} annotations are boxes, which are no outlines: "
            f"mask_format=dict(type={name!r}, boxes='ignore') leaves the pixels inside unlabeled, boxes='draw' makes "
            "them the class"
        )
    mask = names.blank(size)
    ids = names.ids(Counter(region.label for region in regions), place)
    under = [region for region in regions if region.box and boxes == "ignore"]
    for region in [*under, *(region for region in regions if not (region.box and boxes == "ignore"))]:
        value = names.ignore if region.box and boxes == "ignore" else ids[region.label]
        draw(region, size).paint(mask, value)
    return mask


class ListedReader(MaskReader):
    """A file whose entries are matched with images by name; images that it does not name are not used.

    Args:
        root: the file.
        names: classes.
        boxes: what annotations that are only boxes become: an ``error``, unlabeled (``ignore``) or their class
            (``draw``).
    """

    lists_images = True

    def __init__(self, root: str, names: Names | None = None, boxes: Boxes = "error") -> None:
        super().__init__(root, names)
        check_boxes(boxes)
        self.boxes = boxes
        self._entries: dict[str, Entry] | None = None
        self._names_of: dict[str, str] = {}

    @classmethod
    @abstractmethod
    def entries(cls, path: str) -> list[Entry]:
        """What the file holds."""

    @abstractmethod
    def draw(self, region: Region, size: tuple[int, int]) -> Patch:
        """The pixels of a region."""

    def chosen(self, names: Sequence[str]) -> list[str]:
        """Those of the images, relative to their folder, that the file speaks of.

        Raises:
            DataError: an entry with annotations has no image, or could be of several.
        """
        found: dict[str, str] = {}
        absent = []
        index = _by_ending(names)
        for key, entry in self._read().items():
            image = _match(key, names, index, self.root)
            if image is not None:
                found[image] = key
            elif entry.regions:
                absent.append(key)
        if absent:
            more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
            raise DataError(
                f"{self.root}: {len(absent)} of the {len(self._read())} images that it names are missing: "
                f"{', '.join(absent[:3])}{more}; the folder has {', '.join(sorted(names)[:3]) or 'no images'}"
            )
        self._names_of = found
        return sorted(found)

    def place(self, image: str) -> str:
        """The file, and which image in it."""
        return f"{self.root}#{self._names_of.get(image, image)}"

    def files(self, place: str, image: str) -> tuple[str, ...]:
        """The one file."""
        return (self.root,)

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids."""
        entry = self._read().get(place[len(self.root) + 1 :])
        if entry is None:
            raise DataError(f"{place}: the file names no such image")
        size = entry.size or image_size(image)
        return paint_regions(entry.regions, self.draw, self.names, size, place, self.boxes, self.format)

    def _read(self) -> dict[str, Entry]:
        if self._entries is None:
            self._entries = {}
            for entry in self.entries(self.root):
                before = self._entries.setdefault(entry.name, entry)
                if before is not entry:
                    before.regions += entry.regions
        return self._entries

    @classmethod
    def labels_in(cls, paths: Sequence[str]) -> tuple[str, ...]:
        """All labels, in alphabetical order."""
        return sorted_labels(region.label for path in paths for entry in cls.entries(path) for region in entry.regions)


def sorted_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Each once in alphabetical order, without background and what is ignored."""
    return tuple(sorted({label for label in labels if label.lower() not in BACKGROUND + VOID}))


def name_in(text: object, where: str) -> str:
    """The path of an image in a URL, a query or a path of any system, without what leads out of its folder."""
    if not isinstance(text, str) or not text:
        raise DataError(f"{where}: has no name of an image")
    if "?d=" in text:  # local files of Label Studio
        text = text.partition("?d=")[2]
    elif "://" in text:
        try:
            text = urlsplit(text).path
        except ValueError as error:
            raise DataError(f"{where}: {text!r:.80} is no address: {error}") from None
    parts = [part for part in unquote(text).replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "/".join(parts)


def _by_ending(names: Sequence[str]) -> Mapping[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        found[os.path.basename(name)].append(name)
    return found


def _match(key: str, names: Sequence[str], index: Mapping[str, list[str]], root: str) -> str | None:
    base = key.rsplit("/", 1)[-1]
    found = list(index.get(base, ()))
    if not found and _UPLOADED.match(base):
        found = list(index.get(base[9:], ()))
    if len(found) > 1:
        ends = [name for name in found if key.endswith(name.replace(os.sep, "/"))]
        found = [max(ends, key=len)] if ends else found
    if len(found) > 1:
        raise DataError(f"{root}: {key} could be {' or '.join(found[:3])}; name the folder of the images")
    return found[0] if found else None


def stored_picture(covered: Array, left: int, top: int, size: tuple[int, int], where: str) -> Patch:
    """A small mask set into an image, cut off where it reaches beyond; one that lies outside is an error."""
    height, width = covered.shape
    rows = slice(max(0, -top), min(height, size[0] - top))
    columns = slice(max(0, -left), min(width, size[1] - left))
    if rows.stop <= rows.start or columns.stop <= columns.start:
        raise DataError(
            f"{where}: its mask of {width} x {height} pixels at ({left}, {top}) lies outside of the image of "
            f"{size[1]} x {size[0]}"
        )
    return Patch(top + rows.start, left + columns.start, np.ascontiguousarray(covered[rows, columns]))
