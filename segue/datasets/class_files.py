"""Files that name the classes of masks, as annotation tools and public datasets leave them beside the data."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from segue.datasets.metainfo import read_names
from segue.datasets.scan import is_hidden
from segue.errors import DataError, SegueError
from segue.images.read import read_bytes
from segue.masks.labels import IGNORE
from segue.masks.mat import text_cells
from segue.masks.names import BACKGROUND, VOID

Color = tuple[int, int, int]


@dataclass(frozen=True)
class ClassFile:
    """What such a file says.

    Attributes:
        path: the file.
        names: in the order of the ids.
        palette: RGB of each, for masks in colors; empty where the file has none.
        values: {value in the masks: id} where it numbers them otherwise than 0, 1, 2 ...
        others: whether it has colors of unlabeled pixels besides.
    """

    path: str
    names: tuple[str, ...]
    palette: tuple[Color, ...] = ()
    values: tuple[tuple[int, int], ...] = ()
    others: bool = False


def find_class_file(folders: Iterable[str | Path]) -> ClassFile | None:
    """The first in these folders that can be read, the plainest kind of each folder first."""
    for folder in folders:
        if not os.path.isdir(folder):
            continue
        there = {name.lower(): name for name in sorted(os.listdir(folder)) if not is_hidden(name)}
        for name, read in _READERS.items():
            if name not in there:
                continue
            try:
                found = read(os.path.join(folder, there[name]))
            except (SegueError, OSError, ValueError, KeyError, TypeError):
                continue  # a file of that name about something else
            if found is not None and found.names:
                return found
    return None


def _listed(path: str) -> ClassFile:
    """A name per line; labelme's ``__ignore__`` is value -1 and no class."""
    return ClassFile(path, tuple(name for name in read_names(path) if name != "__ignore__"))


def _labelmap(path: str) -> ClassFile | None:
    """CVAT: ``# label:color_rgb:parts:actions``."""
    rows = []
    for line in _text(path).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, color, *_ = [*line.strip().split(":"), "", ""]
        rows.append((name, _color(color.split(","))))
    return _colored(path, rows)


def _camvid(path: str) -> ClassFile | None:
    """``64 128 64<tab>Animal``."""
    found = [re.match(r"\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\S.*)", line) for line in _text(path).splitlines()]
    return _colored(path, [(match[4].strip(), _color(match.groups()[:3])) for match in found if match])


def _color_table(path: str) -> ClassFile | None:
    """``name,r,g,b`` with a header."""
    rows = [row for row in csv.reader(io.StringIO(_text(path))) if row]
    head = [cell.strip().lower() for cell in rows[0]]
    if not {"name", "r", "g", "b"} <= set(head):
        return None
    name, *bands = (head.index(key) for key in ("name", "r", "g", "b"))
    return _colored(path, [(row[name].strip(), _color([row[band] for band in bands])) for row in rows[1:]])


def _roboflow(path: str) -> ClassFile | None:
    """``Pixel Value, Class``."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(_text(path))) if row]
    return _numbered(path, {int(value): name for value, name, *_ in rows if value.isdigit()})


def _nnunet(path: str) -> ClassFile | None:
    """``labels`` of a dataset.json: {name: value}, in version 1 {value: name}."""
    labels = json.loads(_text(path)).get("labels")
    if not isinstance(labels, dict):
        return None
    if all(str(key).isdigit() for key in labels):
        labels = {name: int(value) for value, name in labels.items()}
    if not all(isinstance(value, int) for value in labels.values()):
        return None  # regions of several values
    return _numbered(path, {value: str(name) for name, value in labels.items()})


def _matlab(path: str) -> ClassFile | None:
    """A cell array of names."""
    return ClassFile(path, tuple(text_cells(path)))


def _numbered(path: str, names: dict[int, str]) -> ClassFile:
    kept = {value: name for value, name in sorted(names.items()) if name.lower() not in VOID}
    values = {value: i for i, value in enumerate(kept)} | {value: IGNORE for value in names if value not in kept}
    plain = all(value == i for value, i in values.items())
    return ClassFile(path, tuple(kept.values()), (), () if plain else tuple(values.items()))


def _colored(path: str, rows: Sequence[tuple[str, Color]]) -> ClassFile | None:
    """Background first."""
    kept = sorted(
        (row for row in rows if row[0].lower() not in VOID[:3]), key=lambda row: row[0].lower() not in BACKGROUND
    )
    if not kept:
        return None
    names, palette = tuple(name for name, _ in kept), tuple(color for _, color in kept)
    return ClassFile(path, names, palette, (), len(kept) < len(rows))


def _color(parts: Sequence[str]) -> Color:
    red, green, blue = (int(part) for part in parts)
    if not all(0 <= part <= 255 for part in (red, green, blue)):
        raise DataError(f"{parts}: no color")
    return red, green, blue


def _text(path: str) -> str:
    return read_bytes(path).decode("utf-8-sig")


_READERS = {
    "classes.txt": _listed,
    "class_names.txt": _listed,
    "labelmap.txt": _labelmap,
    "_classes.csv": _roboflow,
    "dataset.json": _nnunet,
    "class_dict.csv": _color_table,
    "label_colors.txt": _camvid,
    "label_list.mat": _matlab,
    "labels.txt": _listed,
}
