"""Every dataset of mmseg, and those of mmengine that hold others: arguments, files, samples; what is refused."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import cv2
import numpy as np

from tests.compat.reference.facts import look, named, seed_all, tried

LOAD = [{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}]
PACK = {"type": "PackSegInputs"}
PIPELINE = [*LOAD, PACK]
DEPTH = [{"type": "LoadImageFromFile"}, {"type": "LoadDepthAnnotation", "depth_rescale_factor": 1e-3}]
PREFIX = {"img_path": "img", "seg_map_path": "ann"}
#: class -> ends of the names of images and of label maps
SUFFIXES: dict[str, tuple[str, str]] = {
    "BaseSegDataset": (".jpg", ".png"), "ADE20KDataset": (".jpg", ".png"), "BDD100KDataset": (".jpg", ".png"),
    "ChaseDB1Dataset": (".png", "_1stHO.png"), "CityscapesDataset": ("_leftImg8bit.png", "_gtFine_labelTrainIds.png"),
    "COCOStuffDataset": (".jpg", "_labelTrainIds.png"), "DarkZurichDataset": ("_rgb_anon.png", "_gt_labelTrainIds.png"),
    "DRIVEDataset": (".png", "_manual1.png"), "HRFDataset": (".png", ".png"),
    "iSAIDDataset": (".png", "_instance_color_RGB.png"), "ISPRSDataset": (".png", ".png"), "LIPDataset": (".jpg",
    ".png"), "LoveDADataset": (".png", ".png"), "MapillaryDataset_v1": (".jpg", ".png"), "MapillaryDataset_v2": (".jpg",
    ".png"), "NightDrivingDataset": ("_leftImg8bit.png", "_gtCoarse_labelTrainIds.png"), "PascalContextDataset":
    (".jpg", ".png"), "PascalContextDataset59": (".jpg", ".png"), "PotsdamDataset": (".png", ".png"), "REFUGEDataset":
    (".png", ".png"), "STAREDataset": (".png", ".ah.png"), "SynapseDataset": (".jpg", ".png"), "PascalVOCDataset":
    (".jpg", ".png"), "LEVIRCDDataset": (".png", ".png"), "BaseCDDataset": (".jpg", ".png"), "NYUDataset": (".jpg",
    ".png"),
}  # fmt: skip
NAMES = ("classes", "palette")
BASE = {"metainfo": {"classes": ["a", "b", "c"], "palette": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}}
FIRST: dict[str, Any] = {"ann_file": "list.txt"}
SOME = {"type": "BaseSegDataset", **BASE, "data_prefix": PREFIX, "pipeline": LOAD}
ONE = {**SOME, "indices": 1}
COUNTED = {**SOME, "type": "a dataset that knows its classes"}
#: class -> why it has no cases
LEFT = {"DSDLSegDataset": "the reference reads with the package dsdl"}
#: class -> arguments beside the folder's, or a text for the second half of the classes of the first case
CASES: dict[str, list[Any]] = {
    **{name: [{}, "chosen", {"reduce_zero_label": True}, FIRST] for name in SUFFIXES},
    "BaseSegDataset": [{}, BASE, {**BASE, **FIRST}, {**BASE, "indices": 2}, {**BASE, "indices": -1}, {**BASE, "indices":
                       [2, 0]}, {**BASE, "lazy_init": True}, {**BASE, "serialize_data": False}, {**BASE, "test_mode":
                       True}, {**BASE, "reduce_zero_label": True}, {**BASE, "ignore_index": 2}, {"metainfo":
                       {"classes": ("a", "b")}}, {**BASE, "data_prefix": {"img_path": "img"}, "pipeline": LOAD[:1]},
                       {**BASE, "pipeline": []}, {"metainfo": {"classes": ["a", "b"], "more": [1]}}, {**BASE,
                       "filter_cfg": {"a": 1}, "backend_args": None, "max_refetch": 3}],
    "BaseCDDataset": [{}, BASE, {**BASE, **FIRST}],
    "PascalVOCDataset": [FIRST, "chosen", {**FIRST, "reduce_zero_label": True}],
    "NYUDataset": [{}],
    "iSAIDDataset": [{}, "chosen", FIRST, {"ignore_index": 7}],
    "REFUGEDataset": [{}, "chosen", {"test_mode": True}],
    "DecathlonDataset": [{"ann_file": "dataset.json"}, {"ann_file": "dataset.json", "test_mode": True}],
    "MultiImageMixDataset": [{"dataset": SOME, "pipeline": [{"type": "RandomMosaic", "prob": 1.0, "img_scale":
                             (12, 16)}]}, {"dataset": SOME, "pipeline": [{"type": "Resize", "scale": (10, 8)},
                             {"type": "RandomFlip", "prob": 1.0}, PACK]}, {"dataset": SOME, "pipeline": [{"type":
                             "Resize", "scale": (10, 8)}, PACK], "skip_type_keys": ["Resize"]}, {"dataset": SOME,
                             "pipeline": [], "lazy_init": True}],
    "ConcatDataset": [{"datasets": [SOME, ONE]}, {"datasets": [SOME, {**ONE, "metainfo": {**BASE["metainfo"], "x": 1}}],
                      "ignore_keys": ["x"]}, {"datasets": [SOME], "lazy_init": True}],
    "RepeatDataset": [{"dataset": SOME, "times": 3}, {"dataset": ONE, "times": 1, "lazy_init": True}],
    "ClassBalancedDataset": [{"dataset": COUNTED, "oversample_thr": 0.9}, {"dataset": COUNTED, "oversample_thr": 0.1},
                             {"dataset": COUNTED, "oversample_thr": 1.0, "lazy_init": True}],
}  # fmt: skip
BAD: dict[str, list[dict[str, Any]]] = {
    "BaseSegDataset": [{"data_prefix": {"img_path": "gone", "seg_map_path": "ann"}}, {"ann_file": "gone.txt"},
                       {"metainfo": 3}, {"metainfo": {"classes": 3}}, {"test_mode": True}, {"pipeline": [3]},
                       {"pipeline": [{"type": "Nope"}]}, {"nope": 1}, {"indices": "a", **BASE}],
    "ADE20KDataset": [{"metainfo": {"classes": ["nope"]}}, {"metainfo": {"classes": ["wall", "nope"]}}],
    "PascalVOCDataset": [{}, {"ann_file": "gone.txt"}],
    "PascalContextDataset": [{"data_prefix": {"img_path": "gone"}}],
    "REFUGEDataset": [{"data_prefix": {"img_path": "gone"}}],
    "iSAIDDataset": [{"data_prefix": {"img_path": "gone"}}],
    "ConcatDataset": [{"datasets": [3]}, {"datasets": [SOME, {**ONE, "metainfo": {"classes": ["x"]}}]}, {"datasets":
                      [SOME], "ignore_keys": 3}, {"datasets": [SOME], "ignore_keys": ["palette", 1]}],
    "ClassBalancedDataset": [{"dataset": 3, "oversample_thr": 0.5}, {"dataset": COUNTED}],
    "RepeatDataset": [{"dataset": 3, "times": 2}, {"dataset": SOME}],
    "MultiImageMixDataset": [{"dataset": SOME, "pipeline": 3}, {"dataset": SOME, "pipeline": [3]}, {"dataset": 3,
                             "pipeline": []}, {"dataset": SOME, "pipeline": [], "skip_type_keys": [3]}],
}  # fmt: skip
DESIGNED: dict[str, str] = {
    "*.ignore_index": "that of the samples: 255, whatever value the files have",
    "*/bad 0.error": "a DataError that says which folder is missing, and what there is",
    **{
        f"{name}/2": "refused, since class 1 would never be seen"
        for name in ("ChaseDB1Dataset", "DRIVEDataset", "HRFDataset", "LEVIRCDDataset", "STAREDataset")
    },
    "DecathlonDataset/*.labels": "the classes",
    "DecathlonDataset/1.infos*": "a normal path",
    "RepeatDataset/*.missing": "it has an end",
    "ConcatDataset/bad 3": "refused",
    "DecathlonDataset/*.palette*": "every class has a color",
    "NYUDataset/*.palette*": "colors that all differ",
    "BaseSegDataset/*.palette*": "colors that all differ",
    "MultiImageMixDataset/0.sample.*_shape": "(H, W)",
}


@cache
def folder(first: str, second: str) -> str:
    """Three images (8, 12) and their label maps, by the ends of their names; the last lies in a folder of its own."""
    root = Path(mkdtemp())
    drawn = np.random.RandomState(0)
    for stem in ("cafe_0002", "bathroom_0001", "sub/office_0003"):
        for part, suffix in (("img", first), ("img2", first), ("ann", second)):
            path = root / part / f"{stem}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = drawn.randint(0, 256, (8, 12, 3))
            cv2.imwrite(str(path), (picture if part != "ann" else picture[:, :, 0] % 2).astype(np.uint8))
    for stem in "abc":
        for part in ("img", "ann"):
            (root / part / f"{stem}.nii.gz").touch()
    (root / "list.txt").write_text("bathroom_0001\ncafe_0002\n")
    (root / "dataset.json").write_text(json.dumps({
        "training": [{"image": "./img/a.nii.gz", "label": "./ann/a.nii.gz"}, {"image": "./img/b.nii.gz",
                     "label": "./ann/b.nii.gz"}],
        "test": ["./img/c.nii.gz"], "labels": {"0": "background", "1": "x", "2": "y"},
    }))  # fmt: skip
    return str(root)


def made(name: str, made_by: Any, more: Mapping[str, Any], previous: Any = None) -> Any:
    """The dataset of a case."""
    root = folder(*SUFFIXES.get(name, (".jpg", ".png")))
    if {"dataset", "datasets"} & more.keys():
        place = {"data_root": root}
        inner = {key: [rooted(one, place) for one in value] if isinstance(value, list) else rooted(value, place)
                 for key, value in more.items() if key in ("dataset", "datasets")}  # fmt: skip
        return made_by(**{**more, **inner})
    prefix, pipeline = PREFIX, PIPELINE
    if name in ("BaseCDDataset", "LEVIRCDDataset"):
        prefix, pipeline = {**PREFIX, "img_path2": "img2"}, []  # which are read with gdal
    if name == "NYUDataset":
        prefix, pipeline = {"img_path": "img", "depth_map_path": "ann"}, [*DEPTH, PACK]
    if name == "DecathlonDataset":
        return made_by(**{"data_root": root, "pipeline": [], **more})
    return made_by(**{"data_root": root, "data_prefix": prefix, "pipeline": pipeline, **more})


def rooted(part: Any, place: Mapping[str, str]) -> Any:
    """A dataset's dict with its folder."""
    if isinstance(part, dict) and part["type"] == COUNTED["type"]:
        return counted({**place, **{key: value for key, value in part.items() if key != "type"}})
    return {**place, **part} if isinstance(part, dict) else part


