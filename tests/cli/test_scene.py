"""``segue predict`` of scenes, from the command to files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import segue
from segue.checkpoints import save_weights
from segue.cli import main
from segue.config import Config
from segue.config.builder.build import build_model
from tests.cli.project import make_project
from tests.export.extras import need
from tests.inference.scenes.small import CRS, noise, write_scene

rasterio = pytest.importorskip("rasterio", reason="an optional extra: geo")


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """A config, weights and a scene."""
    config = make_project(tmp_path / "project")
    weights = save_weights(tmp_path / "w.safetensors", build_model(Config.fromfile(config)).state_dict())
    scene = write_scene(tmp_path / "scene.tif", noise(150, 200))
    return ["predict", str(config), str(weights), str(scene)]


def test_raster_and_outlines(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, outlines = tmp_path / "seen.tif", tmp_path / "seen.geojson"
    options = ["--tile", "96", "--save", "confidence", "--vector", str(outlines), "--least-area", "9"]
    assert main([*command, "--out", str(out), *options, "--simplify", "1"]) == 0
    said = capsys.readouterr().out
    assert "1 of 1 blocks computed" in said and f"labels in {out}" in said.replace("\n", "")
    with rasterio.open(out) as file:
        labels = file.read(1)
        assert file.crs.to_string() == CRS and labels.shape == (150, 200) and labels.max() < 3
    with rasterio.open(tmp_path / "seen_confidence.tif") as file:
        assert file.read(1).min() > 255 // 3 - 1
    found = json.loads(outlines.read_text())["features"]
    assert f"{len(found)} outlines" in said
    assert {feature["properties"]["class"] for feature in found} <= {"dark", "gray", "bright"}


def test_shards_of_a_folder(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = str(tmp_path / "project" / "data" / "images")
    whole = [*command[:3], images, "--tile", "64", "--out", str(tmp_path / "seen")]
    for shard in ("2/3", "1/3", "3/3"):
        assert main([*whole, "--shard", shard]) == 0
    assert "all blocks are there; the same command without --shard" in capsys.readouterr().out.replace("\n", " ")
    assert main(whole) == 0
    assert "0 of 8 blocks computed" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "seen").glob("*.tif")) == [f"{i}.tif" for i in range(8)]


def test_in_python(command: list[str], tmp_path: Path) -> None:
    _, config, weights, scene = command
    result = segue.predict_scene(config, weights, scene, tmp_path / "a.tif", tile=96, overlap=16, block=1)
    assert result.blocks == result.computed == 6
    assert main([*command, "--out", str(tmp_path / "b.tif"), "--tile", "96", "--overlap", "16", "--block", "1"]) == 0
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    with rasterio.open(tmp_path / "a.tif") as file:
        assert np.isin(file.read(1), (0, 1, 2)).all()


def test_views_crf_and_precision(command: list[str], tmp_path: Path) -> None:
    config = Path(command[1])
    views = [[{"type": "RandomFlip", "prob": p} for p in (0.0, 1.0)], [{"type": "PackSegInputs"}]]
    steps = [{"type": "LoadImageFromFile"}, {"type": "TestTimeAug", "transforms": views}]
    config.write_text(config.read_text() + f"\ntta_pipeline = {steps!r}\n")
    options = {
        "plain": [],
        "tta": ["--tta"],
        "crf": ["--crf", "--crf-options", "sxy=3"],
        "bf16": ["--precision", "bf16"],
    }
    for name, more in options.items():
        out = ["--out", str(tmp_path / f"{name}.tif"), "--save", "probabilities"]
        assert main([*command, "--tile", "96", *out, *more]) == 0
    shares = {name: rasterio.open(tmp_path / f"{name}_probabilities.tif").read() for name in options}
    for name, found in shares.items():
        assert np.abs(found.astype(int).sum(0) - 65535).max() <= 65, name
        assert name == "plain" or (found != shares["plain"]).any(), name
    assert main([*command, "--tile", "96", "--out", str(tmp_path / "again.tif"), "--windows", "gaussian"]) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "seen", "--overlap", "8"], "--overlap: only for scenes, which --tile or an --out that ends"),
        (["--out", "seen", "--vector", "a.gpkg"], "--vector: only for scenes"),
        (["--out", "seen.tif", "--tta"], "tta_pipeline: the config has none, so there are no views to average"),
        (["--out", "seen.tif", "--crf-options", "sxy=3"], "--crf-options: only with --crf"),
        (["--out", "seen.tif", "--engine", "openvino", "--precision", "fp16"], "computes in fp32 or bf16 here, not in"),
        (["--out", "seen.tif", "--simplify", "2"], "--simplify: only with --vector"),
        (["--out", "seen.tif", "--vector", "a.gpkg", "--shard", "1/2"], "outlines are drawn by the last call, without"),
        (["--out", "seen.tif", "--vector", "a.shp"], "a.shp: outlines go to a file that ends with .geojson"),
        (["--out", "seen.tif", "--tile", "0"], "tile=0: the side of a tile"),
        (["--out", "seen.tif", "--overlap", "900"], "overlap=900: it must be from 0 to half of tile=1024"),
        (["--out", "seen.tif", "--bands", "1", "2"], "2 bands are taken, the model takes 3"),
    ],
)
def test_wrong_options(
    command: list[str], options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *options]) == 1
    assert message in capsys.readouterr().err


def test_an_engine(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The labels are the model's, the blocks are not; what stays in its process does not go to Ray."""
    need("onnx", "onnxscript", "onnxruntime")
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    engine = ["--tile", "96", "--engine", "onnxruntime"]
    assert main([*command, "--tile", "96", "--out", str(tmp_path / "a.tif")]) == 0
    assert main([*command, *engine, "--out", str(tmp_path / "b.tif")]) == 0
    one, other = (rasterio.open(tmp_path / f"{name}.tif").read() for name in "ab")
    assert (one == other).mean() > 0.999
    assert main([*command, *engine, "--out", str(tmp_path / "c.tif"), "--ray", "local"]) == 1
    assert "ray: an exported file, or an engine, stays in its process" in capsys.readouterr().err.replace("\n", " ")


def test_wrong_shards(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*command, "--out", "seen.tif", "--shard", "5/4"])
    assert "'5/4': I/N is expected, I from 1 to N: 1/4" in capsys.readouterr().err
