"""What every transform of the room must do, over all that the files define."""

from __future__ import annotations

import copy
import importlib
import inspect
import pkgutil
from typing import Any

import numpy as np
import pytest

import segue.transforms
from segue.errors import InputError
from segue.transforms.pack_seg_inputs import PackSegInputs
from segue.transforms.random_flip import RandomFlip
from segue.transforms.resize import Resize

#: arguments that make a transform do something, for those whose constructor asks for any
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "Compose": [{"transforms": [RandomFlip(1.0), Resize((32, 24))]}],
    "Pad": [{"size": (60, 50)}, {"size_divisor": 32}, {"size": (60, 50), "padding_mode": "reflect"}],
    "RandomChoiceResize": [{"scales": [(60, 60), (30, 30)], "keep_ratio": True}],
    "RandomCrop": [{"crop_size": (20, 24)}, {"crop_size": (20, 24), "cat_max_ratio": 0.75}],
    "RandomFlip": [{"prob": 1.0}, {"prob": 1.0, "direction": "vertical"}, {"prob": 1.0, "direction": "diagonal"}],
    "RandomResize": [{"scale": (60, 60), "ratio_range": (0.5, 2.0), "keep_ratio": True}],
    "RandomRotate": [{"prob": 1.0, "degree": 45.0}, {"prob": 1.0, "degree": 45.0, "auto_bound": True}],
    "Resize": [{"scale": (64, 48)}, {"scale_factor": 0.5}, {"scale": (41, 33), "keep_ratio": True}],
    "ResizeShortestEdge": [{"scale": 45, "max_size": 100}],
    "TestTimeAug": [{"transforms": [[RandomFlip(1.0), RandomFlip(0.0)], [PackSegInputs()]]}],
}
SOURCES = {"LoadImageFromFile", "LoadAnnotations"}  # they read files: tested with files
ENDS = {"PackSegInputs", "TestTimeAug"}  # they do not return an image


def _all_transforms() -> dict[str, type]:
    found = {}
    for module in pkgutil.iter_modules(segue.transforms.__path__):
        for name, value in vars(importlib.import_module(f"segue.transforms.{module.name}")).items():
            own = inspect.isclass(value) and value.__module__ == f"segue.transforms.{module.name}"
            if own and not name.startswith("_"):
                assert name.lower().startswith(module.name.replace("_", "")), f"{name} is not found in {module.name}.py"
                found[name] = value
    return found


TRANSFORMS = _all_transforms()
CALLS = [(name, arguments) for name in TRANSFORMS for arguments in ARGUMENTS.get(name, [{}]) if name not in SOURCES]
CHANGES = [(name, arguments) for name, arguments in CALLS if name not in ENDS]


def _id(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(value)


@pytest.mark.parametrize(("name", "arguments"), CHANGES, ids=_id)
def test_image_and_mask_move_together(name, arguments):
    """Oracle: a bright square is painted where the mask is 1, so afterwards bright still means 1 but on its border."""
    image = np.zeros((40, 50, 3), np.uint8)
    labels = np.zeros((40, 50), np.uint8)
    image[8:26, 10:34] = 230
    labels[8:26, 10:34] = 1
    np.random.seed(3)
    result = TRANSFORMS[name](**arguments)({"img": image, "gt_seg_map": labels, "img_path": "square.png"})
    bright = result["img"][:, :, 0] > 115
    assert bright.shape == result["gt_seg_map"].shape == result["img"].shape[:2]
    seen = result["gt_seg_map"] != 255
    assert bright[seen].any()
    differing = (bright != (result["gt_seg_map"] == 1)) & seen
    border = sum(np.count_nonzero(np.diff(bright.astype(int), axis=axis)) for axis in (0, 1))
    assert differing.sum() <= border


@pytest.mark.parametrize(("name", "arguments"), CHANGES, ids=_id)
def test_seed_reproduces(name, arguments, sample):
    """Oracle: the same numpy seed gives the same result twice, whatever else was drawn in between."""
    step = TRANSFORMS[name](**arguments)
    results = []
    for _ in range(2):
        np.random.seed(11)
        results.append(step(sample()))
        np.random.rand(5)
    np.testing.assert_array_equal(results[0]["img"], results[1]["img"])
    np.testing.assert_array_equal(results[0]["gt_seg_map"], results[1]["gt_seg_map"])


@pytest.mark.parametrize(("name", "arguments"), CHANGES, ids=_id)
def test_without_mask_and_input_untouched(name, arguments, sample):
    """Oracle: the image alone gets the same pixels, and the caller's arrays keep theirs."""
    given = sample()
    if name == "RandomCrop":
        arguments = {**arguments, "cat_max_ratio": 1.0}  # the ratio looks at the mask
    step = TRANSFORMS[name](**arguments)
    kept = copy.deepcopy(given)
    arrays = given["img"], given["gt_seg_map"]
    np.random.seed(5)
    with_mask = step(given)
    np.testing.assert_array_equal(arrays[0], kept["img"])
    np.testing.assert_array_equal(arrays[1], kept["gt_seg_map"])
    alone = sample()
    del alone["gt_seg_map"]
    np.random.seed(5)
    without = step(alone)
    np.testing.assert_array_equal(without["img"], with_mask["img"])
    assert "gt_seg_map" not in without
    assert tuple(without.get("img_shape", without["img"].shape[:2])) == without["img"].shape[:2]


@pytest.mark.parametrize(("name", "arguments"), CALLS, ids=_id)
def test_missing_image_is_named(name, arguments):
    if name == "PackSegInputs":
        assert TRANSFORMS[name](**arguments)({})["data_samples"].gt_sem_seg is None
        return
    with pytest.raises(InputError, match=r"has no 'img'; put LoadImageFromFile before it"):
        if name == "TestTimeAug":
            TRANSFORMS[name](transforms=[[RandomFlip(1.0)]])({"img_path": "a.png"})
        else:
            TRANSFORMS[name](**arguments)({"img_path": "a.png"})


@pytest.mark.parametrize("name", TRANSFORMS)
def test_constructor_is_explicit(name):
    """House rule: annotated parameters, no ``**kwargs``, no config dicts."""
    parameters = inspect.signature(TRANSFORMS[name]).parameters
    for parameter in parameters.values():
        assert parameter.kind is not parameter.VAR_KEYWORD
        assert not parameter.name.endswith("_cfg")
        assert parameter.annotation is not parameter.empty, parameter.name
