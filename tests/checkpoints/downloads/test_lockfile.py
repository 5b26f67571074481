"""The lock file of weights: sorted lines, replaced as a whole, never guessed at."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from segue.checkpoints.downloads.lockfile import Pin, pins, write_pin
from segue.errors import DownloadError

PIN = Pin("0" * 64, 5)


def test_lines_are_sorted(tmp_path: Path) -> None:
    """One line per file, so that two people's additions merge."""
    path = tmp_path / "segue-weights.lock"
    for name in "cab":
        write_pin(path, f"https://x.org/{name}.pth", PIN)
    assert path.read_text().splitlines()[0] == f'{{"url": "https://x.org/a.pth", "sha256": "{"0" * 64}", "size": 5}}'
    assert list(pins(path)) == [f"https://x.org/{name}.pth" for name in "abc"]


def test_writers_at_once(tmp_path: Path) -> None:
    """Twenty writers lose none of each other's lines."""
    path = tmp_path / "segue-weights.lock"
    threads = [threading.Thread(target=write_pin, args=(path, f"https://x.org/{i}", PIN)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pins(path)) == 20


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"url": "x"}', '{"url": "x", "sha256": "zz", "size": 1}', '{"url": 1, "sha256": 2, "size": "a"}'],
)
def test_damaged_line(line: str, tmp_path: Path) -> None:
    path = tmp_path / "segue-weights.lock"
    write_pin(path, "https://a.org/a", PIN)
    path.write_text(path.read_text() + line)
    with pytest.raises(DownloadError, match=re.escape(f"{path}:2 is not a line such as")):
        pins(path)


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be written"):
        write_pin(tmp_path / "file" / "segue-weights.lock", "https://a.org/a", PIN)
