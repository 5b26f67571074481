"""Text files that list the samples of a split: names with or without suffix, or an image and its mask on each line."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segue.datasets.scan import read_split, some_of
from segue.datasets.suffixes import strip_end
from segue.errors import DataError

_BETWEEN = re.compile(r"[\t,;]\s*|\s+")


@dataclass(frozen=True)
class Listed:
    """An image, by its name in its folder, and the path of its mask where the list names one."""

    image: str
    mask: str | None = None


def images_of_split(
    images: Sequence[str], split: str, folder: str, root: str = "", suffix: str | None = None
) -> list[Listed]:
    """The images that a text file lists, in its order.

    A line is a name with or without suffix, a path from ``root`` or one that ends with such a name; after it there may
    be the path of its mask, as SegNet's and PaddleSeg's lists have it.

    Args:
        images: names below ``folder``.
        split: the file.
        folder: of the images, for paths from ``root``.
        root: that other paths start from.
        suffix: what the names end with besides, such as ``_rgb.png``, which the lines may leave out.

    Raises:
        DataError: a line is none of the images.
    """
    found, absent = listed_images(images, split, folder, root, suffix)
    if absent:
        raise DataError(
            f"{split}: {len(absent)} of {len(absent) + len(found)} names are not in {folder}: {some_of(absent)}"
        )
    return found


def listed_images(
    images: Sequence[str], split: str, folder: str, root: str = "", suffix: str | None = None
) -> tuple[list[Listed], list[str]]:
    """As `images_of_split`, with the lines that are none of the images beside."""
    known = _Known(images, os.path.relpath(folder, root or ".") if folder else "", suffix)
    found, absent = [], []
    for line in read_split(split):
        listed = known.find(line)
        if listed is None:
            absent.append(line)
        else:
            found.append(listed)
    return found, absent


class _Known:
    def __init__(self, images: Sequence[str], folder: str, suffix: str | None) -> None:
        short = {} if suffix is None else {strip_end(name, suffix): name for name in images}
        self.by_name = {key: name for key, name in short.items() if key}
        self.by_name |= {os.path.splitext(name)[0]: name for name in images}
        self.by_name |= {name: name for name in images}
        self.folder = os.path.normpath(folder) + os.sep
        tails = Counter(os.path.basename(key) for key in self.by_name)
        self.by_tail = {
            os.path.basename(key): name for key, name in self.by_name.items() if tails[os.path.basename(key)] == 1
        }

    def find(self, line: str) -> Listed | None:
        """Whose line it is, the whole of it first."""
        image = self._name(line)
        if image is not None:
            return Listed(image)
        for match in _BETWEEN.finditer(line):
            image = self._name(line[: match.start()])
            if image is not None and match.end() < len(line):
                return Listed(image, line[match.end() :].strip())
        return None

    def _name(self, text: str) -> str | None:
        name = os.path.normpath(text)
        found = self.by_name.get(name) or self.by_name.get(name.removeprefix(self.folder))
        if found is None and os.sep in name:  # a path from another folder, or from another machine
            found = self.by_tail.get(os.path.basename(name))
        return found


def stems_of_list(lines: Sequence[str], there: Mapping[str, object] | set[str], suffix: str) -> list[str]:
    """The stems of a list whose lines may have the suffix already."""
    return [
        line.removesuffix(suffix) if suffix and line.endswith(suffix) and line + suffix not in there else line
        for line in lines
    ]


def pairs_hint(lines: Sequence[str]) -> str:
    """What to say of a list of names that are not there, if its lines look like pairs."""
    two = [line for line in lines if re.search(r"\.\w{3,4}[\s,;]+\S+\.\w{3,4}$", line)]
    return "; its lines are an image and its mask, which FolderDataset(split=...) reads" if two == list(lines) else ""
