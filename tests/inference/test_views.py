"""Test-time augmentation: which views, how they are averaged, and the whole commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

import segue
from segue.cli import main
from segue.config import Config
from segue.errors import ConfigError, InputError
from segue.inference.segment import first_views, label_maps, whole_or_slide
from segue.inference.views import crop_of, with_views, without_annotations
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.types import SegSample, TestOptions
from tests.cli.project import make_project
from tests.models.small import encoder_decoder

FLIPS = [{"type": "RandomFlip", "prob": 0.0}, {"type": "RandomFlip", "prob": 1.0}]
SIZES = [{"type": "Resize", "scale_factor": factor, "keep_ratio": True} for factor in (0.5, 1.0, 1.5)]
TTA = [
    {"type": "LoadImageFromFile"},
    {"type": "TestTimeAug", "transforms": [SIZES, FLIPS, [{"type": "LoadAnnotations"}], [{"type": "PackSegInputs"}]]},
]


class Logits(nn.Module):
    """The input's channels are the logits."""

    align_corners = False

    def __init__(self, threshold: float | None = None) -> None:
        super().__init__()
        self.test = TestOptions()
        self.data_preprocessor = SegDataPreProcessor()
        self.head = self
        self.threshold = threshold

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value) if name == "head" else super().__setattr__(name, value)

    def encode_decode(self, inputs: Tensor) -> Tensor:
        return inputs


def views(*logits: Any) -> dict[str, Any]:
    """A batch of one image whose views are 1 x 2 pixels with these logits; every second one is flipped."""
    images = [torch.tensor(values, dtype=torch.float32)[:, None] for values in logits]
    flips = [bool(i % 2) for i in range(len(images))]
    metas = [{"ori_shape": (1, 2), "flip": flip, "flip_direction": "horizontal"} for flip in flips]
    turned = [image.flip(-1) if flip else image for image, flip in zip(images, flips, strict=True)]
    return {"inputs": [turned], "data_samples": [[SegSample(meta=meta) for meta in metas]]}


def test_mean_of_probabilities() -> None:
    """By hand, classes x pixels. First pixel: softmax(4, 0) and softmax(-3, 0) average to 0.51 for class 0, though
    the mean of the labels is undecided; second: (9, 0) outweighs (-1, 0) in logits and in probabilities: 0.63.
    """
    batch = views([[4.0, -1.0], [0.0, 0.0]], [[-3.0, 9.0], [0.0, 0.0]])
    assert [labels.tolist() for labels in label_maps(Logits(), batch)] == [[[0, 0]]]
    # mean logits of the first pixel: 0.4 for class 0; of the probabilities: 0.53 for class 1
    batch = views([[6.0, 0.0], [0.0, 1.0]], [[-2.6, 0.0], [0.0, 1.0]], [[-2.2, 0.0], [0.0, 1.0]])
    assert label_maps(Logits(), batch)[0].tolist() == [[1, 1]]


def test_one_logit() -> None:
    """The mean of sigmoid(2) = 0.88 and sigmoid(-1) = 0.27 is 0.57: above 0.5, below 0.6."""
    batch = views([[2.0, -9.0]], [[-1.0, -9.0]])
    assert label_maps(Logits(), batch)[0].tolist() == [[1, 0]]
    assert label_maps(Logits(0.6), batch)[0].tolist() == [[0, 0]]


def test_batches_of_views() -> None:
    """Images of other sizes and views of other sizes in one batch; each equals what it gives alone."""
    torch.manual_seed(0)
    images = [[torch.randn(3, h, w) for h, w in sizes] for sizes in (((4, 6), (8, 12)), ((5, 5), (4, 6)))]
    samples = [[SegSample(meta={"ori_shape": (7, 9)}) for _ in range(2)] for _ in range(2)]
    together = label_maps(Logits(), {"inputs": images, "data_samples": samples})
    for index in range(2):
        alone = label_maps(Logits(), {"inputs": images[index : index + 1], "data_samples": samples[:1]})
        assert torch.equal(together[index], alone[0])
    assert first_views(samples) == [samples[0][0], samples[1][0]]
    assert first_views(samples[0]) == samples[0]
    with pytest.raises(InputError, match=r"the images of a batch must have one number of views, got \[1, 2\]"):
        label_maps(Logits(), {"inputs": [images[0], images[1][:1]], "data_samples": samples})


def test_own_prediction_has_no_views() -> None:
    model = Logits()
    model.label_maps = lambda batch: ["own"]  # type: ignore[assignment]
    assert label_maps(model, {"inputs": [torch.zeros(3, 4, 4)], "data_samples": [SegSample()]}) == ["own"]
    with pytest.raises(InputError, match="Logits predicts in its own way, which has no mean over views: omit tta"):
        label_maps(model, views([[1.0, 1.0]]))


def test_without_annotations() -> None:
    kept = without_annotations(TTA)
    assert kept == [TTA[0], {"type": "TestTimeAug", "transforms": [SIZES, FLIPS, [{"type": "PackSegInputs"}]]}]
    assert TTA[1]["transforms"][2] == [{"type": "LoadAnnotations"}]  # type: ignore[index]


