"""Where a published file may be had, in order: the user's folders, the user's mirrors, the address that names it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

MIRRORS = "SEGUE_WEIGHTS_MIRROR"
FOLDER = "SEGUE_WEIGHTS"


@dataclass(frozen=True)
class Source:
    """An address to try; ``own`` are the user's mirrors, which need not speak HTTPS."""

    url: str
    own: bool

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc


def mirrors(given: Sequence[str] = ()) -> list[str]:
    """The mirrors that the user names: those given, else those of the environment, separated by commas."""
    named = given or os.environ.get(MIRRORS, "").split(",")
    return [name.strip().rstrip("/") for name in named if name.strip()]


def is_address(mirror: str) -> bool:
    """Whether a mirror is a host; otherwise it is a folder."""
    return mirror.startswith(("http://", "https://"))


def folders(given: Sequence[str] = ()) -> list[Path]:
    """The user's folders of weights: ``SEGUE_WEIGHTS``, and mirrors that are folders."""
    named = [os.environ.get(FOLDER, ""), *(mirror for mirror in mirrors(given) if not is_address(mirror))]
    return [Path(unquote(n[7:]) if n.startswith("file://") else n).expanduser() for n in named if n]


def near(url: str, given: Sequence[str] = ()) -> list[Path]:
    """Files in the user's folders that may be the one at ``url``: below its host, below its path, by its name."""
    inside = inner_path(url)
    places = (inside, Path(*inside.parts[1:]), Path(inside.name))
    found = [folder / place for folder in folders(given) for place in places]
    return [path for path in dict.fromkeys(found) if path.is_file()]


def near_by_name(name: str) -> Path | None:
    """The file of a name in the user's folders."""
    return next((folder / name for folder in folders() if name and (folder / name).is_file()), None)


def addresses(url: str, given: Sequence[str] = ()) -> list[Source]:
    """Where to ask for the file at ``url``.

    The user's mirrors come first, since whoever names one has a reason; each is asked by the full path (it stands for
    the host), by the file's name (it stands for the folder), and by host and path (it serves a copied cache).
    """
    parts = urlsplit(url)
    name = parts.path.rpartition("/")[2]
    found = []
    own_hosts = set()
    for mirror in mirrors(given):
        if is_address(mirror):
            own_hosts.add(urlsplit(mirror).netloc)
            tails = (parts.path, f"/{name}", f"/{parts.netloc}{parts.path}")
            found += [Source(mirror + tail, own=True) for tail in tails]
    found.append(Source(url, own=parts.netloc in own_hosts))
    return list(dict.fromkeys(found))


def inner_path(url: str) -> Path:
    """Where a file lies in the cache, below its folder."""
    parts = urlsplit(url)
    return Path(safe(parts.hostname or ""), *(safe(unquote(part)) for part in parts.path.split("/") if part))


def safe(part: str) -> str:
    """A URL part as the name of a file or folder."""
    part = re.sub(r"[^\w.\-+=@]", "_", part)[:150]
    return part if part.strip(".") else "_"
