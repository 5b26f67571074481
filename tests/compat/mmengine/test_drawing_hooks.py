"""Hooks that draw and profile, as classes that user code derives from."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from segue.cli import main
from segue.compat.mmengine.drawing_hooks import (
    NaiveVisualizationHook,
    PrepareTTAHook,
    ProfilerHook,
    SegVisualizationHook,
)
from segue.compat.mmengine.registry import HOOKS, VISBACKENDS
from segue.compat.mmengine.structures import PixelData, SegDataSample
from segue.compat.mmengine.trackers import TensorboardVisBackend
from segue.compat.mmengine.visualization import BaseVisBackend, LocalVisBackend, SegLocalVisualizer
from segue.errors import InputError
from tests.cli.project import make_project
from tests.training.test_event_file import values

MINE = """
import segue.compat
from mmengine.registry import HOOKS, VISBACKENDS
from mmengine.visualization import TensorboardVisBackend
from mmseg.engine.hooks import SegVisualizationHook


@HOOKS.register_module()
class Mine(SegVisualizationHook):
    def _after_iter(self, runner, batch_idx, data_batch=None, outputs=None, mode='val'):
        super()._after_iter(runner, batch_idx, data_batch, outputs, mode)
        runner.visualizer.add_scalar('mine', batch_idx, step=batch_idx)


@VISBACKENDS.register_module()
class Loud(TensorboardVisBackend):
    def add_scalar(self, name, value, step=0, **kwargs):
        super().add_scalar('loud/' + name, value, step, **kwargs)
"""


def test_derived_classes_draw_and_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook and a backend of the user's own, derived from mmseg's and mmengine's, in training and in a test."""
    config = make_project(tmp_path)
    (tmp_path / "my_drawing.py").write_text(MINE)
    lines = [
        config.read_text(),
        "custom_imports = dict(imports=['my_drawing'])",
        "vis_backends = [dict(type='LocalVisBackend'), dict(type='Loud')]",
        "visualizer = dict(type='SegLocalVisualizer', vis_backends=vis_backends, alpha=0.5)",
        "default_hooks = dict(visualization=dict(type='Mine', draw=True, interval=2))",
    ]
    config.write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    work, test = tmp_path / "work", tmp_path / "test"
    assert main(["train", str(config), "--work-dir", str(work), "--accelerator", "cpu"]) == 0
    assert main(["test", str(config), str(work / "last.ckpt"), "--work-dir", str(test), "--accelerator", "cpu"]) == 0
    for folder, mode in ((work, "val"), (test, "test")):
        assert len(list((folder / "vis_data/vis_image").glob(f"{mode}_*.png"))) == 4, "every second of eight"
        (events,) = (folder / "vis_data").glob("events.out.tfevents.*")
        tags = [tag for _, tag, _ in values(events)]
        assert tags.count("loud/mine") == (12 if mode == "val" else 8), "after each of four steps, and of eight images"
        assert "loud/mIoU" in tags


def sample() -> SegDataSample:
    made = SegDataSample(metainfo={"img_path": "a.png"})
    made.pred_sem_seg = PixelData(data=torch.tensor([[[0, 1], [1, 1]]]))
    made.gt_sem_seg = PixelData(data=torch.tensor([[[1, 1], [1, 0]]]))
    return made


def runner(folder: Path) -> Any:
    visualizer = SegLocalVisualizer(save_dir=str(folder), classes=["a", "b"], palette=[[0, 0, 0], [9, 9, 9]], alpha=1)
    return SimpleNamespace(visualizer=visualizer, iter=7, logger=logging.getLogger("test"), model=torch.nn.Identity())


BATCH = {"inputs": [torch.full((3, 2, 2), 50, dtype=torch.uint8)]}


@pytest.mark.parametrize(("draw", "index", "count"), [(True, 1, 1), (True, 0, 0), (False, 1, 0)])
def test_by_hand(draw: bool, index: int, count: int, tmp_path: Path) -> None:
    hook = SegVisualizationHook(draw=draw, interval=2)
    hook.after_val_iter(runner(tmp_path), index, BATCH, [sample()])
    hook.after_train_iter(runner(tmp_path), index, BATCH, [sample()])
    assert len(list(tmp_path.rglob("val_a.png_7.png"))) == count == len(list(tmp_path.rglob("*.png")))


def test_the_naive_one_draws_in_tests_only(tmp_path: Path) -> None:
    hook = NaiveVisualizationHook(interval=1, draw_gt=False)
    hook.after_val_iter(runner(tmp_path), 0, BATCH, [sample()])
    assert not list(tmp_path.rglob("*.png"))
    hook.after_test_iter(runner(tmp_path), 0, BATCH, [sample()])
    assert len(list(tmp_path.rglob("a.png_0.png"))) == 1


def test_profiling(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hook, run = (
        ProfilerHook(by_epoch=False, profile_times=2, json_trace_path=str(tmp_path / "t.json")),
        runner(tmp_path),
    )
    with caplog.at_level(logging.INFO, "test"):
        hook.before_run(run)
        torch.ones(3, 3) @ torch.ones(3, 3)
        hook.after_train_iter(run, 0)
        assert not caplog.text
        hook.after_train_iter(run, 1)
    assert "aten::mm" in caplog.text and (tmp_path / "t.json").stat().st_size
    hook.after_run(run)
    with pytest.raises(ValueError, match="nothing to profile"):
        ProfilerHook(activity_with_cpu=False)


def test_views_for_a_run_by_hand(tmp_path: Path) -> None:
    run = runner(tmp_path)
    model = run.model
    PrepareTTAHook({"type": "SegTTAModel"}).before_test(run)
    assert type(run.model).__name__ == "SegTTAModel" and run.model.module is model
    with pytest.raises(InputError, match="tta_cfg is a dict"):
        PrepareTTAHook({})


def test_the_registries_have_them(tmp_path: Path) -> None:
    backend = VISBACKENDS.build({"type": "TensorboardVisBackend", "save_dir": str(tmp_path)})
    assert isinstance(backend, TensorboardVisBackend) and isinstance(backend, BaseVisBackend)
    assert HOOKS.get("mmseg.SegVisualizationHook") is SegVisualizationHook
    assert VISBACKENDS.get("LocalVisBackend") is LocalVisBackend and VISBACKENDS.get("NoBackend") is None
    visualizer = SegLocalVisualizer(save_dir=str(tmp_path), vis_backends=[{"type": "TensorboardVisBackend"}])
    visualizer.add_image("a", np.zeros((2, 2, 3), np.uint8))
    assert list((tmp_path / "vis_data").glob("events.*"))


def test_a_picture_without_names_and_colors(tmp_path: Path) -> None:
    """mmseg's browser sets METAINFO, which is empty where a config names the classes; 255 stays as it is."""
    import numpy as np
    import torch
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample
    from mmseg.visualization import SegLocalVisualizer

    drawer = SegLocalVisualizer(alpha=1.0)
    drawer.dataset_meta = {}
    sample = SegDataSample()
    sample.gt_sem_seg = PixelData(data=torch.tensor([[[0, 1], [2, 255]]]))
    image = np.full((2, 2, 3), 7, np.uint8)
    drawer.add_datasample("a", image, sample, draw_pred=False, with_labels=False, out_file=str(tmp_path / "a.png"))
    drawn = drawer.get_image()
    assert len({tuple(pixel) for pixel in drawn.reshape(-1, 3)[:3]}) == 3