@pytest.fixture
def cfg() -> Config:
    prepare = {"type": "SegDataPreProcessor", "mean": [120.0] * 3, "std": [60.0] * 3, "bgr_to_rgb": True}
    steps = [{"type": "LoadImageFromFile"}, {"type": "PackSegInputs"}]
    return Config(encoder_decoder() | {"data_preprocessor": prepare, "test_pipeline": steps, "tta_pipeline": TTA})


def test_predictor(cfg: Config) -> None:
    """Oracle: the mean of the softmax of six logits, each resized to the image, computed here with cv2 and torch."""
    torch.manual_seed(0)
    model = segue.load(cfg)
    image = cv2.resize(np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8), (64, 48))
    total = torch.zeros(1, 3, 48, 64)
    for factor in (0.5, 1.0, 1.5):
        sized = cv2.resize(image, (int(64 * factor), int(48 * factor)), interpolation=cv2.INTER_LINEAR)
        for flip in (False, True):
            view = torch.from_numpy(sized[:, ::-1].copy() if flip else sized).permute(2, 0, 1)
            inputs, _ = model.model.data_preprocessor({"inputs": [view], "data_samples": [SegSample()]}, training=False)
            with torch.inference_mode():
                logits = whole_or_slide(model.model, inputs)
            logits = logits.flip(-1) if flip else logits
            total += torch.nn.functional.interpolate(logits, (48, 64), mode="bilinear").softmax(dim=1)
    found = model.predict(image, tta=True, rgb=False)
    assert (torch.from_numpy(found.labels) == total.argmax(dim=1)[0]).float().mean() > 0.999
    plain = model.predict([image, image[:, ::-1].copy()], batch_size=2, rgb=False)
    both = model.predict([image, image[:, ::-1].copy()], tta=True, batch_size=2, rgb=False)
    assert (plain[0].labels != plain[1].labels[:, ::-1]).any()
    assert (both[0].labels == both[1].labels[:, ::-1]).mean() > 0.999  # flips are averaged away


def test_configs_without_views(cfg: Config) -> None:
    del cfg["tta_pipeline"]
    with pytest.raises(ConfigError, match="tta_pipeline: the config has none, so there are no views to average; add"):
        segue.load(cfg).predict(np.zeros((40, 50, 3), np.uint8), tta=True, rgb=False)
    cfg["tta_pipeline"] = TTA
    cfg["tta_model"] = {"type": "MaxTTAModel"}
    with pytest.raises(ConfigError, match=r"tta_model.type: views are merged as SegTTAModel does, there is no 'MaxTTA"):
        segue.load(cfg).predict(np.zeros((40, 50, 3), np.uint8), tta=True, rgb=False)


def test_with_views_reaches_into_wrappers() -> None:
    inner = {"type": "A", "pipeline": [1]}
    wrapped = {"type": "RepeatDataset", "dataset": {"type": "ConcatDataset", "datasets": [inner, dict(inner)]}}
    cfg = {"tta_pipeline": TTA, "test_dataloader": {"dataset": wrapped}}
    changed = with_views(cfg)["test_dataloader"]["dataset"]["dataset"]["datasets"]
    assert [dataset["pipeline"] for dataset in changed] == [TTA, TTA]
    assert inner["pipeline"] == [1]


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """``segue test --tta`` and ``segue predict --tta``: equal numbers and labels for mirrored images; both differ from
    those without.
    """
    monkeypatch.chdir(tmp_path)
    config = make_project(tmp_path)
    config.write_text(config.read_text() + f"\ntta_model = dict(type='SegTTAModel')\ntta_pipeline = {TTA!r}\n")
    assert main(["train", str(config), "--work-dir", "out", "--accelerator", "cpu"]) == 0
    results = {}
    for name, more in {"plain": [], "tta": ["--tta"]}.items():
        folder = tmp_path / name
        arguments = [str(config), "out/last.ckpt", "--work-dir", str(folder), "--accelerator", "cpu", *more]
        assert main(["test", *arguments, "--out", str(folder / "labels")]) == 0
        results[name] = json.loads((folder / "metrics.json").read_text())
        assert (
            main(["predict", str(config), "out/last.ckpt", "data/images", "--out", str(folder / "predicted"), *more])
            == 0
        )
        for written in (folder / "labels").glob("*.png"):
            predicted = cv2.imread(str(folder / "predicted" / written.name), cv2.IMREAD_UNCHANGED)
            np.testing.assert_array_equal(cv2.imread(str(written), cv2.IMREAD_UNCHANGED), predicted)
        assert len(list((folder / "labels").glob("*.png"))) == 8
    assert results["plain"].keys() == results["tta"].keys()
    assert results["plain"] != results["tta"]
    capsys.readouterr()


@pytest.mark.parametrize(
    ("crop", "wanted"), [((64, 96), (64, 96)), ([64, 96], (64, 96)), (64, (64, 64)), (None, (512, 512))]
)
def test_the_size_of_training(crop: object, wanted: tuple[int, int]) -> None:
    assert crop_of({"crop_size": crop}) == wanted