def counted(arguments: Mapping[str, Any]) -> Any:
    """A dataset that says which classes an image has, as mmseg's own do not."""
    base: Any = named("mmseg.datasets", "BaseSegDataset")

    class Counted(base):  # type: ignore[misc]
        def get_cat_ids(self, idx: int) -> list[int]:
            return [[0, 1], [0], [0, 2]][idx]

    return Counted(**arguments)


def observe(name: str, module: str) -> dict[str, Any]:
    """What a dataset shows by each of its cases."""
    made_by = named(module, name)
    found: dict[str, Any] = {}
    for number, more in enumerate(CASES[name]):
        found[str(number)] = tried(lambda: seen(name, made_by, more))  # noqa: B023
    for number, more in enumerate(BAD.get(name, [])):
        found[f"bad {number}"] = tried(lambda: seen(name, made_by, more))  # noqa: B023
    return found


def seen(name: str, made_by: Any, more: Any) -> dict[str, Any]:
    """Its names, its files, its samples, and what can be asked of it."""
    if more == "chosen":
        classes = list(made_by.METAINFO["classes"])[1::2]
        more = {**CASES[name][0], "metainfo": {"classes": classes}}
    dataset = made(name, made_by, more)
    found: dict[str, Any] = {"ready": dataset._fully_initialized}
    dataset.full_init()
    found |= {key: look(getattr(dataset, key)) for key in PLAIN if hasattr(dataset, key)}
    found["metainfo"] = briefly(dataset.metainfo)
    if hasattr(made_by, "METAINFO"):
        found["METAINFO"] = briefly(made_by.METAINFO)
    found["length"] = len(dataset)
    found["infos"] = [look(dataset.get_data_info(number)) for number in range(min(len(dataset), 5))]
    found["missing"] = tried(lambda: look(dataset[len(dataset)]))
    seed_all(0)
    if name != "DecathlonDataset":
        found["sample"] = look(dataset[len(dataset) - 1])
    if hasattr(made_by, "get_label_map"):
        old = list(made_by.METAINFO.get("classes", ()))
        found["maps"] = [look(tried(lambda: made_by.get_label_map(new))) for new in (None, old[:2], old[1:3])]  # noqa: B023
    for asked in (1, -1, [0], 0) if hasattr(dataset, "get_subset") and len(dataset) > 1 else ():
        found[f"subset {asked}"] = tried(lambda: len(dataset.get_subset(asked)))  # noqa: B023
    found["copied"] = tried(lambda: changed(dataset))
    return found


PLAIN: tuple[str, ...] = (
    "ann_file", "img_suffix", "img_suffix2", "seg_map_suffix", "depth_map_suffix", "ignore_index", "reduce_zero_label",
    "test_mode", "max_refetch", "serialize_data", "filter_cfg", "backend_args", "data_prefix", "label_map", "times",
    "cumulative_sizes", "num_samples", "oversample_thr",
)  # fmt: skip


def changed(dataset: Any) -> Any:
    """A dataset's notes after they were changed where they are read."""
    dataset.metainfo["classes"] = None
    return briefly(dataset.metainfo)


def briefly(notes: Mapping[str, Any]) -> dict[str, Any]:
    """Names and colors by number, kind and a checksum."""
    found = {key: look(value) for key, value in notes.items() if key not in NAMES}
    for key in NAMES:
        if key in notes:
            values = notes[key]
            text = json.dumps(look(values))
            found[key] = None if values is None else [len(values), zlib.crc32(text.encode())]
            if key == "classes":
                found["kind"] = type(values).__name__
    return found
