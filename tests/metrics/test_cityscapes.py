"""CityscapesMetric. Oracle: cityscapesScripts 2.3.0 (evaluateImgLists with evalInstLevelScore) on the same files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from segue.errors import DataError, InputError
from segue.metrics.cityscapes import IDS, CityscapesMetric

RECORDED = {
    "averageScoreClasses": 0.5818939945561186,
    "averageScoreInstClasses": 0.7903298622215172,
    "averageScoreCategories": 0.6448408898578446,
    "averageScoreInstCategories": 0.8158208359103016,
}


def write_case(folder: Path) -> list[tuple[torch.Tensor, dict[str, Any]]]:
    """Three images of 32 x 40 in tiles of 8 x 8 of any id, with predictions of which one in five is at random."""
    rng = np.random.default_rng(0)
    class_of = np.zeros(34, int)
    class_of[list(IDS)] = range(19)
    cases = []
    for index in range(3):
        truth = np.kron(rng.integers(0, 34, (4, 5)), np.ones((8, 8), int))
        noise = rng.random(truth.shape) < 0.2
        tiles = (np.arange(truth.shape[1])[None] // 8) % 3
        instances = np.where(truth >= 24, truth * 1000 + tiles, truth)
        name = str(folder / f"c_{index}_gtFine_labelTrainIds.png")
        cv2.imwrite(name.replace("TrainIds", "Ids"), truth.astype(np.uint8))
        cv2.imwrite(name.replace("labelTrainIds", "instanceIds"), instances.astype(np.uint16))
        predicted = np.where(noise, rng.integers(0, 19, truth.shape), class_of[truth])
        cases.append((torch.from_numpy(predicted), {"seg_map_path": name, "img_path": f"c_{index}.png"}))
    return cases


def test_the_scripts_numbers(tmp_path: Path) -> None:
    metric = CityscapesMetric()
    for predicted, meta in write_case(tmp_path):
        metric.update(predicted, None, meta)
    assert metric.compute() == pytest.approx(RECORDED, rel=1e-12)


def test_processes_add_up(tmp_path: Path) -> None:
    cases = write_case(tmp_path)
    whole, parts = CityscapesMetric(prefix="c"), [CityscapesMetric(), CityscapesMetric()]
    for metric, share in ((parts[0], cases[:1]), (parts[1], cases[1:])):
        for predicted, meta in share:
            metric.update(predicted, None, meta)
    whole.load({name: value + parts[1].state()[name] for name, value in parts[0].state().items()})
    assert whole.compute() == pytest.approx({f"c/{name}": value for name, value in RECORDED.items()}, rel=1e-12)


def test_files_for_the_server(tmp_path: Path) -> None:
    metric = CityscapesMetric(output_dir=str(tmp_path / "out"), format_only=True)
    metric.update(torch.tensor([[0, 18], [255, 10]]), None, {"img_path": "a/c_1_leftImg8bit.png"})
    assert cv2.imread(str(tmp_path / "out/c_1_leftImg8bit.png"), -1).tolist() == [[7, 33], [0, 23]]
    assert metric.compute() == {}


def test_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="need output_dir"):
        CityscapesMetric(format_only=True)
    metric = CityscapesMetric()
    with pytest.raises(InputError, match="the dataset has 2"):
        metric.set_dataset({"classes": ("a", "b")})
    with pytest.raises(InputError, match=r"predicted classes 0\.\.20, but there are 0\.\.18"):
        metric.update(torch.tensor([[0, 20]]), None, {})
    with pytest.raises(InputError, match="seg_map_path is missing"):
        metric.update(torch.tensor([[0, 1]]), None, {})
    with pytest.raises(DataError, match=r"x_labelIds\.png: the file does not exist"):
        metric.update(torch.tensor([[0, 1]]), None, {"seg_map_path": str(tmp_path / "x_labelTrainIds.png")})
    ((_, meta), *_) = write_case(tmp_path)
    with pytest.raises(DataError, match=r"is \(32, 40\), the prediction \(1, 2\)"):
        metric.update(torch.tensor([[0, 1]]), None, meta)
