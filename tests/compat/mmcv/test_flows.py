"""Optical flow. Oracle: mmcv 2.1.0, whose results for the flow of seed 0 are recorded below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segue.compat.mmcv import flows
from segue.errors import DataError

WARPED = [
    [0, 33, 93, 229, 0, 222, 0], [0, 0, 222, 206, 7, 0, 0], [0, 0, 87, 222, 7, 0, 0],
    [240, 46, 0, 0, 247, 105, 206], [0, 0, 10, 0, 69, 0, 0], [0, 206, 229, 0, 0, 105, 69],
]  # fmt: skip
BETWEEN = [
    [7, 107, 129, 211, 7, 221, 7], [7, 7, 198, 203, 50, 7, 7], [7, 7, 114, 144, 45, 7, 7],
    [211, 63, 7, 7, 228, 146, 171], [7, 7, 46, 7, 101, 7, 7], [7, 209, 199, 7, 7, 140, 124],
]  # fmt: skip


def case() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    flow = (rng.normal(size=(6, 7, 2)) * 2).astype(np.float32)
    return flow, rng.integers(0, 255, (6, 7, 3)).astype(np.uint8)


def test_warping() -> None:
    flow, image = case()
    assert flows.flow_warp(image, flow)[..., 0].tolist() == WARPED
    assert flows.flow_warp(image, flow, 7, "bilinear")[..., 0].tolist() == BETWEEN
    with pytest.raises(NotImplementedError, match="'nearest' or 'bilinear'"):
        flows.flow_warp(image, flow, 0, "cubic")


def test_files(tmp_path: Path) -> None:
    flow, _ = case()
    flows.flowwrite(flow, tmp_path / "a/b.flo")
    np.testing.assert_array_equal(flows.flowread(tmp_path / "a/b.flo"), flow)
    assert (tmp_path / "a/b.flo").read_bytes()[:4] == b"PIEH"
    flows.flowwrite(flow, tmp_path / "c.png", True, 1, max_val=0.8)
    assert cv2.imread(str(tmp_path / "c.png"), -1).shape == (6, 14)
    back = flows.flowread(tmp_path / "c.png", True, 1, max_val=0.8)
    assert np.abs(back - flow).max() < 7 * 1.6 / 255
    for content, said in ((b"nonsense", "no .flo file"), (b"PIEH" + bytes([2, 0, 0, 0] * 2), "has 0 bytes of 32")):
        with pytest.raises(DataError, match=said):
            flows.flow_from_bytes(content)


def test_sparse_files() -> None:
    """KITTI: (value - 2^15) / 64, red right, green down, blue whether it is known."""
    stored = np.zeros((1, 2, 3), np.uint16)
    stored[0, 0] = (1, 2**15 - 64, 2**15 + 128)
    content = cv2.imencode(".png", stored)[1].tobytes()
    flow, known = flows.sparse_flow_from_bytes(content)
    assert flow[0, 0].tolist() == [2, -1] and known.tolist() == [[1, 0]]


def test_colors() -> None:
    """Nothing moves is white, the unknown black, and the wheel goes round in 55 colours."""
    wheel = flows.make_color_wheel()
    assert wheel.shape == (55, 3) and wheel[0].tolist() == [1, 0, 0] and wheel[15].tolist() == [1, 1, 0]
    flow = np.zeros((1, 3, 2), np.float32)
    flow[0, 1], flow[0, 2] = (np.nan, 0), (3, 0)
    colors = flows.flow2rgb(flow)
    assert colors[0, :2].tolist() == [[1, 1, 1], [0, 0, 0]]
    assert colors[0, 2].tolist() == pytest.approx(wheel[0].tolist()), "a flow to the right is red"
