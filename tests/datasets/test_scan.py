"""Which files of a folder count, and links that lead elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.datasets.scan import walk_files
from segue.errors import DataError


def test_links_are_followed_but_not_upwards(tmp_path: Path) -> None:
    """A link to a folder elsewhere is part of the data; one to a folder above, or to ``/``, is not walked."""
    images, far = tmp_path / "data/images", tmp_path / "far"
    for folder in (images / "city", far):
        folder.mkdir(parents=True)
        (folder / "0.png").write_bytes(b"")
    (images / "more").symlink_to(far)
    for name, target in (("up", ".."), ("itself", "."), ("all", "/"), ("loop", "loop"), ("gone", "nowhere")):
        (images / name).symlink_to(target)
    (images / "city" / "back").symlink_to(images)
    assert walk_files(images) == ["city/0.png", "gone", "loop", "more/0.png"]


def test_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("")
    with pytest.raises(DataError, match=r"config\.py/images: does not exist; .*config\.py is a file, not a folder"):
        walk_files(tmp_path / "config.py" / "images")
