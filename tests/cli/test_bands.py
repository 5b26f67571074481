"""A model trains, is measured and predicts whatever its images' bands, and one bad file does not end a folder."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import segue
from segue.cli import main
from segue.masks.decode import read_mask

from .project import make_project

KINDS = {
    "gray": (1, "grayscale", np.uint8),
    "deep": (1, "unchanged", np.uint16),
    "color": (3, "color", np.uint8),
    "alpha": (4, "unchanged", np.uint8),
    "spectral": (13, "unchanged", np.float32),
}


def project_of(folder: Path, bands: int, color_type: str, dtype: type) -> Path:
    """The project with images of so many bands, whose value tells the class."""
    config = make_project(folder)
    for path in sorted((folder / "data" / "images").iterdir()):
        value = read_mask(folder / "data" / "masks" / path.name).astype(dtype) * (20000 if dtype == np.uint16 else 100)
        if bands == 13:
            np.save(path.with_suffix(".npy"), np.repeat(value[..., None], bands, axis=2))
            path.unlink()
        else:
            cv2.imwrite(str(path), value if bands == 1 else np.repeat(value[..., None], bands, axis=2))
    scale = 20000.0 if dtype == np.uint16 else 100.0
    text = config.read_text()
    text = text.replace("mean=[120.0] * 3, std=[60.0] * 3", f"mean=[{scale}] * {bands}, std=[{scale}] * {bands}")
    text = text.replace("type='ResNet',", f"type='ResNet', in_channels={bands},")
    text = text.replace("type='LoadImageFromFile'", f"type='LoadImageFromFile', color_type='{color_type}'")
    config.write_text(text)
    return config


@pytest.mark.parametrize("kind", KINDS)
def test_train_test_predict(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = project_of(tmp_path, *KINDS[kind])
    work, images = tmp_path / "work", tmp_path / "data" / "images"
    assert main(["train", str(config), "--work-dir", str(work), "--accelerator", "cpu"]) == 0
    weights = str(work / "last.ckpt")
    assert main(["test", str(config), weights, "--accelerator", "cpu", "--out", str(tmp_path / "measured")]) == 0
    assert main(["predict", str(config), weights, str(images), "--out", str(tmp_path / "seen")]) == 0
    assert "8 images found" in capsys.readouterr().out
    for path in sorted(images.iterdir()):  # the picture of evaluation is that of prediction
        seen = read_mask(tmp_path / "seen" / f"{path.stem}.png")
        np.testing.assert_array_equal(seen, read_mask(tmp_path / "measured" / f"{path.stem}.png"))


@pytest.fixture
def color(tmp_path: Path) -> Path:
    return make_project(tmp_path)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_bad_files_are_named_at_the_end(
    color: Path, tmp_path: Path, batch_size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i, shape in enumerate([(32, 32), (40, 60), (1, 80), (32, 32)]):
        cv2.imwrite(str(photos / f"{i}.png"), np.full((*shape, 3), 100, np.uint8))
    (photos / "1b.png").write_bytes(b"no picture")
    (photos / "2b.jpg").symlink_to("/etc/hostname")
    (photos / "._0.png").write_bytes(b"of another system")
    (photos / "masks").mkdir()
    cv2.imwrite(str(photos / "masks" / "0.png"), np.zeros((32, 32), np.uint8))
    weights = tmp_path / "w.safetensors"
    from segue.checkpoints import save_weights

    save_weights(weights, segue.load(color).model.state_dict())
    out = tmp_path / "out"
    status = main(
        ["predict", str(color), str(weights), str(photos), "--out", str(out), "--batch-size", str(batch_size)]
    )
    said = capsys.readouterr()
    assert status == 1
    assert "6 images found; 1 in folders below are left out, --recursive takes them" in said.out
    assert "segue predict: 2 of 6 images failed, the others are in" in said.err
    assert "1b.png: not an image" in said.err and "2b.jpg" in said.err and "Traceback" not in said.err
    assert {path.name for path in out.iterdir() if "overlay" not in path.name} == {"0.png", "1.png", "2.png", "3.png"}


@pytest.mark.parametrize("side", [1, 2, 3, 5, 8, 16, 31])
def test_small_images_give_a_result_or_a_sentence(color: Path, side: int, tmp_path: Path) -> None:
    """U-Net halves four times, so it refuses the smallest; the ResNet takes all."""
    from segue.config import Config
    from segue.errors import DataError

    for path in (color, None):
        cfg = Config.fromfile(color)
        if path is None:
            cfg.model.backbone = {"type": "UNet", "base_channels": 4, "norm_cfg": {"type": "BN"}}
            cfg.model.decode_head.update(in_channels=4, in_index=4)
        photo = tmp_path / "photo.png"
        cv2.imwrite(str(photo), np.zeros((side, 33, 3), np.uint8))
        try:
            result = segue.load(cfg).predict(photo)
        except DataError as error:
            assert path is None and side < 16
            assert f"photo.png: 33 x {side} pixels: the model cannot take an image of this size" in str(error)
        else:
            assert result.labels.shape == (side, 33)
