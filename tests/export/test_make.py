"""Exporting: what is certified, what is refused and where the files lie."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import segue
from segue.cli import main
from segue.errors import InputError, SegueError
from segue.export import graph
from segue.export.certificate import Gold, is_sealed, packed, unpacked
from segue.export.make import SUFFIX, Options, export_model
from segue.export.runtime import is_exported
from segue.export.standalone import write_script
from segue.inference.exported import export, verify
from segue.layers.portable import adaptive_average
from tests.export.conftest import CLASSES, SIZE, Project
from tests.export.extras import need

pytest.importorskip("onnx", reason="the extra export is not installed: no onnx")
pytest.importorskip("onnxruntime", reason="the extra export is not installed: no onnxruntime")


def test_the_certificate(project: Project, exported: Path) -> None:
    facts = json.loads(exported.with_name("small.onnx.json").read_text())
    assert facts["verdict"] == "certified" and is_sealed(facts)
    assert facts["classes"] == CLASSES and facts["output"] == "logits"
    assert facts["input"]["free"] == ["batch", "height", "width"] and facts["input"]["lost"] == []
    assert facts["preprocessing"]["mean"] == [120.0, 110.0, 100.0] and facts["preprocessing"]["order"] == "RGB"
    assert [case["shape"] for case in facts["cases"][:4]] == [
        [1, 3, 64, 96], [1, 3, 97, 73], [1, 3, 49, 113], [2, 3, 64, 96]
    ]  # fmt: skip
    assert str(project.photo) in facts["cases"][4]["name"]
    assert all(case["largest"] < 1e-3 and case["agreement"] == 1 for case in facts["cases"])
    layers = [pair.layer for pair in Gold.of(facts["gold"]).layers]
    assert {"backbone.bn1", "backbone.layer2.1.bn2", "decode_head.bottleneck.bn", "decode_head.conv_seg"} <= set(layers)


def test_a_file_is_a_model(project: Project, exported: Path) -> None:
    """Prediction and evaluation give the model's own results."""
    wanted, own = project.model, segue.load(exported)
    assert own.classes == wanted.classes and own.palette == wanted.palette
    images = sorted((project.folder / "images").glob("*.png"))
    for one, other in zip(wanted.predict(images), own.predict(images, batch_size=2), strict=True):
        assert (one.labels == other.labels).mean() > 0.999
    scores = segue.evaluate(project.config, project.weights)
    assert segue.evaluate(project.config, exported) == pytest.approx(scores, abs=0.01)


def test_suffixes_in_capitals(project: Project, exported: Path, tmp_path: Path) -> None:
    """As cameras and other systems write them."""
    file = tmp_path / "MODEL.ONNX"
    file.write_bytes(exported.read_bytes())
    assert is_exported(file) and is_exported("m.Xml") and is_exported("m.PT2") and not is_exported("m.PY")
    assert segue.load(file).classes == project.model.classes
    verdict, _ = verify(file)
    assert verdict.good, verdict.checks
    (tmp_path / "A.PT2").write_bytes(b"PK")
    with pytest.raises(InputError, match="runs what a file says; --trust-config"):
        segue.load(tmp_path / "A.PT2")
    with pytest.raises(InputError, match=r"ends in \.onnx"):
        export(project.model, "onnx", tmp_path / "m.XML", size=SIZE)


