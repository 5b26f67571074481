"""A small dataset in each format: images a and b, and the label maps that its annotations mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

from segue.convert.annotations import CocoWriter, LabelMap, LabelmeWriter
from segue.images.read import Array, write_png
from segue.masks.trace import outlines, rings
from tests.masks.scenes import CLASSES, NAMES, SIZE, blocks, label_map, picture, write_json

Maps = dict[str, Array]
META = {"classes": CLASSES}


def pictures(folder: Path, make: Callable[[int], Array]) -> Maps:
    """Images a.png and b.png, and a label map for each."""
    for name in "ab":
        picture(folder / f"{name}.png")
    return {name: make(i) for i, name in enumerate("ab")}


def labelme(root: Path) -> Maps:
    maps = pictures(root, label_map)
    for name, labels in maps.items():
        LabelmeWriter(root, META, 255).add(LabelMap(f"{name}.png", labels))
    return maps


def coco(root: Path) -> Maps:
    maps = pictures(root / "images", label_map)
    writer = CocoWriter(root / "annotations", META, 255)
    for name, labels in maps.items():
        writer.add(LabelMap(f"{name}.png", labels))
    writer.close()
    return maps


def yolo(root: Path) -> Maps:
    maps = pictures(root / "images", blocks)
    for name, labels in maps.items():
        lines = [
            f"{value - 1} " + " ".join(f"{x / SIZE[1]!r} {y / SIZE[0]!r}" for x, y in ring.tolist())
            for value, ring in outlines(labels)
            if value
        ]
        (root / "labels").mkdir(exist_ok=True)
        (root / f"labels/{name}.txt").write_text("\n".join(lines))
    (root / "labels/classes.txt").write_text("car\nroad\ntree\n")
    (root / "data.yaml").write_text("names: [car, road, tree]\n")
    return maps


def polygons(root: Path) -> Maps:
    import cv2

    maps = pictures(root / "images", lambda i: blocks(i, 3))
    for name, labels in maps.items():
        for value, kind in ((1, "car"), (2, "road")):
            found, _ = cv2.findContours((labels == value).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            texts = [",".join(map(str, contour.ravel().tolist())) for contour in found]
            features = [{"properties": {f"{kind}_imcoords": text}} for text in texts]
            write_json(root / f"{kind}s/{name}.json", {"features": features})
    return maps


def instances(root: Path) -> Maps:
    maps = {}
    for i, name in enumerate("ab"):
        labels = blocks(i)
        picture(root / f"{name}/images/{name}.png")
        for k, value in enumerate(np.unique(labels)[1:]):
            write_png(root / f"{name}/masks/{k}f3.png", (labels == value).astype(np.uint8) * 255)
        maps[f"{name}/images/{name}"] = (labels > 0).astype(np.uint8)
    return maps


def mat(root: Path) -> Maps:
    maps = pictures(root / "images", label_map)
    (root / "cls").mkdir()
    for name, labels in maps.items():
        savemat(root / f"cls/{name}.mat", {"labels": labels})
    return maps


def rgb(root: Path) -> Maps:
    maps = pictures(root / "images", lambda i: label_map(i, ignore=False))
    (root / "labels").mkdir()
    for name, labels in maps.items():
        Image.fromarray(np.array(NAMES.palette, np.uint8)[labels]).save(root / f"labels/{name}.png")
    return maps


def voc(root: Path) -> Maps:
    """Palette PNGs and lists, 255 for borders."""
    maps = pictures(root / "JPEGImages", label_map)
    (root / "SegmentationClass").mkdir()
    for name, labels in maps.items():
        mask = Image.fromarray(labels)
        mask.putpalette([*(part for color in NAMES.palette for part in color), *[255] * 756])
        mask.save(root / f"SegmentationClass/{name}.png")
    lists = root / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")
    (lists / "val.txt").write_text("b\n")
    (root / "class_names.txt").write_text("\n".join(CLASSES))
    return maps


def binary(root: Path) -> Maps:
    maps = pictures(root / "images", lambda i: (label_map(i, ignore=False) > 1).astype(np.uint8))
    for name, labels in maps.items():
        write_png(root / f"masks/{name}.png", labels * 255)
    return maps


def npy(root: Path) -> Maps:
    maps = pictures(root / "images", label_map)
    (root / "masks").mkdir()
    for name, labels in maps.items():
        np.save(root / f"masks/{name}.npy", np.where(labels == 255, -1, labels.astype(np.int32)))
    return maps


def geojson(root: Path) -> Maps:
    """Needs rasterio. Image a lies where the file's coordinates say, b ten pixels to its right."""
    import rasterio

    maps = {"a": label_map(0, ignore=False)}
    maps["b"] = np.concatenate([maps["a"][:, 10:], np.zeros((SIZE[0], 10), np.uint8)], axis=1)
    profile = {"driver": "GTiff", "height": SIZE[0], "width": SIZE[1], "count": 1, "dtype": "uint8"}
    for name, shift in (("a", 0), ("b", 10)):
        where = rasterio.Affine(0.5, 0, 733601.0 + 0.5 * shift, 0, -0.5, 3725139.0)
        with rasterio.open(root / f"{name}.tif", "w", crs="EPSG:32616", transform=where, **profile) as file:
            file.write(np.full((1, *SIZE), 90 + shift, np.uint8))
    features = []
    for value in range(1, 4):
        borders = [
            [[733601.0 + x / 2, 3725139.0 - y / 2] for x, y in ring.tolist()] for ring in rings(maps["a"] == value)
        ]
        geometry = {"type": "Polygon", "coordinates": borders}
        features.append({"type": "Feature", "geometry": geometry, "properties": {"class": CLASSES[value]}})
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32616"}}
    write_json(root / "labels.geojson", {"type": "FeatureCollection", "crs": crs, "features": features})
    return maps


#: {name: how it is written, arguments of FolderDataset, its classes}
LAYOUTS: dict[str, tuple[Callable[[Path], Maps], dict[str, object], tuple[str, ...]]] = {
    "labelme": (labelme, {"images": ".", "masks": "."}, CLASSES),
    "coco": (coco, {"masks": "annotations/annotations.json"}, CLASSES),
    "yolo": (yolo, {"masks": "labels"}, CLASSES),
    "polygons": (polygons, {"masks": ".", "mask_format": "polygons"}, CLASSES[:3]),
    "instances": (instances, {"images": ".", "masks": "."}, ("background", "foreground")),
    "geojson": (geojson, {"images": ".", "masks": "labels.geojson"}, CLASSES),
}
