"""Scenes as a whole. Oracle: the same network on the whole image at once, by `Predictor.predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from segue.errors import DataError, InputError, SomeFailedError
from segue.inference.crf import CRF
from segue.inference.scenes import worker
from segue.inference.scenes.run import predict_scenes
from segue.inference.scenes.settings import Settings
from segue.inference.scenes.write import gdal
from segue.inference.way import Way
from tests.inference.scenes.small import CLASSES, CORNER, CRS, PALETTE, Small, noise, predictor, write_scene

rasterio = pytest.importorskip("rasterio", reason="an optional extra: geo")
TILES = {"tile": 96, "overlap": 32, "block": 2}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(tmp_path_factory.mktemp("scene") / "scene.tif", noise(300, 420))


def labels_of(path: Path) -> np.ndarray:
    with gdal(), rasterio.open(path) as file:
        return file.read(1)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_equal_to_the_whole_where_tiles_see_enough(scene: Path, tmp_path: Path, batch_size: int) -> None:
    model = predictor()
    settings = Settings(**TILES, blend="centre", batch_size=batch_size, save=("probabilities", "confidence"))
    result = predict_scenes(model, [scene], tmp_path / "seen.tif", settings)
    assert result.computed == result.blocks == 3 * 4 and result.missing == 0
    whole = model.predict(scene)
    assert len(np.unique(whole.labels)) == 3
    np.testing.assert_array_equal(labels_of(tmp_path / "seen.tif"), whole.labels)
    with torch.inference_mode():
        inputs = model.model.data_preprocessor.normalize(
            torch.from_numpy(np.ascontiguousarray(cv2.imread(str(scene)).transpose(2, 0, 1)))
        )
        shares = model.model.encode_decode(inputs[None])[0].softmax(0).numpy()
    with rasterio.open(tmp_path / "seen_probabilities.tif") as file:
        assert file.descriptions == CLASSES and file.dtypes[0] == "uint16"
        found = file.read() * file.scales[0]
    np.testing.assert_allclose(found, shares, atol=1 / 65535)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-3)
    with rasterio.open(tmp_path / "seen_confidence.tif") as file:
        np.testing.assert_allclose(file.read(1) * file.scales[0], shares.max(0), atol=1 / 255)


@pytest.mark.parametrize("blend", ["gaussian", "mean"])
def test_a_mean_of_equal_logits_is_the_same(scene: Path, tmp_path: Path, blend: str) -> None:
    """A network that sees one pixel gives it the same logits in every tile."""
    model = predictor(Small(side=1))
    settings = Settings(**TILES, blend=blend, save=("probabilities",))
    predict_scenes(model, [scene], tmp_path / "seen.tif", settings)
    predict_scenes(model, [scene], tmp_path / "one.tif", Settings(tile=420, overlap=0, save=("probabilities",)))
    a, b = (rasterio.open(tmp_path / f"{name}_probabilities.tif").read().astype(int) for name in ("seen", "one"))
    assert np.abs(a - b).max() <= 1
    assert (labels_of(tmp_path / "seen.tif") == labels_of(tmp_path / "one.tif")).mean() > 0.9999


def test_tilings_agree(scene: Path, tmp_path: Path) -> None:
    model = predictor()
    predict_scenes(model, [scene], tmp_path / "a.tif", Settings(tile=96, overlap=32))
    predict_scenes(model, [scene], tmp_path / "b.tif", Settings(tile=128, overlap=48, block=1))
    assert (labels_of(tmp_path / "a.tif") == labels_of(tmp_path / "b.tif")).mean() > 0.995


def test_what_the_raster_says_of_itself(scene: Path, tmp_path: Path) -> None:
    predict_scenes(predictor(), [scene], tmp_path / "seen.tif", Settings(**TILES))
    with rasterio.open(tmp_path / "seen.tif") as file:
        assert file.crs.to_string() == CRS and file.transform[:6] == (0.5, 0, CORNER[0], 0, -0.5, CORNER[1])
        assert file.nodata == 255 and file.profile["tiled"] and file.profile["compress"] == "deflate"
        assert [list(file.colormap(1)[i][:3]) for i in range(3)] == PALETTE
        assert file.tags()["classes"] == '["water", "grass", "road & rail"]'
    assert "<Category>road &amp; rail</Category>" in (tmp_path / "seen.tif.aux.xml").read_text()
    assert not (tmp_path / "seen.tif.blocks").exists()


def test_a_virtual_raster_joins_the_blocks(scene: Path, tmp_path: Path) -> None:
    model = predictor()
    [virtual] = predict_scenes(model, [scene], tmp_path / "seen.vrt", Settings(**TILES)).files
    predict_scenes(model, [scene], tmp_path / "seen.tif", Settings(**TILES))
    np.testing.assert_array_equal(labels_of(virtual), labels_of(tmp_path / "seen.tif"))
    with rasterio.open(virtual) as file:
        assert file.crs.to_string() == CRS and file.nodata == 255
        assert list(file.colormap(1)[1][:3]) == PALETTE[1] and file.tags()["classes"].startswith('["water"')
    assert predict_scenes(model, [scene], tmp_path / "seen.vrt", Settings(**TILES)).computed == 0


def blocks_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.tif"))}


def test_killed_three_times_and_resumed(scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(**TILES, save=("confidence",))
    predict_scenes(predictor(), [scene], tmp_path / "whole.tif", settings, keep=True)
    write, count = worker.write_block, 0

    def killed(*args: object) -> None:
        nonlocal count
        count += 1
        if count % 6 == 0:
            (tmp_path / "seen.tif.blocks" / "000000" / ".labels.0000.segue-part").write_text("half")
            raise KeyboardInterrupt
        write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "write_block", killed)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            predict_scenes(predictor(), [scene], tmp_path / "seen.tif", settings)
        assert not (tmp_path / "seen.tif").exists()
    monkeypatch.setattr(worker, "write_block", write)
    result = predict_scenes(predictor(), [scene], tmp_path / "seen.tif", settings, keep=True)
    assert 0 < result.computed < result.blocks
    assert blocks_of(tmp_path / "seen.tif.blocks") == blocks_of(tmp_path / "whole.tif.blocks")
    for name in ("", "_confidence"):
        assert (tmp_path / f"seen{name}.tif").read_bytes() == (tmp_path / f"whole{name}.tif").read_bytes()
    assert not list(tmp_path.rglob("*.segue-part"))


def test_shards(scene: Path, tmp_path: Path) -> None:
    predict_scenes(predictor(), [scene], tmp_path / "whole.tif", Settings(**TILES), keep=True)
    second = predict_scenes(predictor(), [scene], tmp_path / "seen.tif", Settings(**TILES), shard=(2, 2))
    assert (second.computed, second.missing, second.files) == (6, 6, [])
    first = predict_scenes(predictor(), [scene], tmp_path / "seen.tif", Settings(**TILES), shard=(1, 2))
    assert (first.computed, first.missing, first.files) == (6, 0, [])
    last = predict_scenes(predictor(), [scene], tmp_path / "seen.tif", Settings(**TILES), keep=True)
    assert last.computed == 0 and last.files == [tmp_path / "seen.tif"]
    assert blocks_of(tmp_path / "seen.tif.blocks") == blocks_of(tmp_path / "whole.tif.blocks")
    assert (tmp_path / "seen.tif").read_bytes() == (tmp_path / "whole.tif").read_bytes()


def test_what_has_no_data_is_void_and_not_predicted(tmp_path: Path) -> None:
    pixels = noise(300, 420)
    pixels[pixels == 0] = 1
    pixels[:200] = 0
    pixels[220, 300] = 0
    scene = write_scene(tmp_path / "scene.tif", pixels, nodata=0)
    model = predictor()
    settings = Settings(**TILES | {"block": 8}, save=("confidence",))
    predict_scenes(model, [scene], tmp_path / "seen.tif", settings)
    labels = labels_of(tmp_path / "seen.tif")
    assert (labels[:200] == 255).all() and labels[220, 300] == 255
    assert (labels == 255).sum() == 200 * 420 + 1
    with rasterio.open(tmp_path / "seen_confidence.tif") as file:
        assert not file.read(1)[:200].any()
    assert model.model.calls == 3 * 7 + 2  # three of five rows of tiles reach data; two warm the model up


def test_transparency_is_no_data(tmp_path: Path) -> None:
    pixels = noise(120, 150, 4)
    pixels[..., 3] = 255
    pixels[:50, :, 3] = 0
    scene = write_scene(tmp_path / "scene.tif", pixels, alpha="yes")
    cv2.imwrite(str(tmp_path / "scene.png"), pixels[..., [2, 1, 0, 3]])
    for file in (scene, tmp_path / "scene.png"):
        predict_scenes(predictor(), [file], tmp_path / "seen.tif", Settings(**TILES))
        labels = labels_of(tmp_path / "seen.tif")
        assert (labels[:50] == 255).all() and (labels[50:] < 3).all()


def test_pictures_without_a_place(tmp_path: Path) -> None:
    pixels = noise(150, 200)
    cv2.imwrite(str(tmp_path / "a.png"), pixels[..., ::-1])
    write_scene(tmp_path / "b.tif", pixels, placed=False, tiled=False, compress="none")
    model = predictor()
    files = [tmp_path / "a.png", tmp_path / "b.tif"]
    result = predict_scenes(model, files, tmp_path / "seen", Settings(**TILES, blend="centre"))
    assert result.files == [tmp_path / "seen" / "a.tif", tmp_path / "seen" / "b.tif"]
    whole = model.predict(tmp_path / "a.png").labels
    for path in result.files:
        np.testing.assert_array_equal(labels_of(path), whole)
        with gdal(), rasterio.open(path) as file:
            assert file.crs is None


def test_a_bad_scene_does_not_end_the_work(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.tif").write_bytes(b"no raster")
    cut = tmp_path / "cut.tif"
    cut.write_bytes(scene.read_bytes()[:-40000])
    files = [tmp_path / "bad.tif", scene, cut]
    with pytest.raises(SomeFailedError, match=r"2 of 3 scenes failed:(.|\n)*bad\.tif(.|\n)*cut\.tif") as error:
        predict_scenes(predictor(), files, tmp_path / "seen", Settings(**TILES))
    [result] = error.value.results
    assert result.files == [tmp_path / "seen" / "scene.tif"]
    with pytest.raises(DataError, match=r"bad\.tif: not a raster"):
        predict_scenes(predictor(), files[:1], tmp_path / "one.tif", Settings(**TILES))


def test_another_plan_is_refused(scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "seen.vrt"
    predict_scenes(predictor(), [scene], out, Settings(**TILES))
    with pytest.raises(InputError, match=r"seen\.vrt\.blocks: holds blocks of another plan \(overlap 32, now 16\)"):
        predict_scenes(predictor(), [scene], out, Settings(**TILES | {"overlap": 16}))
    with pytest.raises(InputError, match=r"another plan \(another model or other weights\); remove the folder"):
        predict_scenes(predictor(Small(depth=2)), [scene], out, Settings(**TILES))
    other = write_scene(tmp_path / "other.tif", noise(300, 420)[::-1])
    with pytest.raises(InputError, match="other files, or their contents changed"):
        predict_scenes(predictor(), [other], out, Settings(**TILES))


def test_what_cannot_be_asked(scene: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"seen\.tif: 2 scenes do not go into one raster"):
        predict_scenes(predictor(), [scene, scene], tmp_path / "seen.tif")
    with pytest.raises(InputError, match="shard=3/2: the first is counted from 1 to the second"):
        predict_scenes(predictor(), [scene], tmp_path / "seen.tif", shard=(3, 2))
    with pytest.raises(InputError, match="shard and ray both share the blocks out"):
        predict_scenes(predictor(), [scene], tmp_path / "seen.tif", shard=(1, 2), ray="local")
    own = Small()
    own.label_maps = lambda batch: []  # type: ignore[assignment]
    with pytest.raises(InputError, match="predicts in its own way"):
        predict_scenes(predictor(own), [scene], tmp_path / "seen.tif")


def test_sizes_are_kept(scene: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    resized = [
        {"type": "LoadImageFromFile"},
        {"type": "Resize", "scale": (64, 48), "keep_ratio": True},
        {"type": "CLAHE"},
        {"type": "PackSegInputs"},
    ]
    predict_scenes(predictor(pipeline=resized), [scene], tmp_path / "seen.tif", Settings(**TILES))
    assert "Resize is left out: tiles are seen at the scene's own resolution" in caplog.text
    assert "CLAHE sees one tile at a time" in caplog.text
    assert labels_of(tmp_path / "seen.tif").shape == (300, 420)


def views(*resized: dict[str, Any]) -> list[dict[str, Any]]:
    """A ``tta_pipeline``."""
    flips = [{"type": "RandomFlip", "prob": p, "direction": "horizontal"} for p in (0.0, 1.0)]
    lists = [*([list(resized)] if resized else []), flips, [{"type": "PackSegInputs"}]]
    return [{"type": "LoadImageFromFile"}, {"type": "TestTimeAug", "transforms": lists}]


@pytest.mark.parametrize("blend", ["centre", "gaussian"])
def test_views_of_tiles_are_those_of_the_whole(scene: Path, tmp_path: Path, blend: str) -> None:
    """A network that sees three pixels around each; tiles overlap by more, so that ``centre`` gives the whole's."""
    model = predictor(tta_pipeline=views())
    settings = Settings(**TILES, blend=blend, tta=True, save=("probabilities",))
    predict_scenes(model, [scene], tmp_path / "seen.tif", settings)
    whole, once = model.predict(scene, tta=True), model.predict(scene)
    assert (whole.labels != once.labels).any(), "views must matter"
    same = (labels_of(tmp_path / "seen.tif") == whole.labels).mean()
    assert same == 1 if blend == "centre" else same > 0.995
    with rasterio.open(tmp_path / "seen_probabilities.tif") as file:
        found = file.read() * file.scales[0]
    most = np.abs(found - whole.probabilities).max()
    assert most < (2e-3 if blend == "centre" else 0.1)  # those of a prediction are float16


