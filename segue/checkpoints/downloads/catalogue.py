"""What is known about a file of weights before it is used: its address, its hash, and whether it is on this machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from segue.checkpoints.downloads import sources
from segue.checkpoints.downloads.cache import Expected, cache_folder, cached_is_good, known_hash, published_hashes
from segue.checkpoints.downloads.fetch import is_local, resolve_alias
from segue.checkpoints.downloads.lockfile import commits, lock_path, pins
from segue.checkpoints.hub.address import is_hub, parse
from segue.checkpoints.hub.client import repository_folder

State = Literal["here", "wrong bytes", "missing"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file.

    Attributes:
        source: how configs name it: path, alias or URL.
        url: its address; None: a path of the user's, which is published nowhere.
        state: whether it is on this machine, and the file that it should be.
        path: where it is, or where it would be looked for.
        size: in bytes, as recorded or found.
        sha256: the hash, or the beginning of one, that it must have.
        known_by: who says so: the ``lock`` file, the ``publisher``, or the file's ``name``.
    """

    source: str
    url: str | None
    state: State
    path: Path
    size: int | None
    sha256: str | None
    known_by: Literal["lock", "publisher", "name"] | None

    def as_dict(self) -> dict[str, Any]:
        """The facts as JSON data."""
        return {**asdict(self), "path": str(self.path)}


def look_up(source: str) -> Entry:
    """What is known about a source; nothing is downloaded.

    Raises:
        DownloadError: an alias that nobody knows.
    """
    if is_local(source):
        own = Path(source).expanduser()
        found = own if own.is_file() else sources.near_by_name(own.name)
        state: State = "here" if found else "missing"
        size = found.stat().st_size if found else None
        return Entry(source=source, url=None, state=state, path=found or own, size=size, sha256=None, known_by=None)
    folder = cache_folder()
    if is_hub(source):
        return _of_hub(source, folder)
    url = resolve_alias(source)
    pin = pins(lock_path(folder)).get(url)
    expected = Expected(pin.sha256, size=pin.size) if pin else known_hash(url)
    cached = folder / sources.inner_path(url)
    near = sources.near(url)
    good = next((path for path in near if expected.fits(path)), None)
    if good is None and cached_is_good(cached, expected):
        good = cached
    wrong = next((path for path in (*near, cached) if path.is_file()), None)
    path = good or wrong or cached
    return Entry(
        source=source,
        url=url,
        state="here" if good else "wrong bytes" if wrong else "missing",
        path=path,
        size=pin.size if pin else path.stat().st_size if good else None,
        sha256=expected.sha256,
        known_by="lock" if pin else "publisher" if url in published_hashes() else "name" if expected.sha256 else None,
    )


def _of_hub(source: str, folder: Path) -> Entry:
    """What the lock file and the cache of the hub's library say."""
    address, lock = parse(source), lock_path(folder)
    known, recorded = commits(lock).get(address.whole), pins(lock)
    commit = address.revision if address.is_commit else known.commit if known else ""
    files = [address.file] if address.file else list(known.files) if known else []
    place = repository_folder(address) / "snapshots" / commit if commit else repository_folder(address)
    found = [recorded.get(address.at(commit, file)) for file in files]
    here = bool(files) and bool(commit) and all((place / file).is_file() for file in files)
    size = sum(pin.size for pin in found if pin) if here and all(found) else None
    one = found[0].sha256 if address.file and found[0] else None
    return Entry(
        source=source,
        url=address.at(commit, address.file) if commit else None,
        state="here" if here else "missing",
        path=place / address.file if address.file else place,
        size=size,
        sha256=one,
        known_by="lock" if known or one else None,
    )
