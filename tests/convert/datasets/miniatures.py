"""Miniatures of what the owners of 17 datasets hand out: the same archives, folders and names, tiny random pictures.

Each function gives ``{archive or file: {member: bytes} or bytes}``; `write` makes archives of it, or folders as if they
had been unpacked.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy.io
from PIL import Image

Content = dict[str, bytes]
Layout = dict[str, Content | bytes]

SIZE = (12, 16)
STARE_IDS = (
    *("im0001", "im0002", "im0003", "im0004", "im0005", "im0044", "im0077", "im0081", "im0082", "im0139"),
    *("im0162", "im0163", "im0235", "im0236", "im0239", "im0240", "im0255", "im0291", "im0319", "im0324"),
)
#: RGB colours of ISPRS in the order of ids 1..6.
ISPRS_COLORS = ((255, 255, 255), (0, 0, 255), (0, 255, 255), (0, 255, 0), (255, 255, 0), (255, 0, 0))
#: RGB colours of iSAID in the order of ids 0..15.
ISAID_COLORS = (
    *((0, 0, 0), (0, 0, 63), (0, 63, 63), (0, 63, 0), (0, 63, 127), (0, 63, 191), (0, 63, 255), (0, 127, 63)),
    *((0, 127, 127), (0, 0, 127), (0, 0, 191), (0, 0, 255), (0, 191, 127), (0, 127, 191), (0, 127, 255), (0, 100, 155)),
)


def pixels(seed: object, size: tuple[int, int] = SIZE, channels: int = 3) -> np.ndarray:
    """Random picture (H, W, C), the same for the same seed."""
    rng = np.random.default_rng(np.frombuffer(repr(seed).encode(), np.uint8))
    return rng.integers(0, 256, (*size, channels), np.uint8)


def values(seed: object, choices: Any, size: tuple[int, ...] = SIZE, dtype: Any = np.uint8) -> np.ndarray:
    """Random label map, (H, W) or a volume, of the given values, each of which occurs."""
    choices = np.asarray(choices)
    rng = np.random.default_rng(np.frombuffer(repr(seed).encode(), np.uint8))
    array = rng.choice(choices, size)
    array.flat[: len(choices)] = choices
    return array.astype(dtype)


def encoded(array: np.ndarray, suffix: str) -> bytes:
    """An image file: RGB order in, whatever the format."""
    if suffix in (".gif", ".bmp", ".tif", ".png", ".ppm") or array.ndim == 2:
        target = io.BytesIO()
        kind = {".tif": "TIFF", ".ppm": "PPM"}.get(suffix, suffix[1:].upper())
        Image.fromarray(array).save(target, format=kind)
        return target.getvalue()
    done, data = cv2.imencode(suffix, array[..., ::-1])
    assert done
    return data.tobytes()


def picture(seed: object, suffix: str, size: tuple[int, int] = SIZE) -> bytes:
    """A random photograph."""
    return encoded(pixels(seed, size), suffix)


def labels(seed: object, choices: Any, suffix: str, size: tuple[int, int] = SIZE) -> bytes:
    """A random label map of one channel."""
    return encoded(values(seed, choices, size), suffix)


def flat(lists: dict[str, list[str]]) -> list[str]:
    """All names of all lists."""
    return [name for names in lists.values() for name in names]


def write(layout: Layout, root: Path, packed: bool = True) -> Path:
    """Write the layout below ``root``: as archives, or unpacked into folders of the archives' names."""
    for name, content in layout.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif not packed:
            folder = path.with_name(path.name.split(".")[0])
            for member, data in content.items():
                if member.endswith(".ppm.gz"):
                    member, data = member[:-3], gzip.decompress(data)
                target = folder / member
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        elif name.endswith(".zip"):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for member, data in content.items():
                    archive.writestr(member, data)
        else:
            with tarfile.open(path, "w:gz" if name.endswith("gz") else "w") as tar:
                for member, data in content.items():
                    info = tarfile.TarInfo(member)
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    return root


def chase_db1() -> Layout:
    content: Content = {}
    for number in range(1, 15):
        for side in "LR":
            stem = f"Image_{number:02}{side}"
            content[f"{stem}.jpg"] = picture(stem, ".jpg")
            for observer in ("1stHO", "2ndHO"):
                content[f"{stem}_{observer}.png"] = labels((stem, observer), (0, 255), ".png")
    return {"CHASEDB1.zip": content}


