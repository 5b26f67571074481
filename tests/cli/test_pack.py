"""``segue pack`` end to end: the settings that it prints train from the pack."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.cli import main
from segue.config import Config
from segue.config.builder.build import build_dataset

CONFIG = """
pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomCrop', crop_size=(8, 8)),
    dict(type='PackSegInputs'),
]
data = dict(type='FolderDataset', data_root='data', classes=('a', 'b', 'c'), pipeline=pipeline)
train_dataloader = dict(batch_size=1, dataset=dict(type='RepeatDataset', times=2, dataset=data))
"""


def write_data(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for part, shape in (("images", (20, 30, 3)), ("masks", (20, 30))):
        (folder / part).mkdir(parents=True)
        for i in range(3):
            values = rng.integers(0, 256 if part == "images" else 3, shape, dtype=np.uint8)
            cv2.imwrite(str(folder / part / f"{i}.png"), values)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    write_data(tmp_path / "data")
    (tmp_path / "config.py").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_printed_setting_reads_the_pack(project, capsys, monkeypatch) -> None:
    """Samples come from the pack: the decoders are not called any more, and the pixels are the same."""
    assert main(["pack", "config.py", "out", "--workers", "1"]) == 0
    printed = capsys.readouterr().out
    setting = "train_dataloader.dataset.dataset.pack=out"
    assert "6 pictures" in printed
    assert setting in printed
    cfg = Config.fromfile("config.py")
    plain = build_dataset(cfg, "train_dataloader.dataset")
    key, value = setting.split("=")
    cfg.merge_from_dict({key: value})
    packed = build_dataset(cfg, "train_dataloader.dataset")
    samples = []
    for dataset in (plain, packed):
        if dataset is packed:
            for name in (
                "load_image_from_file.open_image",
                "load_image_from_file.read_image",
                "load_annotations.read_mask",
            ):
                monkeypatch.setattr(f"segue.transforms.{name}", None)
        np.random.seed(0)
        samples.append([dataset[i] for i in range(len(dataset))])
    for first, second in zip(*samples, strict=True):
        assert first["inputs"].equal(second["inputs"])
        assert first["data_samples"].gt_sem_seg.equal(second["data_samples"].gt_sem_seg)


def test_again_packs_nothing(project, capsys) -> None:
    for _ in range(2):
        assert main(["pack", "config.py", "out", "--workers", "1"]) == 0
    assert "0 of them written now" in capsys.readouterr().out


def test_folder(project, capsys) -> None:
    assert main(["pack", "data", "out", "--workers", "1"]) == 0
    assert "this argument of the dataset, whose data_root is the folder:\n  pack=out" in capsys.readouterr().out


def test_datasets_of_several_roots_get_a_pack_each(project, capsys) -> None:
    write_data(project / "more" / "data2")
    (project / "two.py").write_text(
        CONFIG + "other = {**data, 'data_root': 'more/data2'}\n"
        "train_dataloader = dict(dataset=dict(type='ConcatDataset', datasets=[data, other]))\n"
    )
    assert main(["pack", "two.py", "out", "--workers", "1"]) == 0
    printed = capsys.readouterr().out
    assert f"train_dataloader.dataset.datasets.0.pack={Path('out/0_data')}" in printed
    assert f"train_dataloader.dataset.datasets.1.pack={Path('out/1_data2')}" in printed


def test_what_cannot_be_packed(project, capsys) -> None:
    assert main(["pack", "config.py", "out", "--splits", "val"]) == 1
    assert "the config has no dataset for val" in capsys.readouterr().err
    (project / "other.py").write_text(CONFIG.replace("LoadImageFromFile", "LoadSingleRSImageFromFile"))
    assert main(["pack", "other.py", "out"]) == 1
    assert "its pipeline has no LoadImageFromFile; only what that reads can be packed" in capsys.readouterr().err
    (project / "nyu.py").write_text(
        "data = dict(type='NYUDataset', data_root='data', pipeline=[dict(type='LoadImageFromFile')])\n"
        "train_dataloader = dict(dataset=data)\n"
    )
    assert main(["pack", "nyu.py", "out"]) == 1
    assert "'pack'" in capsys.readouterr().err
