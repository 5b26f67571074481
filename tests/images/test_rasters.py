"""Rasters by window. The files are written here with rasterio."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

from segue.errors import DataError, InputError, MissingExtraError
from segue.images.rasters import Raster, read_raster

PIXELS = np.arange(13 * 40 * 50, dtype=np.uint16).reshape(40, 50, 13)


@pytest.fixture
def scene(tmp_path):
    rasterio = pytest.importorskip("rasterio", reason="an optional extra: geo")
    path = tmp_path / "scene.tif"
    profile = {"driver": "GTiff", "height": 40, "width": 50, "count": 13, "dtype": "uint16", "compress": "lzw"}
    place = rasterio.Affine(0.5, 0, 700000, 0, -0.5, 5000000)
    with rasterio.open(
        path, "w", tiled=True, blockxsize=16, blockysize=16, crs="EPSG:32632", transform=place, nodata=7, **profile
    ) as file:
        file.write(np.moveaxis(PIXELS, -1, 0))
    return path


def test_windows(scene):
    """Oracle: what was written."""
    with Raster(scene) as raster:
        assert (raster.size, raster.bands, raster.dtype, raster.block) == ((40, 50), 13, np.uint16, (16, 16))
        assert (raster.crs, raster.nodata) == ("EPSG:32632", 7)
        assert raster.transform == (0.5, 0, 700000, 0, -0.5, 5000000)
        np.testing.assert_array_equal(raster.read((3, 20, 17, 30), [12, 0]), PIXELS[3:20, 20:50][:, :, [12, 0]])
        canvas = np.zeros_like(PIXELS)
        for top, left, height, width in raster.windows((16, 24)):
            canvas[top : top + height, left : left + width] += raster.read((top, left, height, width))
    np.testing.assert_array_equal(canvas, PIXELS)
    np.testing.assert_array_equal(read_raster(scene), PIXELS)


def test_faults_are_named(scene, tmp_path):
    with Raster(scene) as raster:
        with pytest.raises(InputError, match=r"scene.tif: the window .* = \(30, 0, 20, 5\) is not inside its 40 x 50"):
            raster.read((30, 0, 20, 5))
        with pytest.raises(InputError, match=r"has 13 bands, 0..12; no band 13"):
            raster.read(bands=[13])
    with pytest.raises(DataError, match=r"gone.tif: the file does not exist"):
        Raster(tmp_path / "gone.tif")
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(DataError, match=r"text.tif: not a raster that GDAL can read, or a damaged one"):
        Raster(tmp_path / "text.tif")
    scene.write_bytes(scene.read_bytes()[:20000])
    with pytest.raises(DataError, match=r"scene.tif"):
        read_raster(scene)


def test_missing_extra_is_named(monkeypatch, tmp_path):
    real = builtins.__import__

    def refuse(name, *rest, **more):
        if name.startswith("rasterio"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"by window, needs the package 'rasterio': pip install 'segue\[geo\]'"):
        Raster(tmp_path / "a.tif")
