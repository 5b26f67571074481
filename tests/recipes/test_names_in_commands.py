"""Names where configs stand: ``segue.load``, ``segue.recipes.open.read_config``, ``segue train``."""

from __future__ import annotations

from pathlib import Path

import pytest

import segue
from segue.cli import main
from segue.errors import CheckpointError, ConfigError
from segue.inference.load import find_weights, is_weights
from segue.recipes.open import read_config
from segue.recipes.size import model_size

NAME = "unet-s5-d16_fcn_4xb4-40k_drive-64x64"


def test_read_config() -> None:
    cfg = read_config(NAME, ["model.backbone.base_channels=8"])
    assert cfg.model.backbone.base_channels == 8 and cfg.crop_size == (64, 64)
    with pytest.raises(ConfigError, match="unknown backbone 'r51-d8'"):
        read_config("pspnet_r51-d8_4xb2-40k_cityscapes-512x1024")
    with pytest.raises(
        ConfigError,
        match=r"my_config: no such file or folder; a config is a file that ends with \.py.*name of a recipe",
    ):
        read_config("my_config")


def test_a_file_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(NAME).write_bytes(b"weights")
    assert is_weights(NAME) and not is_weights("pspnet_r50-d8_4xb2-40k_cityscapes-512x1024")
    assert is_weights("last.ckpt") and not is_weights("config.py")


def test_load() -> None:
    predictor = segue.load(
        NAME,
        cfg_options=[
            "model.backbone.base_channels=4",
            "model.decode_head.in_channels=4",
            "model.auxiliary_head.in_channels=8",
        ],
    )
    assert predictor.classes == ("background", "vessel")


def test_published() -> None:
    assert str(find_weights(NAME, "published")).endswith(".pth")
    assert find_weights(read_config(NAME), "published") == find_weights(NAME, "published")
    assert find_weights(NAME, "other.pth") == "other.pth" and find_weights(NAME, None) is None
    with pytest.raises(CheckpointError, match="no weights are published under this name; see segue models"):
        find_weights("a2net_r50-d8_4xb2-40k_cityscapes-512x1024", "published")


def test_model_size() -> None:
    assert model_size(NAME).size == (64, 64)


def test_train_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "psnet_r50-d8_4xb2-40k_cityscapes-512x1024"]) == 1
    assert "unknown algorithm 'psnet'; did you mean 'pspnet'" in capsys.readouterr().err
