"""Hooks as people write them to see predictions of a validation, in training and in a test."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from segue.cli import main
from tests.cli.project import make_project

HOOKS = """
import mmcv
import numpy as np
from mmengine.hooks import Hook
from mmseg.registry import HOOKS


@HOOKS.register_module()
class SeePredictions(Hook):
    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if batch_idx == 0:
            runner.visualizer.add_image('val/first', np.full((8, 8, 3), 7, np.uint8), step=runner.iter)


@HOOKS.register_module()
class DrawSamples(Hook):
    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        for out in outputs:
            assert out.pred_sem_seg.data.shape == (1, 32, 32) and out.gt_sem_seg.data.shape == (1, 32, 32)
            image = mmcv.imread(out.img_path, channel_order='rgb')
            runner.visualizer.add_datasample('pred', image, out, step=batch_idx)

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        assert runner.max_iters == 0 and len(outputs) == 1
        runner.visualizer.add_image('tested', np.zeros((8, 8, 3), np.uint8), step=batch_idx)
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = make_project(tmp_path)
    (tmp_path / "hooks_that_look.py").write_text(HOOKS)
    names = "[dict(type='SeePredictions'), dict(type='DrawSamples')]"
    extra = f"custom_imports = dict(imports=['hooks_that_look'])\ncustom_hooks = {names}\n"
    path.write_text(f"{path.read_text()}\n{extra}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return path


def test_hooks_see_and_draw(config: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    assert main(["train", str(config), "--work-dir", str(work), "--accelerator", "cpu"]) == 0
    pictures = {path.relative_to(work).as_posix() for path in (work / "vis_data").rglob("*.png")}
    assert len([name for name in pictures if "/pred" in name]) == 8
    (first,) = (path for path in (work / "vis_data").rglob("first_*.png"))
    assert first.parent.name == "val" and cv2.imread(str(first)).tolist() == [[[7] * 3] * 8] * 8
    test = tmp_path / "test"
    assert main(["test", str(config), str(work / "last.ckpt"), "--work-dir", str(test), "--accelerator", "cpu"]) == 0
    assert len(list((test / "vis_data").rglob("tested_*.png"))) == 8