def test_commands(project: Project, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(exported), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["good"]
    assert main(["predict", str(exported), str(project.photo), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "0.png").is_file()
    assert main(["verify", str(exported), "--images", str(project.photo)]) == 1
    assert "--images needs the model" in capsys.readouterr().err
    for target, word in (("tensorrt", "trtexec"), ("ncnn", "pnnx")):
        assert main(["export", target, str(project.config), "--out", str(tmp_path / "a")]) == 1
        assert word in capsys.readouterr().err


def test_beside_the_model(project: Project, exported: Path) -> None:
    verdict, compared = verify(exported, predictor=project.model, images=[project.photo])
    assert verdict.good and len(compared) == 1
    other: Any = project.model
    with torch.no_grad():
        other.model.decode_head.conv_seg.bias[0] += 0.1
    verdict, _ = verify(exported, predictor=other, images=[project.photo])
    wrong = {what for what, right, _ in verdict.checks if not right}
    assert wrong == {"weights", str(project.photo)}
    renamed = project.model
    renamed.classes = tuple(reversed(renamed.classes))
    verdict, _ = verify(exported, predictor=renamed, images=[project.photo])
    assert [what for what, right, _ in verdict.checks if not right] == ["classes"]


@pytest.mark.slow
def test_a_file_that_is_not_the_model(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pooling that leaves a column out while the model is traced, and not when it is run."""
    monkeypatch.setattr(graph, "adaptive_average", lambda x, size: adaptive_average(x[..., :-1], size))
    made = export(project.model, "onnx", project.folder / "wrong.onnx", size=SIZE)
    assert not made.good and made.file.name == "wrong.refused.onnx" and made.file.is_file()
    assert not (project.folder / "wrong.onnx").exists()
    assert made.certificate["first_diverging"]["layer"].startswith("decode_head.psp_modules")
    with pytest.raises(InputError, match="this export is not its model"):
        segue.load(made.file)


BLOCK = """
import runpy, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "segue", "cv2", "scipy"):
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Block())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_script_without_segue(project: Project, exported: Path) -> None:
    facts = json.loads(exported.with_name("small.onnx.json").read_text())
    script = write_script(exported, facts)
    assert len(script.read_text().splitlines()) <= 60
    subprocess.run([sys.executable, "-c", BLOCK, str(script), str(project.photo)], check=True, cwd=project.folder)
    found = cv2.imread(str(project.folder / "0_labels.png"), cv2.IMREAD_UNCHANGED)
    assert (project.folder / "0_colors.png").exists() and not project.photo.with_name("0_labels.png").exists()
    assert (found == project.model.predict(project.photo).labels).mean() > 0.99
    twice = [str(project.photo), str(project.folder / "other" / project.photo.name)]
    refused = subprocess.run([sys.executable, "-c", BLOCK, str(script), *twice], capture_output=True, text=True)
    assert refused.returncode == 1 and "two images have one name" in refused.stderr


def test_wrong_options(project: Project, tmp_path: Path) -> None:
    model = project.model
    with pytest.raises(InputError, match=r"ends in \.onnx"):
        export(model, "onnx", tmp_path / "model.xml", size=SIZE)
    with pytest.raises(InputError, match="torch writes 18 to 23"):
        export(model, "onnx", tmp_path / "model.onnx", size=SIZE, options=Options(opset=9))
    model.model.data_preprocessor.test_padding = segue.models.seg_data_preprocessor.PadOptions(size_divisor=32)
    with pytest.raises(InputError, match="pads images after normalizing"):
        export_model(model.model, "onnx", tmp_path / "a.onnx", [], {}, Options(uint8_input=True))


def test_arrays_of_a_certificate() -> None:
    array = np.arange(12, dtype=np.int32).reshape(3, 4)
    assert np.array_equal(unpacked(packed(array)), array)
    with pytest.raises(ValueError, match="bytes"):
        unpacked(packed(array) | {"shape": [1 << 30]})
    with pytest.raises(ValueError, match="not as long"):
        unpacked(packed(array) | {"shape": [3, 3]})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("onnx", Options(half=True)),
        ("openvino", Options(static=True, uint8_input=True, labels_out=True)),
    ],
    ids=["half", "openvino"],
)
def test_other_files(project: Project, tmp_path: Path, target: str, options: Options) -> None:
    need("openvino")
    file = tmp_path / ("model" + SUFFIX[target])
    made = export(project.model, target, file, size=SIZE, options=options)
    assert made.good and made.file == file, made.certificate["reasons"]
    assert verify(file)[0].good
    fixed = made.certificate["input"]["shape"]
    assert fixed == ([1, 64, 96, 3] if options.static else [None, 3, None, None])
    image = cv2.imread(str(project.photo))[:64, :96]
    if options.static:
        cv2.imwrite(str(tmp_path / "photo.png"), image)
        own, wanted = (model.predict(tmp_path / "photo.png").labels for model in (segue.load(file), project.model))
        assert (own == wanted).mean() > 0.999
        assert len(made.skipped) == 3
        with pytest.raises(SegueError, match=r"model\.xml takes images of 64 x 96 x 3, this one is 64 x 88 x 3"):
            segue.load(file).predict(project.photo)
