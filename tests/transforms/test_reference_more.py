"""Every recorded call gives the arrays and random draws of mmseg 1.2.2 (data/record_more.py), where it is right.

Where it is not, there is no recording but a test of its own: labels under `RandomRotFlip`'s free angle, labels under
`BioMedical3DPad`, and `BioMedical3DRandomCrop(keep_foreground=True)`.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from segue.config.builder.build import build
from tests.transforms.data.record_more import KEPT, samples
from tests.transforms.test_reference import AS_RECORDED

_RECORDED = np.load(Path(__file__).parent / "data" / "more.npz")
_CASES = json.loads(str(_RECORDED["cases"]))


@pytest.mark.parametrize("number", range(len(_CASES)), ids=lambda i: f"{i}-{_CASES[i]['name']}")
def test_same_as_reference(number):
    """Oracle: the reference's own output. Floats to 1e-5, interpolated pixels to one grey level."""
    case = _CASES[number]
    np.random.seed(case["seed"])
    random.seed(case["seed"])
    step = build({"step": {"type": case["name"], **case["arguments"]}}, "step", "transforms")
    result = step(samples(case["kind"]))
    for key in KEPT:
        if f"{number}/{key}" not in _RECORDED:
            assert result.get(key) is None, key
            continue
        expected, found = _RECORDED[f"{number}/{key}"], result[key]
        assert found.shape == expected.shape, key
        assert found.dtype == expected.dtype, key
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5 * np.abs(expected).max())
        elif key == "img" and case["name"] == "RandomGrayscale" and not AS_RECORDED:
            assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1
        elif key == "img" and case["name"] in ("RandomMosaic", "RandomRotFlip", "CLAHE"):
            # OpenCV 4 rounds positions to 1/32 pixel where it rotates, OpenCV 5 does not
            gray_levels = 8 if case["name"] == "RandomRotFlip" else 1
            assert np.abs(found.astype(int) - expected.astype(int)).max() <= gray_levels
        else:
            np.testing.assert_array_equal(found, expected)
    assert [np.random.rand(), random.random()] == case["next"], "other random numbers than the reference were drawn"
