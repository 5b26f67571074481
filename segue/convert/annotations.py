"""Label maps to files: PNG, COCO, labelme."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from PIL import Image

from segue.errors import InputError
from segue.images.read import Array, write_png
from segue.masks.rle import encode_rle
from segue.masks.trace import outlines


@dataclass(frozen=True)
class LabelMap:
    """Class ids (H, W) of an image, named relative to the folder of images."""

    image: str
    ids: Array


class Writer(Protocol):
    """Takes label maps, possibly from several threads, and finishes."""

    def __init__(self, folder: Path, metainfo: Mapping[str, Any], ignore_index: int) -> None: ...

    def add(self, labels: LabelMap) -> None:
        """One more."""

    def close(self) -> None:
        """No more."""


class IndexWriter:
    """A PNG per image whose values are class ids, of 16 bits where ids need them."""

    def __init__(self, folder: Path, metainfo: Mapping[str, Any], ignore_index: int) -> None:
        self.folder = folder
        self.kind = np.uint8 if max(len(metainfo["classes"]) - 1, ignore_index) <= 255 else np.uint16
        self.palette = [part for color in metainfo["palette"] for part in color]

    def add(self, labels: LabelMap) -> None:
        """Write the picture."""
        write_png(self._path(labels.image), labels.ids.astype(self.kind))

    def close(self) -> None:
        """Nothing is left to do."""

    def _path(self, image: str) -> Path:
        path = (self.folder / image).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class PaletteWriter(IndexWriter):
    """The same with the colors of the classes, which picture viewers show; unlabeled pixels are white."""

    def add(self, labels: LabelMap) -> None:
        """Write the picture."""
        if self.kind != np.uint8:
            raise InputError("a palette PNG holds 256 values; write more classes with --to index")
        picture = Image.fromarray(labels.ids.astype(np.uint8))
        picture.putpalette([*self.palette, *[255] * (768 - len(self.palette))])
        picture.save(self._path(labels.image))


class LabelmeWriter:
    """A JSON file per image with the outlines of its regions, along the edges of pixels.

    Large regions come first and background is a region too, so that drawing them in order gives the label map back.
    """

    def __init__(self, folder: Path, metainfo: Mapping[str, Any], ignore_index: int) -> None:
        self.folder = folder
        self.names = dict(enumerate(metainfo["classes"])) | {ignore_index: "__ignore__"}

    def add(self, labels: LabelMap) -> None:
        """Write the file."""
        shapes = [
            {
                "label": self.names[value],
                "points": ring.tolist(),
                "group_id": None,
                "shape_type": "polygon",
                "flags": {},
            }
            for value, ring in outlines(labels.ids)
        ]
        height, width = labels.ids.shape
        content: dict[str, Any] = {
            "version": "5.0.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": os.path.basename(labels.image),
        }
        content |= {"imageData": None, "imageHeight": height, "imageWidth": width}
        path = (self.folder / labels.image).with_suffix(".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")

    def close(self) -> None:
        """Nothing is left to do."""


class CocoWriter:
    """One ``annotations.json`` with a run-length mask for every class of every image.

    A class ``background`` is left out, since what nothing covers is background; unlabeled pixels are a category
    ``__ignore__``.
    """

    def __init__(self, folder: Path, metainfo: Mapping[str, Any], ignore_index: int) -> None:
        self.folder = folder
        self.names = list(metainfo["classes"])
        self.ignore_index = ignore_index
        self._lock = Lock()
        self.maps: dict[str, tuple[tuple[int, ...], list[dict[str, Any]]]] = {}

    def add(self, labels: LabelMap) -> None:
        """Remember its regions."""
        regions = []
        for value in np.unique(labels.ids).tolist():
            if value != self.ignore_index and self.names[value] == "background":
                continue
            covered = labels.ids == value
            rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
            left, top = int(columns[0]), int(rows[0])
            regions.append(
                {
                    "category_id": len(self.names) + 1 if value == self.ignore_index else value + 1,
                    "segmentation": encode_rle(covered),
                    "area": int(covered.sum()),
                    "bbox": [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1],
                    "iscrowd": 0,
                }
            )
        with self._lock:
            self.maps[labels.image.replace(os.sep, "/")] = labels.ids.shape, regions

    def close(self) -> None:
        """Write the file."""
        names = [*self.names, "__ignore__"]
        content: dict[str, list[dict[str, Any]]] = {
            "images": [],
            "annotations": [],
            "categories": [{"id": i, "name": name} for i, name in enumerate(names, 1) if name != "background"],
        }
        for i, (image, (size, regions)) in enumerate(sorted(self.maps.items()), 1):
            content["images"].append({"id": i, "file_name": image, "height": size[0], "width": size[1]})
            for region in regions:
                number = len(content["annotations"]) + 1
                content["annotations"].append({"id": number, "image_id": i, **region})
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "annotations.json").write_text(json.dumps(content), encoding="utf-8")


WRITERS: dict[str, type[Writer]] = {
    "index": IndexWriter,
    "palette": PaletteWriter,
    "coco": CocoWriter,
    "labelme": LabelmeWriter,
}
