"""int8: what is lost is measured, limited and written down; layers that cost most stay in float."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import segue
from segue.cli import main
from segue.errors import InputError
from segue.export.make import Options
from segue.export.sensitive import Measured, keep_sensitive, parted
from segue.inference.exported import verify
from segue.inference.int8 import export_int8, label_files
from tests.export.conftest import CLASSES, SIZE, Project
from tests.export.extras import need

pytest.importorskip("onnx", reason="the extra export is not installed: no onnx")
pytest.importorskip("onnxruntime", reason="the extra export is not installed: no onnxruntime")


class Costs:
    """A quantizer whose file is the sum of what its rounded layers cost."""

    def __init__(self, costs: dict[str, float]) -> None:
        self.layers, self.costs, self.written = list(costs), costs, 0

    def write(self, path: Path, kept: Sequence[str]) -> None:
        self.written += 1
        path.write_text(str(sum(cost for layer, cost in self.costs.items() if layer not in kept)))

    def measure(self, path: Path) -> Measured:
        cost = float(path.read_text())
        return Measured(cost, cost)


def test_the_costliest_layers_stay_in_float(tmp_path: Path) -> None:
    maker = Costs({"a": 0.1, "b": 3, "c": 0.2, "d": 2, "e": 0.1, "f": 0.1, "g": 0.1, "h": 0.1})
    search = keep_sensitive(maker, tmp_path / "file", maker.measure, 1.0)
    assert search.kept == ["b", "d"] and [count for count, _ in search.tried] == [0, 1, 2]
    assert search.cost["b"] == 3 and maker.measure(tmp_path / "file").loss == pytest.approx(0.7)
    easy = Costs({"a": 0.1, "b": 0.1})
    assert keep_sensitive(easy, tmp_path / "file", easy.measure, 1.0).kept == [] and easy.written == 1


def test_the_best_is_left_where_none_is_good_enough(tmp_path: Path) -> None:
    maker = Costs(dict.fromkeys("abcdefgh", 1.0))
    search = keep_sensitive(maker, tmp_path / "file", maker.measure, 1.0)
    assert len(search.kept) == 4 and maker.measure(tmp_path / "file").loss == 4
    assert parted(list("abcdefg"), 3) == [["a", "b", "c"], ["d", "e", "f"], ["g"]]


@pytest.mark.slow
def test_a_file_and_its_certificate(project: Project, tmp_path: Path) -> None:
    """With labels: mIoU before and after, by class; the file is a model that gives the certificate's results."""
    file = tmp_path / "model.onnx"
    arguments = ["export", "onnx", str(project.config), str(project.weights), "--out", str(file), "--int8"]
    arguments += ["--calibrate", str(project.folder / "images"), "--labels", str(project.folder / "masks")]
    assert main([*arguments, "--size", *map(str, SIZE), "--max-loss", "20"]) == 0
    facts = json.loads(file.with_name("model.onnx.json").read_text())
    assert facts["precision"] == "int8" and facts["verdict"] == "certified"
    found = facts["int8"]
    assert found["images"] == 2 and len(found["IoU_by_class"]) == len(CLASSES) and found["most"] == 20
    assert found["loss"] == pytest.approx(found["mIoU"][0] - found["mIoU"][1]) and found["loss"] <= 20
    assert 0.5 < found["agreement"] <= 1
    kinds = {node.op_type for node in pytest.importorskip("onnx").load(str(file)).graph.node}
    assert "QuantizeLinear" in kinds
    verdict, _ = verify(file)
    assert verdict.good, verdict.checks
    scores = segue.evaluate(project.config, project.weights)
    assert abs(segue.evaluate(project.config, file)["mIoU"] - scores["mIoU"]) < 20


@pytest.mark.slow
def test_a_loss_above_the_limit(project: Project, tmp_path: Path) -> None:
    model: Any = project.model
    with torch.no_grad():  # classes that differ by less than a step of int8 weights
        last = model.model.decode_head.conv_seg
        last.weight[1:] = last.weight[:1] + 0.002 * torch.randn_like(last.weight[1:])
        last.bias.zero_()
    made = export_int8(
        model, "onnx", tmp_path / "m.onnx", calibrate=[project.photo], most=0, options=Options(static=True)
    )
    assert not made.good and made.file.name == "m.refused.onnx"
    assert "% of the labels are lost, more than 0" in made.certificate["reasons"][0]
    assert len(made.certificate["int8"]["tried"]) > 2
    with pytest.raises(InputError, match="this export is not its model"):
        segue.load(made.file)


