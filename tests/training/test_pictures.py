"""SegVisualizationHook: pictures of validations and tests, by the whole command and by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from segue.cli import main
from segue.errors import ConfigError
from segue.training.hooks import Drawing, read_hooks
from segue.training.pictures import Pictures, picture_of
from segue.types import SegSample
from tests.cli.project import make_project
from tests.training.test_event_file import values

HOOK = "dict(type='SegVisualizationHook', draw=True, interval={})"
META = {"classes": ["a", "b"], "palette": [[255, 0, 0], [0, 0, 255]]}


def project(folder: Path, hook: str, more: str = "") -> str:
    config = make_project(folder)
    config.write_text(f"{config.read_text()}\ndefault_hooks = dict(visualization={hook})\n{more}\n")
    return str(config)


def drawn(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "vis_data/vis_image").glob("*.png"))


def test_training_and_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Eight images of 32 x 32 in batches of one: all of them with interval=1, each as wide as truth and prediction."""
    backends = "vis_backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]"
    config = project(tmp_path, HOOK.format(1), backends)
    work, test = tmp_path / "work", tmp_path / "test"
    assert main(["train", config, "--work-dir", str(work), "--accelerator", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "ignored" not in said and f"8 pictures were drawn to {work / 'vis_data'}" in said.replace("\n", "")
    names = drawn(work)
    assert len(names) == 8 and all(name.startswith("val_") and name.endswith("_4.png") for name in names)
    assert cv2.imread(str(work / "vis_data/vis_image" / names[0])).shape == (32, 64, 3)
    (events,) = (work / "vis_data").glob("events.out.tfevents.*")
    tags = {tag for _, tag, _ in values(events)}
    assert {"mIoU", "val_loss"} <= tags and sum(tag.startswith("val_") for tag in tags - {"val_loss"}) == 8
    assert main(["test", config, str(work / "last.ckpt"), "--work-dir", str(test), "--accelerator", "cpu"]) == 0
    assert [name.replace("test_", "val_").replace(".png_0.png", ".png_4.png") for name in drawn(test)] == names
    assert len(list((test / "vis_data").glob("events.out.tfevents.*"))) == 1


def test_interval_and_save_dir(tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    more = f"visualizer = dict(type='SegLocalVisualizer', save_dir={str(shown)!r})"
    config = project(tmp_path, HOOK.format(3), more)
    assert main(["train", config, "--work-dir", str(tmp_path / "work"), "--accelerator", "cpu"]) == 0
    assert len(drawn(shown)) == 2 and not drawn(tmp_path / "work")


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ({"type": "SegVisualizationHook", "nonsense": 3}, "has no argument 'nonsense'"),
        ({"type": "SegVisualizationHook", "interval": 0}, "interval must be at least 1, got 0"),
        ({"type": "NaiveVisualizationHook", "interval": -1}, "interval must be at least 1, got -1"),
    ],
)
def test_refused(hook: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_hooks({"visualization": hook}, None)


def test_what_is_wanted() -> None:
    hooks = read_hooks({"visualization": {"type": "SegVisualizationHook", "interval": 2}}, None)
    assert hooks.pictures is not None and hooks.pictures.drawing() is None
    naive = read_hooks(None, [{"type": "NaiveVisualizationHook", "draw_gt": False}]).pictures
    assert naive is not None and naive.drawing() == Drawing(interval=1, truth=False, in_training=False)


class Taker:
    """A backend."""

    def __init__(self) -> None:
        self.pictures: dict[str, Any] = {}

    def add_image(self, name: str, image: Any, step: int) -> None:
        self.pictures[name] = image


def draw(predicted: torch.Tensor, truth: Any = None, drawing: Drawing | None = None) -> Any:
    """The picture of one sample whose image is black."""
    taker = Taker()
    pictures = Pictures(drawing or Drawing(interval=1), [taker], {"visualizer": {"alpha": 1.0}}, Path("x"), META)
    sample = SegSample(meta={"img_path": "none.png"}, gt_sem_seg=truth)
    task = SimpleNamespace(predicted=[(sample, predicted)], iteration=1)
    batch = {"inputs": [torch.zeros(3, 2, 2, dtype=torch.uint8)], "counted": [True]}
    pictures.on_test_batch_end(SimpleNamespace(is_global_zero=True), task, None, batch, 0)
    return taker.pictures.get("test_none.png")


def test_truth_is_left_of_the_prediction() -> None:
    truth, predicted = torch.tensor([[0, 255], [1, 1]]), torch.tensor([[1, 1], [0, 1]])
    red, blue, black = [255, 0, 0], [0, 0, 255], [0, 0, 0]
    assert draw(predicted, truth).tolist() == [[red, black, blue, blue], [blue, blue, red, blue]]
    assert draw(predicted).tolist() == [[blue, blue], [red, blue]]
    assert draw(predicted, truth, Drawing(interval=1, predicted=False)).tolist() == [[red, black], [blue, blue]]
    assert draw(predicted, truth, Drawing(interval=2)) is None


def test_depths_and_maps_of_several_classes() -> None:
    assert draw(torch.tensor([[0.0, 1.0], [2.0, 3.0]])).shape == (2, 2, 3)
    both = draw(torch.tensor([[[1, 0], [0, 0]], [[1, 1], [0, 0]]]))
    assert both[1, 1].tolist() == [0, 0, 0] and both[0, 1].tolist() == [0, 0, 255]


def test_the_image_behind_a_sample(tmp_path: Path) -> None:
    """Its file, else what the model was given, in the size of the labels."""
    stored = np.zeros((4, 4, 3), np.uint8)
    stored[..., 0] = 200  # blue in OpenCV's order
    cv2.imwrite(str(tmp_path / "a.png"), stored)
    labels = torch.zeros(4, 4, dtype=torch.long)
    assert picture_of({"img_path": str(tmp_path / "a.png")}, labels, None, 0)[0, 0].tolist() == [0, 0, 200]
    given = {"inputs": [torch.tensor([10, 20, 30], dtype=torch.uint8)[:, None, None].expand(3, 2, 2)]}
    assert picture_of({}, labels, given, 0)[3, 3].tolist() == [30, 20, 10]
