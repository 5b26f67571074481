"""Small things that projects' own tests ask of data: what is read back, what a call gives, what it refuses."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import cv2
import numpy as np
import torch

from tests.compat.reference.calls import Calls
from tests.compat.reference.facts import look, seed_all, tried
from tests.compat.reference.transforms import folder, image, volume

_calls = Calls()
CASES, observe, case, several = _calls.cases, _calls.observe, _calls.case, _calls.several
DESIGNED: dict[str, str] = {
    "chosen classes 3/*": "the file is looked for when it is read",
    "get_classes 11/*": "the classes of LIPDataset",
    "get_palette 11/*": "its colors, where the reference has the names of the classes",
    **{f"get_{what} {number}/": "known, too" for what in ("classes", "palette") for number in (4, 15, 16)},
    "inferencer loader refuses */.error": "an InputError",
}


def mm(name: str) -> Any:
    """A module of the reference's names."""
    import importlib

    found: ModuleType = importlib.import_module(name)
    return found


def step(name: str, **arguments: Any) -> Any:
    """A transform."""
    return mm("mmseg.registry").TRANSFORMS.build({"type": name, **arguments})


def data(name: str, **arguments: Any) -> Any:
    """A dataset."""
    return mm("mmseg.registry").DATASETS.build({"type": name, **arguments})


# names, colors and classes of datasets
SHORT = ["cityscapes", "ade", "voc", "pcontext", "pcontext59", "cocostuff", "loveda", "potsdam", "vaihingen", "isaid",
         "stare", "lip", "bdd100k", "mapillary_v1", "mapillary_v2", "synapse", "refuge", "nope", 3]  # fmt: skip
several("get_classes", lambda name: mm("mmseg.utils").get_classes(name), SHORT)
several("get_palette", lambda name: mm("mmseg.utils").get_palette(name), SHORT)
NAMES = ["cityscapes", "ade", "voc", "cocostuff", "loveda", "potsdam", "vaihingen", "isaid", "stare"]
several("classes as a function", lambda name: getattr(mm("mmseg.utils"), f"{name}_classes")(), NAMES)
several("palette as a function", lambda name: getattr(mm("mmseg.utils"), f"{name}_palette")(), NAMES)
ALIASES = ["ade20k", "pascal_voc", "voc12", "voc12aug", "pascal_context", "voc2010", "cocostuff10k", "cocostuff164k",
           "coco_stuff", "iSAID", "STARE", "LIP", "coco-stuff10k"]  # fmt: skip
several("classes of an alias", lambda name: len(mm("mmseg.utils").get_classes(name)), ALIASES)
several("colors of an alias", lambda name: len(mm("mmseg.utils").get_palette(name)), ALIASES)
MOCKED = [("ADE20KDataset", ("wall", "building")), ("CityscapesDataset", ("road", "sidewalk")), ("BaseSegDataset",
          ("bus", "car")), ("PascalVOCDataset", ("aeroplane", "bicycle"))]  # fmt: skip
LAZY = {"pipeline": [], "test_mode": True, "lazy_init": True}


def chosen(given: tuple[str, Any]) -> Any:
    """Classes as a tuple, a list, one of them, from a file, and none at all."""
    name, classes = given
    file = Path(tempfile.mkdtemp()) / "classes.txt"
    file.write_text("\n".join(classes) + "\n")
    found = []
    for metainfo in ({"classes": classes}, {"classes": list(classes)}, {"classes": [classes[0]]}, {"classes":
                     str(file)}, None, {}):  # fmt: skip
        prefix = {"img_path": "nowhere"}
        found.append(tried(lambda: notes(data(name, ann_file="x.txt", data_prefix=prefix, metainfo=metainfo, **LAZY))))  # noqa: B023
    return found


def notes(dataset: Any) -> Any:
    """The classes and what kind of list they are."""
    kept = dataset.metainfo
    return [look(kept["classes"]), type(kept["classes"]).__name__, len(kept["palette"]), look(kept["label_map"])]


several("chosen classes", chosen, MOCKED)


