"""``segue-weights.lock``: the hash and size that each downloaded file had the first time, so that none changes unseen.

One JSON object per line, sorted by address: ``{"url": ..., "sha256": ..., "size": ...}``; of a model of a hub, also
which commit its revision was, and of which files: ``{"url": "hf://...", "commit": ..., "files": [...]}``. The
file lies in the cache, or where ``SEGUE_WEIGHTS_LOCK`` says: kept with a project, it holds everybody who works there to
the same bytes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from segue.errors import DownloadError
from segue.system.locks import locked
from segue.system.replaced import replaced

NAME = "segue-weights.lock"
HASH = re.compile(r"[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Pin:
    """What a file was when it was first downloaded."""

    sha256: str
    size: int


def lock_path(folder: Path) -> Path:
    """The lock file that belongs to a cache, or the one that the user names."""
    named = os.environ.get("SEGUE_WEIGHTS_LOCK")
    return Path(named).expanduser() if named else folder / NAME


@dataclass(frozen=True)
class Commit:
    """What a revision of a model was when it was first fetched, and the files that were taken."""

    commit: str
    files: tuple[str, ...]


def pins(path: Path) -> dict[str, Pin]:
    """The files that a lock file records, by address.

    Raises:
        DownloadError: it is not such a file; it is not guessed what it meant.
    """
    return {url: entry for url, entry in _entries(path).items() if isinstance(entry, Pin)}


def commits(path: Path) -> dict[str, Commit]:
    """The revisions of models that a lock file records, by name.

    Raises:
        DownloadError: it is not such a file.
    """
    return {url: entry for url, entry in _entries(path).items() if isinstance(entry, Commit)}


def _entries(path: Path) -> dict[str, Pin | Commit]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise DownloadError(f"{path} cannot be read ({error}); mend it, or delete it to trust anew.") from error
    found: dict[str, Pin | Commit] = {}
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            url = str(entry["url"])
            if "commit" in entry:
                made: Pin | Commit = Commit(str(entry["commit"]), tuple(map(str, entry["files"])))
                good = COMMIT.fullmatch(entry["commit"]) is not None
            else:
                made = Pin(str(entry["sha256"]), int(entry["size"]))
                good = HASH.fullmatch(made.sha256) is not None
            if not good:
                raise ValueError("no hash")
        except (ValueError, TypeError, KeyError) as error:
            raise DownloadError(
                f'{path}:{number} is not a line such as {{"url": ..., "sha256": ..., "size": ...}}; mend it, or delete '
                "it to trust the next download."
            ) from error
        found[url] = made
    return found


def write_pin(path: Path, url: str, pin: Pin | Commit) -> None:
    """Record a file or a revision.

    Raises:
        DownloadError: it cannot be written.
    """
    write_pins(path, {url: pin})


def write_pins(path: Path, found: Mapping[str, Pin | Commit]) -> None:
    """Record files; the lock file is replaced as a whole, so that nobody reads half of it.

    Raises:
        DownloadError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(f".{path.name}.guard")):
            known = _entries(path)
            if all(known.get(url) == pin for url, pin in found.items()):
                return
            known |= found
            lines = [json.dumps({"url": url, **asdict(pin)}) for url, pin in sorted(known.items())]
            with replaced(path) as part:
                part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise DownloadError(
            f"{path} cannot be written ({error.strerror or error}); free it or name another."
        ) from error