def test_views_of_other_scales(scene: Path, tmp_path: Path) -> None:
    """Borders of tiles are resized like borders of images, so that what lies next to them differs."""
    resized = [{"type": "Resize", "scale_factor": factor, "keep_ratio": True} for factor in (1.0, 1.5)]
    model = predictor(tta_pipeline=views(*resized))
    predict_scenes(model, [scene], tmp_path / "seen.tif", Settings(**TILES, tta=True))
    assert (labels_of(tmp_path / "seen.tif") == model.predict(scene, tta=True).labels).mean() > 0.99
    fixed = predictor(tta_pipeline=views({"type": "Resize", "scale": (64, 64)}))
    with pytest.raises(InputError, match="tta_pipeline: Resize gives a view a size of its own, which tiles forbid"):
        predict_scenes(fixed, [scene], tmp_path / "fixed.tif", Settings(**TILES, tta=True))


def test_a_crf_refines_tiles(scene: Path, tmp_path: Path) -> None:
    """Tiles that overlap by more than network and kernel reach (3, then 4 in each iteration and for the norm)."""
    crf = CRF(compat=0.0, smooth_sxy=1.0, smooth_compat=6.0, iterations=2, method="lattice")
    model = predictor()
    settings = Settings(**TILES, blend="centre", crf=crf, save=("confidence",))
    predict_scenes(model, [scene], tmp_path / "seen.tif", settings)
    whole = model.predict(scene, crf=crf)
    assert (whole.labels != model.predict(scene).labels).mean() > 0.01, "it must matter"
    assert (labels_of(tmp_path / "seen.tif") == whole.labels).mean() > 0.9999  # tiles hold float16
    with rasterio.open(tmp_path / "seen_confidence.tif") as file:
        np.testing.assert_allclose(file.read(1) * file.scales[0], whole.confidence, atol=0.005)
    with pytest.raises(InputError, match="holds blocks of another plan"):
        predict_scenes(model, [scene], tmp_path / "kept.tif", Settings(**TILES, crf=crf), keep=True)
        predict_scenes(model, [scene], tmp_path / "kept.tif", Settings(**TILES, crf=CRF()))