@case
def paths_of_mocks() -> Any:
    dataset = data("BaseSegDataset", data_prefix={"img_path": MagicMock()}, ann_file=MagicMock(),
                   metainfo={"classes": ("bus", "car")}, **LAZY)  # fmt: skip
    return [len(dataset.metainfo["palette"]), [len(color) for color in dataset.metainfo["palette"]]]


@case
def palette_given() -> Any:
    metainfo = {"classes": ("bus", "car"), "palette": [[100, 100, 100], [200, 200, 200]]}
    return data("BaseSegDataset", data_prefix={"img_path": MagicMock()}, metainfo=metainfo, **LAZY).metainfo


@case
def palette_of_the_wrong_length() -> Any:
    metainfo = {"classes": ("bus", "car"), "palette": [[200, 200, 200]]}
    return data("BaseSegDataset", data_prefix={"img_path": MagicMock()}, metainfo=metainfo, **LAZY).metainfo


@case
def palette_of_cityscapes() -> Any:
    info = mm("mmseg.datasets").CityscapesDataset.METAINFO
    return [info["palette"] == mm("mmseg.utils").get_palette("cityscapes"), len(info["classes"])]


@case
def toy_dataset() -> Any:
    registry = mm("mmseg.registry").DATASETS

    @registry.register_module(name="ToyOfCalls", force=True)
    class Toy:
        def __init__(self, cnt: int = 0) -> None:
            self.item = cnt

        def __len__(self) -> int:
            return 100

        def __getitem__(self, index: int) -> int:
            return self.item

    made = registry.build({"type": "ToyOfCalls", "cnt": 3})
    return [made[0], len(made), "ToyOfCalls" in registry, registry.get("ToyOfCalls") is Toy]


@case
def a_dataset_of_a_dict() -> Any:
    root = folder()
    given = {"type": "BaseSegDataset", "data_root": root, "img_suffix": "a.png", "seg_map_suffix": "mask.png",
             "data_prefix": {"img_path": "", "seg_map_path": ""}, "pipeline": [], "lazy_init": True}  # fmt: skip
    made = mm("mmseg.registry").DATASETS.build(given)
    return [isinstance(made, mm("mmseg.datasets").BaseSegDataset), made.test_mode, made.img_suffix]


@case
def a_dataset_of_datasets() -> Any:
    two = [{"type": "BaseSegDataset", "data_root": folder(), "pipeline": [], "lazy_init": True, "img_suffix": "a.png",
            "data_prefix": {"img_path": ""}}] * 2  # fmt: skip
    made = mm("mmseg.registry").DATASETS.build({"type": "ConcatDataset", "datasets": two, "lazy_init": True})
    return [isinstance(made, mm("mmengine.dataset").ConcatDataset), len(made.datasets), type(made).__name__]


# packing
PACKED = {"img_path": "a.png", "ori_shape": (30, 40), "pad_shape": (24, 32), "img_shape": (24, 32), "scale_factor":
          (0.5, 0.5), "flip": False, "flip_direction": None, "seg_map_path": "b.png"}  # fmt: skip


@case
def packed() -> Any:
    results = {**image(), **PACKED}
    made = step("PackSegInputs")(results)
    sample = made["data_samples"]
    pixels = isinstance(sample.gt_sem_seg, mm("mmengine.structures").PixelData)
    whole = isinstance(sample, mm("mmseg.structures").SegDataSample)
    return [made["inputs"], sample.metainfo, pixels, whole, sample.ori_shape, sample.gt_sem_seg.shape, sorted(made)]


@case
def packed_of_one_channel() -> Any:
    return step("PackSegInputs")({"img": image()["img"][:, :, 0], "ori_shape": (24, 32)})["inputs"]


@case
def packed_of_rows_apart() -> Any:
    return step("PackSegInputs")({"img": image()["img"][:, ::-1], "ori_shape": (24, 32)})["inputs"]


@case
def packed_with_other_keys() -> Any:
    made = step("PackSegInputs", meta_keys=("img_path", "mine"))({**image(), "mine": 3})
    return [made["data_samples"].metainfo, made["data_samples"].mine]


@case
def packed_text() -> Any:
    return repr(step("PackSegInputs", meta_keys=("img_path",)))


