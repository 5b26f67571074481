"""Polygons in JSON files to masks: buildings first, roads over them.

Each image has one JSON file for each class: ``features[].properties.building_imcoords`` (or ``road_imcoords``) holds
an outline in pixels as one string, ``x,y,x,y,...``; the word EMPTY or an empty string means that the image has none.
Class ids are 0 background, 1 building, 2 road; every pixel is labelled.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from segue.errors import DataError, InputError

CLASSES = ("background", "building", "road")
PALETTE = ((120, 130, 140), (213, 94, 0), (0, 114, 178))
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def parse_coordinates(text: object, where: str) -> NDArray[np.float64] | None:
    """``"x,y,x,y,..."`` to points (N, 2); None for EMPTY or an empty string. ``where`` starts the error message."""
    if text is None or (isinstance(text, str) and text.strip().upper() in ("", "EMPTY")):
        return None
    if not isinstance(text, str):
        raise DataError(f"{where}: coordinates must be one string 'x,y,x,y,...', not {type(text).__name__}")
    values: list[float] = []
    for position, part in enumerate(text.strip().strip(",").split(",")):
        try:
            value = float(part)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise DataError(f"{where}: value {position} of the coordinates is {part.strip()!r}, which is not a number")
        values.append(value)
    if len(values) % 2:
        raise DataError(f"{where}: {len(values)} coordinates; x,y pairs need an even number")
    if len(values) < 6:
        raise DataError(f"{where}: {len(values) // 2} points; a polygon needs at least 3")
    return np.array(values, np.float64).reshape(-1, 2)


def read_polygons(path: Path, key: str) -> list[NDArray[np.float64]]:
    """The polygons of one JSON file."""
    path = Path(path)
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError
        raise DataError(f"{path}: is not JSON ({error})") from error
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list):
        raise DataError(f"{path}: has no list 'features' at its top level")
    polygons = []
    for index, feature in enumerate(features):
        where = f"{path}: feature {index}"
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict) or key not in properties:
            found = ", ".join(sorted(properties)) if isinstance(properties, dict) and properties else "none"
            raise DataError(f"{where}: has no property {key!r} (properties found: {found})")
        points = parse_coordinates(properties[key], f"{where}: {key}")
        if points is not None:
            polygons.append(points)
    return polygons


def _clip(points: NDArray[np.float64], size: tuple[int, int], slack: float = 8.0) -> NDArray[np.float64]:
    """Cut a polygon at the image's frame, ``slack`` pixels outside (Sutherland and Hodgman, 1974).

    OpenCV draws in 16 fractional bits: coordinates beyond about 30000 would wrap.
    """
    height, width = size
    for axis, sign, limit in ((0, 1, -slack), (0, -1, -(width + slack)), (1, 1, -slack), (1, -1, -(height + slack))):
        depth = sign * points[:, axis] - limit
        if np.all(depth >= 0):
            continue
        kept = []
        for i in range(len(points)):
            a, b, da, db = points[i - 1], points[i], depth[i - 1], depth[i]
            if (da >= 0) != (db >= 0):
                kept.append(a + (b - a) * (da / (da - db)))
            if db >= 0:
                kept.append(b)
        points = np.array(kept, np.float64).reshape(-1, 2)
        if not len(points):
            break
    return points


def polygons_to_mask(
    size: tuple[int, int],
    buildings: Sequence[NDArray[np.float64]],
    roads: Sequence[NDArray[np.float64]],
) -> NDArray[np.uint8]:
    """Draw buildings (1), then roads (2), on background (0).

    Args:
        size: (H, W) of the image.
        buildings: outlines (N, 2) as x, y in pixels; what lies outside of the image is cut off.
        roads: outlines, drawn over the buildings.

    Returns:
        (H, W) uint8.
    """
    mask = np.zeros(size, np.uint8)
    for value, polygons in ((1, buildings), (2, roads)):
        for polygon in polygons:
            points = _clip(np.asarray(polygon, np.float64), size)
            if len(points) >= 3:
                cv2.fillPoly(mask, [np.round(points).astype(np.int32)], value)
    return mask


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; the images are expected in images/ beside buildings/ and roads/")
    images = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        raise DataError(f"{folder}: no images (looked for {', '.join(IMAGE_SUFFIXES)})")
    return images


def convert_folder(root: Path, out: Path | None = None, progress: bool = True) -> int:
    """Write a mask PNG for each image of a folder.

    Args:
        root: holds ``images/``, ``buildings/`` and ``roads/``; an image without a JSON file of a class is an error.
        out: where the masks go, ``root/masks`` unless given.
        progress: show a bar.

    Returns:
        The number of masks written.
    """
    root = Path(root)
    out = root / "masks" if out is None else Path(out)
    images = _images(root / "images")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be made ({error.strerror or error})") from error
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=not progress) as bar:
        for path in bar.track(images, description="polygons to masks"):
            image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            if image is None:
                raise DataError(f"{path}: cannot be read as an image")
            buildings = read_polygons(root / "buildings" / f"{path.stem}.json", "building_imcoords")
            roads = read_polygons(root / "roads" / f"{path.stem}.json", "road_imcoords")
            mask = polygons_to_mask((image.shape[0], image.shape[1]), buildings, roads)
            target = out / f"{path.stem}.png"
            if not cv2.imwrite(str(target), mask):
                raise InputError(f"{target}: cannot be written")
    return len(images)
