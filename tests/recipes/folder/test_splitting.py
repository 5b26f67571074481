"""The split of a folder that has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.recipes.folder.splitting import divide, groups_of

PATIENTS = [f"p{p}_slice{i}.png" for p in range(10) for i in range(4)]


def test_whole_groups() -> None:
    found = divide(PATIENTS, Path("lists/mine"))
    assert {name.split("_")[0] for name in found.train}.isdisjoint(name.split("_")[0] for name in found.val)
    assert len(found.val) == 8
    assert "whole groups of 10" in found.said
    assert found.files == (Path("lists/mine_train.txt"), Path("lists/mine_val.txt"))


def test_does_not_depend_on_the_order() -> None:
    assert divide(PATIENTS[::-1], Path("x")) == divide(PATIENTS, Path("x"))


@pytest.mark.parametrize(
    "names", [["a.png", "b.png"], [f"{i}.png" for i in range(7)], ["ä b/1.png", "ä b/2.png", "c.png"]]
)
def test_every_image_once(names: list[str]) -> None:
    found = divide(names, Path("x"))
    assert sorted(found.train + found.val) == sorted(names)
    assert found.train
    assert found.val


def test_one_image_is_not_divided() -> None:
    found = divide(["a.png"], Path("x"))
    assert not found.val
    assert "one image only" in found.said


def test_folders_tell_first() -> None:
    how, groups = groups_of([f"scene{s}/{i}.png" for s in range(5) for i in range(3)])
    assert "by folder" in how
    assert len(groups) == 5


def test_plain_numbers_tell_nothing() -> None:
    assert groups_of([f"{i:03}.png" for i in range(20)])[0] == "each by its name"


def test_lists_are_written(tmp_path: Path) -> None:
    found = divide(["a b.png", "ü.png"], tmp_path / "new" / "m")
    found.write()
    lines = [path.read_text(encoding="utf-8") for path in found.files]
    assert sorted("".join(lines).splitlines()) == ["a b.png", "ü.png"]
