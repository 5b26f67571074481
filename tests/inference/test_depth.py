"""What is written and said of predicted depths, by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from segue.inference.depth import DepthPrediction


def test_depth_prediction(tmp_path: Path) -> None:
    depths = np.array([[0.5, 1.0], [1.9996, 70.0]], np.float32)
    result = DepthPrediction(depths, np.zeros((2, 2, 3), np.uint8), Path("room.jpg"))
    assert result.shares() == {"1 to 2": 0.5, "below 1": 0.25, "from 32": 0.25}
    paths = result.save(tmp_path / "new")
    assert [path.name for path in paths] == ["room.png", "room_overlay.png"]
    written = cv2.imread(str(paths[0]), cv2.IMREAD_UNCHANGED)
    assert written.dtype == np.uint16 and written.tolist() == [[500, 1000], [2000, 65535]]
    colors = result.overlay()
    assert np.array_equal(cv2.imread(str(paths[1]))[..., ::-1], colors)
    assert colors[1, 1].sum() > colors[0, 0].sum()  # the farthest is brightest
    flat = DepthPrediction(np.full((2, 2), 3.0, np.float32), result.image).overlay()
    assert len(np.unique(flat.reshape(-1, 3), axis=0)) == 1
