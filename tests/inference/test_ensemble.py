"""Several checkpoints as one model. Oracle: the mean of what each member gives by itself."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import segue
from segue.checkpoints import save_weights
from segue.cli import main
from segue.config import Config
from segue.config.builder.build import build_model
from segue.errors import CheckpointError, InputError
from segue.inference.crf import CRF
from segue.inference.ensemble import Ensemble, leading, listed, members_of
from segue.inference.exported import check_describable
from segue.inference.predictor import Predictor
from segue.inference.scenes.network import Network
from segue.inference.segment import seen_in
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.types import SegSample, TestOptions
from tests.cli.project import make_project
from tests.inference.test_views import Logits

VIEWS = """
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='TestTimeAug', transforms=[
        [dict(type='RandomFlip', prob=0.), dict(type='RandomFlip', prob=1.)],
        [dict(type='LoadAnnotations')], [dict(type='PackSegInputs')]])]
"""
CLASSES = ["dark", "gray", "bright"]


class Project:
    """A config, three checkpoints that disagree, and images."""

    def __init__(self, folder: Path) -> None:
        self.config = make_project(folder)
        self.config.write_text(self.config.read_text() + VIEWS)
        self.images = sorted((folder / "data" / "images").iterdir())
        self.masks = folder / "data" / "masks"
        self.weights = [self.write(folder / f"member_{seed}.safetensors", seed) for seed in range(3)]

    def write(self, path: Path, seed: int, classes: list[str] = CLASSES) -> Path:
        torch.manual_seed(seed)
        model = build_model(Config.fromfile(self.config))
        with torch.no_grad():
            model.decode_head.conv_seg.weight.mul_(60)
            model.decode_head.conv_seg.bias.uniform_(-0.3, 0.3)
        return save_weights(path, model.state_dict(), {"dataset_meta": {"classes": classes}})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("ensemble"))


@pytest.mark.parametrize("slide", [False, True])
def test_the_mean_of_the_members(project: Project, slide: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Plain, with views, with a CRF, whole and in windows."""
    windows = ["model.test_cfg.mode=slide", "model.test_cfg.crop_size=(16,16)", "model.test_cfg.stride=(8,8)"]
    options: dict[str, Any] = {"cfg_options": windows, "windows": "gaussian"} if slide else {}
    alone = [segue.load(project.config, path, **options) for path in project.weights]
    with caplog.at_level(logging.WARNING):
        together = segue.load(str(project.config), project.weights, **options)
    assert "3 models, whose probabilities are averaged; all are held at once (" in caplog.text
    assert together.classes == tuple(CLASSES) and members_of(alone[0].model) == [alone[0].model]
    differs = False
    for tta in (False, True):
        for found, *own in zip(*(one.predict(project.images, tta=tta) for one in (together, *alone)), strict=True):
            mean = np.mean([each.probabilities for each in own], axis=0)
            np.testing.assert_allclose(found.probabilities, mean, atol=1e-6)
            np.testing.assert_array_equal(found.labels, found.probabilities.argmax(0))
            differs |= all((found.labels != each.labels).any() for each in own)
    assert differs, "the members must disagree"
    crf, image = CRF(sxy=4.0, srgb=20.0, compat=8.0), project.images[0]
    mean = torch.from_numpy(np.mean([one.predict(image).probabilities for one in alone], axis=0))
    refined = crf(mean, together.predict(image).image)
    np.testing.assert_array_equal(together.predict(image, crf=crf).labels, refined.argmax(0).numpy())


