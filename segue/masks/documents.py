"""JSON files of annotations: reading them, and checking what is in them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import DataError
from segue.images.read import read_bytes
from segue.masks.draw import Points

#: Coordinates beyond this are mistakes: no image is so large.
FARTHEST = 1e9

#: Files beside annotations that are none.
_LISTS = (
    *("classes.txt", "class_names.txt", "labels.txt", "classes.json", "labelmap.txt", "label_colors.txt", "meta.json"),
    *("dataset.json", "label_list.mat", "_classes.csv", "class_dict.csv", "obj_class_to_machine_color.json"),
)


def read_json(path: str | Path) -> Any:
    """The value of a JSON file; one that is missing or no JSON is a DataError."""
    try:
        return json.loads(read_bytes(path).decode("utf-8-sig"))
    except RecursionError:
        raise DataError(f"{path}: its JSON is nested too deeply for annotations") from None
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError
        raise DataError(f"{path}: is not JSON ({error})") from error


def list_of(data: Any, key: str, where: str | Path) -> list[Any]:
    """A list under a key of a JSON object, or a DataError that says what there is."""
    found = data.get(key) if isinstance(data, dict) else None
    if not isinstance(found, list):
        keys = ", ".join(map(str, list(data)[:6])) if isinstance(data, dict) else f"a {type(data).__name__}"
        raise DataError(f"{where}: has no list {key!r} at its top level (it has {keys or 'nothing'})")
    return found


def points_of(value: Any, where: str, least: int = 3) -> Points:
    """(N, 2) from a list of [x, y] pairs; further coordinates, such as heights, are dropped."""
    if not isinstance(value, list) or not all(isinstance(point, list) and len(point) >= 2 for point in value):
        raise DataError(f"{where}: points must be a list of [x, y] pairs, got {_short(value)}")
    return checked_points([point[:2] for point in value], where, least)


def flat_points(value: Any, where: str, least: int = 3) -> Points:
    """(N, 2) from x, y, x, y, ..."""
    if not isinstance(value, list) or len(value) % 2:
        count = f"{len(value)} numbers" if isinstance(value, list) else _short(value)
        raise DataError(f"{where}: coordinates are x, y, x, y, ..., an even number of them; got {count}")
    return checked_points([value[i : i + 2] for i in range(0, len(value), 2)], where, least)


def checked_points(pairs: list[Any], where: str, least: int) -> Points:
    """(N, 2) of finite numbers, at least so many, or a DataError that names the first that is none."""
    for i, pair in enumerate(pairs):
        for number in pair:
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) <= FARTHEST:
                raise DataError(f"{where}: point {i} is {_short(pair)}; coordinates are numbers up to {FARTHEST:g}")
    if len(pairs) < least:
        raise DataError(f"{where}: {len(pairs)} points, at least {least} are needed")
    return np.array(pairs, np.float64).reshape(-1, 2)


def inside(name: object, where: str) -> str:
    """A relative file name that stays in its folder, or a DataError."""
    if not isinstance(name, str) or not name:
        raise DataError(f"{where}: a file name is a text, got {_short(name)}")
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        raise DataError(f"{where}: the file name {name!r} leads out of the folder of the images")
    return os.path.normpath("/".join(parts))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def annotation_files(names: Sequence[str], suffixes: tuple[str, ...]) -> list[str]:
    """The names that end so, without lists of classes."""
    found = [name for name in names if name.lower().endswith(suffixes)]
    if not any(listed.endswith(suffixes) for listed in _LISTS):
        return found
    return [name for name in found if os.path.basename(name).lower() not in _LISTS]
