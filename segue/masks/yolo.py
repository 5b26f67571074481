"""YOLO: a text file per image with a line ``class x y x y ...`` per polygon, coordinates as parts of width and height.

https://docs.ultralytics.com/datasets/segment. Classes are numbered without a background. Later lines are drawn over
earlier ones; an image without a file has no objects.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import yaml

from segue.errors import DataError, LabelError
from segue.images.limits import check_file
from segue.images.read import Array
from segue.masks.documents import checked_points
from segue.masks.draw import Points, polygon
from segue.masks.reader import MaskReader
from segue.masks.size import image_size

_MOST_CLASSES = 4096
_NAMES = ("data.yaml", "dataset.yaml", "data.yml", "dataset.yml")


class YoloReader(MaskReader):
    """Polygons; the classes of the files are those of the dataset without its background, in the same order.

    Args:
        root: folder of the files.
        names: classes.
    """

    format = "yolo"

    def place(self, image: str) -> str:
        """The file of the same name, which need not exist."""
        return os.path.join(self.root, os.path.splitext(image)[0] + ".txt")

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids."""
        size = image_size(image)
        mask = self.names.blank(size)
        objects = self.names.objects
        for where, number, points in _polygons(place) if os.path.exists(place) else ():
            if number >= len(objects):
                raise LabelError(
                    f"{where}: class {number}, but besides the background there are the {len(objects)} classes 0.."
                    f"{len(objects) - 1}: {', '.join(objects[:8])}"
                )
            value = self.names.classes.index(objects[number])
            polygon([points * (size[1], size[0])], size).paint(mask, value)
        return mask

    @classmethod
    def labels_in(cls, paths: Sequence[str]) -> tuple[str, ...]:
        """Names of a data.yaml above the files, else numbered ones."""
        for path in paths[:1]:
            folder = os.path.dirname(os.path.abspath(path))
            for _ in range(3):
                for name in _NAMES:
                    if os.path.isfile(os.path.join(folder, name)):
                        return _listed(os.path.join(folder, name))
                folder = os.path.dirname(folder)
        top = max((number for path in paths for _, number, _ in _polygons(path)), default=0)
        if top >= _MOST_CLASSES:
            raise DataError(
                f"{paths[0]} and the other files: class {top} cannot be meant; name the classes in data.yaml"
            )
        return tuple(f"class_{i}" for i in range(top + 1))


def is_yolo(text: str) -> bool:
    """Whether the text of a file looks like polygons: a class and an even number of coordinates on each line."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    try:
        return bool(lines) and all(
            len(parts) % 2 == 1 and len(parts) >= 5 and int(parts[0]) >= 0 and [float(p) for p in parts[1:]]
            for parts in lines
        )
    except ValueError:
        return False


def _polygons(path: str) -> list[tuple[str, int, Points]]:
    """(file and line, class, points) of each line."""
    check_file(path)
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    found = []
    for i, line in enumerate(lines, 1):
        where, parts = f"{path}:{i}", line.split()
        if not parts:
            continue
        try:
            number, values = int(parts[0]), [float(part) for part in parts[1:]]
        except ValueError:
            raise DataError(f"{where}: a line is 'class x y x y ...', got {line[:60]!r}") from None
        if len(values) == 4:
            raise DataError(
                f"{where}: 4 numbers after the class are a box; a polygon has at least 3 points. Export "
                "polygons: 'YOLO segmentation' of Roboflow, CVAT or Label Studio, or masks of the boxes by SAM"
            )
        if len(values) % 2 or number < 0:
            raise DataError(f"{where}: class {number} and {len(values)} coordinates; x y pairs need an even number")
        points = checked_points([values[k : k + 2] for k in range(0, len(values), 2)], where, 3)
        if abs(points).max() > 2:
            raise DataError(
                f"{where}: the coordinate {abs(points).max():g} is far outside of 0..1; they are parts of the image's "
                "width and height, not pixels"
            )
        found.append((where, number, points))
    return found


def _listed(path: str) -> tuple[str, ...]:
    check_file(path)
    try:
        with open(path, encoding="utf-8") as file:
            data = yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"{path}: cannot read the names of the classes: {error}") from error
    names = data.get("names") if isinstance(data, dict) else None
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[i] for i in range(len(names))]
    if not isinstance(names, list) or not names or not all(isinstance(name, (str, int)) for name in names):
        raise DataError(f"{path}: 'names' must list the classes, got {names!r:.80}")
    return tuple(str(name) for name in names)
