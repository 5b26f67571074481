"""mmseg's own bases as recipes say them.

``data/bases.json`` has, for each file of mmseg 1.2.2's ``configs/_base_``, a digest of the value of each variable.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from segue.config import Config
from segue.errors import ConfigError
from segue.recipes.bases import answer

FACTS = json.loads((Path(__file__).parent / "data" / "bases.json").read_text())
#: Files that no recipe answers: Stable Diffusion's own sections, and the schedule of its recipe.
NONE = {"_base_/models/vpd_sd.py", "_base_/schedules/schedule_25k.py"}
#: Values that differ: an argument of older releases stands in them.
OTHER = {
    "_base_/datasets/mapillary_v1.py": {"tta_pipeline"},
    "_base_/datasets/mapillary_v1_65.py": {"tta_pipeline"},
    "_base_/datasets/mapillary_v2.py": {"tta_pipeline"},
    "_base_/datasets/refuge.py": {"tta_pipeline"},
}
#: Variables that sections were written with, and that a child seldom reads.
LEFT_OUT = (
    "albu_train_transforms checkpoint checkpoint_file custom_imports metainfo num_classes test_img_scale "
    "train_img_scale val_img_scale val_pipeline backbone_norm_cfg norm_cfg"
)


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(plain(value), sort_keys=True).encode()).hexdigest()[:12]


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("name", [name for name in FACTS if name not in NONE])
def test_the_values_are_the_reference_s(name: str) -> None:
    found = answer(f"mmseg::{name}")
    assert found is not None
    known = FACTS[name]
    wrong = {key for key, value in found[0].items() if key in known and digest(value) != known[key]}
    assert wrong == OTHER.get(name, set()), wrong
    absent = set(known) - set(found[0])
    assert absent <= set(LEFT_OUT.split()), absent


def test_none_of_mmseg_s() -> None:
    for name in (*NONE, "_base_/models/nope.py", "mine.py", "../other/mine.py", "mmseg::pspnet/pspnet_r50.py"):
        assert answer(name) is None


def written(folder: Path, text: str) -> Config:
    (folder / "own.py").write_text(text)
    return Config.fromfile(folder / "own.py")


@pytest.mark.parametrize(
    ("base", "recipe"),
    [
        ("mmseg::pspnet/pspnet_r50-d8_4xb2-40k_cityscapes-512x1024.py", "pspnet_r50-d8_4xb2-40k_cityscapes-512x1024"),
        ("mmsegmentation::pspnet/pspnet_r50-d8_4xb2-80k_cityscapes-512x1024.py",
         "pspnet_r50-d8_4xb2-80k_cityscapes-512x1024"),
        ("./pspnet_r50-d8_512x1024_40k_cityscapes.py", "pspnet_r50-d8_512x1024_40k_cityscapes"),
        ("../_base_/models/pspnet_r50-d8.py", "pspnet_r50-d8_4xb2-40k_cityscapes-512x1024"),
        ("mmseg::_base_/models/pspnet_r50-d8.py", "pspnet_r50-d8_4xb2-40k_cityscapes-512x1024"),
    ],
)  # fmt: skip
def test_one_line_says_where_a_base_is_from(
    base: str, recipe: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "segue"):
        cfg = written(tmp_path, f"_base_ = {base!r}\nmodel = dict(decode_head=dict(num_classes=3))\n")
    assert caplog.messages == [f"{tmp_path / 'own.py'}:1: there is no {base}; it is taken from the recipe {recipe}"]
    assert (cfg.model.decode_head.type, cfg.model.decode_head.num_classes) == ("PSPHead", 3)
    assert str(cfg.origin("model.decode_head.type")) == f"<recipe {recipe}>"


def test_a_recipe_s_name_is_a_base(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cfg = written(tmp_path, "_base_ = 'pspnet_r50-d8_4xb2-40k_cityscapes-512x1024'\nx = _base_.crop_size\n")
    assert cfg.x == (512, 1024) and not caplog.messages
    with pytest.raises(ConfigError, match=r"own.py:1: pspnet_.*: unknown dataset 'cityscape'; did you mean"):
        written(tmp_path, "_base_ = 'pspnet_r50-d8_4xb2-40k_cityscape'\n")


def test_files_come_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "_base_" / "models").mkdir(parents=True)
    (tmp_path / "_base_" / "models" / "pspnet_r50-d8.py").write_text("model = dict(type='Mine')\n")
    cfg = written(tmp_path, "_base_ = ['_base_/models/pspnet_r50-d8.py', '_base_/schedules/schedule_40k.py']\n")
    assert cfg.model.type == "Mine" and cfg.train_cfg.max_iters == 40_000
    assert len(caplog.messages) == 1


def test_a_new_style_import(tmp_path: Path) -> None:
    imports = "with read_base():\n    from mmseg.configs._base_.datasets.loveda import *\n"
    cfg = written(tmp_path, f"from mmengine.config import read_base\n{imports}y = img_ratios[0]\n")
    assert cfg.dataset_type == "LoveDADataset" and cfg.y == 0.5


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("mmseg::pspnet/nope.py", "the package 'mmseg' is not installed, and no recipe of Segue has its name"),
        ("mmdet::pspnet/nope.py", "the package 'mmdet' is not installed; install the package"),
        ("./mine.py", "the base './mine.py' does not exist"),
    ],
)
def test_other_bases_are_still_missing(base: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        written(tmp_path, f"_base_ = {base!r}\n")
