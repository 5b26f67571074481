"""RSInferencer: a scene in windows. Oracle: the labels of the whole scene by a model that looks at single pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from segue.compat.mmseg import scenes
from segue.errors import InputError

rasterio = pytest.importorskip("rasterio")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Three bands of 20 x 30 in UTM."""
    data = np.random.default_rng(0).integers(0, 255, (3, 20, 30)).astype(np.uint8)
    where = {"crs": "EPSG:32632", "transform": rasterio.Affine(10, 0, 500000, 0, -10, 5000000)}
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", height=20, width=30, count=3, dtype="uint8", **where
    ) as f:
        f.write(data)
    return tmp_path / "a.tif"


def test_windows_cover_everything_once(scene: Path) -> None:
    image = scenes.RSImage(scene)
    image.create_grids((12, 8), (10, 6))
    seen = np.zeros((20, 30), int)
    for x, y, width, height, left, top, kept_width, kept_height in image.grids:
        assert x + width <= 30 and y + height <= 20 and left + kept_width <= width and top + kept_height <= height
        seen[y + top : y + top + kept_height, x + left : x + left + kept_width] += 1
    assert (seen == 1).all()
    with pytest.raises(InputError, match="leaves gaps"):
        image.create_grids((8, 8), (9, 8))


def test_labels_are_written_where_the_scene_lies(scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inferencer = scenes.RSInferencer(torch.nn.Identity(), batch_size=2)
    monkeypatch.setattr(inferencer, "_labels", lambda windows: [window[..., 0] // 100 for window in windows])
    inferencer.run(scenes.RSImage(scene), (12, 8), (10, 6), str(tmp_path / "out/labels.tif"))
    with rasterio.open(scene) as given, rasterio.open(tmp_path / "out/labels.tif") as found:
        np.testing.assert_array_equal(found.read(1), given.read(1) // 100)
        assert found.crs == given.crs and found.transform == given.transform


def test_refused(scene: Path) -> None:
    with pytest.raises(InputError, match="batch_size must be at least 1"):
        scenes.RSInferencer(torch.nn.Identity(), batch_size=0)
    with pytest.raises(InputError, match="call create_seg_map before write"):
        scenes.RSImage(scene).write(np.zeros((2, 2)))
