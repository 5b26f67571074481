"""Shares are numbered from 1, and which of them are there is known from their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from segue.errors import InputError
from segue.system.shares import Shared, check_shard


@dataclass(frozen=True)
class Counted(Shared):
    ENDING: ClassVar[str] = ".txt"


def test_missing(tmp_path: Path) -> None:
    share = Counted(2, 3, tmp_path)
    assert share.missing == [1, 2, 3]
    share.path(2).touch()
    assert share.path(2).name == "share_0002_of_0003.txt" and share.missing == [1, 3]
    Counted(1, 2, tmp_path).path(1).touch()  # of another number of shares
    assert share.missing == [1, 3]


@pytest.mark.parametrize(("index", "count"), [(0, 2), (3, 2), (1, 0), (-1, 2)])
def test_a_share_that_cannot_be(index: int, count: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"shard={index}/{count}: the first is counted from 1 to the second"):
        check_shard(index, count)
    with pytest.raises(InputError, match=f"shard={index}/{count}"):
        Counted(index, count, tmp_path)