@case
def packed_depth_and_edges() -> Any:
    results = {**image(), "gt_edge_map": image()["gt_seg_map"], "gt_depth_map": image()["gt_seg_map"].astype("f4")}
    sample = step("PackSegInputs")(results)["data_samples"]
    return [sorted(sample.keys()), sample.gt_edge_map.data, sample.gt_depth_map.data]


several("to tensor", lambda value: mm("mmcv.transforms").to_tensor(value),
        [torch.ones(2), np.ones(2), [1, 2], 3, 1.5, "a", None])  # fmt: skip


# loading
def load(name: str, results: dict[str, Any] | None = None, **arguments: Any) -> Any:
    """A loading step on the files of the folder."""
    given = {"img_path": f"{folder()}/a.png", "seg_map_path": f"{folder()}/mask.png", "reduce_zero_label": False,
             "label_map": None, "seg_fields": []}  # fmt: skip
    return step(name, **arguments)({**given, **(results or {})})


@case
def labels_mapped() -> Any:
    found = load("LoadAnnotations", {"label_map": {0: 0, 1: 0, 2: 0, 3: 1}})
    return [np.unique(found["gt_seg_map"]), found["seg_fields"]]


@case
def labels_reduced() -> Any:
    return load("LoadAnnotations", {"reduce_zero_label": True}, reduce_zero_label=True)["gt_seg_map"]


@case
def labels_of_none() -> Any:
    return load("LoadAnnotations", {"reduce_zero_label": True}, reduce_zero_label=None)["gt_seg_map"]


@case
def labels_of_pillow() -> Any:
    made = step("LoadAnnotations", imdecode_backend="pillow", reduce_zero_label=True)
    return [repr(made), made(
        {"seg_map_path": f"{folder()}/mask.png", "reduce_zero_label": True, "label_map": None, "seg_fields": []}
    )["gt_seg_map"]]  # fmt: skip


@case
def labels_mapped_without_the_original() -> Any:
    file = Path(tempfile.mkdtemp()) / "m.png"
    cv2.imwrite(str(file), (np.arange(64).reshape(8, 8) % 6).astype(np.uint8))
    found = load("LoadAnnotations", {"seg_map_path": str(file), "label_map": {0: 5, 1: 4, 2: 3, 3: 2, 4: 1, 5: 0}})
    return found["gt_seg_map"]


@case
def image_of_an_array() -> Any:
    made = step("LoadImageFromNDArray")
    found = made({"img": image()["img"]})
    return [repr(made), sorted(found), found["img_shape"], found["ori_shape"], found["img_path"], found["img"]]


@case
def image_of_floats() -> Any:
    return step("LoadImageFromNDArray", to_float32=True)({"img": image()["img"]})["img"]


@case
def inferencer_loader() -> Any:
    made = step("InferencerLoader")
    found = [made(f"{folder()}/a.png"), made(image()["img"]), made({"img_path": f"{folder()}/a.png"})]
    return [[each["img_shape"], each["ori_shape"], each["img"]] for each in found]


several("inferencer loader refuses", lambda value: step("InferencerLoader")(value), [3, None, [1]])


@case
def depth_annotation() -> Any:
    found = load("LoadDepthAnnotation", {"depth_map_path": f"{folder()}/depth.png"}, depth_rescale_factor=0.01)
    return [found["gt_depth_map"], found["seg_fields"]]


@case
def biomedical_data() -> Any:
    made = step("LoadBiomedicalData", with_seg=True, decode_backend="numpy")
    found = made({"img_path": f"{folder()}/volume.npy"})
    return [repr(made), found["img"], found["gt_seg_map"], found["img_shape"], found["ori_shape"]]


@case
def biomedical_data_across() -> Any:
    made = step("LoadBiomedicalData", with_seg=True, decode_backend="numpy", to_xyz=True)
    return made({"img_path": f"{folder()}/volume.npy"})["img"]


