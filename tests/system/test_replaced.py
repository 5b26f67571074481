"""A file appears complete or not at all, with the rights of any other, and leaves nothing behind."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from segue.system.replaced import ENDING, clear_leftovers, replaced


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_old_content_stays_until_the_new_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replaced(path, durable=True) as part:
        part.write_text("new")
        assert path.read_text() == "old"
        assert part.name.startswith(".a.txt.") and part.name.endswith(ENDING)
    assert path.read_text() == "new" and names(tmp_path) == ["a.txt"]


def test_a_failure_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OSError, match="No space left"), replaced(path) as part:
        part.write_text("ne")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old" and names(tmp_path) == ["a.txt"]


def test_two_may_write_the_same_file_and_the_later_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with replaced(path) as one, replaced(path) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one" and names(tmp_path) == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="rights as POSIX has them")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_rights_are_those_that_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with replaced(tmp_path / "a") as part:
            part.unlink()
            os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))  # as safetensors writes
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~umask


def test_a_folder_takes_the_place_of_none_or_of_an_empty_one(tmp_path: Path) -> None:
    for _ in range(2):
        with replaced(tmp_path / "out", folder=True) as new:
            (new / "a").touch()
        assert names(tmp_path) == ["out"] and names(tmp_path / "out") == ["a"]
        (tmp_path / "out" / "a").unlink()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(OSError, match="not empty"), replaced(tmp_path / "out", folder=True) as new:
        (new / "a").touch()
    assert names(tmp_path) == ["out"] and names(tmp_path / "out") == ["mine"]


def test_names_as_long_as_the_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 125 + ".txt")
    with replaced(path) as part:
        part.write_text("x")
    assert path.read_text() == "x"


def test_leftovers_of_a_killed_process_are_known_and_removed(tmp_path: Path) -> None:
    script = f"""
import os
from segue.system.replaced import replaced
with replaced({str(tmp_path / "last.ckpt")!r}) as part:
    part.write_text("half")
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    assert len(names(tmp_path)) == 1
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / f".b.1{ENDING}").mkdir()
    (tmp_path / ".hidden").touch()
    clear_leftovers(tmp_path, "other")
    assert len(names(tmp_path)) == 3
    clear_leftovers(tmp_path, "last.ckpt")
    assert names(tmp_path) == [".hidden", "deep"]
    clear_leftovers(tmp_path)
    assert len(names(tmp_path / "deep")) == 1
    clear_leftovers(tmp_path, below=True)
    assert names(tmp_path / "deep") == []
    clear_leftovers(tmp_path / "not there")