@pytest.mark.slow
def test_openvino(project: Project, tmp_path: Path) -> None:
    need("openvino", "nncf")
    made = export_int8(
        project.model,
        "openvino",
        tmp_path / "m.xml",
        calibrate=[project.photo],
        most=20,
        options=Options(static=True),
    )
    assert made.good, made.certificate["reasons"]
    assert verify(made.file)[0].good and "FakeQuantize" in made.file.read_text()


@pytest.mark.parametrize(
    ("settings", "values", "ids"),
    [
        ({}, [0, 3, 255], [0, 3, -1]),
        ({"ignore_index": 4}, [0, 3, 4, 255], [0, 3, -1, -1]),
        ({"reduce_zero_label": True}, [0, 1, 4, 255], [-1, 0, 3, -1]),
        ({"label_map": {0: 0, 50: 1, 100: 2, 150: -1}}, [0, 50, 100, 150], [0, 1, 2, -1]),
        (None, [0, 3, 255], [0, 3, -1]),
    ],
)
def test_values_mean_what_they_mean_in_the_dataset(
    project: Project, tmp_path: Path, settings: dict[str, Any] | None, values: list[int], ids: list[int]
) -> None:
    """None: a config without a dataset."""
    model: Any = project.model
    dataset = model.cfg["test_dataloader"].pop("dataset")
    if settings is not None:
        model.cfg["test_dataloader"]["dataset"] = {**dataset, **settings, "seg_map_suffix": "_ids.png"}
    cv2.imwrite(str(tmp_path / ("0.png" if settings is None else "0_ids.png")), np.array([values], np.uint8))
    files = label_files(model, tmp_path)
    assert files.read(Path("0.png"), (2, len(ids))).tolist() == [ids, ids]
    cv2.imwrite(
        str(tmp_path / "1.png"), np.array([[77]], np.uint8)
    )  # of the stem, where the dataset's name is not there
    with pytest.raises(InputError, match=r"1\.png: labels \[77\], but the classes are 0 to 3"):
        files.read(Path("1.png"), (1, 1))
    with pytest.raises(
        InputError, match=r"no label map for 2\.png, that is 2\.png" + ("$" if settings is None else " or 2_ids")
    ):
        files.read(Path("2.png"), (1, 1))


def test_a_dataset_whose_rules_lie_in_files_that_are_elsewhere(
    project: Project, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model: Any = project.model
    model.cfg["test_dataloader"]["dataset"] = {"type": "FolderDataset", "data_root": str(tmp_path / "gone")}
    cv2.imwrite(str(tmp_path / "0.png"), np.array([[2, 255]], np.uint8))
    assert label_files(model, tmp_path).read(Path("0.png"), (1, 2)).tolist() == [[2, -1]]
    assert "read as class ids, 255 for no label: the rules of test_dataloader.dataset" in caplog.text


def test_wrong_options(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = ["export", "onnx", str(project.config), str(project.weights), "--out", str(tmp_path / "m.onnx")]

    def said(*more: str) -> str:
        assert main([*start, *more]) == 1
        return capsys.readouterr().err

    photo = str(project.photo)
    assert "--int8 needs --calibrate" in said("--int8")
    assert "--calibrate: only with --int8" in said("--calibrate", photo)
    assert "--max-loss 101: from 0 to 100" in said("--int8", "--calibrate", photo, "--max-loss", "101")
    assert "not with --fp16" in said("--int8", "--calibrate", photo, "--fp16")
    assert "no label map for 0.png" in said("--int8", "--calibrate", photo, "--labels", str(tmp_path))
    wrong = np.full((80, 110), 7, np.uint8)
    cv2.imwrite(str(tmp_path / "0.png"), wrong)
    assert "labels [7], but the classes are 0 to 3 (255: no label)" in said(
        "--int8", "--calibrate", photo, "--labels", str(tmp_path)
    )
    model: Any = project.model
    model.model.head.multilabel = True
    with pytest.raises(InputError, match="several labels a pixel"):
        export_int8(model, "onnx", tmp_path / "m.onnx", calibrate=[photo], size=SIZE)
