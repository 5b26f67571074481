"""Files and folders that are there completely or not at all: written beside their place, then moved."""

from __future__ import annotations

import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: What is being written is hidden and ends so: ``.last.ckpt.1f3a09c2.segue-part``.
ENDING = ".segue-part"


@contextmanager
def replaced(path: str | Path, *, folder: bool = False, durable: bool = False) -> Iterator[Path]:
    """A place to write the new content of ``path`` to, which takes its place when all went well.

    The place is beside ``path``, has a name of its own, so that several processes may write the same file, and holds an
    empty file with the rights that the umask leaves. If writing fails, it is removed and ``path`` stays as it was.

    Args:
        path: the file; its folder is there.
        folder: write a folder, in place of none or of an empty one.
        durable: wait until the disk has the content: for what takes long to make again.

    Raises:
        OSError: as the system says.
    """
    path = Path(path)
    # of a long name not all, since names end at 255 bytes
    part = path.with_name(f".{path.name[:48]}.{secrets.token_hex(4)}{ENDING}")
    try:
        if folder:
            part.mkdir()
        else:
            part.touch(exist_ok=False)
        rights = part.stat().st_mode
        yield part
        if part.stat().st_mode != rights:  # some writers make files that nobody else may read
            part.chmod(rights)
        if durable:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        if folder and path.is_dir():
            path.rmdir()
        os.replace(part, path)
    finally:
        _remove(part)


def clear_leftovers(folder: str | Path, name: str = "", *, below: bool = False) -> None:
    """Remove what a process that was killed had not finished; nobody else may be writing there.

    Args:
        folder: where results go; it need not be there.
        name: of the file that was to be written; by default of all.
        below: look in all folders below it, too.
    """
    find = Path(folder).rglob if below else Path(folder).glob
    for part in list(find(f".{glob.escape(name[:48]) or '*'}.*{ENDING}")):
        _remove(part)


def _remove(part: Path) -> None:
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)
