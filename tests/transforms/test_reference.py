"""Every recorded call of a transform gives the arrays, keys and random draws of mmseg 1.2.2 (data/record.py)."""

from __future__ import annotations

import importlib
import json
import random
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

#: Recorded with OpenCV's code for AVX2 (11 in its list of features); its other code rounds colors by a level otherwise.
AS_RECORDED = cv2.checkHardwareSupport(11)
#: Without AVX2: two conversions of one level each, and a contrast of at most 1.5 after them.
COLOR_LEVELS = 0 if AS_RECORDED else 3
_RECORDED = np.load(Path(__file__).parent / "data" / "reference.npz")
_CASES = json.loads(str(_RECORDED["cases"]))


def build(name: str, arguments: dict[str, Any]) -> Any:
    stem = re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
    return getattr(importlib.import_module(f"segue.transforms.{stem}"), name)(**arguments)


@pytest.mark.parametrize("number", range(len(_CASES)), ids=lambda i: f"{i}-{_CASES[i]['name']}")
def test_same_as_reference(number, sample):
    """Oracle: the reference's own output. Interpolated pixels may differ by one gray level across OpenCV builds."""
    case = _CASES[number]
    np.random.seed(case["seed"])
    random.seed(case["seed"])
    result = build(case["name"], case["arguments"])(sample())
    image, labels = _RECORDED[f"{number}/img"], _RECORDED[f"{number}/seg"]
    assert result["img"].shape == image.shape
    assert result["img"].dtype == image.dtype
    gray_levels = 1 if "Resize" in case["name"] else COLOR_LEVELS if case["name"] == "PhotoMetricDistortion" else 0
    assert np.abs(result["img"].astype(int) - image.astype(int)).max() <= gray_levels
    np.testing.assert_array_equal(result["gt_seg_map"], labels)
    for key, value in case["keys"].items():
        given = result[key]
        assert (list(given) if isinstance(given, tuple) else given) == value, key
    assert np.random.rand() == case["next"], "the transform drew other random numbers than the reference"
