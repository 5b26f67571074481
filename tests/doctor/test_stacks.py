"""Checks of multilabel data: what is counted, what is wrong, and that the proposed lines mend it.

Oracle: generated shapes, spoiled in one way each.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.api import train
from segue.cli import main
from segue.doctor import check_config, check_folder
from segue.doctor.apply import apply
from segue.doctor.doctor import Report
from segue.doctor.page import write_page
from segue.errors import LabelError
from segue.recipes.open import read_config
from tests.cli.shapes import CLASSES, make_folders, shapes, write_config


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    make_folders(tmp_path, 3, 1)
    dataset = f"type='MultilabelDataset', classes={list(CLASSES)}"
    return write_config(tmp_path, "dict(kind='multilabel')", "num_classes=3", dataset, 2)


def checked(config: Path, *options: str) -> Report:
    return check_config(read_config(config, options))


def test_each_class_is_counted_by_itself(project: Path) -> None:
    report = checked(project)
    assert report.findings == []
    stacks = np.stack([shapes(i)[1] for i in range(3)])
    rows = report.classes(0)
    assert [row["pixels"] for row in rows] == stacks.sum(axis=(0, 1, 2)).tolist()
    assert rows[2]["share"] == pytest.approx(stacks[..., 2].mean())
    assert [row["images"] for row in rows] == [3, 3, 3]
    page = write_page("page.html", report).read_text()
    assert page.count('alt="0') == 4  # a sample for each image


def test_a_missing_mask_and_what_it_means(project: Path) -> None:
    Path("masks/train/bar/01.png").unlink()
    Path("masks/train/other").mkdir()
    Path("masks/train/bar/00.png").rename("masks/train/other/00.png")
    findings = {finding.kind: finding for finding in checked(project).findings}
    assert set(findings) == {"missing-mask", "missing-image"}
    assert "00.png (bar), 01.png (bar). If no pixel there has the class: missing='absent'" in str(
        findings["missing-mask"]
    )
    assert [fix.keys for fix in findings["missing-mask"].fixes] == [("train_dataloader.dataset.missing",)]
    assert "1 mask without an image: other/00.png" in findings["missing-image"].message
    assert main(["check", str(project), "--apply"]) == 1
    assert main(["train", "config_checked.py", "--work-dir", "run"]) == 0


def test_an_empty_mask_speaks_against_absence(project: Path) -> None:
    Path("masks/train/bar/01.png").unlink()
    assert cv2.imwrite("masks/train/bar/02.png", np.zeros((80, 80), np.uint8))
    [finding] = checked(project).findings
    assert finding.kind == "missing-mask" and not finding.fixes


def test_values_without_a_meaning(project: Path) -> None:
    for path in Path("masks").rglob("*.png"):
        assert cv2.imwrite(str(path), cv2.imread(str(path), 0) // 255 * 38)
    [finding] = checked(project).findings
    assert finding.kind == "out-of-range" and [fix.line for fix in finding.fixes] == ["map={38: 1}"]
    with pytest.raises(LabelError, match=r"Values 38 \(.* pixels\) in masks of a class"):
        train(project, work_dir="run")
    project.write_text(project.read_text().replace("kind='multilabel'", "kind='multilabel', map={38: 1}"))
    assert checked(project).findings == []


def test_smoothed_masks(project: Path) -> None:
    for path in Path("masks").rglob("*.png"):
        assert cv2.imwrite(str(path), cv2.GaussianBlur(cv2.imread(str(path), 0), (7, 7), 2))
    [finding] = checked(project).findings
    assert finding.kind == "smoothed-mask"
    [fix] = finding.fixes
    assert fix.line == "map={value: int(value > 127) for value in range(256)}"
    assert main(["check", str(project), "--apply"]) == 1
    assert main(["check", "config_checked.py"]) == 0


def test_255_taken_for_unknown(project: Path) -> None:
    [finding] = checked(project, "labels.ignore=255").findings
    assert finding.kind == "binary-mask" and [fix.line for fix in finding.fixes] == ["ignore=None"]


def test_sizes_and_broken_files(project: Path) -> None:
    for name in CLASSES:
        assert cv2.imwrite(f"masks/train/{name}/00.png", np.zeros((80, 40), np.uint8))
    assert cv2.imwrite("masks/train/disk/01.png", np.zeros((40, 80), np.uint8))
    Path("masks/train/disk/02.png").write_bytes(b"no picture")
    kinds = {finding.kind: finding.message for finding in checked(project).findings}
    assert "40 x 80 pixels, its image 80 x 80" in kinds["size"]
    assert "of another class" in kinds["corrupt-mask"] and "2 masks cannot be used" in kinds["corrupt-mask"]


def test_no_overlap_is_worth_a_note(project: Path) -> None:
    for split, count in (("train", 3), ("val", 1)):
        for i in range(count):
            for index, name in enumerate(CLASSES):
                mask = np.zeros((80, 80), np.uint8)
                mask[index * 20 : index * 20 + 10] = 255
                assert cv2.imwrite(f"masks/{split}/{name}/{i:02d}.png", mask)
    [finding] = [one for one in checked(project).findings if one.kind != "identical-masks"]
    assert finding.kind == "no-overlap" and finding.severity == "note"


@pytest.mark.parametrize("form", ["folders", "suffixes"])
def test_a_folder_that_nobody_described(project: Path, form: str) -> None:
    """Both layouts are recognized, and the written config trains beside that of a model."""
    if form == "suffixes":
        for path in list(Path("masks").rglob("*.png")):
            path.rename(path.parents[1] / f"{path.stem}-{path.parent.name}.png")
    Path("masks/train", "bar/01.png" if form == "folders" else "01-bar.png").unlink()
    report = check_folder(".")
    assert [part.masks for part in report.layout.parts] == ["masks/train", "masks/val"]
    assert {finding.kind for finding in report.findings} == {"layout", "missing-mask"}
    text = apply(report, None, "data.py").read_text()
    assert "labels = dict(kind='multilabel')" in text and "missing='absent'" in text
    assert "decode_head=dict(num_classes=3)" in text
    model = "\n".join(project.read_text().splitlines()[2:])
    Path("model.py").write_text(model.partition("train_pipeline")[0])
    settings = project.read_text().partition("optim_wrapper")[2]
    loaders = "train_dataloader = dict(num_workers=0, persistent_workers=False)\n"
    both = f"_base_ = ['data.py', 'model.py']\n{loaders}val_dataloader = {loaders[19:]}optim_wrapper{settings}"
    Path("both.py").write_text(both)
    assert main(["train", "both.py", "--work-dir", "run"]) == 0


def test_masks_of_class_ids_in_folders_are_no_stacks(tmp_path: Path) -> None:
    """Sequences in folders, and a colored copy beside the ids."""
    for sequence in "ab":
        for i in range(2):
            for kind in ("images", "masks"):
                (tmp_path / kind / sequence).mkdir(parents=True, exist_ok=True)
                picture = np.random.default_rng(i).integers(0, 3, (8, 8)).astype(np.uint8)
                assert cv2.imwrite(str(tmp_path / kind / sequence / f"{i}.png"), picture)
    [part] = check_folder(tmp_path, images="images", masks="masks").layout.parts
    assert part.mask_format is None
    assert all(part.mask_format is None for part in check_folder(tmp_path).layout.parts)