def drive(manual_test: bool = True) -> Layout:
    training: Content = {}
    for number in (21, 22, 40):
        training[f"training/images/{number}_training.tif"] = picture(number, ".tif")
        training[f"training/1st_manual/{number}_manual1.gif"] = labels((number, 1), (0, 255), ".gif")
        training[f"training/mask/{number}_training_mask.gif"] = labels((number, 3), (0, 255), ".gif")
    test: Content = {}
    for number in (1, 20):
        test[f"test/images/{number:02}_test.tif"] = picture(number, ".tif")
        test[f"test/mask/{number:02}_test_mask.gif"] = labels((number, 3), (0, 255), ".gif")
        if manual_test:
            test[f"test/1st_manual/{number:02}_manual1.gif"] = labels((number, 1), (0, 255), ".gif")
            test[f"test/2nd_manual/{number:02}_manual2.gif"] = labels((number, 2), (0, 255), ".gif")
    return {"training.zip": training, "test.zip": test}


def stare() -> Layout:
    images = {f"{name}.ppm.gz": gzip.compress(picture(name, ".ppm")) for name in STARE_IDS}
    layout: Layout = {"stare-images.tar": images}
    for observer in ("ah", "vk"):
        layout[f"labels-{observer}.tar"] = {
            f"{name}.{observer}.ppm.gz": gzip.compress(labels((name, observer), (0, 255), ".ppm")) for name in STARE_IDS
        }
    return layout


def hrf() -> Layout:
    layout: Layout = {}
    for folder, end, suffix in (
        ("healthy", "h", ".jpg"),
        ("glaucoma", "g", ".jpg"),
        ("diabetic_retinopathy", "dr", ".JPG"),
    ):
        stems = [f"{number:02}_{end}" for number in range(1, 16)]
        layout[f"{folder}.zip"] = {stem + suffix: picture(stem, ".jpg") for stem in stems}
        layout[f"{folder}_manualsegm.zip"] = {f"{stem}.tif": labels(stem, (0, 255), ".tif") for stem in stems}
    return layout


def cityscapes() -> Layout:
    images: Content = {"README": b"", "license.txt": b""}
    truth: Content = {"README": b"", "license.txt": b""}
    objects = [
        {"label": "sky", "polygon": [[0, 0], [15, 0], [15, 4], [0, 4]]},
        {"label": "road", "polygon": [[0, 6], [15, 6], [15, 11], [0, 11]]},
        {"label": "cargroup", "polygon": [[2, 7], [5, 7], [5, 9], [2, 9]]},
        {"label": "license plate", "polygon": [[3, 8], [4, 8], [4, 9], [3, 9]]},
        {"label": "rider", "polygon": [[8, 3], [12, 5], [9, 10]]},
        {"label": "bicycle", "polygon": [[8, 8], [12, 8], [12, 10]], "deleted": 1},
        {"label": "out of roi", "polygon": [[0, 10], [15, 10], [15, 11], [0, 11]]},
    ]
    for split, city in (("train", "aachen"), ("train", "bremen"), ("val", "frankfurt"), ("test", "berlin")):
        stem = f"{split}/{city}/{city}_000000_000019"
        images[f"leftImg8bit/{stem}_leftImg8bit.png"] = picture(stem, ".png")
        shown = [objects[-1]] if split == "test" else objects
        outlines = {"imgHeight": SIZE[0], "imgWidth": SIZE[1], "objects": shown}
        truth[f"gtFine/{stem}_gtFine_polygons.json"] = json.dumps(outlines).encode()
        truth[f"gtFine/{stem}_gtFine_labelIds.png"] = labels(stem, (0, 7, 33), ".png")
    return {"leftImg8bit_trainvaltest.zip": images, "gtFine_trainvaltest.zip": truth}


def mat(entries: dict[str, Any]) -> bytes:
    target = io.BytesIO()
    scipy.io.savemat(target, entries, do_compression=True)
    return target.getvalue()


