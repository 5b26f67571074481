"""``segue-weights.lock``: the hash and size that each downloaded file had the first time, so that none changes unseen.

One JSON object per line, sorted by address: ``{"url": ..., "sha256": ..., "size": ...}``. The file lies in the cache,
or where ``SEGUE_WEIGHTS_LOCK`` says: kept with a project, it holds everybody who works there to the same bytes.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from segue.errors import DownloadError
from segue.system.locks import locked
from segue.system.replaced import replaced

NAME = "segue-weights.lock"
HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Pin:
    """What a file was when it was first downloaded."""

    sha256: str
    size: int


def lock_path(folder: Path) -> Path:
    """The lock file that belongs to a cache, or the one that the user names."""
    named = os.environ.get("SEGUE_WEIGHTS_LOCK")
    return Path(named).expanduser() if named else folder / NAME


def pins(path: Path) -> dict[str, Pin]:
    """What a lock file records, by address.

    Raises:
        DownloadError: it is not such a file; it is not guessed what it meant.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise DownloadError(f"{path} cannot be read ({error}); mend it, or delete it to trust anew.") from error
    found = {}
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            url, pin = str(entry["url"]), Pin(str(entry["sha256"]), int(entry["size"]))
            if not HASH.fullmatch(pin.sha256):
                raise ValueError("no SHA-256")
        except (ValueError, TypeError, KeyError) as error:
            raise DownloadError(
                f'{path}:{number} is not a line such as {{"url": ..., "sha256": ..., "size": ...}}; mend it, or delete '
                "it to trust the next download."
            ) from error
        found[url] = pin
    return found


def write_pin(path: Path, url: str, pin: Pin) -> None:
    """Record a file; the lock file is replaced as a whole, so that nobody reads half of it.

    Raises:
        DownloadError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(f".{path.name}.guard")):
            known = pins(path)
            if known.get(url) == pin:
                return
            known[url] = pin
            lines = [json.dumps({"url": u, "sha256": p.sha256, "size": p.size}) for u, p in sorted(known.items())]
            with replaced(path) as part:
                part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise DownloadError(
            f"{path} cannot be written ({error.strerror or error}); free it or name another."
        ) from error
