"""Downloaded files on disk: their hashes, written down at the first download, and the lock that guards them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segue.errors import DownloadError

FILE_HASH = re.compile(r"-([0-9a-f]{8,64})\.\w+$")
DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])")


def cache_folder() -> Path:
    """Where downloads are kept."""
    return Path(os.environ.get("SEGUE_HOME") or Path.home() / ".cache" / "segue").expanduser() / "weights"


def expected_hash(name: str, sha256: str | None) -> str | None:
    """The hash asked for, or the one in the file name, unless that is a date."""
    if sha256:
        return sha256.lower()
    found = FILE_HASH.search(name)
    return found[1] if found and not DATE.fullmatch(found[1]) else None


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    result = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            result.update(chunk)
    return result.hexdigest()


def matches(path: Path, wanted: str | None) -> bool:
    """Whether a file has the hash, or the beginning of one, that is wanted."""
    return wanted is None or digest(path).startswith(wanted.lower())


def records(folder: Path) -> dict[str, Any]:
    """The hashes written down at first downloads: url -> sha256, size, time of change."""
    try:
        found = json.loads((folder / "hashes.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise DownloadError(f"{folder / 'hashes.json'} is not readable as JSON; mend it or delete it.") from error
    return found if isinstance(found, dict) else {}


def record(folder: Path, url: str, path: Path, sha256: str) -> None:
    """Write down a file's hash."""
    stat = path.stat()
    with locked(folder / "hashes.lock"):
        known = records(folder)
        known[url] = {"sha256": sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
        temporary = folder / f".hashes.{os.getpid()}.tmp"
        temporary.write_text(json.dumps(known, indent=1, sort_keys=True), encoding="utf-8")
        os.replace(temporary, folder / "hashes.json")


def cached_is_good(folder: Path, url: str, path: Path, sha256: str | None) -> bool:
    """Whether a cached file is what was downloaded; it is hashed again only if it was touched."""
    known = records(folder).get(url)
    stat = path.stat()
    if known and (known["size"], known["mtime_ns"]) == (stat.st_size, stat.st_mtime_ns):
        return known["sha256"].startswith((sha256 or "").lower())
    found = digest(path)
    wanted = expected_hash(path.name, sha256) or (known or {}).get("sha256")
    if wanted is None or not found.startswith(wanted):
        return False
    record(folder, url, path, found)
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes, so that the ranks of one machine download a file once."""
    with path.open("a+b") as file:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
