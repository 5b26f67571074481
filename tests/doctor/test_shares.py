"""A check that is shared out judges what one that is not judges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import segue
from segue.cli import main
from segue.errors import DataError, InputError


def folder(root: Path) -> Path:
    """11 images with masks, with several faults that need what was found in more than one file."""
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    draw = np.random.default_rng(0)
    for number in range(11):
        image = draw.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        mask = np.where(draw.random((20, 24)) < 0.5, 1, 3 if number % 4 else 0).astype(np.uint8)
        if number == 5:
            mask = mask[:, :20]
        cv2.imwrite(str(root / "images" / f"{number}.png"), image)
        cv2.imwrite(str(root / "masks" / f"{number}.png"), mask)
    (root / "images" / "7.png").write_bytes(b"no image")
    (root / "images" / "9.png").write_bytes((root / "images" / "2.png").read_bytes())  # the same picture twice
    return root


def config(root: Path) -> Path:
    """Two datasets of the folder: training and validation take the same files."""
    data = "dict(type='BaseSegDataset', data_root='data', data_prefix=dict(img_path='images', seg_map_path='masks'),"
    data += " img_suffix='.png', seg_map_suffix='.png', metainfo=dict(classes=['a', 'b', 'c']))"
    path = root / "config.py"
    text = f"train_dataloader = dict(batch_size=2, dataset={data})\n"
    path.write_text(text + f"val_dataloader = dict(batch_size=1, dataset={data[:-1]}, test_mode=True))\n")
    return path


def judged(target: Path, **how: Any) -> Any:
    segue.check(target, json="found.json", **how)
    return json.loads(Path("found.json").read_text()) if Path("found.json").exists() else None


@pytest.mark.parametrize("count", [1, 3, 14])  # 14 shares of 11 files: some have none
@pytest.mark.parametrize("kind", ["folder", "config"])
def test_all_shares_together_find_what_one_process_finds(
    kind: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    data = folder(tmp_path / "data")
    target = data if kind == "folder" else config(tmp_path)
    whole = judged(target)
    assert whole["findings"]
    Path("found.json").unlink()
    order = list(range(count, 0, -1))  # whoever comes last
    for index in order[:-1]:
        assert judged(target, shard=(index, count), shares="kept") is None
    if count == 3:
        assert "This share is kept; still missing: 1." in capsys.readouterr().out
    assert judged(target, shard=(1, count), shares="kept") == whole


def test_what_a_share_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = folder(tmp_path / "data")
    with pytest.raises(InputError, match=r"shard and shares go together"):
        segue.check(data, shard=(1, 2))
    with pytest.raises(InputError, match=r"shard=3/2: the first is counted from 1 to the second"):
        segue.check(data, shard=(3, 2), shares="kept")
    segue.check(data, shard=(1, 2), shares="kept")
    (data / "images" / "3.png").unlink()
    with pytest.raises(InputError, match=r"share_0001_of_0002.jsonl: is of other files or settings"):
        segue.check(data, shard=(2, 2), shares="kept")


def test_a_damaged_share_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = folder(tmp_path / "data")
    segue.check(data, shard=(1, 2), shares="kept")
    path = Path("kept/share_0001_of_0002.jsonl")
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"share_0001_of_0002.jsonl: is no share of a check .* run its share again"):
        segue.check(data, shard=(2, 2), shares="kept")
    lines = whole.splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))
    with pytest.raises(DataError, match=r"ends too early; remove it"):
        segue.check(data, shard=(2, 2), shares="kept")


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    data = folder(tmp_path / "data")
    assert main(["check", str(data), "--shard", "1/2", "--shares", "kept"]) == 0
    assert "still missing: 2" in capsys.readouterr().out
    assert main(["check", str(data), "--shard", "2/2", "--shares", "kept"]) == 1
    assert "7.png" in capsys.readouterr().out
