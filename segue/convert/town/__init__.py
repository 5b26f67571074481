"""A small aerial town, generated: RGB tiles with building and road polygons, for demos and tests.

Nothing is downloaded and nothing differs between two runs: tile number ``i`` of seed ``s`` is always the same picture.
A tile is planned first (``roads.py``, ``houses.py``: where everything stands, in pixels of about 0.35 m) and then
painted (``paint.py``). Folder layout, which ``segue convert polygons`` reads::

    images/NAME.png       the tiles, RGB
    buildings/NAME.json   features[].properties.building_imcoords = "x,y,x,y,..." (EMPTY: no building)
    roads/NAME.json       features[].properties.road_imcoords, likewise
    splits/train.txt      bare names, one a line; val.txt likewise
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.convert.town.houses import plan_buildings, plan_cars, plan_trees
from segue.convert.town.paint import paint
from segue.convert.town.plan import MARGIN, Plan, Points
from segue.convert.town.roads import plan_roads, road_polygon
from segue.errors import InputError


@dataclass
class Tile:
    """A painted tile: ``image`` (H, W, 3) uint8 RGB and the polygons, (N, 2) arrays of x, y in its pixels."""

    image: NDArray[np.uint8]
    buildings: list[Points]
    roads: list[Points]


def plan_tile(seed: int, index: int, size: int) -> Plan:
    """Decide what stands where on tile ``index``; the same arguments give the same plan."""
    rng = np.random.default_rng([seed, index, size])
    plan = Plan(size)
    plan_roads(rng, plan)
    taken = plan_buildings(rng, plan)
    plan_trees(rng, plan, taken)
    plan_cars(rng, plan)
    return plan


def _visible(polygon: Points, size: int) -> bool:
    """Whether a polygon covers at least one pixel of the tile."""
    canvas = np.zeros((size, size), np.uint8)
    cv2.fillPoly(canvas, [np.round(polygon).astype(np.int32)], 1)
    return bool(canvas.any())


def make_tile(seed: int, index: int, size: int = 256) -> Tile:
    """Plan and paint one tile of ``size`` x ``size`` pixels."""
    if size < 64:
        raise InputError(f"a town tile of {size} pixels is too small to hold a road: give a size of 64 or more")
    plan = plan_tile(seed, index, size)
    buildings = [house.outline - MARGIN for house in plan.buildings]
    roads = [road_polygon(road) - MARGIN for road in plan.roads]
    return Tile(
        paint(plan, np.random.default_rng([seed, index, size, 1])),
        [polygon for polygon in buildings if _visible(polygon, size)],
        [polygon for polygon in roads if _visible(polygon, size)],
    )


def _write_polygons(path: Path, key: str, polygons: Sequence[Points]) -> None:
    texts = [",".join(f"{value:.1f}" for value in polygon.ravel()) for polygon in polygons] or ["EMPTY"]
    features = [{"type": "Feature", "geometry": None, "properties": {key: text}} for text in texts]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}, indent=1), encoding="utf-8")


def write_town(root: Path, train: int = 24, val: int = 6, size: int = 256, seed: int = 0) -> Iterator[str]:
    """Write a town of ``train`` + ``val`` tiles into ``root``, yielding each name when its files are there."""
    root = Path(root)
    for folder in ("images", "buildings", "roads", "splits"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    names = [f"town_{index:04d}" for index in range(train + val)]
    for index, name in enumerate(names):
        tile = make_tile(seed, index, size)
        cv2.imwrite(str(root / "images" / f"{name}.png"), cv2.cvtColor(tile.image, cv2.COLOR_RGB2BGR))
        _write_polygons(root / "buildings" / f"{name}.json", "building_imcoords", tile.buildings)
        _write_polygons(root / "roads" / f"{name}.json", "road_imcoords", tile.roads)
        yield name
    (root / "splits" / "train.txt").write_text("".join(f"{name}\n" for name in names[:train]), encoding="utf-8")
    (root / "splits" / "val.txt").write_text("".join(f"{name}\n" for name in names[train:]), encoding="utf-8")
