"""What lies in folders and archives, read file by file: nothing is unpacked, and no name in an archive is ever a path.

`Sources` lists plain files, folders, zip, tar (.gz, .bz2, .xz) and gz, also inside one another, as one tree; an archive
counts as a folder of its name. An archive from outside may be made to harm: members that would leave it, links, and
sizes out of proportion are refused, the sizes both where they are declared and while they are read.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import IO, Any

from segue.convert.members import CHUNK, Limits, Measured, Member, reporting
from segue.datasets.scan import some_of, walk_files
from segue.errors import DataError, InputError
from segue.images.limits import check_file
from segue.system.near import near_path

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ARCHIVES = (".zip", *TARS)
FOREIGN = (".rar", ".7z", ".zst")
_JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini")


@dataclass
class Sources:
    """The files of several folders and archives.

    Args:
        paths: files, archives and folders.
        limits: see `Limits`.
        without: folder of the results, not looked at if it is below one that is given.

    Attributes:
        members: all files, in the order of their paths; see `find`.
    """

    paths: Sequence[str | Path]
    limits: Limits = field(default_factory=Limits)
    without: Path | None = None

    def __post_init__(self) -> None:
        self._open = ExitStack()
        try:
            found = [member for path in self.paths for member in self._given(Path(path))]
        except BaseException:
            self._open.close()
            raise
        self.members = sorted(found, key=lambda member: member.path)

    def __enter__(self) -> Sources:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @cached_property
    def _folded(self) -> list[str]:
        return [f"/{member.path.lower()}" for member in self.members]

    def find(self, pattern: str) -> list[Member]:
        """Files whose path ends as ``pattern`` says, in any case of letters.

        ``*`` stands for part of a name and ``**`` for any folders: ``train/**/Semantic_masks/**/*.png``.
        """
        parts = re.split(r"(\*\*/|\*)", pattern.lower())
        wild = {"**/": "(?:[^/]+/)*", "*": "[^/]*"}
        match = re.compile("/" + "".join(wild.get(part) or re.escape(part) for part in parts) + "$").search
        return [member for member, folded in zip(self.members, self._folded, strict=True) if match(folded)]

    def found(self) -> str:
        """What is there, for messages: numbers of files by folder and kind."""
        kinds = Counter("/".join([*member.folders, f"*{member.suffix}"]) for member in self.members)
        listed = [f"{place} ({count})" for place, count in sorted(kinds.items())]
        return some_of(listed, 12) or "nothing"

    def _given(self, path: Path) -> list[Member]:
        if path.is_dir():
            top = path.resolve().name
            results = None if self.without is None else self.without.resolve()
            below = results is not None and path.resolve() in results.parents
            found: list[Member] = []
            for name in walk_files(path):
                file = path / name
                if not below or results not in file.resolve().parents:
                    found += self._file(file, "/".join(filter(None, [top, *Path(name).parent.parts])))
            return found
        if not path.exists():
            raise InputError(f"{path}: does not exist{near_path(path)}")
        if path.name.lower().endswith(FOREIGN):
            raise InputError(f"{path}: such archives are not read; unpack it and give the folder")
        return self._file(path, "")

    def _file(self, path: Path, folder: str) -> list[Member]:
        check_file(path)
        place = f"{folder}/{path.name}".lstrip("/")
        member = Member(place, str(path), lambda: path.open("rb"), RLock(), self.limits, path)
        if not _packed(member.name):
            return [member]
        self._outermost, self._spooled = os.path.getsize(path), 0
        with reporting(member.where):
            return self._inside(member, self._outermost, 1)

    def _inside(self, member: Member, size: int, depth: int) -> list[Member]:
        """What is in an archive or a gz file of ``size`` bytes, or the file itself if it is neither."""
        if not _packed(member.name):
            return [member]
        if not member.path.lower().endswith(ARCHIVES):

            def opened() -> Any:
                stream = member.opened()
                return Measured(gzip.GzipFile(fileobj=stream), stream, size, self.limits, member.where)

            return [Member(member.path[: -len(".gz")], member.where, opened, member.lock, self.limits)]
        if depth > self.limits.depth:
            raise DataError(f"{member.where}: archives within archives within archives; unpack it, give the folder")
        stream = member.opened()
        stream = self._open.enter_context(stream) if member.file is not None else self._kept(stream, member.where)
        read = self._zip if member.path.lower().endswith(".zip") else self._tar
        return read(stream, size, _bare(member.path), member.where, depth)

    def _zip(self, stream: IO[bytes], size: int, place: str, where: str, depth: int) -> list[Member]:
        archive = self._open.enter_context(zipfile.ZipFile(stream))
        infos = [info for info in archive.infolist() if not info.is_dir()]
        self._count(len(infos), where)
        if sum(info.compress_size for info in infos) > size:
            raise DataError(f"{where}: its files overlap, which only an archive made to do harm does")
        self.limits.check(sum(info.file_size for info in infos), size, where)
        lock = RLock()
        found = []
        for info in infos:
            inner = f"{where}: {info.filename}"
            name = safe_name(info.filename, inner)
            if (info.external_attr >> 16) & 0o170000 == 0o120000:
                raise DataError(f"{inner}: is a link; unpack the archive and give the folder")
            self.limits.check(info.file_size, info.compress_size, inner)

            def opened(info: zipfile.ZipInfo = info) -> Any:
                return archive.open(info)

            if not _junk(name):
                member = Member(f"{place}/{name}", inner, opened, lock, self.limits)
                found += self._inside(member, info.file_size, depth + 1)
        return found

    def _tar(self, stream: IO[bytes], size: int, place: str, where: str, depth: int) -> list[Member]:
        unpackers: dict[str, Any] = {"gz": gzip.open, "z2": bz2.open, "xz": lzma.open}  # by the end of the suffix
        unpack = unpackers.get(where[-2:].lower())
        if unpack is not None:  # compressed as a whole: every jump back would decompress all of it again
            stream = self._kept(Measured(unpack(stream), stream, size, self.limits, where), where)
        archive = self._open.enter_context(tarfile.open(fileobj=stream, mode="r:"))  # noqa: SIM115
        lock = RLock()
        found = []
        for number, info in enumerate(archive):
            self._count(number, where)
            inner = f"{where}: {info.name}"
            name = safe_name(info.name, inner)
            if info.isdir():
                continue
            if not info.isfile() or info.issparse():
                raise DataError(f"{inner}: is a link or a device, not a file; unpack the archive and give the folder")

            def opened(info: tarfile.TarInfo = info) -> Any:
                return archive.extractfile(info)

            if not _junk(name):
                member = Member(f"{place}/{name}", inner, opened, lock, self.limits)
                found += self._inside(member, info.size, depth + 1)
        return found

    def _kept(self, stream: Any, where: str) -> Any:
        """The content of a stream in a temporary file; all of an outermost archive's together are within the limits."""
        kept = self._open.enter_context(tempfile.TemporaryFile(prefix="segue-"))  # noqa: SIM115
        with stream:
            while part := stream.read(CHUNK):
                self._spooled += len(part)
                self.limits.check(self._spooled, self._outermost, where)
                kept.write(part)
        kept.seek(0)
        return kept

    def _count(self, number: int, where: str) -> None:
        if number > self.limits.members:
            raise DataError(f"{where}: has more than {self.limits.members:,} files; no such archive is expected here")


def safe_name(name: str, where: str) -> str:
    """The path of a member with forward slashes; one that leaves the archive is a DataError."""
    path = name.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", path) or "\0" in path:
        raise DataError(f"{where}: a path that leads out of the archive; it was made to do harm, nothing was read")
    return "/".join(parts)


def _packed(name: str) -> bool:
    return name.lower().endswith((*ARCHIVES, ".gz"))


def _junk(name: str) -> bool:
    parts = name.split("/")
    return any(part.startswith(".") or part in _JUNK for part in parts)


def _bare(place: str) -> str:
    """The place without the suffix of an archive."""
    return next(place[: -len(end)] for end in sorted(ARCHIVES, key=len, reverse=True) if place.lower().endswith(end))
