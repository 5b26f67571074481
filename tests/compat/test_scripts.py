"""Scripts and dataset classes written for mmseg run as written, with one import line added."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from segue.cli import main
from segue.config import Config
from segue.config.builder.build import build_dataset
from segue.recipes.open import read_config
from tests.compat import scripts


def run_script(text: str, folder: Path) -> str:
    """Run a script in a process of its own, as a user would; returns what it printed."""
    path = folder / "script.py"
    path.write_text(text)
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, cwd=folder, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def filled(text: str, **values: object) -> str:
    for key, value in values.items():
        text = text.replace("{" + key + "}", str(value))
    return text


def test_a_dataset_class_of_0x(user_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLASSES, PALETTE and ``split=`` through custom_imports, from a 0.x config and from a translated one."""
    (tmp_path / "sia.py").write_text(scripts.CUSTOM_DATASET)
    monkeypatch.syspath_prepend(str(tmp_path))
    text = (
        scripts.OLD_CONFIG
        + f"""
custom_imports = dict(imports=['sia'])
for part, name in ((data['train'], 'train'), (data['val'], 'val'), (data['test'], 'val')):
    part.update(type='SIADataset', data_root={str(user_data)!r}, img_dir='img', ann_dir='ann',
                split='splits/' + name + '.txt')
"""
    )
    config = tmp_path / "old.py"
    config.write_text(text)
    cfg = read_config(config)
    train, val = build_dataset(cfg, "train_dataloader.dataset"), build_dataset(cfg, "val_dataloader.dataset")
    assert (len(train), len(val)) == (4, 2)
    assert train.CLASSES == ("sky", "road", "tree") and train.metainfo["palette"][2] == [0, 150, 0]
    sample = train[0]
    assert sample["inputs"].shape == (3, 32, 32) and sample["data_samples"].gt_sem_seg.data.max() <= 255
    assert val[0]["inputs"].shape == (3, 64, 64)


def test_a_dataset_class_of_1x(user_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "isic.py").write_text(scripts.ISIC_DATASET)
    monkeypatch.syspath_prepend(str(tmp_path))
    import segue.compat  # noqa: F401  # the line that is added

    __import__("isic")
    from mmseg.registry import DATASETS

    dataset = DATASETS.build(
        dict(
            type="ISICDataset",
            data_root=str(user_data),
            data_prefix=dict(img_path="img", seg_map_path="ann"),
            ann_file="splits/val.txt",
            pipeline=[dict(type="LoadImageFromFile"), dict(type="LoadAnnotations"), dict(type="PackSegInputs")],
        )
    )
    assert len(dataset) == 2 and list(dataset.metainfo["classes"]) == ["sky", "road", "tree"]
    assert dataset[0]["data_samples"].gt_sem_seg.shape == (64, 64)


@pytest.mark.slow
def test_a_script_of_0x(user_data: Path, tmp_path: Path) -> None:
    """It edits the config, builds datasets and model, and trains with validation."""
    (tmp_path / "cfg.py").write_text(scripts.OLD_CONFIG)
    out = tmp_path / "work"
    text = filled(scripts.OLD_SCRIPT, root=user_data, config=tmp_path / "cfg.py", out=out)
    printed = run_script(text, tmp_path)
    assert "trained ('sky', 'road', 'tree') 4 torch.Size([3, 32, 32])" in printed
    assert "seen (64, 64) (64, 64, 3)" in printed and (out / "seen.png").exists()
    assert (out / "last.ckpt").exists() and "mIoU" in (out / "scalars.jsonl").read_text()


def test_a_script_of_1x(user_data: Path, tmp_path: Path) -> None:
    """It edits a cascade's config, dumps it, trains by Runner, then tests."""
    (tmp_path / "cfg.py").write_text(scripts.NEW_CONFIG)
    out = tmp_path / "work"
    printed = run_script(filled(scripts.NEW_SCRIPT, root=user_data, config=tmp_path / "cfg.py", out=out), tmp_path)
    assert "measured ['Acc/road', 'Acc/sky', 'Acc/tree'] CascadeEncoderDecoder 3" in printed
    assert "validated True" in printed
    assert Config.fromfile(tmp_path / "work.py").train_cfg.max_iters == 4
    assert (out / "last.ckpt").exists()


def test_segue_run_adds_the_line_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "old_script.py"
    script.write_text("import sys\nimport mmseg, mmcv\nprint(mmseg.__version__, sys.argv[1:])\nsys.exit(3)\n")
    assert main(["run", str(script), "--work-dir", "x"]) == 3
    assert capsys.readouterr().out == "1.2.2 ['--work-dir', 'x']\n"
    assert main(["run", str(tmp_path / "none.py")]) == 1
    assert "none.py: no such file" in capsys.readouterr().err
