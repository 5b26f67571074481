"""Downloaded files on disk: what they must be, and whether they are that."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.system.cache import cache
from segue.system.replaced import replaced

FILE_HASH = re.compile(r"-([0-9a-f]{8,64})\.\w+$")
DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])")
#: mmseg's own tool for publishing hashes its input rather than the file that it writes, since version 1.0 (September
#: 2022), and files of third parties were renamed by hand: such names promise nothing.
MMSEG = "/mmsegmentation/"
MMSEG_UNSURE = re.compile(r"_3rdparty-|[_-](2022(09|1[0-2])|202[3-9]\d\d)\d\d[_-]")

_log = logging.getLogger("segue")


@dataclass(frozen=True)
class Expected:
    """What a file must be: its SHA-256 or the beginning of one, who says so, and its size, as far as known."""

    sha256: str | None = None
    origin: str = "its first download"
    size: int | None = None

    def fits(self, path: Path) -> bool:
        """Whether a file is that."""
        if self.size is not None and path.stat().st_size != self.size:
            return False
        return self.sha256 is None or digest(path).startswith(self.sha256)


def cache_folder() -> Path:
    """Where downloads are kept."""
    return cache("weights")


@functools.cache
def published_hashes() -> dict[str, str]:
    """The SHA-256 of files whose publishers state it, by address."""
    hashes: dict[str, str] = json.loads(Path(__file__).with_name("hashes.json").read_text(encoding="utf-8"))
    return hashes


def known_hash(url: str) -> Expected:
    """What a file must be before it was ever downloaded: as its publisher states, or as its name says."""
    if url in published_hashes():
        return Expected(published_hashes()[url], "its publisher states")
    return Expected(hash_in_name(url), "the file name promises")


def hash_in_name(url: str) -> str | None:
    """The beginning of a SHA-256 in which the name of a published file ends, unless that is a date or unreliable."""
    found = FILE_HASH.search(url.rpartition("/")[2])
    if found is None or DATE.fullmatch(found[1]) or (MMSEG in url and MMSEG_UNSURE.search(url)):
        return None
    return found[1]


def digest(path: Path) -> str:
    """SHA-256 of a file, computed once for a file that is not touched."""
    stat = path.stat()
    return _digest(str(path), stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _digest(path: str, size: int, mtime_ns: int) -> str:
    result = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            result.update(chunk)
    return result.hexdigest()


# Stamps: a file that was hashed need not be hashed again by every process ---------------------------------------------


def stamp_path(path: Path) -> Path:
    """Where it is written down what a cached file was when it was hashed."""
    return path.with_name(path.name + ".json")


def stamped(path: Path, note: Path | None = None) -> str:
    """The SHA-256 of a cached file, from its stamp (``note``, by default beside it) if it was not touched since."""
    stat = path.stat()
    with suppress(OSError, ValueError, TypeError, KeyError):
        stamp = json.loads((note or stamp_path(path)).read_text(encoding="utf-8"))
        if (stamp["size"], stamp["mtime_ns"]) == (stat.st_size, stat.st_mtime_ns):
            return str(stamp["sha256"])
    return stamp_file(path, note)


def stamp_file(path: Path, note: Path | None = None) -> str:
    """Hash a cached file and write that down, if the cache can be written."""
    stat, found = path.stat(), digest(path)
    stamp: dict[str, Any] = {"sha256": found, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    with (
        suppress(OSError),
        replaced(note or stamp_path(path)) as part,
    ):  # a cache that several users share may be read-only
        part.write_text(json.dumps(stamp), encoding="utf-8")
    return found


def cached_is_good(path: Path, expected: Expected) -> bool:
    """Whether a cached file is what it must be."""
    if not path.is_file() or (expected.size is not None and path.stat().st_size != expected.size):
        return False
    return stamped(path).startswith(expected.sha256 or "")
