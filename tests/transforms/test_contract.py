"""What every transform of the room must do, over all that the files define."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import inspect
import pkgutil
import random
from typing import Any

import numpy as np
import pytest

import segue.transforms
from segue.errors import InputError
from segue.transforms.pack_seg_inputs import PackSegInputs
from segue.transforms.random_flip import RandomFlip
from segue.transforms.resize import Resize
from tests.transforms.conftest import banded, label_map

FLIP = [{"type": "HorizontalFlip", "p": 1.0}, {"type": "VerticalFlip", "p": 0.5}]
#: arguments that make a transform do something, for those whose constructor asks for any
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "AdjustGamma": [{"gamma": 1.2}],
    "Albu": [{"transforms": FLIP}],
    "BioMedical3DPad": [{"pad_shape": (8, 30, 34)}],
    "BioMedical3DRandomCrop": [{"crop_shape": (3, 10, 12)}, {"crop_shape": 9, "keep_foreground": False}],
    "BioMedical3DRandomFlip": [{"prob": 0.7, "axes": (0, 1, 2)}],
    "BioMedicalGaussianBlur": [{"prob": 1.0, "prob_per_channel": 1.0}],
    "BioMedicalGaussianNoise": [{"prob": 1.0, "std": 1.0}],
    "BioMedicalRandomGamma": [{"prob": 1.0}, {"prob": 1.0, "per_channel": True, "retain_stats": True}],
    "CenterCrop": [{"crop_size": (30, 24)}, {"crop_size": (60, 60), "auto_pad": True}],
    "Compose": [{"transforms": [RandomFlip(1.0), Resize((32, 24))]}],
    "ImageToTensor": [{"keys": ["img"]}],
    "KeyMapper": [{"transforms": [RandomFlip(1.0)], "mapping": {"img": "img", "gt_seg_map": "gt_seg_map"}}],
    "MultiScaleFlipAug": [{"transforms": [PackSegInputs()], "scale_factor": [0.5, 1.0], "allow_flip": True}],
    "Normalize": [{"mean": [0.0], "std": [1.0]}],
    "Pad": [{"size": (60, 50)}, {"size_divisor": 32}, {"size": (60, 50), "padding_mode": "reflect"}],
    "RandomApply": [{"transforms": [RandomFlip(1.0)], "prob": 0.9}],
    "RandomChoice": [{"transforms": [RandomFlip(1.0), [RandomFlip(1.0), Resize((32, 24))]]}],
    "RandomChoiceResize": [{"scales": [(60, 60), (30, 30)], "keep_ratio": True}],
    "RandomCrop": [{"crop_size": (20, 24)}, {"crop_size": (20, 24), "cat_max_ratio": 0.75}],
    "RandomCutOut": [{"prob": 1.0, "n_holes": (1, 3), "cutout_ratio": (0.2, 0.2), "seg_fill_in": 255}],
    "RandomFlip": [{"prob": 1.0}, {"prob": 1.0, "direction": "vertical"}, {"prob": 1.0, "direction": "diagonal"}],
    "RandomGrayscale": [{"prob": 1.0, "keep_channels": True}],
    "RandomMosaic": [{"prob": 1.0, "img_scale": (24, 30)}],
    "RandomResize": [{"scale": (60, 60), "ratio_range": (0.5, 2.0), "keep_ratio": True}],
    "RandomRotFlip": [{"rotate_prob": 1.0}, {"rotate_prob": 0.0, "flip_prob": 1.0}],
    "RandomRotate": [{"prob": 1.0, "degree": 45.0}, {"prob": 1.0, "degree": 45.0, "auto_bound": True}],
    "Resize": [{"scale": (64, 48)}, {"scale_factor": 0.5}, {"scale": (41, 33), "keep_ratio": True}],
    "ResizeShortestEdge": [{"scale": 45, "max_size": 100}],
    "TestTimeAug": [{"transforms": [[RandomFlip(1.0), RandomFlip(0.0)], [PackSegInputs()]]}],
    "ToTensor": [{"keys": ["img", "gt_seg_map"]}],
    "TransformBroadcaster": [{"transforms": [RandomFlip(1.0)], "mapping": {"img": ["img", "img"]}}],
}
#: they read files: tested with files
SOURCES = {
    "InferencerLoader",
    "LoadAnnotations",
    "LoadBiomedicalAnnotation",
    "LoadBiomedicalData",
    "LoadBiomedicalImageFromFile",
    "LoadDepthAnnotation",
    "LoadImageFromFile",
    "LoadImageFromNDArray",
    "LoadMultipleRSImageFromFile",
    "LoadSingleRSImageFromFile",
}
MACHINERY = {"LoadWindow"}  # of Compose, no step of a pipeline
ENDS = {"ImageToTensor", "MultiScaleFlipAug", "PackSegInputs", "TestTimeAug", "ToTensor"}  # they return no array
LISTS = {"TransformBroadcaster"}  # it takes and returns lists: see its own test
MASK_ONLY = {"SegRescale"}  # it parts image and mask on purpose
#: they change grey values so much that a square is no longer bright, or must find more than an image in the sample
TONES = {"CLAHE", "RandomDepthMix"}
BANDS = (1, 3, 4, 13)
DTYPES = ("uint8", "uint16", "float32")


def _all_transforms() -> dict[str, type]:
    found = {}
    for module in pkgutil.iter_modules(segue.transforms.__path__):
        for name, value in vars(importlib.import_module(f"segue.transforms.{module.name}")).items():
            own = inspect.isclass(value) and value.__module__ == f"segue.transforms.{module.name}"
            if own and not name.startswith("_") and name not in MACHINERY:
                assert name.lower().startswith(module.name.replace("_", "")), f"{name} is not found in {module.name}.py"
                found[name] = value
    return found


TRANSFORMS = _all_transforms()
if importlib.util.find_spec("albumentations") is None:  # an optional extra; test_albu.py says how its absence reads
    del TRANSFORMS["Albu"]
VOLUMES = {name for name in TRANSFORMS if name.startswith("BioMedical")}
CALLS = [(name, arguments) for name in TRANSFORMS for arguments in ARGUMENTS.get(name, [{}]) if name not in SOURCES]
PICTURES = [(name, arguments) for name, arguments in CALLS if name not in VOLUMES | LISTS]
CHANGES = [(name, arguments) for name, arguments in PICTURES if name not in ENDS]
GEOMETRY = [(name, arguments) for name, arguments in CHANGES if name not in MASK_ONLY | TONES]


def _id(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(value)


def build(name: str, arguments: dict[str, Any], bands: int) -> Any:
    """The transform, its settings per band stretched to the number of bands."""
    arguments = dict(arguments)
    if name == "Normalize":
        arguments = {"mean": [0.0] * bands, "std": [1.0] * bands, "to_rgb": bands == 3}
    if name == "RGB2Gray":
        arguments = {"weights": [1.0 / bands] * bands}
    if name == "RandomGrayscale":
        arguments["channel_weights"] = [1.0] * bands
    return TRANSFORMS[name](**arguments)


def takes(name: str, bands: int, dtype: str) -> bool:
    """Whether the class says that it is defined for such images."""
    allowed = getattr(TRANSFORMS[name], "BANDS", (bands,)), getattr(TRANSFORMS[name], "DTYPES", (dtype,))
    return bands in allowed[0] and dtype in allowed[1]


def complete(sample: dict[str, Any]) -> dict[str, Any]:
    """With what single transforms ask for: a second picture, depths equal to the mask, and three more samples."""
    labels = sample.get("gt_seg_map", np.zeros(sample["img"].shape[:2], np.uint8))
    sample["gt_depth_map"] = labels.astype(np.float32)
    alike = {key: sample[key] for key in ("img", "gt_seg_map", "gt_depth_map", "img_path") if key in sample}
    sample["mix_results"] = [copy.deepcopy(alike) for _ in range(3)]
    sample["img2"] = sample["img"].copy()
    return sample


def square(bands: int, dtype: str) -> dict[str, Any]:
    """Every band bright where the mask is 1, dark elsewhere."""
    bright = {"uint8": 230, "uint16": 60000, "float32": 230.0}[dtype]
    image, labels = np.zeros((40, 50, bands), dtype), np.zeros((40, 50), np.uint8)
    image[8:26, 10:34] = bright
    labels[8:26, 10:34] = 1
    return complete({"img": image, "gt_seg_map": labels, "img_path": "square.png", "seg_fields": ["gt_seg_map"]})


def agree(image: np.ndarray, labels: np.ndarray) -> None:
    """Assert that bright means 1, but for one pixel along the border of the square."""
    image = image if image.ndim == 2 else image.astype(np.float64).mean(axis=2)
    bright = image > (float(image.max()) + float(image.min())) / 2
    assert bright.shape == labels.shape
    seen = labels != 255
    assert bright[seen].any()
    border = sum(np.count_nonzero(np.diff(bright.astype(int), axis=axis)) for axis in (0, 1))
    assert ((bright != (labels == 1)) & seen).sum() <= border


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bands", BANDS)
@pytest.mark.parametrize(("name", "arguments"), GEOMETRY, ids=_id)
def test_image_and_mask_move_together(name, arguments, bands, dtype):
    """Oracle: a bright square is painted where the mask is 1, so afterwards bright still means 1 but on its border.

    The second picture and the depths, which equal the mask at first, go the same way. Other kinds of images than the
    class says are refused by name.
    """
    step, given = build(name, arguments, bands), square(bands, dtype)
    np.random.seed(3)
    random.seed(3)
    if not takes(name, bands, dtype):
        with pytest.raises(InputError, match=rf"{name}: takes .*images.*, this one is {dtype} \(40, 50, {bands}\); "):
            step(given)
        return
    result = step(given)
    agree(result["img"], result["gt_seg_map"])
    if name in ("Compose", "KeyMapper") or "img2" not in result or name == "RandomMosaic":
        return
    agree(result["img2"], result["gt_seg_map"])
    known = result["gt_seg_map"] != 255
    if name != "RandomCutOut":
        np.testing.assert_array_equal(result["gt_depth_map"][known], result["gt_seg_map"][known])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bands", BANDS)
@pytest.mark.parametrize(("name", "arguments"), CHANGES, ids=_id)
def test_seed_reproduces(name, arguments, bands, dtype):
    """Oracle: the same seeds give the same result twice, whatever else was drawn in between; bands and, where tones are
    kept, dtype are those that went in.
    """
    if not takes(name, bands, dtype):
        return  # refused: test_image_and_mask_move_together
    step = build(name, arguments, bands)
    results = []
    for _ in range(2):
        np.random.seed(11)
        random.seed(11)
        given = {"img": banded(bands, dtype), "gt_seg_map": label_map(), "img_path": "generated.png"}
        results.append(step(complete(given)))
        np.random.rand(5)
        random.random()
    np.testing.assert_array_equal(results[0]["img"], results[1]["img"])
    np.testing.assert_array_equal(results[0]["gt_seg_map"], results[1]["gt_seg_map"])
    assert results[0]["img"].ndim == 3
    assert results[0]["img"].shape[2] == (2 * bands if name == "ConcatCDInput" else bands)
    assert results[0]["img"].dtype.name == ("float32" if name in ("Normalize", "RGB2Gray", "Rerange") else dtype)


@pytest.mark.parametrize(("name", "arguments"), CHANGES, ids=_id)
def test_without_mask_and_input_untouched(name, arguments, sample):
    """Oracle: the image alone gets the same pixels, and the caller's arrays keep theirs."""
    given = complete(sample())
    if name == "RandomCrop":
        arguments = {**arguments, "cat_max_ratio": 1.0}  # the ratio looks at the mask
    step = build(name, arguments, 3)
    kept = copy.deepcopy(given)
    arrays = given["img"], given["gt_seg_map"]
    np.random.seed(5)
    random.seed(5)
    with_mask = step(given)
    np.testing.assert_array_equal(arrays[0], kept["img"])
    np.testing.assert_array_equal(arrays[1], kept["gt_seg_map"])
    if name == "GenerateEdge":
        return  # there is nothing to do without a mask
    alone = copy.deepcopy(kept)
    for each in (alone, *alone["mix_results"]):
        del each["gt_seg_map"]
    alone["seg_fields"] = []
    np.random.seed(5)
    random.seed(5)
    without = step(alone)
    np.testing.assert_array_equal(without["img"], with_mask["img"])
    assert without.get("gt_seg_map") is None
    assert tuple(without.get("img_shape", without["img"].shape[:2])) == without["img"].shape[:2]


