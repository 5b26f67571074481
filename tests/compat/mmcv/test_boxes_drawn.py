"""Boxes over pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.compat.mmcv.boxes_drawn import Color, color_val, imshow_bboxes, imshow_det_bboxes

BLACK = np.zeros((20, 20, 3), np.uint8)


def test_colors() -> None:
    assert color_val("red") == color_val(Color.red) == color_val((0, 0, 255)) == (0, 0, 255)
    assert color_val(7) == (7, 7, 7) and color_val(np.array([1, 2, 3])) == (1, 2, 3)
    for wrong, error in (("puce", KeyError), (1.5, TypeError), ((1, 2, 300), AssertionError)):
        with pytest.raises(error):
            color_val(wrong)


def test_boxes(tmp_path: Path) -> None:
    box = np.array([[2.0, 3, 10, 12]])
    out = imshow_bboxes(BLACK, [box, box + 5], ["red", "blue"], show=False, out_file=tmp_path / "a/b.png")
    assert out[3, 5].tolist() == [0, 0, 255] and out[8, 9].tolist() == [255, 0, 0] and not BLACK.any()
    assert cv2.imread(str(tmp_path / "a/b.png")).tolist() == out.tolist()
    assert imshow_bboxes(BLACK, np.concatenate([box, box + 5]), top_k=1, show=False)[17, 9].tolist() == [0, 0, 0]


def test_names_and_scores() -> None:
    boxes = np.array([[2.0, 10, 8, 15, 0.9], [1, 1, 18, 18, 0.1]])
    out = imshow_det_bboxes(BLACK, boxes, np.array([1, 0]), ["a", "b"], score_thr=0.5, bbox_color="white", show=False)
    assert out[10, 5].tolist() == [255] * 3 and out[18, 10].tolist() == [0, 0, 0]
    assert (out[:9, :, 1] > 0).any(), "the name stands above the box"
    with pytest.raises(AssertionError, match="needs boxes"):
        imshow_det_bboxes(BLACK, boxes[:, :4], np.array([1, 0]), score_thr=0.5, show=False)