def voc_aug() -> Layout:
    voc: Content = {}
    lists = {"train": ["2007_000032", "2008_000008"], "val": ["2007_000033", "2008_000009"]}
    more = ["2008_000015", "2008_000019", "2009_000001"]
    stems = [*lists["train"], *lists["val"], *more]
    for split, names in {**lists, "trainval": sorted(flat(lists))}.items():
        voc[f"VOCdevkit/VOC2012/ImageSets/Segmentation/{split}.txt"] = "".join(f"{n}\n" for n in names).encode()
    for stem in stems:
        voc[f"VOCdevkit/VOC2012/JPEGImages/{stem}.jpg"] = picture(stem, ".jpg")
    for stem in flat(lists):
        voc[f"VOCdevkit/VOC2012/SegmentationClass/{stem}.png"] = labels(stem, (0, 1, 20, 255), ".png")
        voc[f"VOCdevkit/VOC2012/SegmentationObject/{stem}.png"] = labels(stem, (0, 1, 2), ".png")
    extra: Content = {
        "benchmark_RELEASE/dataset/train.txt": "\n".join(["2008_000008", "2008_000015", "2008_000009"]).encode(),
        "benchmark_RELEASE/dataset/val.txt": "\n".join(["2009_000001", "2008_000019"]).encode(),
    }
    for stem in ("2008_000008", "2008_000009", *more):
        cls = {"Segmentation": values((stem, "sbd"), (0, 3, 20)), "CategoriesPresent": np.array([3, 20])}
        extra[f"benchmark_RELEASE/dataset/cls/{stem}.mat"] = mat({"GTcls": cls})
        extra[f"benchmark_RELEASE/dataset/inst/{stem}.mat"] = mat({"GTinst": cls})
        extra[f"benchmark_RELEASE/dataset/img/{stem}.jpg"] = picture(stem, ".jpg")
    return {"VOCtrainval_11-May-2012.tar": voc, "benchmark.tgz": extra}


def rle_string(mask: np.ndarray) -> str:
    """COCO's compressed run lengths of a bool mask, written out longhand: column by column, 5 bits to a letter."""
    runs, last, count = [], False, 0
    for value in mask.ravel(order="F"):
        if bool(value) != last:
            runs.append(count)
            last, count = bool(value), 0
        count += 1
    runs.append(count)
    text = ""
    for i, run in enumerate(runs):
        number = run - (runs[i - 2] if i > 2 else 0)
        while True:
            letter, number = number & 31, number >> 5
            more = number != (-1 if letter & 16 else 0)
            text += chr(48 + (letter | 32 if more else letter))
            if not more:
                break
    return text


#: Ids of PASCAL Context among its 459 categories: three of the 59 classes, and 3 (airconditioner), which is none.
CONTEXT_IDS = (2, 284, 458, 3)


def pascal_context(per_image: bool = False) -> Layout:
    splits = {"train": ["2008_000002", "2008_000003"], "val": ["2008_000007"]}
    voc: Content = {}
    for split, names in splits.items():
        voc[f"VOCdevkit/VOC2010/ImageSets/Main/{split}.txt"] = "".join(f"{n}\n" for n in names).encode()
    images, annotations, mats = [], [], {}
    for split, names in splits.items():
        for stem in names:
            voc[f"VOCdevkit/VOC2010/JPEGImages/{stem}.jpg"] = picture(stem, ".jpg")
            number = int(stem.replace("_", ""))
            label_map = values((stem, "context"), (0, *CONTEXT_IDS), dtype=np.uint16)
            if per_image:
                label_map[label_map == 0] = 3
            mats[f"trainval/{stem}.mat"] = mat({"LabelMap": label_map})
            images.append(
                {"file_name": f"{stem}.jpg", "image_id": number, "phase": split, "height": SIZE[0], "width": SIZE[1]}
            )
            for identity in (2, 284, 458):
                counts = rle_string(label_map == identity)
                rle = {"size": list(SIZE), "counts": counts}
                annotations.append({"image_id": number, "category_id": identity, "segmentation": rle, "id": 1})
    layout: Layout = {"VOCtrainval_03-May-2010.tar": voc}
    if per_image:
        return {**layout, "trainval.tar.gz": mats}
    return {
        **layout,
        "trainval_merged.json": json.dumps({"images": images, "annos_segmentation": annotations}).encode(),
    }