def test_commands(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What ``segue test`` measures, ``segue predict`` writes; a scene of one tile gives the same."""
    names = [str(project.config), *map(str, project.weights)]
    capsys.readouterr()
    assert (
        main(["test", *names, "--accelerator", "cpu", "--out", str(tmp_path / "t"), "--work-dir", str(tmp_path)]) == 0
    )
    assert "3 models, whose probabilities are averaged" in " ".join(capsys.readouterr().out.split())
    given = [*names, *map(str, project.images), "--out", str(tmp_path / "p"), "--save", "labels,probabilities"]
    assert main(["predict", *given]) == 0
    alone = [segue.load(project.config, path) for path in project.weights]
    right = total = 0
    for image in project.images:
        mean = np.mean([one.predict(image).probabilities for one in alone], axis=0)
        for folder in "tp":
            found = cv2.imread(str(tmp_path / folder / image.name), -1)
            np.testing.assert_array_equal(found, mean.argmax(0))
        np.testing.assert_allclose(np.load(tmp_path / "p" / f"{image.stem}_probabilities.npy"), mean, atol=5e-4)
        truth = cv2.imread(str(project.masks / image.name), -1)
        right, total = right + (found == truth).sum(), total + truth.size
    assert json.loads((tmp_path / "metrics.json").read_text())["aAcc"] == pytest.approx(100 * right / total, abs=0.006)
    card = json.loads((tmp_path / "test_report.json").read_text())
    assert card["lead"] == "The test split, measured with the mean probabilities of 3 models."
    assert [value for name, value in card["facts"] if name == "checkpoint"] == names[1:]
    assert segue.evaluate(names[0], names[1:])["aAcc"] == pytest.approx(100 * right / total, abs=0.006)


def test_scenes(project: Project) -> None:
    together = segue.load(project.config, project.weights)
    network = Network(together)
    tile = cv2.imread(str(project.images[0]))
    [views] = network.views([tile])
    assert len(views) == 3
    others = {network.digest(), Network(segue.load(project.config, project.weights[:2])).digest()}
    assert len(others | {Network(segue.load(project.config, project.weights[0])).digest()}) == 3


def test_what_has_no_mean(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, (one, two, three) = project.config, project.weights
    other = project.write(tmp_path / "other.safetensors", 5, ["dark", "bright", "gray"])
    said = r"other.safetensors were trained on other classes \(class 1 is gray and bright\): their mean means"
    with pytest.raises(CheckpointError, match=said):
        segue.load(config, [one, two, other])
    with pytest.raises(CheckpointError, match=said):
        segue.evaluate(config, [one, two, other])
    for function in (segue.load, segue.evaluate):
        with pytest.raises(InputError, match=r"member_0.safetensors: is named twice; its probabilities would count"):
            function(config, [one, two, project.config.parent / "." / one.name])
        with pytest.raises(CheckpointError, match=r"absent.ckpt does not exist"):
            function(config, [one, tmp_path / "absent.ckpt", three])
        with pytest.raises(CheckpointError, match=r"absent.onnx does not exist; give the path of an exported file"):
            function(config, [one, tmp_path / "absent.onnx", three])
    strange = save_weights(tmp_path / "strange.safetensors", torch.nn.Conv2d(3, 3, 1).state_dict())
    assert main(["test", str(config), str(one), str(strange), "--accelerator", "cpu"]) == 1
    assert "strange.safetensors" in capsys.readouterr().err
    with pytest.raises(InputError, match="no checkpoint is named: an empty list"):
        segue.load(config, [])
    with pytest.raises(InputError, match="a checkpoint is a path, URL or alias, not int: 3"):
        segue.load(config, [one, 3])  # type: ignore[list-item]
    with pytest.raises(InputError, match="several models do not go into one file"):
        check_describable(segue.load(config, [one, two]).model)


def test_the_same_weights_are_said(project: Project, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(project.weights[0].read_bytes())
    with caplog.at_level(logging.WARNING):
        segue.load(project.config, [*project.weights, copy])
    assert "member_0.safetensors and" in caplog.text and "hold the same weights, which count twice" in caplog.text


def test_members_by_hand() -> None:
    """One logit: sigmoid(2) and sigmoid(-1) have the mean 0.57; depths are averaged; what they mean must agree."""

    class Shifted(Logits):
        def __init__(self, shift: float, threshold: float | None = None) -> None:
            super().__init__(threshold)
            self.shift = shift

        def encode_decode(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs + self.shift

    def labels(*members: Any) -> Any:
        batch = {"inputs": [torch.zeros(1, 1, 2)], "data_samples": [SegSample()]}
        return seen_in(Ensemble(members, [f"m{i}" for i in range(len(members))]), batch)[0].labels.tolist()

    assert labels(Shifted(2.0), Shifted(-1.0)) == [[1, 1]]
    assert labels(Shifted(2.0, 0.6), Shifted(-1.0, 0.6)) == [[0, 0]]
    with pytest.raises(InputError, match=r"m0 and m1 have no mean: the threshold is None of one and 0.6 of"):
        labels(Shifted(2.0), Shifted(-1.0, 0.6))
    depths = [Shifted(2.0), Shifted(-1.0)]
    for one in depths:
        one.predicts_depth = True
    assert labels(*depths) == [[0.5, 0.5]]
    with pytest.raises(InputError, match=r"the prediction of depths is False of one and True"):
        labels(Shifted(2.0), depths[0])
    own = Shifted(0.0)
    own.label_maps = lambda batch: []  # type: ignore[assignment]
    with pytest.raises(
        InputError, match="m1: Shifted predicts in its own way, which gives no probabilities to average"
    ):
        labels(Shifted(2.0), own)
    exported = Shifted(0.0)
    exported.certificate = {"output": "labels"}  # type: ignore[assignment]
    with pytest.raises(InputError, match="m0: was exported to give labels, which have no mean"):
        labels(exported, own)


def test_another_number_of_logits() -> None:
    class Doubled(Logits):
        def encode_decode(self, inputs: torch.Tensor) -> torch.Tensor:
            return torch.cat([inputs, inputs], dim=1)

    batch = {"inputs": [torch.zeros(1, 1, 2)], "data_samples": [SegSample()]}
    with pytest.raises(InputError, match=r"the models give \[1, 2\] logits per pixel, which have no mean"):
        seen_in(Ensemble([Logits(), Doubled()], ["a", "b"]), batch)


def test_each_prepares_in_its_own_way() -> None:
    """The second halves the image before it looks."""
    members = [Logits(), Logits()]
    members[1].data_preprocessor = SegDataPreProcessor(mean=[0.0] * 3, std=[2.0] * 3)
    image = torch.tensor([[[8.0]], [[0.0]], [[-8.0]]])
    seen = seen_in(Ensemble(members, ["a", "b"]), {"inputs": [image], "data_samples": [SegSample()]})
    views = [view.whole().flatten().tolist() for view in seen[0].views or ()]
    assert views == [[8.0, 0.0, -8.0], [4.0, 0.0, -4.0]]


def test_names_of_checkpoints(tmp_path: Path) -> None:
    """The first may be anything; a folder is no checkpoint, whatever it is called."""
    (tmp_path / "folder.pth").mkdir()
    given = ["published", "https://host/a.pth", "b.CKPT", "c.onnx", str(tmp_path / "folder.pth"), "d.pth"]
    assert list(leading(given)) == given[:4]
    assert list(leading(["a.jpg", "b.jpg"])) == ["a.jpg"] and list(leading([])) == []
    assert listed(None) == [] and listed("a") == ["a"]


def test_windows_of_an_ensemble_are_checked(project: Project) -> None:
    with pytest.raises(InputError, match="EncoderDecoder looks at images whole"):
        segue.load(project.config, project.weights, windows="gaussian")
    model = segue.load(project.config, project.weights)
    assert isinstance(model, Predictor) and model.expected.channels == 3 and TestOptions() == model.model.test