@pytest.mark.parametrize(("name", "arguments"), PICTURES, ids=_id)
def test_missing_image_is_named(name, arguments):
    if name == "PackSegInputs":
        assert TRANSFORMS[name](**arguments)({})["data_samples"].gt_sem_seg is None
        return
    message = "has no 'gt_seg_map'; put LoadAnnotations" if name == "GenerateEdge" else "has no 'img'"
    with pytest.raises(InputError, match=message):
        build(name, arguments, 3)({"img_path": "a.png"})


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize(("name", "arguments"), [call for call in CALLS if call[0] in VOLUMES], ids=_id)
def test_volumes(name, arguments, channels):
    """Oracle: a bright box in (C, Z, Y, X) is where the labels are 1; the seed reproduces it; the caller's stay."""
    volume, labels = np.zeros((channels, 6, 24, 28), np.float32), np.zeros((6, 24, 28), np.uint8)
    volume[:, 1:4, 5:19, 6:22] = 200.0
    labels[1:4, 5:19, 6:22] = 1
    kept = volume.copy()
    results = []
    for _ in range(2):
        np.random.seed(4)
        results.append(TRANSFORMS[name](**arguments)({"img": volume, "gt_seg_map": labels.copy()}))
    np.testing.assert_array_equal(results[0]["img"], results[1]["img"])
    np.testing.assert_array_equal(volume, kept)
    image, moved = results[0]["img"], results[0]["gt_seg_map"]
    assert image.shape == (channels, *moved.shape)
    assert image.dtype == np.float32
    if name != "BioMedicalGaussianBlur":
        assert (((image > 100) == (moved == 1)).all(axis=0)).all()
    else:
        assert ((image > 100).all(axis=0) == (moved == 1)).mean() > 0.9
    with pytest.raises(InputError, match=rf"{name}: sample\['img'\] must be a volume \(C, Z, Y, X\); put LoadBio"):
        TRANSFORMS[name](**arguments)({"img": np.zeros((20, 20, 3), np.float32)})
    if getattr(TRANSFORMS[name], "DTYPES", ()):
        with pytest.raises(InputError, match=rf"{name}: takes float32, float64 volumes, this one is uint8; set to_fl"):
            TRANSFORMS[name](**arguments)({"img": volume.astype(np.uint8)})


@pytest.mark.parametrize("name", TRANSFORMS)
def test_says_what_it_takes(name):
    """House rule: the docstring names the bands and dtypes that the transform is defined for."""
    containers = {"Compose", "LoadAnnotations", "LoadImageFromFile", "PackSegInputs", "TestTimeAug"}
    assert name in containers or "Take" in (inspect.getdoc(TRANSFORMS[name]) or "")


@pytest.mark.parametrize("name", TRANSFORMS)
def test_constructor_is_explicit(name):
    """House rule: annotated parameters, no ``**kwargs``, no config dicts."""
    parameters = inspect.signature(TRANSFORMS[name]).parameters
    for parameter in parameters.values():
        assert parameter.kind is not parameter.VAR_KEYWORD
        assert not parameter.name.endswith("_cfg")
        assert parameter.annotation is not parameter.empty, parameter.name
