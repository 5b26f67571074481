"""Every proposal of every finding is written, checked again and trained for one step; also for a user's own class.

Oracle: `seeded.FAULTS` and `real_files`, spoiled on purpose; after the proposal nothing is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.cli import main
from segue.config import Config
from segue.doctor import check_config, check_folder
from segue.doctor.apply import apply

from . import real_files
from .seeded import CONFIG, FAULTS, each_mask, make_data

MODULE = """
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class Mine(BaseSegDataset):
    METAINFO = dict(classes={classes})

    def __init__(self, img_suffix='.png', seg_map_suffix='.png'{arguments}, **kwargs):
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix{passed}, **kwargs)
"""
#: what else the class's constructor takes, what it passes on, and how it refuses what it cannot pass on
CLASSES = {
    "passes all on": ("", "", ""),
    "has its own default": (", reduce_zero_label=False", ", reduce_zero_label=reduce_zero_label", ""),
    "fixes it": ("", ", label_map=None, reduce_zero_label=False, ignore_index=255", "does not take"),
    "swallows it": (", label_map=None, reduce_zero_label=False, ignore_index=None", "", "takes .* and does not use it"),
}


def of_user(folder: Path, name: str, module: str, count: int, kind: str) -> Path:
    """The config of `make_data` with the user's class in place of Segue's."""
    arguments, passed, _ = CLASSES[kind]
    names = repr([f"class {i}" for i in range(count)])
    Path(f"{module}.py").write_text(
        MODULE.format(classes=names, arguments=arguments, passed=passed).replace("Mine", name)
    )
    config = make_data(folder, count)
    text = config.read_text().replace("'BaseSegDataset'", f"'{name}'").replace("img_suffix='.png',", "")
    text = text.replace(f"metainfo=dict(classes={names}),", "")
    config.write_text(f"custom_imports = dict(imports=['{module}'])\n{text}")
    return config


MENDED = [name for name, given in FAULTS.items() if given[-1]]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("fault", MENDED)
def test_proposals_hold_for_a_class_of_the_user(
    fault: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the class does not do is said, and not proposed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    number = MENDED.index(fault) * len(CLASSES) + list(CLASSES).index(kind)
    count, spoil, found_kind, _, lines = FAULTS[fault]
    config = of_user(tmp_path, f"Mine{number}", f"my_data_{number}", count, kind)
    spoil(tmp_path)
    report = check_config(read(config))
    [finding] = [finding for finding in report.findings if finding.kind == found_kind]
    if CLASSES[kind][2]:
        assert not finding.fixes and f"Mine{number} " in finding.message
        assert re.search(CLASSES[kind][2], finding.message), finding.message
        return
    assert [fix.line for fix in finding.fixes] == lines
    written = apply(report, config)
    assert not check_config(read(written)).errors
    assert main(["train", str(written), "--work-dir", "run", "--cfg-options", "train_cfg.max_iters=1"]) == 0, (
        capsys.readouterr().err
    )


def read(path: Path) -> Config:
    """The config with its modules imported."""
    from segue.recipes.open import read_config

    return read_config(path)


def test_a_step_that_contradicts_is_set_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids from 1, and a pipeline that says reduce_zero_label=False."""
    monkeypatch.chdir(tmp_path)
    config = make_data(tmp_path)
    text = config.read_text().replace(
        "dict(type='LoadAnnotations')", "dict(type='LoadAnnotations', reduce_zero_label=False)"
    )
    config.write_text(text)
    FAULTS["ids from 1"][1](tmp_path)
    report = check_config(Config.fromfile(config))
    assert {fix.line for fix in report.fixes} == {"reduce_zero_label=True"}
    written = apply(report, config)
    assert not check_config(Config.fromfile(written)).errors
    assert main(["train", str(written), "--work-dir", "run", "--cfg-options", "train_cfg.max_iters=1"]) == 0


def test_what_is_ignored_is_merged_with_a_label_map(tmp_path: Path) -> None:
    """Oracle: values 0 and 255 are listed, 7 is not; "To ignore them:" is followed by all three."""
    config = make_data(tmp_path, 2)
    each_mask(lambda mask: np.where(np.arange(64) < 1, 7, mask * 255))(tmp_path)
    config.write_text(
        config.read_text().replace("type='BaseSegDataset',", "type='BaseSegDataset', label_map={0: 0, 255: 1},")
    )
    [finding] = check_config(Config.fromfile(config)).errors
    assert "They cover 432 pixels (1.6 %)." in finding.message and finding.message.endswith("To ignore them:")
    assert [fix.line for fix in finding.fixes] == ["label_map={0: 0, 255: 1, 7: 255}"]


HEAD, TAIL = CONFIG[: CONFIG.index("train_pipeline")], CONFIG[CONFIG.index("optim_wrapper") :]
LOADERS = """
train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False)
val_dataloader = dict(num_workers=0, persistent_workers=False)
"""


