"""What users do wrong: each mistake ends in one clear message and a non-zero status, never in a traceback.

``main`` is called in this process, so an exception that escapes fails the test; one mistake runs as a real process.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from segue.cli import main

from .project import make_project, write_pair


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The message of a command that must fail."""
    status = main(arguments)
    captured = capsys.readouterr()
    assert status == 1, captured
    assert captured.err.startswith(f"segue {arguments[0]}: ")
    assert "Traceback" not in captured.err + captured.out
    return captured.err


def edit(config: Path, old: str, new: str) -> None:
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))


#: mistake in the config -> (text, its replacement, what the message says)
CONFIG_MISTAKES = {
    "typo in a type": ("'FCNHead'", "'FCNHaed'", r"config.py:\d+: model.decode_head.type: .*did you mean 'FCNHead'"),
    "typo in an argument": ("num_convs=1", "num_conv=1", r"has no argument 'num_conv'; did you mean 'num_convs'"),
    "text for a number": ("depth=18", "depth='18'", r"model.backbone.depth: expected int, not '18'"),
    "missing argument": ("channels=8, num_convs", "num_convs", r"FCNHead needs the argument 'channels'"),
    "wrong num_classes": ("num_classes=3", "num_classes=19", r"num_classes: is 19, but .* has 3 classes \(dark, gray"),
    "too narrow head": ("in_channels=8", "in_channels=64", r"in_channels=64, but feature map 1 has 8 channels"),
    "no such feature map": ("in_index=1", "in_index=7", r"in_index=7, but there are 4 feature maps"),
    "unknown transform": ("'RandomFlip'", "'RandomFlop'", r"train_pipeline|pipeline\.2\.type: .*'RandomFlip'"),
    "unknown dataset": ("'FolderDataset'", "'FoldersDataset'", r"did you mean 'FolderDataset'"),
    "unknown optimizer": ("'SGD'", "'SDG'", r"optim_wrapper.optimizer.*'SDG'.*did you mean 'SGD'"),
    "unknown schedule": ("'PolyLR'", "'PollyLR'", r"param_scheduler.*'PollyLR'.*did you mean 'PolyLR'"),
    "unknown hook": ("'CheckpointHook'", "'CheckpointHok'", r"default_hooks.*did you mean 'CheckpointHook'"),
    "unknown loop": ("'IterBasedTrainLoop'", "'IterBasedLoop'", r"train_cfg.*'IterBasedTrainLoop'"),
    "unknown metric to keep the best of": (
        "interval=2)",
        "interval=2, save_best='mIuO')",
        r"'mIuO' is better cannot be told",
    ),
    "crop larger than the preprocessor": ("size=(32, 32)", "size=(16, 16)", r"32 x 32 pixels .* size is 16 x 16"),
    "mean of one channel too few": ("mean=[120.0] * 3, std=[60.0] * 3", "mean=[0.0] * 2, std=[1.0] * 2", r"2 values"),
    "forgotten section": ("optim_wrapper = ", "optimizer_wrapper = ", r"optim_wrapper: training needs this section"),
    "syntax error": (
        "test_cfg = dict(type='TestLoop')",
        "test_cfg = dict(type='TestLoop'",
        r"config.py:\d+: .*never closed",
    ),
    "a config that runs code": (
        "randomness = ",
        "import os\nos.system('touch canary')\nrandomness = ",
        r"config.py:\d+.*os.*--trust-config",
    ),
    "missing base": ("norm_cfg = dict(", "_base_ = 'gone.py'\nnorm_cfg = dict(", r"gone\.py"),
    "undefined name": ("dataset=dict(pipeline=train_pipeline", "dataset=dict(pipeline=trainpipe", r"trainpipe"),
    "schedule of a negative step": ("end=4", "end=-4", r"param_scheduler"),
    "batch of nothing": ("batch_size=2", "batch_size=0", r"train_dataloader: batch_size=0.*at least 1"),
}


@pytest.mark.parametrize("name", CONFIG_MISTAKES)
def test_config(name: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import re

    old, new, message = CONFIG_MISTAKES[name]
    edit(config, old, new)
    found = refused(capsys, "train", "config.py", "--work-dir", "run")
    assert re.search(message, found), found


def rewrite_mask(value: int | np.ndarray, dtype: type = np.uint8) -> Callable[[Path], object]:
    def write(root: Path) -> None:
        mask = np.zeros((32, 32), dtype)
        mask[:4, :5] = value
        cv2.imwrite(str(root / "masks" / "3.png"), mask)

    return write


def binary_masks(root: Path) -> None:
    for path in (root / "masks").glob("*.png"):
        mask = np.zeros((32, 32), np.uint8)
        mask[8:20] = 255
        mask[:2] = 128
        cv2.imwrite(str(path), mask)


def color_mask(root: Path) -> None:
    cv2.imwrite(str(root / "masks" / "3.png"), np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8))


def remove(name: str) -> Callable[[Path], object]:
    return lambda root: (root / name).unlink()


def empty(root: Path) -> None:
    for path in (root / "images").iterdir():
        path.unlink()


