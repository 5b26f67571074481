"""Pixels of scenes as a model's own images have them. Oracle: the step that reads images, or what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.errors import DataError, InputError
from segue.inference.scenes.network import Network
from segue.inference.scenes.read import open_scene
from segue.inference.scenes.settings import Settings
from segue.inference.scenes.write import gdal
from tests.inference.scenes.small import Small, noise, predictor, write_scene

rasterio = pytest.importorskip("rasterio", reason="an optional extra: geo")
WINDOW = (10, 30, 50, 60)
PLACE = (slice(10, 60), slice(30, 90))
BANDS = [{"type": "LoadSingleRSImageFromFile"}, {"type": "PackSegInputs"}]


def network(channels: int = 3, pipeline: Any = None) -> Network:
    model = Small(channels=channels)
    return Network(predictor(model, pipeline) if pipeline else predictor(model))


def read(path: Path, net: Network, settings: Settings | None = None) -> tuple[Any, Any]:
    with gdal(), open_scene(path, net, settings or Settings()) as scene:
        return scene.read(WINDOW)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colors_are_those_of_the_reading_step(tmp_path: Path, dtype: Any) -> None:
    pixels = noise(90, 120).astype(dtype)
    pixels = pixels * 257 if dtype == np.uint16 else pixels
    path, net = write_scene(tmp_path / "scene.tif", pixels), network()
    found, data = read(path, net)
    assert data is None and found.dtype == np.uint8
    np.testing.assert_array_equal(found, net.read({"img_path": str(path)})["img"][PLACE])


def test_bands_are_chosen(tmp_path: Path) -> None:
    pixels = noise(90, 120, 5)
    path = write_scene(tmp_path / "scene.tif", pixels)
    found, _ = read(path, network(), Settings(bands=(4, 2, 1)))
    np.testing.assert_array_equal(found, pixels[PLACE][..., [0, 1, 3]])  # BGR, as the step reads colors
    found, _ = read(path, network(2, BANDS), Settings(bands=(5, 3)))
    np.testing.assert_array_equal(found, pixels[PLACE][..., [4, 2]])
    assert found.dtype == np.float32
    with pytest.raises(InputError, match=r"5 bands are taken, the model takes 3; choose them with --bands .* 1 gray"):
        read(path, network())
    with pytest.raises(InputError, match=r"has bands 1\.\.5; there is no band 6"):
        read(path, network(), Settings(bands=(1, 2, 6)))


def test_a_range_of_values(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    values = np.linspace(0, 3000, 90 * 120).reshape(90, 120, 1)
    path, net = write_scene(tmp_path / "scene.tif", values.astype(np.uint16)), network()
    read(path, net)
    assert "divided by 256, as those of pictures, but reach only to 3000" in caplog.text
    found, _ = read(path, net, Settings(value_range=(500, 1500)))
    expected = np.clip(np.rint((values.astype(np.uint16) - 500.0) * 0.255), 0, 255)
    assert np.abs(found.astype(float) - expected[PLACE]).max() <= 1 and found.shape[2] == 3
    assert found.min() == 0 and found.max() == 255
    floats = write_scene(tmp_path / "float.tif", values.astype(np.float32))
    with pytest.raises(InputError, match=r"holds float32, the model takes 8-bit images; say with --range LOW HIGH"):
        read(floats, net)
    with pytest.raises(InputError, match="only for models of 8-bit images; this one takes values as stored"):
        read(floats, network(1, BANDS), Settings(value_range=(0, 1)))


def test_what_is_not_finite_is_no_data(tmp_path: Path) -> None:
    values = noise(90, 120, 2).astype(np.float32)
    values[20, 40, 1], values[21, 41, 0] = np.nan, np.inf
    found, data = read(write_scene(tmp_path / "scene.tif", values), network(2, BANDS))
    assert sorted(zip(*np.nonzero(~data), strict=True)) == [(10, 10), (11, 11)] and np.isfinite(found).all()


def test_no_data_in_every_band(tmp_path: Path) -> None:
    """A pixel that has data in some of the bands is predicted."""
    values = noise(90, 120, 2).astype(np.uint16) + 1
    values[20, 40] = 0
    values[21, 41, 0] = 0
    _, data = read(write_scene(tmp_path / "scene.tif", values, nodata=0), network(2, BANDS))
    assert list(zip(*np.nonzero(~data), strict=True)) == [(10, 10)]


def test_palettes_are_colors(tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    values = (np.arange(90 * 120).reshape(90, 120) % 7).astype(np.uint8)
    table = {value: (value * 30, 255 - value, value, 255) for value in range(7)}
    with gdal(), rasterio.open(path, "w", driver="GTiff", height=90, width=120, count=1, dtype="uint8") as file:
        file.write(values, 1)
        file.write_colormap(1, table)
    found, _ = read(path, network())
    expected = np.array([table[value][:3] for value in range(7)])[values[PLACE]]
    np.testing.assert_array_equal(found, expected[..., ::-1])


def test_pictures(tmp_path: Path) -> None:
    import cv2

    pixels = noise(90, 120)
    cv2.imwrite(str(tmp_path / "scene.png"), pixels)
    np.testing.assert_array_equal(read(tmp_path / "scene.png", network())[0], pixels[PLACE])
    with pytest.raises(InputError, match=r"scene\.png: bands is for rasters that GDAL reads; save it as a GeoTIFF"):
        read(tmp_path / "scene.png", network(), Settings(bands=(1,)))
    with pytest.raises(DataError, match=r"gone\.jpg: the file does not exist"):
        read(tmp_path / "gone.jpg", network())


def test_a_picture_of_too_many_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "scene.png"), noise(90, 120))
    monkeypatch.setenv("SEGUE_MAX_PIXELS", "5000")
    with pytest.raises(DataError, match="more than the limit of 5000; cut it into tiles"):
        read(tmp_path / "scene.png", network())


def test_strips_that_cannot_be_decoded_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from segue.inference.scenes import read as module

    path = write_scene(tmp_path / "scene.tif", noise(90, 120), tiled=False, blockysize=90)
    monkeypatch.setattr(module, "LARGEST_STRIP", 1000)
    with pytest.raises(DataError, match=r"pieces of 90 x 120 pixels.*gdal_translate -co TILED=YES"):
        read(path, network())


def test_wrong_settings() -> None:
    for wrong, message in (
        ({"tile": 0}, "tile=0: the side of a tile in pixels must be at least 1"),
        ({"tile": 64, "overlap": 40}, "overlap=40: it must be from 0 to half of tile=64"),
        ({"blend": "gausian"}, "blend='gausian'; did you mean 'gaussian'?"),
        ({"save": ("confidance",)}, "save='confidance' of a scene; did you mean 'confidence'?"),
        ({"bands": (0, 1)}, r"bands=\[0, 1\]: bands are counted from 1"),
        ({"value_range": (5, 5)}, r"value_range=\[5, 5\]: two numbers are expected, the smaller first"),
        ({"block": 0}, "block=0; it must be at least 1"),
    ):
        with pytest.raises(InputError, match=message.replace("?", r"\?")):
            Settings(**wrong)