def coco_stuff10k() -> Layout:
    content: Content = {}
    lists = {
        "train": ["COCO_train2014_000000000077", "COCO_train2014_000000000109"],
        "test": ["COCO_train2014_000000000081"],
    }
    for split, stems in {**lists, "all": flat(lists)}.items():
        content[f"imageLists/{split}.txt"] = "".join(f"{stem}\n" for stem in stems).encode()
    for stem in flat(lists):
        content[f"images/{stem}.jpg"] = picture(stem, ".jpg")
        ids = values(stem, (0, 1, 11, 13, 25, 27, 92, 182), dtype=np.uint16)
        content[f"annotations/{stem}.mat"] = mat({"S": ids, "names": np.array(["unlabeled", "person"], object)})
    return {"cocostuff-10k-v1.1.zip": content}


def coco_stuff164k() -> Layout:
    layout: Layout = {}
    maps: Content = {}
    for split, stems in {"train2017": ["000000000009", "000000000025"], "val2017": ["000000000139"]}.items():
        layout[f"{split}.zip"] = {f"{split}/{stem}.jpg": picture(stem, ".jpg") for stem in stems}
        for stem in stems:
            maps[f"{split}/{stem}.png"] = labels(stem, (0, 10, 12, 24, 26, 91, 181, 255), ".png")
    return {**layout, "stuffthingmaps_trainval2017.zip": maps}


ISAID_SIZES = {"train": {"P0000": (20, 26), "P0007": (5, 30)}, "val": {"P0003": (16, 9)}, "test": {"P0006": (11, 13)}}


def isaid() -> Layout:
    layout: Layout = {}
    for split, images in ISAID_SIZES.items():
        layout[f"{split}/images/part1.zip"] = {f"images/{s}.png": picture(s, ".png", z) for s, z in images.items()}
        if split != "test":
            layout[f"{split}/Semantic_masks/images.zip"] = {
                f"images/{stem}_instance_color_RGB.png": encoded(
                    np.array(ISAID_COLORS, np.uint8)[values(stem, range(16), size)], ".png"
                )
                for stem, size in images.items()
            }
    return layout


def levir() -> Layout:
    layout: Layout = {}
    for split, count in (("train", 2), ("val", 1), ("test", 1)):
        content: Content = {}
        for number in range(1, count + 1):
            for folder in "AB":
                content[f"{split}/{folder}/{split}_{number}.png"] = picture((split, number, folder), ".png", (16, 24))
            mask = labels((split, number), (0, 255), ".png", (16, 24))
            content[f"{split}/label/{split}_{number}.png"] = mask
        layout[f"{split}.zip"] = content
    return layout


def loveda() -> Layout:
    layout: Layout = {}
    number = 0
    for split, masks in (("Train", True), ("Val", True), ("Test", False)):
        content: Content = {}
        for area in ("Rural", "Urban"):
            for _ in range(2):
                content[f"{split}/{area}/images_png/{number}.png"] = picture(number, ".png")
                if masks:
                    content[f"{split}/{area}/masks_png/{number}.png"] = labels(number, range(8), ".png")
                number += 1
        layout[f"{split}.zip"] = content
    return layout


def isprs_mask(seed: object, size: tuple[int, int], border: bool) -> bytes:
    """A colour mask with every class, and with black between them or not."""
    colors = np.array([(0, 0, 0), *ISPRS_COLORS], np.uint8)
    return encoded(colors[values(seed, range(0 if border else 1, 7), size)], ".tif")


def potsdam() -> Layout:
    images: Content = {}
    eroded: Content = {}
    for tile in ("2_10", "7_9", "5_15"):
        images[f"2_Ortho_RGB/top_potsdam_{tile}_RGB.tif"] = picture(tile, ".tif", (20, 28))
        images[f"2_Ortho_RGB/top_potsdam_{tile}_RGB.tfw"] = b"0.05\n"
        eroded[f"top_potsdam_{tile}_label_noBoundary.tif"] = isprs_mask(tile, (20, 28), True)
    return {"2_Ortho_RGB.zip": images, "5_Labels_all_noBoundary.zip": eroded}


