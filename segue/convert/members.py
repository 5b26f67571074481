"""A file in an archive or a folder, and the limits within which it is read."""

from __future__ import annotations

import lzma
import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import IO, Any

from segue.errors import DataError

CHUNK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError, NotImplementedError)


@dataclass(frozen=True)
class Limits:
    """What an archive may do.

    Attributes:
        ratio: how many times larger than in the archive a file, or the whole, may be ...
        free: ... once it is larger than this many bytes. Flat label pictures shrink a hundredfold.
        memory: bytes of one file that is read at once.
        depth: archives within archives.
        members: files of one archive.
    """

    ratio: int = 500
    free: int = 256 << 20
    memory: int = 2 << 30
    depth: int = 3
    members: int = 2_000_000

    def check(self, size: int, packed: int, where: str) -> None:
        """Raise DataError if ``packed`` bytes that become ``size`` are out of proportion."""
        if size > self.free and size > self.ratio * max(packed, 1):
            raise DataError(
                f"{where}: {packed:,} bytes would become {size:,} or more, over {self.ratio} times as many: an archive "
                "made to fill the disk looks like this. If you trust it, unpack it and give the folder"
            )


@dataclass(frozen=True)
class Member:
    """A file of the sources.

    Attributes:
        path: its place in the tree, ``training/images/21_training.tif``.
        where: for messages: the archive or folder, and the place in it.
        opened: opens it for reading, once; not to be shared by threads.
        lock: held while it is read.
        limits: for its size.
        file: where it lies, if it is a file of the disk.
    """

    path: str
    where: str
    opened: Callable[[], IO[bytes]]
    lock: RLock
    limits: Limits
    file: Path | None = None

    @property
    def name(self) -> str:
        """File name."""
        return self.path.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """File name without its last suffix."""
        return os.path.splitext(self.name)[0]

    @property
    def suffix(self) -> str:
        """Last suffix, in lower case."""
        return os.path.splitext(self.name)[1].lower()

    @property
    def folders(self) -> list[str]:
        """The folders on the way."""
        return self.path.split("/")[:-1]

    def read(self) -> bytes:
        """The content."""
        with reporting(self.where), self.lock, self.opened() as stream:
            data = stream.read(self.limits.memory + 1)
        if len(data) > self.limits.memory:
            raise DataError(f"{self.where}: larger than {self.limits.memory:,} bytes; no such file is expected here")
        if not data:
            raise DataError(f"{self.where}: the file is empty (0 bytes); download it again")
        return data

    def text(self) -> str:
        """The content as UTF-8 text."""
        try:
            return self.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"{self.where}: not a text file: {error}") from error

    @contextmanager
    def local(self) -> Iterator[Path]:
        """A path to the content, for readers that take nothing else; a temporary file unless it is one already."""
        if self.file is not None:
            yield self.file
            return
        with tempfile.TemporaryDirectory(prefix="segue-") as folder:
            target = Path(folder) / f"member{self.suffix}"
            with reporting(self.where), self.lock, self.opened() as stream, target.open("wb") as out:
                shutil.copyfileobj(stream, out, CHUNK)
            try:
                yield target
            except DataError as error:  # a message that names the temporary file would help nobody
                raise type(error)(str(error).replace(str(target), self.where)) from error


@contextmanager
def reporting(where: str) -> Iterator[None]:
    """Turn what readers of damaged archives raise into a DataError."""
    try:
        yield
    except RuntimeError as error:
        if "password" not in str(error) and "encrypted" not in str(error):
            raise
        raise DataError(f"{where}: is locked with a password; unpack it and give the folder") from error
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.strerror:  # of the disk, not of the archive
            raise DataError(f"{where}: cannot be read: {error.strerror}") from error
        raise DataError(f"{where}: damaged or incomplete ({error}); download it again") from error


class Measured:
    """A stream that stops at sizes out of proportion to the ``packed`` bytes of ``source``, which it unpacks."""

    def __init__(self, stream: Any, source: IO[bytes], packed: int, limits: Limits, where: str) -> None:
        self._stream, self._source, self._packed = stream, source, packed
        self._limits, self._where = limits, where
        self._seen = 0

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes."""
        parts = []
        while size < 0 or size > 0:
            part = self._stream.read(CHUNK if size < 0 else min(size, CHUNK))
            if not part:
                break
            self._seen += len(part)
            self._limits.check(self._seen, self._packed, self._where)
            parts.append(part)
            size = size if size < 0 else size - len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Close both."""
        self._stream.close()
        self._source.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()
