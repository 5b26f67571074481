"""Generated data reaches pipelines as files. Oracle: the classes' own folders, suffixes and label rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from segue.config import Config
from segue.config.builder.register import registered
from segue.errors import ConfigError
from segue.migration.batch import generated, relative, resized, scene
from segue.types import SegSample

LOAD = [{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}]
PACK = [{"type": "PackSegInputs"}]


def config(dataset: dict[str, Any], **model: Any) -> Config:
    model = {"type": "EncoderDecoder", "data_preprocessor": {"mean": [0.0] * 3}, **model}
    return Config({"model": model, "train_dataloader": {"dataset": dataset}})


@pytest.mark.parametrize(
    ("kind", "classes", "lowest"), [("CityscapesDataset", 19, 0), ("ADE20KDataset", 150, 0), ("LoveDADataset", 7, 0)]
)
def test_datasets_find_generated_files(tmp_path: Path, kind: str, classes: int, lowest: int) -> None:
    """Whatever suffixes and zero labels they have; the data root of the config is not touched."""
    outside = tmp_path / "outside"
    prefix = {"img_path": str(outside / "img"), "seg_map_path": "../ann"}
    dataset = {
        "type": kind,
        "data_root": str(outside),
        "data_prefix": prefix,
        "ann_file": "a.txt",
        "pipeline": LOAD + PACK,
    }
    made = generated(config(dataset), "train", tmp_path / "in", classes)
    assert made.proven, made.reason
    labels = made.packs[0]["data_samples"].gt_sem_seg
    assert made.packs[0]["inputs"].shape == (3, 64, 64) and len(made.classes) == classes and len(made.packs) == 2
    assert labels[labels != 255].min() >= lowest and labels[labels != 255].max() < classes
    assert len(torch.unique(labels)) > 1 and not outside.exists()


def test_a_users_class_finds_generated_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One derived from mmseg's name, whose samples are mmseg's until a loader takes them."""
    from segue.compat.mmseg.datasets import BaseSegDataset

    class Town(BaseSegDataset):
        METAINFO: ClassVar = {"classes": ("sky", "road"), "palette": [[0, 0, 0], [9, 9, 9]]}

    monkeypatch.setitem(registered, "Town", Town)
    dataset = {"type": "Town", "data_root": "/x", "data_prefix": {"img_path": "i", "seg_map_path": "m"}}
    made = generated(config({**dataset, "pipeline": LOAD + PACK}), "train", tmp_path, 2)
    assert made.proven and made.classes == ["sky", "road"], made.reason
    assert type(made.packs[0]["data_samples"]) is SegSample


def test_wrapped_pairs_and_depth(tmp_path: Path) -> None:
    """Two images of one sample, and depth maps, through the datasets that have them."""
    steps = [{"type": "LoadMultipleRSImageFromFile"}, LOAD[1], {"type": "ConcatCDInput"}, *PACK]
    prefix = {"img_path": "A", "img_path2": "B", "seg_map_path": "l"}
    pair = {"type": "LEVIRCDDataset", "data_root": "/x", "data_prefix": prefix, "pipeline": steps}
    made = generated(config({"type": "RepeatDataset", "times": 2, "dataset": pair}), "train", tmp_path / "a", 2)
    assert made.proven, made.reason
    assert made.packs[0]["inputs"].shape[0] == 6
    prefix, steps = {"img_path": "i", "depth_map_path": "d"}, [LOAD[0], {"type": "LoadDepthAnnotation"}, *PACK]
    depth = {"type": "NYUDataset", "data_root": "/x", "data_prefix": prefix, "pipeline": steps}
    made = generated(config(depth), "train", tmp_path / "b", 1)
    assert made.proven, made.reason
    assert made.packs[0]["data_samples"].gt_depth_map.shape == (64, 64)


def test_what_cannot_be_fed_is_said(tmp_path: Path) -> None:
    """A pipeline that needs other data gives way to samples made directly; a wrong argument does not."""
    steps = [{"type": "LoadBiomedicalImageFromFile"}, *PACK]
    made = generated(config({"type": "BaseSegDataset", "pipeline": steps}), "train", tmp_path, 3)
    assert not made.proven and "Error" in made.reason and made.packs[0]["inputs"].shape == (3, 64, 64)
    four = config({}, data_preprocessor={}, backbone={"in_channels": 4})
    del four["train_dataloader"]
    made = generated(four, "train", tmp_path, 3)
    assert made.reason == "the config has no train_dataloader" and made.packs[0]["inputs"].shape == (4, 64, 64)
    with pytest.raises(ConfigError, match="has no argument 'suffix'"):
        generated(config({"type": "BaseSegDataset", "suffix": ".png"}), "train", tmp_path, 3)


def test_batches_of_a_size() -> None:
    image, labels = scene(classes=5)
    assert image.shape == (64, 64, 3) and image.dtype == np.uint8 and set(np.unique(labels)) <= set(range(5))
    made = generated(Config({"model": {}}), "train", Path(), 5)
    batch = resized(made.packs, 32, labels=True)
    assert [tuple(x.shape) for x in batch["inputs"]] == [(3, 32, 32)] * 2 and batch["inputs"][0].dtype == torch.uint8
    assert batch["data_samples"][0].gt_sem_seg.shape == (32, 32)
    assert batch["data_samples"][0].meta["ori_shape"] == (32, 32)
    assert resized(made.packs, 32, labels=False)["data_samples"][0].gt_sem_seg is None


def test_paths_stay_below_the_root() -> None:
    assert relative("../a/./b") == "a/b" and relative("/etc/x") == "etc/x" and relative("C:\\data\\x") == "data/x"