def gaps(root: Path) -> None:
    """Values as of clothes: 0, 5 and 58."""
    real_files.pairs(root, "images/{}.png", "masks/{}.png")
    for path in (root / "masks").glob("*.png"):
        cv2.imwrite(str(path), np.array([0, 5, 58], np.uint8)[cv2.imread(str(path), 0)])


def levels(root: Path) -> None:
    gaps(root)
    for path in (root / "masks").glob("*.png"):
        cv2.imwrite(str(path), np.array([0] * 5 + [128] * 53 + [255], np.uint8)[cv2.imread(str(path), 0)])


def strays(root: Path) -> None:
    levels(root)
    mask = cv2.imread(str(root / "masks/0.png"), 0)
    mask[0, :3], mask[1, :2] = 2, 60
    cv2.imwrite(str(root / "masks/0.png"), mask)


def soft(root: Path) -> None:
    """Borders of a binary mask, and a top of 237."""
    gaps(root)
    for path in (root / "masks").glob("*.png"):
        mask = (cv2.imread(str(path), 0) > 0) * np.uint8(237)
        cv2.imwrite(str(path), cv2.blur(mask, (5, 5)))


def ids_from_1(root: Path) -> None:
    gaps(root)
    for path in (root / "masks").glob("*.png"):
        cv2.imwrite(str(path), np.array([1] * 5 + [2] * 53 + [3], np.uint8)[cv2.imread(str(path), 0)])


def colors(root: Path) -> None:
    real_files.cvat_masks(root)
    (root / "labelmap.txt").unlink()


def mat_of_clothes(root: Path) -> None:
    from scipy.io import savemat

    for i in range(4):
        picture, labels = real_files.scene(i)
        real_files.save(root / f"photos/{i:04d}.jpg", picture)
        (root / "annotations/pixel-level").mkdir(parents=True, exist_ok=True)
        savemat(root / f"annotations/pixel-level/{i:04d}.mat", {"groundtruth": np.array([0, 5, 58], np.uint8)[labels]})


#: name: (how it is drawn, lines proposed, classes)
FOLDERS: dict[str, tuple[Callable[[Path], None], str, int]] = {
    "gaps": (gaps, "label_map={0: 0, 5: 1, 58: 2}", 3),
    "three levels": (levels, "label_map={0: 0, 128: 1, 255: 2}", 3),
    "strays": (strays, "label_map={0: 0, 128: 1, 255: 2, 2: 255, 60: 255}", 3),
    "soft borders": (soft, "label_map={value: int(value > 127) for value in range(238)}", 2),
    "ids from 1": (ids_from_1, "reduce_zero_label=True", 3),
    "colors": (colors, "mask_format='rgb'", 3),
    "clothes": (mat_of_clothes, "label_map={5: 1, 58: 2}", 3),
    "EXIF": (real_files.exif, "color_type='color_ignore_orientation'", 3),
    "CVAT": (real_files.cvat_masks, "mask_format='rgb'", 3),
    "Roboflow": (real_files.roboflow_masks, "mask_suffix='_mask.png'", 3),
    "nnU-Net": (real_files.nnunet, "classes=['background', 'vessel', 'lesion']", 3),
    "CVAT XML": (real_files.cvat_xml, "mask_format='cvat'", 3),
    "Supervisely": (real_files.supervisely, "mask_format='supervisely'", 3),
    "VIA": (real_files.via, "mask_format='via'", 3),
    "Cityscapes": (real_files.cityscapes, "mask_format='cityscapes'", 3),
    "labelme": (real_files.labelme, "mask_format='labelme'", 5),
    "YOLO": (real_files.roboflow_yolo, "mask_format='yolo'", 3),
    "COCO": (real_files.roboflow_coco, "mask_format='coco'", 3),
    "4 is unknown": (real_files.unknown_is_4, "label_map={0: 0, 1: 1, 2: 2, 4: 3}", 4),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_what_is_written_of_a_folder_trains(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make, line, count = FOLDERS[name]
    make(tmp_path / "mine")
    written = apply(check_folder("mine"), None, "data.py")
    assert line in written.read_text(), written.read_text()
    again = check_config(Config.fromfile(written))
    assert not [f for f in again.errors if f.kind != "num-classes"], [str(f) for f in again.errors]
    Path("config.py").write_text(f"_base_ = ['data.py']\n{HEAD.format(count=count)}{LOADERS}{TAIL}")
    side = Config.fromfile(written).crop_size[0]
    options = ["train_cfg.max_iters=1", "train_cfg.val_interval=1", f"model.data_preprocessor.size=({side},{side})"]
    assert main(["train", "config.py", "--work-dir", "run", "--cfg-options", *options]) == 0, capsys.readouterr().err