def write(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda root: (root / name).write_bytes(data)


def cut(root: Path) -> None:
    path = root / "images" / "3.png"
    path.write_bytes(path.read_bytes()[:-30])


#: mistake in the data -> (what is done to the folder, what the message says)
DATA_MISTAKES: dict[str, tuple[Callable[[Path], object], str]] = {
    "label 7 of 3 classes": (rewrite_mask(7), r"3\.png.*7.*20"),
    "a 0/255 mask with gray edges": (binary_masks, r"masks.*128"),
    "a 16-bit mask": (rewrite_mask(300, np.uint16), r"3\.png.*300"),
    "a color mask": (color_mask, r"3\.png.*colou?r"),
    "a missing mask": (remove("masks/3.png"), r"3\.png.*mask|mask.*3"),
    "an empty folder": (empty, r"images"),
    "a missing folder": (lambda root: (root / "images").rename(root / "pictures"), r"images"),
    "an unreadable image": (write("images/3.png", b"this is no image"), r"3\.png"),
    "a truncated image": (cut, r"3\.png"),
    "an image of no bytes": (write("images/3.png", b""), r"3\.png"),
    "image and mask of different size": (
        lambda root: cv2.imwrite(str(root / "masks" / "3.png"), np.zeros((16, 32), np.uint8)),
        r"3\.png.*16.*32",
    ),
}


@pytest.mark.parametrize("name", DATA_MISTAKES)
def test_data(name: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import re

    change, message = DATA_MISTAKES[name]
    change(config.parent / "data")
    found = refused(capsys, "train", "config.py", "--work-dir", "run")
    assert re.search(message, found, re.DOTALL), found


def test_worker_processes_report_the_same_message(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite_mask(7)(config.parent / "data")
    edit(config, "batch_size=2,\n    num_workers=0", "batch_size=2,\n    num_workers=1")
    assert "3.png" in refused(capsys, "train", "config.py", "--work-dir", "run")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["optim_wraper.optimizer.lr=1"], "did you mean 'optim_wrapper.optimizer.lr'"),
        (["model.backbone.depth"], "="),
        (["train_pipeline.9.prob=1"], "train_pipeline.9"),
        (["model.backbone.detph=50"], "has no argument 'detph'; did you mean 'depth'?"),
        (["model.decode_head.channels.x=3"], "model.decode_head.channels"),
    ],
)
def test_options(options: list[str], message: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in refused(capsys, "train", "config.py", "--cfg-options", *options)


def trained(config: Path) -> Path:
    from segue.checkpoints import save_weights
    from segue.config import Config
    from segue.config.builder.build import build_model

    return save_weights(config.parent / "good.safetensors", build_model(Config.fromfile(config)).state_dict())


class Evil:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple:
        return os.system, ("touch canary",)


def bad_checkpoint(kind: str, config: Path) -> str:
    path = config.parent / "bad.pth"
    good = torch.nn.Linear(2, 2).state_dict()
    if kind == "another model":
        torch.save(good, path)
    elif kind == "other classes":
        from segue.checkpoints import read

        state = read(trained(config)).state_dict
        torch.save(state | {"decode_head.conv_seg.weight": torch.zeros(19, 8, 1, 1)}, path)
    elif kind == "truncated":
        torch.save(good, path)
        path.write_bytes(path.read_bytes()[:-200])
    elif kind == "malicious":
        path.write_bytes(pickle.dumps({"state_dict": Evil()}))
    elif kind == "malicious archive":
        torch.save({"state_dict": Evil()}, path)
    elif kind == "text":
        path.write_text("<html>404 not found</html>")
    elif kind == "folder":
        path.mkdir()
    return str(path)


@pytest.mark.parametrize("command", ["test", "predict"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("another model", "weight"),
        ("other classes", "decode_head.conv_seg.weight"),
        ("truncated", "bad.pth"),
        ("malicious", "system"),
        ("malicious archive", "system"),
        ("text", "bad.pth"),
        ("missing", "bad.pth"),
        ("folder", "bad.pth"),
    ],
)
def test_checkpoints(kind: str, message: str, command: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = bad_checkpoint(kind, config)
    images = ["data/images"] if command == "predict" else []
    assert message in refused(capsys, command, "config.py", path, *images)
    assert not (config.parent / "canary").exists()


def test_files_and_folders(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = str(trained(config))
    (config.parent / "taken").write_text("a file, not a folder")
    assert "gone.py" in refused(capsys, "train", "gone.py")
    assert ".py, .yaml, .yml, .json" in refused(capsys, "train", "data/images/0.png")
    assert "taken" in refused(capsys, "train", "config.py", "--work-dir", "taken/run")
    assert "gone.ckpt" in refused(capsys, "train", "config.py", "--resume", "gone.ckpt")
    assert "gone.png" in refused(capsys, "predict", "config.py", good, "gone.png")
    (config.parent / "nothing").mkdir()
    assert "no images there" in refused(capsys, "predict", "config.py", good, "nothing")
    assert "taken" in refused(capsys, "predict", "config.py", good, "data/images/0.png", "--out", "taken/out")
    assert "name the images" in refused(capsys, "predict", "config.py", good)
    assert "'tpu' is not usable here" in refused(
        capsys, "predict", "config.py", good, "data/images/0.png", "--device", "tpu"
    )


def test_out_of_range_labels_are_found_in_evaluation_too(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = str(trained(config))
    write_pair(config.parent / "data", "3", np.full((32, 32), 9))
    assert "3.png" in refused(capsys, "test", "config.py", good)


def test_as_a_real_process(config: Path) -> None:
    edit(config, "'FCNHead'", "'FCNHaed'")
    done = subprocess.run([sys.executable, "-m", "segue", "train", "config.py"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [done.stderr.strip()] and "did you mean 'FCNHead'" in done.stderr


def test_the_project_itself_trains(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Otherwise the tests above would find mistakes that nobody made."""
    assert main(["train", "config.py", "--work-dir", "run"]) == 0
    assert main(["test", "config.py", "run/last.ckpt"]) == 0
    assert main(["predict", "config.py", "run/last.ckpt", "data/images", "--out", "seen"]) == 0
    assert len(list(Path("seen").glob("*_overlay.png"))) == 8
    assert "mIoU" in capsys.readouterr().out
