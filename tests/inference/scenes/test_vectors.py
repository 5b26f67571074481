"""Outlines of labels. Oracle: shapes whose corners are known."""

from __future__ import annotations

import json
import sqlite3
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.errors import DataError, InputError
from segue.images.rasters import transform_points
from segue.inference.scenes.vectors import write_vectors
from segue.inference.scenes.write import gdal
from segue.masks.geojson import GeojsonReader
from segue.masks.names import Names
from tests.inference.scenes.small import CLASSES, CORNER, CRS, write_scene

rasterio = pytest.importorskip("rasterio", reason="an optional extra: geo")


def labels() -> np.ndarray:
    """A square of 20 x 30 with a hole of 4 x 5 on a background, a pixel alone, and a void strip."""
    found = np.zeros((60, 80), np.uint8)
    found[10:30, 20:50] = 2
    found[15:19, 25:30] = 0
    found[40, 70] = 1
    found[55:] = 255
    return found


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "labels.tif", labels()[..., None], nodata=255)


def features(path: Path) -> list[Any]:
    return json.loads(path.read_text())["features"]


def test_a_square_with_a_hole(raster: Path, tmp_path: Path) -> None:
    assert write_vectors(raster, tmp_path / "out.geojson", CLASSES) == 4
    found = {(f["properties"]["class"], f["properties"]["pixels"]): f for f in features(tmp_path / "out.geojson")}
    assert set(found) == {("road & rail", 580), ("water", 20), ("grass", 1), ("water", 55 * 80 - 601)}
    outer, hole = found["road & rail", 580]["geometry"]["coordinates"]
    for ring, corners in ((outer, [[20, 10], [50, 30]]), (hole, [[25, 15], [30, 19]])):
        points = transform_points(np.array(ring), "EPSG:4326", CRS, "here")
        pixels = (points - CORNER) / (0.5, -0.5)
        np.testing.assert_allclose([pixels.min(0), pixels.max(0)], corners, atol=1e-2)
        assert len(ring) == 5 and ring[0] == ring[-1]
    x, y = np.array(outer).T
    assert (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() > 0, "the standard's outer rings run counterclockwise"


def test_the_label_reader_reads_it_back(raster: Path, tmp_path: Path) -> None:
    write_vectors(raster, tmp_path / "out.geojson", CLASSES)
    reader = GeojsonReader(str(tmp_path / "out.geojson"), Names(CLASSES))
    found = reader.read(str(tmp_path / "out.geojson"), str(raster))
    expected = labels()
    np.testing.assert_array_equal(found[:55], expected[:55])


def test_least_area(raster: Path, tmp_path: Path) -> None:
    assert write_vectors(raster, tmp_path / "out.geojson", CLASSES, least_area=21) == 2
    found = {f["properties"]["class"]: f for f in features(tmp_path / "out.geojson")}
    assert set(found) == {"water", "road & rail"}
    assert len(found["road & rail"]["geometry"]["coordinates"]) == 1, "a hole below the least area is filled"


def test_simplified(tmp_path: Path) -> None:
    stairs = np.tril(np.ones((60, 60), np.uint8))
    raster = write_scene(tmp_path / "labels.tif", stairs[..., None])
    write_vectors(raster, tmp_path / "exact.geojson", CLASSES)
    write_vectors(raster, tmp_path / "simple.geojson", CLASSES, simplify=1)
    exact, simple = (
        {f["properties"]["class"]: f["geometry"]["coordinates"][0] for f in features(tmp_path / f"{name}.geojson")}
        for name in ("exact", "simple")
    )
    assert len(exact["grass"]) > 100 and len(simple["grass"]) < 8


def test_pixels_where_there_is_no_place(tmp_path: Path) -> None:
    raster = write_scene(tmp_path / "labels.tif", labels()[..., None], placed=False)
    write_vectors(raster, tmp_path / "out.geojson", CLASSES)
    [road] = [f for f in features(tmp_path / "out.geojson") if f["properties"]["class_id"] == 2]
    ring = np.array(road["geometry"]["coordinates"][0])
    np.testing.assert_array_equal([ring.min(0), ring.max(0)], [[20, 10], [50, 30]])


def test_geopackage(raster: Path, tmp_path: Path) -> None:
    """Read by SQLite and the layout of the standard's binary."""
    assert write_vectors(raster, tmp_path / "out.gpkg", CLASSES) == 4
    base = sqlite3.connect(tmp_path / "out.gpkg")
    assert base.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
    assert base.execute("SELECT srs_id, min_x, max_y FROM gpkg_contents").fetchone() == (32632, *CORNER)
    name, definition = base.execute(
        "SELECT srs_name, definition FROM gpkg_spatial_ref_sys WHERE srs_id=32632"
    ).fetchone()
    assert name == CRS and "UTM zone 32N" in definition
    data, label, pixels = base.execute(
        "SELECT geom, class_id, pixels FROM regions WHERE class='road & rail'"
    ).fetchone()
    base.close()
    assert (label, pixels) == (2, 580)
    assert data[:4] == b"GP\0\3" and struct.unpack_from("<i4d", data, 4) == (
        32632,
        CORNER[0] + 10,
        CORNER[0] + 25,
        CORNER[1] - 15,
        CORNER[1] - 5,
    )
    assert struct.unpack_from("<BIII", data, 40) == (1, 3, 2, 5)
    ring = np.frombuffer(data, "<f8", 10, 53).reshape(5, 2)
    np.testing.assert_array_equal(ring.max(0) - ring.min(0), [15, 10])
    first = (tmp_path / "out.gpkg").read_bytes()
    write_vectors(raster, tmp_path / "out.gpkg", CLASSES)
    assert (tmp_path / "out.gpkg").read_bytes() == first


def test_wrong_options(raster: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"out\.shp: outlines go to a file that ends with \.geojson, \.json, \.gpkg"):
        write_vectors(raster, tmp_path / "out.shp", CLASSES)
    with pytest.raises(InputError, match="simplify=-1; it must be at least 0"):
        write_vectors(raster, tmp_path / "out.gpkg", CLASSES, simplify=-1)
    with gdal(), rasterio.open(raster) as file:
        assert file.count == 1  # nothing was touched


def test_a_place_that_cannot_be_written(raster: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for ending in ("gpkg", "geojson"):
        with pytest.raises(DataError, match=rf"a\.{ending}: cannot be written: "):
            write_vectors(raster, tmp_path / "file" / f"a.{ending}", CLASSES)
