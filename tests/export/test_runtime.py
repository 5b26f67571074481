"""Files in place of models, for which a graph of one operator is written by hand: no model is traced."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import segue
from segue.cli import main
from segue.config import Config
from segue.errors import ConfigError, InputError
from segue.export.certificate import as_text, sealed
from segue.export.onnx import graph_hash, put_notes
from segue.inference.benchmark import benchmark

onnx = pytest.importorskip("onnx", reason="the extra export is not installed: no onnx")
pytest.importorskip("onnxruntime", reason="the extra export is not installed: no onnxruntime")


def certified(
    path: Path, channels: int, size: tuple[Any, Any] = ("height", "width"), node: Any = None, **facts: Any
) -> Path:
    """A file whose class of a pixel is its brightest channel, or of one channel whether it is bright."""
    tensor, of = onnx.TensorProto.FLOAT, onnx.helper
    given = of.make_tensor_value_info("images", tensor, ["batch", channels, *size])
    made = of.make_tensor_value_info("logits", tensor, ["batch", channels, *size])
    if node is not None:
        made = of.make_tensor_value_info("labels", onnx.TensorProto.INT64, ["batch", *size])
    graph = of.make_graph([node or of.make_node("Identity", ["images"], ["logits"])], "g", [given], [made])
    proto = of.make_model(graph, opset_imports=[of.make_opsetid("", 18)], ir_version=9)
    onnx.save(proto, str(path))
    color = "grayscale" if channels == 1 else "unchanged"
    steps = [{"type": "LoadImageFromFile", "color_type": color}, {"type": "PackSegInputs"}]
    classes = ["dark", "bright"] if channels == 1 else [f"c{i}" for i in range(channels)]
    prepare: dict[str, Any] = {"mean": [], "std": [], "swap": False, "order": "BGR", "pad_val": 0, "padding": None}
    known: dict[str, Any] = {
        "form": 1, "target": "onnx", "precision": "float32", "verdict": "certified", "reasons": [], "classes": classes,
        "palette": [[i, i, i] for i in range(len(classes))], "config": Config({"test_pipeline": steps}).pretty_text,
        "weights": "", "preprocessing": prepare | {"pipeline": steps}, "limits": {"layers": 0.0}, "gold": {},
        "output": "logits", "test": {"mode": "whole", "crop_size": None, "stride": None},
        "input": {"uint8": False, "shape": [None, channels, None, None], "free": [], "lost": []},
        "decides": {
            "threshold": 0.5 if channels == 1 else None, "multilabel": False, "align_corners": False, "depth": False
        },
    }  # fmt: skip
    put_notes(path, as_text(sealed({**known, "graph_sha256": graph_hash(path), **facts})))
    return path


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_images_of_any_channels(tmp_path: Path, channels: int) -> None:
    file = certified(tmp_path / "m.onnx", channels)
    image = np.zeros((6, 8, channels), np.uint8)
    image[:, :4, channels - 1] = 9
    labels = segue.load(file).predict(image, rgb=False).labels
    assert (labels[:, :4] == max(channels - 1, 1)).all() and (labels[:, 4:] == 0).all()


def test_a_file_of_one_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The image is named, and what to do; a benchmark takes the only size there is."""
    file = certified(tmp_path / "m.onnx", 3, (6, 8))
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((6 if name == "a.png" else 7, 8, 3), np.uint8))
    assert main(["predict", str(file), str(tmp_path), "--out", str(tmp_path / "seen")]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "b.png: m.onnx takes network inputs of 3 x 6 x 8, this one is 3 x 7 x 8; the model was exported" in said
    assert "resize images to what it takes" in said and (tmp_path / "seen" / "a.png").is_file()
    found = benchmark(file, runs=1)
    assert found.size == (6, 8) and found.engine == "onnxruntime"
    assert found.parameters is None and found.parts == []  # its config has no model that could be built here


def test_several_images_at_once(tmp_path: Path) -> None:
    """A file of one image at a time takes a batch image by image."""
    file = certified(tmp_path / "m.onnx", 3)
    proto = onnx.load(str(file))
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(proto, str(file))
    images = [np.full((6, 8, 3), i, np.uint8) for i in range(3)]
    assert len(segue.load(file).predict(images, batch_size=3, rgb=False)) == 3


def test_another_precision(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an exported file holds its weights, and is run as it is"):
        segue.load(certified(tmp_path / "m.onnx", 3), precision="bf16")


def test_a_file_is_not_exported_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = certified(tmp_path / "m.onnx", 3)
    assert main(["export", "onnx", str(file), "--out", str(tmp_path / "again.onnx"), "--size", "6", "8"]) == 1
    assert "this is an exported file already: give the config and the checkpoint" in capsys.readouterr().err
    assert not list(tmp_path.glob("again*"))


def test_classes_of_a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file's config imports a project's modules for its model, of which nothing is built; a pipeline that needs
    them is refused, and a config that is given counts in its place.
    """
    steps = "test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]\n"
    own = "custom_imports = dict(imports=['a_project_that_is_not_here'])\n"
    file = certified(tmp_path / "m.onnx", 3, config=own + steps)
    image = np.zeros((6, 8, 3), np.uint8)
    assert segue.load(file).predict(image, rgb=False).labels.max() == 0
    foreign = own + steps.replace("PackSegInputs", "MyStep")
    with pytest.raises(ConfigError, match=r"config inside .*m.onnx.*MyStep"):
        segue.load(certified(tmp_path / "m.onnx", 3, config=foreign))
    (tmp_path / "c.py").write_text(steps)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    assert segue.load(tmp_path / "c.py", file).predict(tmp_path / "a.png").labels.max() == 0
    assert main(["weights", "inspect", str(file)]) == 1
    assert "an exported file, which a runtime runs; name the checkpoint that it was made of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.onnx", b"", "a.onnx: is empty; copy it again"),
        ("a.onnx", b"hello", "ONNX Runtime cannot open it: it is no such file, damaged, or has operators that"),
        ("a.onnx", None, "a.onnx: is a folder"),
        ("a.xml", b"<?xml version='1.0'?>", "its weights are missing; a.bin belongs beside it"),
        ("a.pt2", b"hello", "no .pt2 file"),
    ],
)
def test_files_that_are_none(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / name
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(said)):
        segue.load(path, trust=True)


def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    file = certified(tmp_path / "m.onnx", 3)
    proto = onnx.load(str(file))
    del proto.metadata_props[:]
    onnx.save(proto, str(file))
    with pytest.raises(InputError, match=r"m.onnx: has no certificate.*are not known.*run this file with its own"):
        segue.load(file)


def test_labels_are_no_probabilities(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What stands for logits there would make a confidence of 0.58 of every pixel."""
    pytest.importorskip("rasterio", reason="scenes need the extra geo")
    file = tmp_path / "m.onnx"
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((6, 8, 3), np.uint8))
    argmax = onnx.helper.make_node("ArgMax", ["images"], ["labels"], axis=1, keepdims=0)
    certified(file, 3, node=argmax, output="labels")
    predicted = segue.load(file).predict(tmp_path / "a.png")
    assert predicted.labels.shape == (6, 8)
    with pytest.raises(InputError, match=r"no probabilities: .* or was exported with --labels-out"):
        _ = predicted.confidence
    for more in (["--crf"], ["--tile", "8", "--out", str(tmp_path / "s.tif"), "--save", "confidence"]):
        assert main(["predict", str(file), str(tmp_path / "a.png"), "--out", str(tmp_path / "o"), *more]) == 1
        assert "was exported with --labels-out and gives no probabilities" in " ".join(capsys.readouterr().err.split())
