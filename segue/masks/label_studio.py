"""Label Studio: one JSON file with a list of tasks; polygons, brushes, ellipses, and rectangles as boxes.

https://labelstud.io/guide/export. Coordinates are percent of the image. A brush is stored as the run lengths of an RGBA
picture, https://github.com/thi-ng/umbrella/tree/develop/packages/rle-pack: 32 bits count the values, 5 bits their size,
four times 4 bits the sizes of counts; then a bit says run or not, 2 bits which size, the count less one, the values.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from segue.errors import DataError, InputError
from segue.images.read import Array
from segue.masks.documents import points_of, read_json
from segue.masks.draw import Patch, polygon
from segue.masks.listed import Boxes, Entry, ListedReader, Region, name_in
from segue.masks.names import Names
from segue.masks.shapes import ellipse, number, rectangle, turned
from segue.masks.size import check_size

_KINDS = {
    "polygonlabels": "polygonlabels",
    "brushlabels": "brushlabels",
    "ellipselabels": "ellipselabels",
    "rectanglelabels": "rectanglelabels",
}
_OTHERS = ("choices", "textarea", "rating", "number", "relation", "taxonomy", "datetime", "pairwise")


class LabelStudioReader(ListedReader):
    """The regions of each task's annotation.

    Args:
        root: the file.
        names: classes.
        boxes: as of `ListedReader`.
        annotation: of a task with several, the ``first`` or the ``last``; by default they are an error.
    """

    format = "labelstudio"

    def __init__(
        self,
        root: str,
        names: Names | None = None,
        boxes: Boxes = "error",
        annotation: Literal["error", "first", "last"] = "error",
    ) -> None:
        super().__init__(root, names, boxes)
        if annotation not in ("error", "first", "last"):
            raise InputError(f"mask_format: annotation must be 'error', 'first' or 'last', got {annotation!r}")
        self.annotation = annotation

    @classmethod
    def entries(cls, path: str) -> list[Entry]:
        """The tasks; the regions of all their annotations."""
        tasks = read_json(path)
        if not isinstance(tasks, list):
            raise DataError(f"{path}: a Label Studio export is a list of tasks; export as JSON")
        found = []
        for i, task in enumerate(tasks):
            where = f"{path}: task {i}"
            data = task.get("data") if isinstance(task, dict) else None
            if not isinstance(data, dict):
                raise DataError(f"{where}: has no data; export as JSON, not as JSON-MIN")
            text = next((v for k, v in data.items() if k in ("image", "img", "url")), None) or next(
                (v for v in data.values() if isinstance(v, str)), None
            )
            entry = Entry(name_in(text, where))
            given = [a for a in task.get("annotations") or task.get("completions") or () if isinstance(a, dict)]
            for number_, annotation in enumerate(a for a in given if not a.get("was_cancelled")):
                for result in annotation.get("result") or ():
                    _add(entry, result, f"{path}#{entry.name}", number_)
            found.append(entry)
        return found

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids."""
        entry = self._read().get(place[len(self.root) + 1 :])
        if entry is not None:
            numbers = sorted({region.data["annotation"] for region in entry.regions})
            if len(numbers) > 1:
                if self.annotation == "error":
                    raise DataError(
                        f"{place}: {len(numbers)} annotations of one image; mask_format=dict(type='labelstudio', "
                        "annotation='first') or 'last' says which counts"
                    )
                kept = numbers[0 if self.annotation == "first" else -1]
                entry.regions = [region for region in entry.regions if region.data["annotation"] == kept]
        return super().read(place, image)

    def draw(self, region: Region, size: tuple[int, int]) -> Patch:
        """The pixels of a region."""
        value, where = region.data["value"], region.where
        height, width = size
        if region.data["type"] == "polygonlabels":
            return polygon([points_of(value.get("points"), where) * (width / 100, height / 100)], size)
        if region.data["type"] == "brushlabels":
            if value.get("format", "rle") != "rle":
                raise DataError(f"{where}: a brush of the format {value.get('format')!r}, not rle")
            return Patch(0, 0, decode_brush(value.get("rle"), size, where))
        turn = number(value.get("rotation") or 0, where, "rotation")
        x, y = number(value.get("x"), where, "x") * width / 100, number(value.get("y"), where, "y") * height / 100
        if region.data["type"] == "ellipselabels":
            across = number(value.get("radiusX"), where, "radiusX", 0) * width / 100
            down = number(value.get("radiusY"), where, "radiusY", 0) * height / 100
            return ellipse(x, y, across, down, size, turn)
        right = x + number(value.get("width"), where, "width", 0) * width / 100
        bottom = y + number(value.get("height"), where, "height", 0) * height / 100
        if turn:  # about its first corner
            corners = np.array([[x, y], [right, y], [right, bottom], [x, bottom]], np.float64)
            return polygon([turned(corners, (x, y), turn)], size)
        return rectangle(x, y, right, bottom, size)


