"""Public reports and exports of annotation tools, drawn anew and small: what each folder holds.

`scene` is a noisy picture with rectangles of classes 1 and 2; four of them have 16,338, 1,958 and 2,184 pixels.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

COLORS = ((0, 0, 0), (48, 112, 32), (176, 112, 32))
FOUR = [16338, 1958, 2184]
TWO = [8056, 1092, 1092]


def scene(seed: int, height: int = 64, width: int = 80) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.zeros((height, width), np.uint8)
    for value in (1, 2):
        top, left = random.integers(0, height // 2), random.integers(0, width // 2)
        labels[top : top + height // 3, left : left + width // 3] = value
    picture = np.array([[60, 90, 60], [200, 60, 60], [60, 60, 200]])[labels] + random.normal(0, 6, (height, width, 1))
    return np.clip(picture, 0, 255).astype(np.uint8), labels


def save(path: Path, array: np.ndarray, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def text(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def pairs(root: Path, images: str, masks: str, seeds: range = range(4)) -> None:
    """``images`` and ``masks`` are patterns with a number; masks hold ids."""
    for i in seeds:
        picture, labels = scene(i)
        save(root / images.format(i), picture)
        save(root / masks.format(i), labels)


def pictures(root: Path, names: str, count: int = 2) -> None:
    for i in range(count):
        save(root / names.format(i), scene(i)[0])


def cvat_masks(root: Path) -> None:
    for i in range(4):
        picture, labels = scene(i)
        save(root / f"JPEGImages/frame_{i:06d}.jpg", picture)
        save(root / f"SegmentationClass/frame_{i:06d}.png", np.array(COLORS, np.uint8)[labels])
        save(root / f"SegmentationObject/frame_{i:06d}.png", np.array(COLORS, np.uint8)[(labels > 0) * 2])
    lines = ["# label:color_rgb:parts:actions"]
    names = ("background", "leaf", "stem")
    lines += [f"{name}:{','.join(map(str, color))}::" for name, color in zip(names, COLORS, strict=True)]
    text(root / "labelmap.txt", "\n".join(lines))
    text(root / "ImageSets/Segmentation/default.txt", "\n".join(f"frame_{i:06d}" for i in range(4)))


def roboflow_masks(root: Path) -> None:
    for split, count in (("train", 4), ("valid", 2)):
        name = split + "/pic{}_jpg.rf.0123456789abcdef"
        pairs(root, name + ".jpg", name + "_mask.png", range(count) if count == 4 else range(10, 12))
        text(root / split / "_classes.csv", "Pixel Value, Class\n0, background\n1, crack\n2, spalling\n")


def nnunet(root: Path) -> None:
    pairs(root, "imagesTr/VSL_{:03d}_0000.png", "labelsTr/VSL_{:03d}.png")
    pictures(root, "imagesTs/VSL_{}_0000.png")
    labels = {"background": 0, "vessel": 1, "lesion": 2}
    text(root / "dataset.json", {"channel_names": {"0": "R"}, "labels": labels, "file_ending": ".png"})


def coco_content(names: str, annotations: list[dict], categories: list[dict], count: int = 4) -> dict:
    images = [{"id": i, "file_name": names.format(i), "height": 64, "width": 80} for i in range(count)]
    return {"images": images, "annotations": annotations, "categories": categories}


def region(number: int, image: int, category: int, **more: object) -> dict:
    square = [[5, 5, 25, 5, 25, 25, 5, 25]]
    return {"id": number, "image_id": image, "category_id": category, "segmentation": square, "iscrowd": 0} | more


def roboflow_coco(root: Path) -> None:
    pictures(root, "train/pic{}.jpg")
    categories = [
        {"id": 0, "name": "defects", "supercategory": "none"},
        {"id": 1, "name": "crack", "supercategory": "defects"},
        {"id": 2, "name": "spalling", "supercategory": "defects"},
    ]
    content = coco_content("pic{}.jpg", [region(0, 0, 1), region(1, 1, 2)], categories, 2)
    text(root / "train/_annotations.coco.json", content)


def roboflow_yolo(root: Path) -> None:
    pictures(root, "train/images/pic{}.jpg")
    text(root / "train/labels/pic0.txt", "")
    text(root / "train/labels/pic1.txt", "1 0.25 0.25 0.5 0.25 0.5 0.5 0.25 0.5\n")
    text(root / "data.yaml", "train: ../train/images\nnames: ['crack', 'spalling']\n")


def exif(root: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    for i in range(4):
        picture, labels = scene(i, 60, 90)
        save(root / f"images/p{i}.jpg", picture, exif=turned if i < 3 else Image.Exif())
        save(root / f"masks/p{i}.png", labels)


def labelme(root: Path) -> None:
    pictures(root, "p{}.jpg")
    small = np.zeros((11, 15), np.uint8)
    small[2:9, 3:12] = 1
    buffers = []
    for values in (small, small * 255):
        buffer = io.BytesIO()
        Image.fromarray(values).save(buffer, format="PNG")
        buffers.append(base64.b64encode(buffer.getvalue()).decode())
    shapes = [
        {"label": "blob", "points": [[10.0, 20.0], [24.0, 30.0]], "shape_type": "mask", "mask": buffers[0]},
        {"label": "blob", "points": [[40.7, 20.2], [54.7, 30.2]], "shape_type": "mask", "mask": buffers[1]},
        {"label": "rect", "points": [[70.0, 50.0], [60.0, 40.0]], "shape_type": "rectangle"},
        {"label": "rect4", "points": [[2, 2], [8, 2], [8, 6], [2, 6]], "shape_type": "rectangle"},
        {
            "label": "turned",
            "points": [[50, 5], [60, 10], [58, 14], [48, 9]],
            "shape_type": "rotation",
            "direction": 0.4,
        },
    ]
    for i in range(2):
        content = {"version": "5.8.1", "shapes": shapes, "imagePath": f"p{i}.jpg", "imageHeight": 64, "imageWidth": 80}
        text(root / f"p{i}.json", content)


def cvat_xml(root: Path) -> None:
    pictures(root, "images/p{}.jpg")
    shapes = (
        '<mask label="Alien" rle="3, 4, 3, 4, 3, 3" left="10" top="12" width="5" height="4" z_order="0"></mask>'
        '<polygon label="Rock" points="40.00,10.00;60.00,10.00;60.00,30.00" z_order="0"></polygon>'
    )
    images = "".join(f'<image id="{i}" name="p{i}.jpg" width="80" height="64">{shapes}</image>' for i in range(2))
    labels = "".join(f"<label><name>{name}</name></label>" for name in ("Alien", "Rock"))
    meta = f"<meta><task><labels>{labels}</labels></task></meta>"
    text(root / "annotations.xml", f'<?xml version="1.0" encoding="utf-8"?><annotations>{meta}{images}</annotations>')


def label_studio(root: Path) -> None:
    """The run lengths end before the picture does."""
    pictures(root, "images/p{}.jpg")
    value = {"format": "rle", "rle": [0, 0, 80, 0, 7, 254, 0], "brushlabels": ["crack"]}
    result = {"original_width": 80, "original_height": 64, "image_rotation": 0, "value": value, "type": "brushlabels"}
    tasks = [
        {"id": i, "annotations": [{"id": i, "result": [result]}], "data": {"image": f"/data/upload/p{i}.jpg"}}
        for i in range(2)
    ]
    text(root / "project-1.json", tasks)


def supervisely(root: Path) -> None:
    pictures(root, "ds0/img/p{}.jpg")
    buffer = io.BytesIO()
    Image.fromarray(np.full((5, 6), 255, np.uint8)).save(buffer, format="PNG")
    data = base64.b64encode(zlib.compress(buffer.getvalue())).decode()
    objects = [
        {"classTitle": "crack", "geometryType": "bitmap", "bitmap": {"data": data, "origin": [5, 6]}},
        {
            "classTitle": "rock",
            "geometryType": "polygon",
            "points": {"exterior": [[30, 10], [50, 10], [50, 30]], "interior": []},
        },
    ]
    for i in range(2):
        text(root / f"ds0/ann/p{i}.jpg.json", {"size": {"height": 64, "width": 80}, "objects": objects})
    text(root / "meta.json", {"classes": [{"title": "crack"}, {"title": "rock"}], "tags": []})


def via(root: Path) -> None:
    pictures(root, "p{}.jpg")
    shape = {"name": "polygon", "all_points_x": [10, 30, 30], "all_points_y": [10, 10, 40]}
    circle = {"name": "circle", "cx": 50, "cy": 30, "r": 8}
    regions = [
        {"shape_attributes": shape, "region_attributes": {"type": "crack"}},
        {"shape_attributes": circle, "region_attributes": {"type": "rock"}},
    ]
    items = {f"p{i}.jpg1234": {"filename": f"p{i}.jpg", "size": 1234, "regions": regions} for i in range(2)}
    text(root / "via_region_data.json", items)


def cityscapes(root: Path) -> None:
    objects = [
        {"label": "road", "polygon": [[0, 40], [79, 40], [79, 63], [0, 63]]},
        {"label": "car", "polygon": [[20, 30], [40, 30], [40, 45], [20, 45]]},
    ]
    for i in range(2):
        at = f"train/town/town_{i:06d}_000019"
        save(root / f"leftImg8bit/{at}_leftImg8bit.png", scene(i)[0])
        text(root / f"gtFine/{at}_gtFine_polygons.json", {"imgHeight": 64, "imgWidth": 80, "objects": objects})


CATEGORIES = [{"id": 1, "name": "car", "supercategory": ""}, {"id": 2, "name": "tree", "supercategory": ""}]


def coco_rle(root: Path) -> None:
    pictures(root, "images/p{}.jpg", 4)
    covered = np.zeros((64, 80), bool)
    covered[10:20, 30:50] = True
    flat = covered.T.ravel()
    edges = [0, *(np.flatnonzero(flat[1:] != flat[:-1]) + 1).tolist(), flat.size]
    rle = {"counts": np.diff(edges).tolist(), "size": [64, 80]}
    annotations = [region(1, 0, 1, segmentation=rle, iscrowd=1), region(2, 1, 2)]
    text(root / "annotations/instances.json", coco_content("p{}.jpg", annotations, CATEGORIES))


def coco_box(root: Path) -> None:
    coco_rle(root)
    path = root / "annotations/instances.json"
    content = json.loads(path.read_text())
    content["annotations"].append(region(3, 2, 1, segmentation=[], bbox=[5, 5, 20, 20]))
    text(path, content)


def coco_two_points(root: Path) -> None:
    coco_rle(root)
    path = root / "annotations/instances.json"
    content = json.loads(path.read_text())
    content["annotations"].append(region(3, 2, 1, segmentation=[[5, 5, 25, 5]]))
    text(path, content)


def mixed_suffixes(root: Path) -> None:
    for i, suffix in enumerate((".jpg", ".jpg", ".JPG", ".jpeg", ".png")):
        picture, labels = scene(i)
        save(root / f"images/train/p{i}{suffix}", picture)
        save(root / f"masks/train/p{i}.png", labels)


def names_with_blanks(root: Path) -> None:
    pairs(root, "images/foto {} ä.jpg", "masks/foto {} ä.png")


def names_like_suffixes(root: Path) -> None:
    for i, stem in enumerate(("jpg", "a.jpg", "b_jpg", "tile.0.5")):
        picture, labels = scene(i)
        save(root / f"images/{stem}.jpg", picture)
        save(root / f"masks/{stem}.png", labels)


def unknown_is_4(root: Path) -> None:
    for i in range(4):
        picture, labels = scene(i)
        labels[:4] = 4
        save(root / f"images/train/p{i}.jpg", picture)
        save(root / f"masks/train/p{i}.png", labels)


def apple_double(root: Path) -> None:
    pairs(root, "images/train/p{}.jpg", "masks/train/p{}.png")
    junk = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"
    for i in range(4):
        text(root / f"images/train/._p{i}.jpg", junk)
        text(root / f"masks/train/._p{i}.png", junk)
        text(root / f"__MACOSX/images/train/p{i}.jpg", junk)
    text(root / "images/train/.DS_Store", junk)
    text(root / "images/train/Thumbs.db", junk)


def yolo_boxes(root: Path) -> None:
    pictures(root, "images/train/p{}.jpg", 3)
    text(root / "labels/train/p0.txt", "0 0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n1 0.6 0.6 0.2 0.2\n")
    text(root / "labels/train/p1.txt", "0.0 0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n")
    text(root / "labels/train/p2.txt", "0 0.1 0.1 0.4 0.1 0.4 0.4\n")
    text(root / "data.yaml", "names: [cat, dog]\n")


def floats(root: Path) -> None:
    """GeoTIFFs of float64 that hold whole numbers; needs rasterio."""
    import rasterio

    for i in range(3):
        picture, labels = scene(i)
        save(root / f"images/t{i}.tif", picture)
        (root / "masks").mkdir(parents=True, exist_ok=True)
        profile = {"driver": "GTiff", "height": 64, "width": 80, "count": 1, "dtype": "float64"}
        where = rasterio.Affine(0.5, 0, 733601.0, 0, -0.5, 3725139.0)
        with rasterio.open(root / f"masks/t{i}.tif", "w", transform=where, **profile) as file:
            file.write(labels.astype(np.float64), 1)
