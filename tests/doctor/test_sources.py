"""Which files a config means, also where its datasets refuse to be built.

Oracle: `seeded.make_data`, described by a FolderDataset that finds its classes itself.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from segue.config import Config
from segue.doctor import check_config
from segue.doctor.sources import sources_of
from segue.errors import ConfigError

from .seeded import FAULTS, make_data


def config(folder: Path, **more: object) -> Config:
    make_data(folder)
    parts = {
        split: {
            "type": "FolderDataset",
            "data_root": str(folder / "data"),
            "images": f"images/{split}",
            "masks": f"masks/{split}",
        }
        for split in ("train", "val")
    }
    loaders = {f"{split}_dataloader": {"dataset": {**part, **more}} for split, part in parts.items()}
    return Config({**loaders, "test_dataloader": loaders["val_dataloader"]})


def test_equal_datasets_are_read_once(tmp_path: Path) -> None:
    cfg = config(tmp_path)
    found = sources_of(cfg)
    assert [(source.split, len(source.pairs)) for source in found] == [("train", 6), ("val, test", 3)]
    assert found[1].keys == ("val_dataloader.dataset", "test_dataloader.dataset")
    assert found[0].rules.classes == ("class_0", "class_1", "class_2")


@pytest.mark.parametrize("fault", ["RGB mask", "truncated mask", "missing mask", "mask without image", "gray edges"])
def test_masks_that_stop_a_dataset_are_findings(fault: str, tmp_path: Path) -> None:
    cfg = config(tmp_path)
    FAULTS[fault][1](tmp_path)
    kinds = {finding.kind for finding in check_config(cfg).findings}
    assert FAULTS[fault][2] in kinds, kinds


def test_a_missing_folder_is_a_finding(tmp_path: Path) -> None:
    cfg = config(tmp_path, classes=["a", "b", "c"])
    shutil.rmtree(tmp_path / "data" / "images" / "val")
    [finding] = check_config(cfg).errors
    assert (finding.kind, finding.split) == ("files", "val, test")
    assert "images/val: does not exist" in finding.message


def test_two_masks_of_one_image(tmp_path: Path) -> None:
    cfg = config(tmp_path, classes=["a", "b", "c"])
    masks = tmp_path / "data" / "masks" / "train"
    shutil.copy(masks / "train1.png", masks / "train1.bmp")
    [finding] = check_config(cfg).errors
    assert finding.kind == "duplicate-mask" and "train1.bmp and train1.png" in finding.message


def test_a_dataset_that_cannot_be_built_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no argument 'mask'; did you mean 'masks'"):
        sources_of(config(tmp_path, mask="x"))
    with pytest.raises(ConfigError, match="no train_dataloader"):
        sources_of(Config({}))


def test_images_that_are_read_in_another_way_are_not_judged(tmp_path: Path) -> None:
    cfg = config(tmp_path, classes=["a", "b", "c"], pipeline=[{"type": "LoadBiomedicalImageFromFile"}])
    FAULTS["truncated image"][1](tmp_path)
    assert not check_config(cfg).errors