def is_label_studio(data: Any) -> bool:
    """Whether a JSON value looks like an export of Label Studio."""
    first = data[0] if isinstance(data, list) and data else None
    return isinstance(first, dict) and "data" in first and ("annotations" in first or "completions" in first)


def _add(entry: Entry, result: Any, place: str, annotation: int) -> None:
    kind = result.get("type") if isinstance(result, dict) else None
    if kind in _OTHERS:
        return
    value = result.get("value") if isinstance(result, dict) else None
    where = f"{place}: region {len(entry.regions)}"
    if kind not in _KINDS or not isinstance(value, dict):
        raise DataError(f"{where}: its type {kind!r} is none of {', '.join(_KINDS)}")
    labels = value.get(_KINDS[kind]) or [None]
    if len(labels) != 1 or not isinstance(labels[0], str):
        raise DataError(f"{where}: has {len(labels) if labels != [None] else 0} labels, not one")
    if result.get("image_rotation"):
        raise DataError(f"{where}: drawn on the image turned by {result['image_rotation']} degrees; turn it back")
    size = check_size(result.get("original_height"), result.get("original_width"), where)
    if entry.size is not None and entry.size != size:
        raise DataError(
            f"{where}: is of an image of {size[1]} x {size[0]}, others of {entry.size[1]} x {entry.size[0]}"
        )
    entry.size = size
    data = {"type": kind, "value": value, "annotation": annotation}
    entry.regions.append(Region(labels[0], f"{where} ({labels[0]})", data, kind == "rectanglelabels"))


def decode_brush(rle: Any, size: tuple[int, int], where: str) -> Any:
    """(H, W) covered pixels: those whose alpha is not 0."""
    if not isinstance(rle, list) or not all(isinstance(b, int) and 0 <= b <= 255 for b in rle):
        raise DataError(f"{where}: its run lengths must be a list of bytes")
    bits = np.unpackbits(np.array(rle, np.uint8))
    place = 0

    def take(count: int) -> int:
        nonlocal place
        if place + count > len(bits):
            raise DataError(f"{where}: its run lengths end after {done} of {total} values")
        part = bits[place : place + count]
        place += count
        return int(part @ (1 << np.arange(count - 1, -1, -1, dtype=np.int64)))

    done = 0
    total = size[0] * size[1] * 4
    stated = take(32)
    if stated != total:
        raise DataError(
            f"{where}: its run lengths are of {stated} values, an image of {size[1]} x {size[0]} has {total}"
        )
    word = take(5) + 1
    counts = [take(4) + 1 for _ in range(4)]
    values = np.zeros(total, np.uint8)
    while done < total:
        run, length = take(1), 0
        length = take(counts[take(2)]) + 1
        if done + length > total:
            raise DataError(f"{where}: its run lengths make more than {total} values")
        if run:
            values[done : done + length] = min(take(word), 255)
        else:
            if place + length * word > len(bits):
                raise DataError(f"{where}: its run lengths end after {done} of {total} values")
            part = bits[place : place + length * word].reshape(length, word)
            values[done : done + length] = part.any(axis=1) * 255
            place += length * word
        done += length
    return values.reshape(*size, 4)[..., 3] > 0