# transforms read back
TEXTS: list[tuple[str, dict[str, Any]]] = [
    ("LoadAnnotations", {}), ("LoadImageFromFile", {}), ("Resize", {"scale": (10, 8), "keep_ratio": True}),
    ("RandomFlip", {"prob": 0.5}), ("Normalize", {"mean": [1, 2, 3], "std": [4, 5, 6]}), ("Pad", {"size": (4, 4)}),
    ("RandomCrop", {"crop_size": (4, 4)}), ("RandomRotate", {"prob": 0.5, "degree": 10}), ("PhotoMetricDistortion",
    {}), ("CLAHE", {}), ("AdjustGamma", {}), ("Rerange", {}), ("RGB2Gray", {}), ("SegRescale", {}), ("RandomCutOut",
    {"prob": 0.5, "n_holes": 1, "cutout_shape": (2, 2)}), ("RandomRotFlip", {}), ("RandomMosaic", {"prob": 0.5}),
    ("GenerateEdge", {}), ("ResizeToMultiple", {}), ("BioMedical3DRandomCrop", {"crop_shape": 3}),
    ("BioMedicalGaussianNoise", {}), ("BioMedicalGaussianBlur", {}), ("BioMedicalRandomGamma", {}),
    ("BioMedical3DPad", {"pad_shape": (4, 4, 4)}), ("BioMedical3DRandomFlip", {"prob": 0.5, "axes": (0, 1)}),
    ("LoadBiomedicalImageFromFile", {}), ("LoadBiomedicalAnnotation", {}), ("ConcatCDInput", {}), ("CenterCrop",
    {"crop_size": 4}), ("RandomGrayscale", {}), ("RandomResize", {"scale": (4, 4), "ratio_range": (0.5, 1.0)}),
    ("RandomChoiceResize", {"scales": [(4, 4)]}), ("ToTensor", {"keys": ["img"]}), ("LoadDepthAnnotation", {}),
]  # fmt: skip
several("text", lambda given: repr(step(given[0], **given[1])), TEXTS)
several("built from the module", lambda given: type(getattr(mm("mmseg.datasets"), given[0])(**given[1])).__name__,
        TEXTS[6:25])  # fmt: skip


# pipelines
@case
def a_pipeline() -> Any:
    compose = mm("mmcv.transforms").Compose([{"type": "Resize", "scale": (16, 12)}, {"type": "RandomFlip", "prob":
                                            1.0}, {"type": "PackSegInputs"}])  # fmt: skip
    made = compose({**image(), **PACKED})
    return [made["inputs"], made["data_samples"].metainfo, len(compose.transforms)]


@case
def a_pipeline_that_drops() -> Any:
    return mm("mmcv.transforms").Compose([lambda results: None, lambda results: 3])(image())


several("a pipeline refuses", lambda given: mm("mmcv.transforms").Compose(given), ["a", [3], [{"nope": 1}], 3])


@case
def views() -> Any:
    made = step("TestTimeAug", transforms=[[{"type": "Resize", "scale_factor": f} for f in (0.5, 1.0)],
                [{"type": "RandomFlip", "prob": 0.0}, {"type": "RandomFlip", "prob": 1.0}], [{"type":
                "PackSegInputs"}]])  # fmt: skip
    found = made({**image(), "ori_shape": (24, 32)})
    return [sorted(found), [list(each.shape) for each in found["inputs"]],
            [each.metainfo.get("flip") for each in found["data_samples"]]]  # fmt: skip


several("views refuse", lambda given: step("TestTimeAug", transforms=given), [3, [3]])


@case
def mosaic_of_a_dataset() -> Any:
    made = step("RandomMosaic", prob=1.0, img_scale=(10, 12))
    return [made.get_indices(range(7)), made.img_scale, made.pad_val, made.center_ratio_range]


@case
def mosaic_without_other_images() -> Any:
    return step("RandomMosaic", prob=1.0, img_scale=(10, 12))(image())


@case
def a_crop_and_its_corners() -> Any:
    made = step("RandomCrop", crop_size=(6, 8))
    box = made.crop_bbox(image())
    return [box, made.crop(image()["img"], box)]


@case
def transforms_called_both_ways() -> Any:
    made = step("RandomFlip", prob=1.0)
    seed_all(1)
    first = made.transform(image())["img"]
    return [first, made(image())["img"], made.prob, made.direction]


@case
def noise_on_a_volume() -> Any:
    made = step("BioMedicalGaussianNoise", prob=1.0)
    before = volume()
    return [made(before)["img"].shape, made.mean, made.std, made.prob]
