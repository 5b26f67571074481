"""Work that several machines share out, where which shares are there is all that is remembered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from segue.errors import InputError


def check_shard(index: int, count: int) -> None:
    """Refuse the share ``index`` of ``count`` that cannot be.

    Raises:
        InputError: it is not from 1 to ``count``.
    """
    if not 1 <= index <= count:
        raise InputError(f"shard={index}/{count}: the first is counted from 1 to the second")


@dataclass(frozen=True)
class Shared:
    """The share ``index``, from 1, of ``count``; each leaves a file in ``folder``, which all machines have.

    Raises:
        InputError: there is no such share.
    """

    ENDING: ClassVar[str]

    index: int
    count: int
    folder: Path

    def __post_init__(self) -> None:
        check_shard(self.index, self.count)

    def path(self, index: int) -> Path:
        """The file of a share."""
        return self.folder / f"share_{index:04d}_of_{self.count:04d}{self.ENDING}"

    @property
    def missing(self) -> list[int]:
        """The shares that are not there yet."""
        return [index for index in range(1, self.count + 1) if not self.path(index).exists()]
