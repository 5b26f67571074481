"""From the name of a model at a hub to a folder with its files, every one of them checked.

Sources, in order: the folder ``SEGUE_WEIGHTS``, below ``organization/name``; the cache of the library; the hub. The
lock file says which commit a branch or tag was when it was first used, and which bytes the files had: that commit is
what is used from then on, wherever the branch has gone, and other bytes are refused. Bytes that come for the first time
must have the hash that the hub lists.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from pathlib import Path

from segue.checkpoints.downloads import sources
from segue.checkpoints.downloads.cache import cache_folder, digest, stamped
from segue.checkpoints.downloads.lockfile import Commit, Pin, commits, lock_path, pins, write_pins
from segue.checkpoints.folder import check_certificate, shards
from segue.checkpoints.hub import client
from segue.checkpoints.hub.address import Address, parse
from segue.checkpoints.hub.choice import choose, is_index
from segue.checkpoints.hub.client import Remote
from segue.errors import CheckpointError, DownloadError, InputError

_log = logging.getLogger("segue")


def fetch_model(text: str, *, sha256: str | None = None, offline: bool = False, renew: bool = False) -> Path:
    """The folder that holds a model, or one file of it.

    Args:
        text: its name, see `segue.checkpoints.hub.address`.
        sha256: the hash, or its first 8 or more hex digits, that one file must have.
        offline: never use the network.
        renew: ask the hub which commit the revision is now, and use that from now on.

    Raises:
        CheckpointError: the model has no weights that Segue takes, or its files contradict each other.
        DownloadError: what cannot be had, or has other bytes.
        InputError: the text is no name, or ``sha256`` is not of one file.
        MissingExtraError: the library is not installed.
    """
    address = parse(text)
    if sha256 and not address.file:
        raise InputError(f"{address}: a hash is of one file; name it: {address.whole}/model.safetensors")
    return Wanted(address, sha256.lower() if sha256 else None, offline, renew).fetch()


class Wanted:
    """A model, or one file of it, that is wanted."""

    def __init__(self, address: Address, sha256: str | None, offline: bool, renew: bool = False) -> None:
        self.address, self.asked, self.offline = address, sha256, offline
        self.lock = lock_path(cache_folder())
        self.known = None if renew else commits(self.lock).get(address.whole)
        self.pins = pins(self.lock)
        self.new: dict[str, Pin | Commit] = {}

    @property
    def commit(self) -> str | None:
        """The commit, as far as it is known without asking."""
        return self.address.revision if self.address.is_commit else self.known.commit if self.known else None

    def fetch(self) -> Path:
        """The folder or file, from the first source that has it."""
        found = self.own() or self.cached()
        if found is not None:
            return found
        if self.offline or client.is_offline():
            raise DownloadError(
                f"{self.address} is not in {client.repository_folder(self.address)}, and Segue is offline; bring it "
                f"with segue weights fetch {self.address} where there is a network, or put its files into the folder "
                f"that SEGUE_WEIGHTS names, below {self.address.repo}"
            )
        return self.download()

    def own(self) -> Path | None:
        """The user's own copy."""
        for folder in sources.folders():
            place = folder / self.address.repo
            if place.is_dir() and (not self.address.file or (place / self.address.file).is_file()):
                names = [path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()]
                for name in self.complete(place, names):
                    self.check(name, place / name, self.commit)
                _log.info("%s: found in %s", self.address, place)
                return place / self.address.file if self.address.file else place
        return None

    def cached(self) -> Path | None:
        """What the library's cache has, if it has all: with the network allowed, only what is recorded."""
        folder = client.repository_folder(self.address)
        commit = self.commit
        if commit is None and (self.offline or client.is_offline()):
            with suppress(OSError, UnicodeDecodeError):
                commit = (folder / "refs" / self.address.revision).read_text(encoding="utf-8").strip()
        if commit is None:
            return None
        place = folder / "snapshots" / commit
        if self.address.file:
            names = [self.address.file]
            recorded = self.address.at(commit, self.address.file) in self.pins
        else:
            names = list(self.known.files) if self.known else []
            recorded = bool(names)
        if not recorded and (self.offline or client.is_offline()) and place.is_dir():
            found = [path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()]
            with suppress(CheckpointError):
                names = self.complete(place, found)
                recorded = True
        if not recorded or not all((place / name).is_file() for name in names):
            return None
        try:
            for name in names:
                self.check(name, place / name, commit)
        except DownloadError:
            if self.offline or client.is_offline():
                raise
            return None  # damaged: brought again, and then checked by what is recorded
        self.record(commit, names)
        return place / self.address.file if self.address.file else place

    def complete(self, place: Path, names: list[str]) -> list[str]:
        """The files that make the model, of those in a folder.

        Raises:
            CheckpointError: one is missing.
        """
        chosen = choose(names, self.address)
        for index in filter(is_index, list(chosen)):
            chosen += list(shards(place / index))
        absent = [name for name in chosen if not (place / name).is_file()]
        if absent:
            raise CheckpointError(f"{self.address}: {', '.join(absent[:4])} is missing in {place}")
        return chosen

    def download(self) -> Path:
        """Bring what is not there."""
        try:
            listed = client.listing(self.address, self.commit)
        except DownloadError as error:
            if self.known is None or not isinstance(error.__cause__, client.library().errors.RevisionNotFoundError):
                raise
            raise DownloadError(
                f"{error}, which {self.lock} records for {self.address.whole}; accept what that is now with: segue "
                f"weights fetch {self.address.whole} --renew"
            ) from error
        commit = listed.commit
        chosen = choose(listed.files, self.address)
        place = None
        done: list[str] = []
        while chosen:
            name = chosen.pop(0)
            path = self.bring(commit, name, listed.files[name])
            place = path.parents[name.count("/")]
            done.append(name)
            if is_index(name):
                wanted = list(shards(path))
                absent = [shard for shard in wanted if shard not in listed.files]
                if absent:
                    raise CheckpointError(
                        f"{self.address}: {len(absent)} of its {len(wanted)} files of weights are missing at the hub: "
                        f"{', '.join(absent[:4])}; tell its author"
                    )
                chosen += [shard for shard in wanted if shard not in done]
        assert place is not None
        if not self.address.file:
            check_certificate(place)
        if not self.address.is_commit and self.known is None:
            _log.info("%s is the commit %s; %s records it", self.address, commit, self.lock)
        self.record(commit, done)
        return place / self.address.file if self.address.file else place

    def bring(self, commit: str, name: str, remote: Remote) -> Path:
        """One file, checked; one that the cache has with other bytes is brought again."""
        path = client.download(self.address, commit, name, remote)
        try:
            self.check(name, path, commit, remote)
        except DownloadError:
            path = client.download(self.address, commit, name, remote, again=True)
            try:
                self.check(name, path, commit, remote)
            except DownloadError:
                with suppress(OSError):
                    path.resolve().unlink()
                    path.unlink(missing_ok=True)
                raise
        return path

    def check(self, name: str, path: Path, commit: str | None = None, remote: Remote | None = None) -> None:
        """Whether a file has the bytes asked for, recorded or listed; it is recorded with the others in the end.

        Raises:
            DownloadError: it has others.
        """
        label = self.address.at(commit, name) if commit else f"{self.address.whole}/{name}"
        cached = path.is_relative_to(client.cache_folder())
        found = stamped(path.resolve(), self.note(commit, name)) if commit and cached else digest(path)
        pin = self.pins.get(label)
        if self.asked and not found.startswith(self.asked):
            raise DownloadError(f"{label}: wrong hash: SHA-256 {found[:16]}..., {self.asked[:16]} was asked for")
        if pin is not None and pin.sha256 != found and not self.asked:
            raise DownloadError(
                f"{label}: wrong hash: SHA-256 {found[:16]}..., {pin.sha256[:16]} stands in {self.lock}; if the new "
                "one is right, delete that line"
            )
        if remote is not None:
            _check_listed(label, path, found, remote)
        if commit:
            self.new[label] = Pin(found, path.stat().st_size)

    def note(self, commit: str | None, name: str) -> Path:
        """Where it is written down what a file of the library's cache was when it was hashed."""
        safe = [sources.safe(part) for part in (*self.address.repo.split("/"), commit or "", *name.split("/"))]
        note = cache_folder().joinpath("hub", *safe[:-1], safe[-1] + ".json")
        with suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
        return note

    def record(self, commit: str, names: list[str]) -> None:
        """Write into the lock file what was taken."""
        if not self.address.file:
            self.new[self.address.whole] = Commit(commit, tuple(names))
        recorded: dict[str, Pin | Commit] = {**self.pins, **commits(self.lock)}
        if any(recorded.get(name) != entry for name, entry in self.new.items()):
            write_pins(self.lock, self.new)


def _check_listed(label: str, path: Path, found: str, remote: Remote) -> None:
    """The bytes against what the hub lists: the SHA-256 of large files, git's hash of the others."""
    size = path.stat().st_size
    if remote.size is not None and remote.size != size:
        raise DownloadError(f"{label}: wrong bytes: {size} of them where the hub lists {remote.size}")
    if remote.sha256 is not None:
        if found != remote.sha256:
            raise DownloadError(f"{label}: wrong hash: SHA-256 {found[:16]}..., the hub lists {remote.sha256[:16]}...")
    elif remote.blob is not None:
        git = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
        git.update(path.read_bytes())
        if git.hexdigest() != remote.blob:
            raise DownloadError(
                f"{label}: wrong hash: git's is {git.hexdigest()[:16]}..., the hub lists {remote.blob[:16]}..."
            )
