"""Folders become configs that the doctor finds nothing wrong with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segue.config.builder.build import build_dataset, build_model
from segue.doctor import check_config, check_folder
from segue.errors import InputError, SegueError
from segue.recipes.folder import planned, write
from segue.recipes.open import read_config


def folder(root: Path, count: int = 6, bands: int = 3, top: int = 1, kind: Any = np.uint8) -> Path:
    """Images and masks of two classes, the second with the value ``top``."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        high = 255 if kind == np.uint8 else 3000
        image = rng.integers(0, high, (40, 48, bands) if bands > 1 else (40, 48)).astype(kind)
        mask = np.zeros((40, 48), np.uint8)
        mask[5:20, 5:20] = top
        if bands > 4:
            np.save(root / "images" / f"{i}.npy", image)
        else:
            cv2.imwrite(str(root / "images" / f"{i}.png"), image)
        cv2.imwrite(str(root / "masks" / f"{i}.png"), mask)
    return root


@pytest.mark.parametrize(
    ("bands", "kind", "channels"),
    [(1, np.uint8, 3), (3, np.uint8, 3), (4, np.uint8, 3), (1, np.uint16, 1), (5, np.uint16, 5)],
)
def test_bands(tmp_path: Path, bands: int, kind: Any, channels: int) -> None:
    root = folder(tmp_path / "my dätä", bands=bands, kind=kind)
    report = check_folder(root)
    plan = planned(report, tmp_path / "lists", model="fast_scnn")
    cfg = read_config(write(plan, tmp_path / "plan.py"))
    assert len(cfg.model.data_preprocessor["mean"]) == channels
    assert cfg.model.decode_head.num_classes == 2
    checked = check_config(cfg)
    assert not checked.errors, [str(finding) for finding in checked.errors]
    train, val = (build_dataset(cfg, f"{split}_dataloader.dataset") for split in ("train", "val"))
    assert (len(train), len(val)) == (5, 1)
    assert train[0]["inputs"].shape[0] == channels
    assert build_model(cfg).num_classes == 2


def test_what_a_setting_mends_is_settled_and_said(tmp_path: Path) -> None:
    plan = planned(check_folder(folder(tmp_path / "x", top=255)), tmp_path / "lists", model="fast_scnn")
    assert any("settled by label_map={0: 0, 255: 1}" in line for line in plan.said)
    assert "label_map={0: 0, 255: 1}" in plan.text
    assert any("4 of" not in line and "kept for validation" in line for line in plan.said)


def test_every_choice_stands_in_the_text_with_its_reason(tmp_path: Path) -> None:
    plan = planned(check_folder(folder(tmp_path / "x")), tmp_path / "lists", model="fast_scnn")
    left_out = {"PhotoMetricDistortion", "direction", "class_weight"}
    for choice in plan.choices:
        if choice.name not in left_out:
            assert " ".join(choice.why.split()) in plan.text, choice.name


def test_weights_that_are_not_here_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_OFFLINE", "1")
    plan = planned(check_folder(folder(tmp_path / "x")), tmp_path / "lists", model="segformer_mit-b0")
    said = next(line for line in plan.said if "not available here" in line)
    assert "starts from scratch" in said
    assert "segue weights fetch segformer_mit-b0_8xb2-160k_ade20k-512x512" in said
    assert "pretrained=None" in plan.text


def test_errors_of_the_doctor_stop(tmp_path: Path) -> None:
    root = folder(tmp_path / "x")
    (root / "images" / "2.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"training would fail or learn nonsense"):
        planned(check_folder(root), tmp_path / "lists", model="fast_scnn")


def test_one_class(tmp_path: Path) -> None:
    root = folder(tmp_path / "x")
    for path in (root / "masks").iterdir():
        cv2.imwrite(str(path), np.zeros((40, 48), np.uint8))
    with pytest.raises(SegueError, match="one class only"):
        planned(check_folder(root), tmp_path / "lists", model="fast_scnn")


def test_one_image(tmp_path: Path) -> None:
    plan = planned(check_folder(folder(tmp_path / "x", count=1)), tmp_path / "lists", model="fast_scnn")
    assert any("one image only" in line for line in plan.said)
    assert "There is one set of images only: validation measures what was trained." in plan.text