def test_the_way_of_the_network_is_that_of_the_predictor(scene: Path, tmp_path: Path) -> None:
    files = {}
    for precision in ("fp32", "bf16"):
        model = predictor(way=Way(precision))
        settings = Settings(**TILES, save=("probabilities",))
        predict_scenes(model, [scene], tmp_path / f"{precision}.tif", settings, keep=True)
        files[precision] = rasterio.open(tmp_path / f"{precision}_probabilities.tif").read().astype(int)
    off = np.abs(files["fp32"] - files["bf16"])
    assert 0 < off.mean() < 0.01 * 65535
    with pytest.raises(InputError, match="another model or other weights"):
        predict_scenes(predictor(), [scene], tmp_path / "bf16.tif", settings)


def test_a_scene_is_not_written_over(scene: Path, tmp_path: Path) -> None:
    own = write_scene(tmp_path / "own.tif", noise(60, 80))
    before = own.read_bytes()
    for out in (own, tmp_path):  # NAME.tif of a folder is the scene itself, too
        with pytest.raises(InputError, match=r"own\.tif: is a scene itself, which would be written over"):
            predict_scenes(predictor(), [own], out, Settings(**TILES))
    assert own.read_bytes() == before and not list(tmp_path.glob("*.blocks"))


class Picky(Small):
    """Takes no images of less than 40 pixels, and says so as networks do."""

    def encode_decode(self, inputs: torch.Tensor) -> torch.Tensor:
        if min(inputs.shape[2:]) < 40:
            raise RuntimeError("Kernel size can't be greater than actual input size\nmore")
        return super().encode_decode(inputs)


def test_a_scene_that_is_too_small_does_not_end_the_work(scene: Path, tmp_path: Path) -> None:
    tiny = write_scene(tmp_path / "tiny.tif", noise(20, 30))
    with pytest.raises(DataError, match=r"1 tile of 30 x 20 pixels: the model cannot take tiles of this size \(Kernel"):
        predict_scenes(predictor(Picky()), [tiny], tmp_path / "seen.tif", Settings(**TILES))
    with pytest.raises(SomeFailedError, match="1 of 2 scenes failed"):
        predict_scenes(predictor(Picky()), [tiny, scene], tmp_path / "out", Settings(**TILES))
    assert (tmp_path / "out" / "scene.tif").exists() and not (tmp_path / "out" / "tiny.tif").exists()
