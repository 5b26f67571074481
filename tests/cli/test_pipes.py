"""A pipe, a device or a folder where a file is expected: one sentence that names it, and no waiting for ever.

Every file that Segue opens because somebody names it or it lies in a data folder has a row; the alarm ends a wait.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from segue import api
from segue.checkpoints import read
from segue.checkpoints.folder import read_json as read_folder_config
from segue.cli import main
from segue.config import Config
from segue.datasets.class_files import find_class_file
from segue.datasets.decathlon import DecathlonDataset
from segue.datasets.dsdl import DSDLSegDataset
from segue.datasets.metainfo import read_names
from segue.datasets.scan import read_split
from segue.errors import SegueError
from segue.images.read import read_image
from segue.images.volumes import read_volume
from segue.masks.decode import read_mask
from segue.masks.formats import recognize
from segue.masks.mat import text_cells
from segue.masks.size import image_size
from segue.migration.find import find
from segue.packs.layout import content_of
from tests.cli.project import make_project

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
SECONDS = 100


@contextmanager
def no_waiting() -> Iterator[None]:
    """Fail in place of hanging."""

    def late(_: int, __: FrameType | None) -> None:
        raise AssertionError("it waits for somebody to write to the pipe")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def device(path: Path) -> Path:
    path.symlink_to("/dev/zero")
    return path


#: name of the file -> what opens it
OPENED: dict[str, Callable[[Path], Any]] = {
    "a.png": read_image,
    "b.tif": read_image,
    "c.npy": read_image,
    "d.jp2": read_image,
    "mask.png": read_mask,
    "size.png": image_size,
    "v.nii.gz": lambda p: read_volume(p),
    "v.npy": lambda p: read_volume(p, "numpy"),
    "split.txt": read_split,
    "names.txt": read_names,
    "dataset.json": lambda p: DecathlonDataset(str(p)),
    "set.yaml": lambda p: DSDLSegDataset(ann_file=str(p), specific_key_path={"img_path": "x"}),
    "coco.json": lambda p: recognize(str(p.parent), [p.name]),
    "cvat.xml": lambda p: recognize(str(p.parent), [p.name]),
    "via.csv": lambda p: recognize(str(p.parent), [p.name]),
    "yolo.txt": lambda p: recognize(str(p.parent), [p.name]),
    "m.mat": lambda p: text_cells(str(p)),
    "config.py": lambda p: Config.fromfile(p),
    "config.yaml": lambda p: Config.fromfile(p),
    "config.json": lambda p: Config.fromfile(p),
    "w.pth": read,
    "w.safetensors": read,
    "w.npz": read,
    "w.ckpt": read,
    "content.bin": content_of,
}


@pytest.mark.parametrize("make", [pipe, folder, device])
@pytest.mark.parametrize("name", OPENED)
def test_what_is_no_file(name: str, make: Callable[[Path], Path], tmp_path: Path) -> None:
    if name == "v.nii.gz":
        pytest.importorskip("nibabel", reason="volumes of NIfTI need the extra 'medical'")
    path = make(tmp_path / name)
    with no_waiting(), pytest.raises(SegueError) as caught:
        OPENED[name](path)
    said = str(caught.value)
    assert name in said or "/dev/zero" in said, said
    assert any(word in said for word in ("a pipe", "a device", "a folder", "not a file")), said


@pytest.mark.parametrize("what", ["image", "mask", "split", "config", "base", "weights", "load_from", "resume"])
def test_commands(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    more: list[str] = []
    name = "pipe.png"
    if what in ("image", "mask"):
        name = f"{what}s/3.png"
        (tmp_path / "data" / name).unlink()
        pipe(tmp_path / "data" / name)
    elif what == "split":
        name = "pipe.txt"
        pipe(tmp_path / "data" / name)
        more = ["train_dataloader.dataset.split=pipe.txt"]
    elif what == "base":
        name = "pipe.py"
        pipe(tmp_path / name)
        config = tmp_path / "child.py"
        config.write_text("_base_ = ['./config.py', './pipe.py']\n")
    else:
        name = "pipe.py" if what == "config" else "pipe.ckpt"
        pipe(tmp_path / name)
        config = tmp_path / name if what == "config" else config
        more = ["load_from=pipe.ckpt"] if what == "load_from" else []
    command = ["train", str(config), "--work-dir", "work", "--accelerator", "cpu"]
    if what == "weights":
        command = ["predict", str(config), "pipe.ckpt", "data/images/0.png", "--device", "cpu"]
    command += ["--resume", "pipe.ckpt"] if what == "resume" else []
    with no_waiting():
        assert main([*command, *(["--cfg-options", *more] if more else [])]) == 1
    said = capsys.readouterr().err
    assert Path(name).name in said and "Traceback" not in said
    assert any(word in said for word in ("a pipe", "not a file", "no image", "masks without an image")), said


def test_other_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    config = make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    pipe(tmp_path / "p.png")
    pipe(tmp_path / "p.ckpt")
    pipe(tmp_path / "p.tar")
    pipe(tmp_path / "p.zip")
    pipe(tmp_path / "classes.json")
    (tmp_path / "mixed").mkdir()
    pipe(tmp_path / "mixed" / "x.png")
    weights = tmp_path / "w.safetensors"
    api.load(str(config), None)
    from segue.checkpoints import save_weights

    save_weights(weights, api.load(str(config), None).model.state_dict(), {})
    commands = [
        ["predict", str(config), str(weights), "p.png", "--device", "cpu"],
        ["predict", str(config), str(weights), "mixed", "--device", "cpu"],
        ["check", "p.png"],
        ["check", "mixed"],
        ["weights", "inspect", "p.ckpt"],
        ["weights", "convert", "p.ckpt", "out.safetensors"],
        ["weights", "verify", "p.ckpt", "--config", str(config)],
        ["convert", "dataset", "chase_db1", "p.tar", "--out", "o1"],
        ["convert", "dataset", "chase_db1", "p.zip", "--out", "o2"],
        ["config", "show", "p.ckpt"],
    ]
    for command in commands:
        with no_waiting():
            assert main(command) != 0, command
        said = capsys.readouterr()
        assert "Traceback" not in said.err and said.err.strip() + said.out.strip(), command


def test_a_file_of_classes(tmp_path: Path) -> None:
    pipe(tmp_path / "labelmap.txt")
    pipe(tmp_path / "classes.txt")
    pipe(tmp_path / "dataset.json")
    with no_waiting():
        assert find_class_file([tmp_path]) is None


def test_a_project_to_be_migrated(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import mmseg\n")
    pipe(tmp_path / "b.py")
    pipe(tmp_path / "c.yaml")
    with no_waiting():
        assert [source.path for source in find(tmp_path).sources] == ["a.py"]


def test_folders_of_models(tmp_path: Path) -> None:
    pipe(tmp_path / "config.json")
    with no_waiting():
        assert read_folder_config(tmp_path / "config.json") is None