def vaihingen() -> Layout:
    images: Content = {}
    eroded: Content = {}
    for area in (1, 11, 2, 38, 9):
        images[f"top/top_mosaic_09cm_area{area}.tif"] = picture(area, ".tif", (20, 28))
        images[f"dsm/dsm_09cm_matching_area{area}.tif"] = picture((area, "dsm"), ".tif", (20, 28))
        images[f"gts_for_participants/top_mosaic_09cm_area{area}.tif"] = isprs_mask(area, (20, 28), False)
        if area != 9:
            eroded[f"top_mosaic_09cm_area{area}_noBoundary.tif"] = isprs_mask(area, (20, 28), True)
    return {
        "ISPRS_semantic_labeling_Vaihingen.zip": images,
        "ISPRS_semantic_labeling_Vaihingen_ground_truth_eroded_COMPLETE.zip": eroded,
    }


def nyu() -> Layout:
    content: Content = {}
    lists = {
        "train": [("basement_0001a", "00000"), ("living_room_0020", "00017")],
        "test": [("bathroom", "00045")],
    }
    for split, frames in lists.items():
        lines = ""
        for room, number in frames:
            image, depth = f"{room}/rgb_{number}.jpg", f"{room}/sync_depth_{number}.png"
            content[f"nyu/{image}"] = picture((room, number), ".jpg")
            far = values((room, number, "depth"), range(500, 9500, 50), dtype=np.uint16)
            content[f"nyu/{depth}"] = encoded(far, ".png")
            slash = "/" if split == "train" else ""
            lines += f"{slash}{image} {slash}{depth} 518.8579\n"
        content[f"nyu/nyu_{split}.txt"] = lines.encode()
    return {"nyu.zip": content}


def refuge() -> Layout:
    marks = (0, 128, 255)
    train: Content = {}
    train_masks: Content = {"Annotation-Training400/Fovea_location.xlsx": b"PK"}
    for kind, letter in (("Glaucoma", "g"), ("Non-Glaucoma", "n")):
        for number in (1, 2):
            name = f"{letter}{number:04}"
            train[f"Training400/{kind}/{name}.jpg"] = picture(name, ".jpg")
            train_masks[f"Annotation-Training400/Disc_Cup_Masks/{kind}/{name}.bmp"] = labels(name, marks, ".bmp")
    layout: Layout = {"REFUGE-Training400.zip": train, "Annotation-Training400.zip": train_masks}
    layout["REFUGE-Validation400.zip"] = {
        f"REFUGE-Validation400/V000{n}.jpg": picture(("V", n), ".jpg") for n in (1, 2)
    }
    layout["REFUGE-Validation400-GT.zip"] = {
        "REFUGE-Validation400-GT/Fovea_locations.xlsx": b"PK",
        **{f"REFUGE-Validation400-GT/Disc_Cup_Masks/V000{n}.bmp": labels(("V", n), marks, ".bmp") for n in (1, 2)},
    }
    layout["REFUGE-Test400.zip"] = {f"Test400/T000{n}.jpg": picture(("T", n), ".jpg") for n in (1, 2)}
    layout["REFUGE-Test-GT.zip"] = {
        f"REFUGE-Test-GT/Disc_Cup_Masks/{kind}/T000{n}.bmp": labels(("T", n), marks, ".bmp")
        for n, kind in ((1, "G"), (2, "N"))
    }
    return layout


def nifti(array: np.ndarray) -> bytes:
    import nibabel

    return gzip.compress(nibabel.Nifti1Image(array, np.eye(4)).to_bytes())


SYNAPSE_SHAPE = (14, 10, 3)  # X, Y, slices


def synapse() -> Layout:
    content: Content = {}
    for number in (5, 6, 1):
        rng = np.random.default_rng(number)
        scan = rng.integers(-1000, 1000, SYNAPSE_SHAPE).astype(np.int16)
        content[f"RawData/Training/img/img{number:04}.nii.gz"] = nifti(scan)
        organs = values(number, range(14), SYNAPSE_SHAPE)
        content[f"RawData/Training/label/label{number:04}.nii.gz"] = nifti(organs)
    content["RawData/Testing/img/img0061.nii.gz"] = nifti(np.zeros(SYNAPSE_SHAPE, np.int16))
    return {"RawData.zip": content}
