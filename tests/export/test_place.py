"""An export is at its place as a whole or not at all, and what cannot be written is said before the work."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from segue.errors import InputError
from segue.export.place import checked, moved


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--out .*: is a folder; name the file in it"), checked(tmp_path):
        pass
    with (
        pytest.raises(InputError, match=r"model\.onnx: cannot be written"),
        checked(tmp_path / "file" / "model.onnx"),
    ):
        pass
    with checked(tmp_path / "new" / "model.onnx") as folder:
        assert folder.is_dir() and not list((tmp_path / "new").iterdir())
    assert not folder.exists()


def test_a_full_disk_while_a_file_is_made(tmp_path: Path) -> None:
    message = r"model\.onnx: cannot be written: No space left on device"
    with pytest.raises(InputError, match=message), checked(tmp_path / "model.onnx"):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("full", ["model.bin", "model.xml"])
def test_a_full_disk_while_files_are_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str) -> None:
    """The older files stay, both of them, and nothing else is left."""
    made, out = tmp_path / "made" / "model.xml", tmp_path / "out" / "model.xml"
    for file, text in ((made, "new"), (out, "old")):
        file.parent.mkdir()
        file.write_text(text)
        file.with_suffix(".bin").write_text(text)
    copy = shutil.copyfile

    def copyfile(source: Path, target: Path) -> Any:
        if source.name == full:
            Path(target).write_text("ne")
            raise OSError(errno.ENOSPC, "No space left on device")
        return copy(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", copyfile)
        with pytest.raises(InputError, match="No space left on device"):
            moved(made, out)
    assert {path.name: path.read_text() for path in out.parent.iterdir()} == {"model.xml": "old", "model.bin": "old"}
    moved(made, out)
    assert {path.name: path.read_text() for path in out.parent.iterdir()} == {"model.xml": "new", "model.bin": "new"}


def test_the_parts_of_a_file_in_capitals(tmp_path: Path) -> None:
    """OpenVINO looks for MODEL.bin beside MODEL.XML."""
    (tmp_path / "made.xml").write_text("graph")
    (tmp_path / "made.bin").write_text("weights")
    moved(tmp_path / "made.xml", tmp_path / "MODEL.XML")
    assert (tmp_path / "MODEL.XML").read_text() == "graph" and (tmp_path / "MODEL.bin").read_text() == "weights"
