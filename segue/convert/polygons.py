"""Polygons in JSON files to masks: buildings first, roads over them.

Each image has one JSON file for each class: ``features[].properties.building_imcoords`` (or ``road_imcoords``) holds
an outline in pixels as one string, ``x,y,x,y,...``; the word EMPTY or an empty string means that the image has none.
Class ids are 0 background, 1 building, 2 road; every pixel is labelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from segue.errors import DataError, InputError
from segue.masks.polygons import paint, read_polygons

CLASSES = ("background", "building", "road")
PALETTE = ((120, 130, 140), (213, 94, 0), (0, 114, 178))
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


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
            paint(mask, polygon, value)
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
