"""A running variance that overflows while the loss is finite."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from segue.training.chores.statistics import running
from segue.training.failures.report import LossError
from segue.training.parts import Parts
from tests.training.small_run import Small, Squares, config, metrics, run


class Huge(Small):
    """Its first layer's outputs have a variance beyond float32 in training, and are normalized to nothing."""

    def __init__(self) -> None:
        super().__init__()
        torch.nn.init.constant_(self.backbone[0].weight, 1e19)


def test_the_layer_and_the_files_are_named(tmp_path: Path) -> None:
    build = lambda: Parts(Huge(), Squares(10), Squares(4, augment=False), metrics())  # noqa: E731
    with pytest.raises(LossError) as caught:
        run(config(), tmp_path, build=build, report=False)
    text = str(caught.value)
    assert "the loss is finite at iteration 1 (" in text
    assert "running statistics are not: backbone.1.running_var (" in text
    assert "image_" in text


def test_which_buffers() -> None:
    assert [name for name, _ in running(Small())] == ["backbone.1.running_mean", "backbone.1.running_var"]
