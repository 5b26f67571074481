"""What a wrong path was meant to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.system.near import leads_nowhere, near_path, nearest_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("config.py", "iter_2.ckpt", "notes.txt", "data/images/0.png", "data/masks/0.png", ".hidden.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("confg.py", "config.py"),
        ("config", "config.py"),
        ("config.yaml", "config.py"),
        ("iter_2.pth", "iter_2.ckpt"),
        ("dta/images/0.png", "data/images/0.png"),
        ("dta/imges/0.png", "data/images/0.png"),
        ("data/images/0.jpg", "data/images/0.png"),
        ("data/imags", "data/images"),
        ("hidden.py", None),
        ("something/else.py", None),
        ("data", None),
    ],
)
def test_nearest(given: str, found: str | None, folder: Path) -> None:
    assert nearest_path(folder / given) == (None if found is None else folder / found)


def test_suffixes(folder: Path) -> None:
    assert near_path(folder / "note", (".py",)) == ""
    assert near_path(folder / "dat", (".py",)) == f"; did you mean {str(folder / 'data')!r}?"
    assert nearest_path("/") is None and nearest_path("") is None


def test_links_that_lead_nowhere(folder: Path) -> None:
    for name, target in (("loop.pth", "loop.pth"), ("broken.pth", "nowhere.pth"), ("good.pth", "iter_2.ckpt")):
        (folder / name).symlink_to(target)
    assert leads_nowhere(folder / "loop.pth") == "is a link to loop.pth, which leads nowhere"
    assert leads_nowhere(folder / "broken.pth") == "is a link to nowhere.pth, which leads nowhere"
    assert leads_nowhere(folder / "good.pth") == leads_nowhere(folder / "absent.pth") == ""
