"""The generated town: the same picture every time, classes in useful shares, files as its docstring lays them out."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.convert.town import make_tile, write_town
from segue.errors import InputError
from segue.masks.polygons import paint


def mask_of(buildings: list[np.ndarray], roads: list[np.ndarray]) -> np.ndarray:
    """(160, 160) of 0, 1 for buildings and, over them, 2 for roads."""
    mask = np.zeros((160, 160), np.uint8)
    for value, outlines in ((1, buildings), (2, roads)):
        for outline in outlines:
            paint(mask, outline, value)
    return mask


def test_a_tile_is_a_function_of_seed_and_index():
    first, again, other = make_tile(0, 0, 96), make_tile(0, 0, 96), make_tile(0, 1, 96)
    assert first.image.shape == (96, 96, 3) and first.image.dtype == np.uint8
    np.testing.assert_array_equal(first.image, again.image)
    assert all(
        np.array_equal(a, b) for a, b in zip(first.buildings + first.roads, again.buildings + again.roads, strict=True)
    )
    assert not np.array_equal(first.image, other.image)


def test_buildings_and_roads_cover_useful_shares():
    """Every tile has a road; over a few tiles each class covers 5 to 85 percent."""
    masks = []
    for index in range(4):
        tile = make_tile(0, index, 160)
        assert tile.roads
        masks.append(mask_of(tile.buildings, tile.roads))
    shares = np.bincount(np.stack(masks).ravel(), minlength=3) / np.stack(masks).size
    assert np.all((shares > 0.05) & (shares < 0.85)), shares


def test_polygons_lie_on_what_is_painted():
    """Oracle: asphalt is gray, grass is green; inside road polygons colors are far less saturated than outside."""
    tile = make_tile(0, 1, 160)
    mask = mask_of([], tile.roads)
    saturation = np.ptp(tile.image.astype(int), axis=2)
    assert np.median(saturation[mask == 2]) + 15 < np.median(saturation[mask == 0])


def test_a_tile_too_small_is_refused():
    with pytest.raises(
        InputError, match="a town tile of 32 pixels is too small to hold a road: give a size of 64 or more"
    ):
        make_tile(0, 0, 32)


def test_write_town_lays_out_images_polygons_and_splits(tmp_path: Path):
    names = list(write_town(tmp_path, train=2, val=1, size=64, seed=3))
    assert names == ["town_0000", "town_0001", "town_0002"]
    assert (tmp_path / "splits/train.txt").read_text().split() == names[:2]
    assert (tmp_path / "splits/val.txt").read_text().split() == names[2:]
    for name in names:
        image = cv2.imread(str(tmp_path / "images" / f"{name}.png"))
        assert image is not None and image.shape == (64, 64, 3)
        for folder, key in (("buildings", "building_imcoords"), ("roads", "road_imcoords")):
            features = json.loads((tmp_path / folder / f"{name}.json").read_text())["features"]
            assert features and all(isinstance(feature["properties"][key], str) for feature in features)
    saved = cv2.imread(str(tmp_path / "images/town_0000.png"))
    np.testing.assert_array_equal(saved[..., ::-1], make_tile(3, 0, 64).image)
