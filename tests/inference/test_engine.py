"""Networks under other runtimes: what is made once and kept, what is equal, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import segue
from segue.cli import main
from segue.errors import InputError, MissingExtraError
from segue.inference import engine
from segue.inference.benchmark import benchmark
from tests.export.conftest import Project, project  # noqa: F401  a fixture
from tests.export.extras import need


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache."""
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "engines"


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_labels_and_logits_are_the_models(project: Project, home: Path, name: str) -> None:  # noqa: F811
    need("onnx", "onnxscript", name)
    photos = sorted((project.folder / "images").iterdir())
    wanted = project.model.predict(photos)
    made = segue.load(project.config, project.weights, engine=name)
    assert not [*made.model.parameters()] and made.model.certificate["output"] == "coarse"
    found = made.predict(photos, batch_size=2)
    for one, own in zip(wanted, found, strict=True):
        assert np.array_equal(one.labels, own.labels)
        np.testing.assert_allclose(one.probabilities, own.probabilities, atol=1e-4)
    few = made.model.coarse(torch.zeros(1, 3, 64, 96))
    assert few.shape == (1, 4, 8, 12), "the engine gives what the head decides, not its resize"


@pytest.mark.slow
def test_weights_of_openvino_and_what_a_killed_process_left(project: Project, home: Path) -> None:  # noqa: F811
    need("onnxscript", "openvino")
    photo = next((project.folder / "images").iterdir())

    def labels() -> np.ndarray:
        return segue.load(project.config, project.weights, engine="openvino").predict(photo).labels

    wanted = labels()
    [file] = home.glob("openvino-fp32-*/model.bin")
    whole = file.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 255
    left = home / f".{file.parent.name}.0123abcd.segue-part"
    for content in (whole[:-100], changed):
        file.write_bytes(content)
        left.mkdir()
        assert np.array_equal(labels(), wanted)
        assert file.read_bytes() != content and not left.exists()


@pytest.mark.slow
def test_a_file_is_made_once_and_again_when_it_is_not_whole(
    project: Project, home: Path, caplog: pytest.LogCaptureFixture  # noqa: F811
) -> None:  # fmt: skip
    need("onnxscript", "onnxruntime")
    segue.load(project.config, project.weights, engine="onnxruntime")
    assert "exporting the model to onnxruntime and comparing both, once; it is kept in" in caplog.text
    caplog.clear()
    segue.load(project.config, project.weights, engine="onnxruntime")
    assert "exporting" not in caplog.text
    [file] = home.glob("onnxruntime-fp32-*/model.onnx")
    file.write_bytes(file.read_bytes()[:-100])
    segue.load(project.config, project.weights, engine="onnxruntime")
    assert "exporting" in caplog.text
    assert sorted(path.name for path in home.rglob("model*")) == ["model.onnx", "model.onnx.json"]
    other = project.folder / "other.safetensors"
    state = project.model.model.state_dict()
    state["decode_head.conv_seg.bias"] += 1
    segue.checkpoints.save_weights(other, state)
    segue.load(project.config, other, engine="onnxruntime")
    assert len([*home.glob("*/model.onnx")]) == 2, "other weights, another file"


@pytest.mark.slow
def test_what_is_not_the_model_is_refused_and_not_kept(
    project: Project, home: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    need("onnxscript", "onnxruntime")
    from segue.export.session import OnnxSession

    honest = OnnxSession.run
    monkeypatch.setattr(OnnxSession, "run", lambda self, images: honest(self, images) + np.float32(0.1))
    with pytest.raises(InputError, match=r"is not the model .*logits differ by 0.1.*; engine 'torch' runs it"):
        segue.load(project.config, project.weights, engine="onnxruntime")
    assert not [*home.rglob("model*")]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"engine": "onnx"}, "engine='onnx'; there are torch, onnxruntime, openvino, tensorrt"),
        ({"engine": "onnxruntime", "precision": "bf16"}, "engine 'onnxruntime' computes in fp32 here, not in bf16"),
        ({"engine": "openvino", "precision": "fp16"}, "engine 'openvino' computes in fp32 or bf16 here, not in fp16"),
        ({"engine": "openvino", "compiled": True}, "engine 'openvino' does not compile with it"),
    ],
)
def test_what_an_engine_does_not_do_is_refused(project: Project, home: Path, given: Any, said: str) -> None:  # noqa: F811
    with pytest.raises(InputError, match=said):
        segue.load(project.config, project.weights, **given)


def test_tensorrt_says_where_it_is_made(project: Project, home: Path) -> None:  # noqa: F811
    with pytest.raises(MissingExtraError, match=r"trtexec --onnx=MODEL\.onnx"):
        segue.load(project.config, project.weights, engine="tensorrt")


@pytest.mark.slow
def test_on_the_command_line(project: Project, home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:  # noqa: F811
    need("onnxscript", "onnxruntime")
    given = [str(project.config), str(project.weights), str(project.photo), "--save", "labels", "--out"]
    assert main(["predict", *given, str(tmp_path / "torch")]) == 0
    assert main(["predict", *given, str(tmp_path / "ort"), "--engine", "onnxruntime"]) == 0
    assert "exporting the model to onnxruntime" in caplog.text
    one, other = (cv2.imread(str(tmp_path / name / "0.png"), cv2.IMREAD_UNCHANGED) for name in ("torch", "ort"))
    assert one is not None and np.array_equal(one, other)
    found = benchmark(project.config, project.weights, engine="onnxruntime", size=(64, 96), runs=2)
    plain = benchmark(project.config, project.weights, size=(64, 96), runs=2)
    assert (found.engine, found.parameters, found.flops) == ("onnxruntime", plain.parameters, plain.flops)


def test_the_key_holds_what_the_file_depends_on(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    model = project.model
    keys = {engine._key(model, name, "fp32") for name in ("onnxruntime", "openvino")}
    keys.add(engine._key(model, "openvino", "bf16"))
    monkeypatch.setattr(engine.platform, "node", lambda: "another machine")
    keys.add(engine._key(model, "openvino", "bf16"))
    model.model.decode_head.conv_seg.bias.data += 1
    keys.add(engine._key(model, "openvino", "bf16"))
    assert len(keys) == 5
