"""CityscapesMetric under mmseg's name, and derived from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from segue.compat.components import component
from segue.compat.mmengine.registry import METRICS
from segue.compat.mmseg.cityscapes_metric import CityscapesMetric
from segue.config.builder.find import find
from segue.metrics.cityscapes import CityscapesMetric as House
from tests.metrics.test_cityscapes import RECORDED, write_case


class Rounded(CityscapesMetric):
    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        return {name: round(value, 2) for name, value in super().compute_metrics(results).items()}


def test_results_are_added_up(tmp_path: Path) -> None:
    metric = METRICS.build({"type": "CityscapesMetric", "output_dir": str(tmp_path / "out"), "prefix": "c"})
    derived = Rounded()
    for predicted, meta in write_case(tmp_path):
        data = [{**meta, "pred_sem_seg": {"data": predicted[None]}}]
        metric.process({}, data)
        derived.process({}, data)
    assert metric.evaluate(3) == pytest.approx({f"c/{name}": value for name, value in RECORDED.items()}, rel=1e-12)
    assert derived.evaluate(3) == {name: round(value, 2) for name, value in RECORDED.items()}
    assert not (tmp_path / "out").exists()


def test_files_only(tmp_path: Path) -> None:
    metric = CityscapesMetric(str(tmp_path), format_only=True)
    metric.process({}, [{"img_path": "a.png", "pred_sem_seg": {"data": torch.zeros(1, 2, 2, dtype=torch.long)}}])
    assert (tmp_path / "a.png").exists() and metric.evaluate(1) == {}


def test_whose_it_is() -> None:
    """User code derives from this one; a config gets Segue's own."""
    assert component("CityscapesMetric", ("metrics",)) is CityscapesMetric
    assert find("metrics", "CityscapesMetric") is House
