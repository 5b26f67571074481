"""segue.load, Predictor and Prediction: what goes in, what comes out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import segue
from segue.checkpoints import save_weights
from segue.config import Config
from segue.config.builder.build import build_model
from segue.errors import CheckpointError, ConfigError, DataError, InputError
from segue.inference.crf import CRF
from segue.inference.predictor import Prediction
from tests.models.small import encoder_decoder

PIPELINE = [
    {"type": "LoadImageFromFile"},
    {"type": "Resize", "scale": (64, 48), "keep_ratio": True},
    {"type": "LoadAnnotations"},
    {"type": "PackSegInputs"},
]


@pytest.fixture
def cfg() -> Config:
    prepare = {"type": "SegDataPreProcessor", "mean": [120.0] * 3, "std": [60.0] * 3, "bgr_to_rgb": True}
    dataset = {"type": "BaseSegDataset", "metainfo": {"classes": ["a", "b", "c"]}}
    return Config(
        encoder_decoder()
        | {"data_preprocessor": prepare, "test_pipeline": PIPELINE, "test_dataloader": {"dataset": dataset}}
    )


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "photo.png"), np.random.default_rng(0).integers(0, 255, (61, 83, 3), np.uint8))
    return tmp_path / "photo.png"


def test_all_kinds_of_images_agree(cfg: Config, photo: Path) -> None:
    model = segue.load(cfg)
    bgr = cv2.imread(str(photo))
    results = model.predict([photo, str(photo), bgr, Image.open(photo)], batch_size=3, rgb=False)
    results += model.predict([bgr[..., ::-1], np.asarray(Image.open(photo))], rgb=True)
    results += model.predict([bgr.astype(np.float32), bgr.astype(np.int64)], rgb=False)
    for result in results:
        assert result.labels.shape == (61, 83) and np.array_equal(result.labels, results[0].labels)
        assert np.array_equal(result.image, np.asarray(Image.open(photo)))
    assert isinstance(model.predict(photo), Prediction)
    assert model.classes == ("a", "b", "c") and len(model.palette) == 3


def test_grayscale_array(cfg: Config) -> None:
    assert segue.load(cfg).predict(np.zeros((40, 50), np.uint8)).labels.shape == (40, 50)


def test_saved_files(cfg: Config, photo: Path, tmp_path: Path) -> None:
    result = segue.load(cfg).predict(photo)
    labels, overlay = result.save(tmp_path / "out")
    assert np.array_equal(cv2.imread(str(labels), cv2.IMREAD_UNCHANGED), result.labels)
    assert np.array_equal(cv2.imread(str(overlay))[..., ::-1], result.overlay())


def test_shares() -> None:
    prediction = Prediction(np.array([[1, 1], [1, 0]]), ("a", "b", "c"), [[0] * 3] * 3, np.zeros((2, 2, 3), np.uint8))
    assert prediction.shares() == {"b": 0.75, "a": 0.25}


def test_weights_that_hold_their_config(cfg: Config, photo: Path, tmp_path: Path) -> None:
    trained = build_model(cfg)
    meta = {"cfg": cfg.pretty_text, "dataset_meta": {"classes": ["x", "y", "z"], "palette": [[9, 9, 9]] * 3}}
    path = save_weights(tmp_path / "w.safetensors", trained.state_dict(), meta)
    alone, both = segue.load(path), segue.load(cfg, path)
    assert alone.classes == ("x", "y", "z") and alone.palette == [[9, 9, 9]] * 3
    assert np.array_equal(alone.predict(photo).labels, both.predict(photo).labels)


def test_weights_of_another_model(cfg: Config, tmp_path: Path) -> None:
    state = build_model(cfg).state_dict()
    state["decode_head.conv_seg.weight"] = torch.zeros(5, 8, 1, 1)
    path = save_weights(tmp_path / "w.safetensors", state)
    with pytest.raises(
        CheckpointError, match=r"does not fit the model of the config(.|\n)*decode_head.conv_seg.weight"
    ):
        segue.load(cfg, path)
    with pytest.raises(CheckpointError, match="holds no config; give the config file first"):
        segue.load(path)


def test_no_pipeline(cfg: Config) -> None:
    del cfg["test_pipeline"]
    with pytest.raises(ConfigError, match="test_pipeline: the config has none"):
        segue.load(cfg)


def test_refused_images(cfg: Config, tmp_path: Path) -> None:
    model = segue.load(cfg)
    with pytest.raises(InputError, match="takes a path, an array, a Pillow image or a list"):
        model.predict(3)
    with pytest.raises(InputError, match=r"this array is \(2, 2, 2, 2\)"):
        model.predict(np.zeros((2, 2, 2, 2)))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"bad\.png"):
        model.predict(tmp_path / "bad.png")


def test_background_is_not_tinted() -> None:
    image = np.full((2, 2, 3), 100, np.uint8)
    prediction = Prediction(np.array([[0, 0], [0, 1]]), ("background", "b"), [[255] * 3] * 2, image)
    assert (prediction.overlay()[0, 0] == 100).all() and (prediction.overlay()[1, 1] != 100).any()


def test_random_weights_are_said(cfg: Config, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    path = save_weights(tmp_path / "w.safetensors", build_model(cfg).state_dict())
    segue.load(cfg, path)
    assert "random" not in caplog.text
    segue.load(cfg)
    assert "no checkpoint is given, so the model's weights are random" in caplog.text
    segue.load("unet-s5-d16_fcn_4xb4-40k_drive-64x64")
    assert "'published' as the checkpoint loads those of the recipe" in caplog.text


def test_a_crf_has_the_last_word(cfg: Config, photo: Path) -> None:
    """Oracle: the CRF applied by hand to what it was given, which must be the probabilities of the plain labels."""
    model = segue.load(cfg)
    crf = CRF(sxy=10, srgb=40, compat=4)
    asked: list[torch.Tensor] = []

    class Recorded(CRF):
        def __call__(self, probabilities: torch.Tensor, image: object) -> torch.Tensor:
            asked.append(probabilities)
            return crf(probabilities, image)  # type: ignore[arg-type]

    plain, refined = model.predict(photo), model.predict([photo, photo], batch_size=2, crf=Recorded())[1]
    assert len(asked) == 2 and asked[1].shape == (3, 61, 83)
    assert torch.allclose(asked[1].sum(dim=0), torch.ones(61, 83), atol=1e-5)
    assert np.array_equal(asked[1].argmax(dim=0), plain.labels)
    assert np.array_equal(refined.labels, crf(asked[1], plain.image).argmax(dim=0))
    assert not np.array_equal(refined.labels, plain.labels)


def test_a_crf_is_refused_where_there_are_no_classes(cfg: Config, photo: Path) -> None:
    model = segue.load(cfg)
    model.model.label_maps = lambda batch: []
    with pytest.raises(InputError, match="gives no probabilities for a CRF"):
        model.predict(photo, crf=CRF())
