"""Weights from anywhere to a local file: a path, an alias such as ``open-mmlab://resnet50_v1c``, or a URL.

Sources, in order: the folder ``SEGUE_WEIGHTS``; the cache (``SEGUE_HOME``, by default ``~/.cache/segue``); the mirrors
of ``SEGUE_WEIGHTS_MIRROR``, hosts or folders separated by commas; the address itself. What costs nothing comes first,
which is safe since the bytes are checked wherever they are from: they must have the SHA-256 that was asked for, or
else the one in ``segue-weights.lock`` (what the first download had), or else the one that its publisher states
(``hashes.json``) or that the file name ends in (``-2cccc1ad.pth``). Where nothing is known, the first download is
trusted and written into the lock file.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from segue.checkpoints.downloads import sources
from segue.checkpoints.downloads.cache import (
    Expected,
    cache_folder,
    cached_is_good,
    digest,
    known_hash,
    stamp_file,
)
from segue.checkpoints.downloads.lockfile import Pin, lock_path, pins, write_pin
from segue.checkpoints.downloads.network import Unreachable, download
from segue.checkpoints.folder import holds_model
from segue.checkpoints.hub.address import is_hub
from segue.checkpoints.hub.repository import fetch_model
from segue.errors import CheckpointError, DownloadError, refuse
from segue.system.locks import locked
from segue.system.near import leads_nowhere, near_path

OLD_SCHEMES = {"modelzoo": "torchvision", "openmmlab": "open-mmlab", "mmpretrain": "mmcls"}

_log = logging.getLogger("segue")


@functools.cache
def aliases() -> dict[str, str]:
    """Names that configs use for published weights, and where those are."""
    addresses: dict[str, str] = json.loads(Path(__file__).with_name("aliases.json").read_text(encoding="utf-8"))
    return addresses


def fetch(
    source: str | Path,
    *,
    sha256: str | None = None,
    cache_dir: str | Path | None = None,
    mirrors: Sequence[str] = (),
    offline: bool = False,
    progress: bool = True,
    renew: bool = False,
) -> Path:
    """The local file for ``source``, downloaded if need be; of a model of a hub (``hf://org/name``) its folder.

    Args:
        source: a path, an alias (``open-mmlab://...``, ``torchvision://...``), a URL, or a model of a hub
            (``hf://org/name@revision``).
        sha256: the hash, or its first 8 or more hex digits, that the bytes must have, whatever the lock file says.
        cache_dir: where downloads are kept, instead of the cache described above.
        mirrors: hosts and folders to try first, instead of ``SEGUE_WEIGHTS_MIRROR``.
        offline: never use the network (as ``SEGUE_OFFLINE=1``).
        progress: draw a progress bar if the error stream is a terminal.
        renew: of a model of a hub, take what its branch or tag is now, whatever the lock file says.

    Raises:
        CheckpointError: there is no such local file.
        DownloadError: what was tried, why each failed, and what to do.
    """
    text = str(source)
    if is_local(source):
        return local(Path(unquote(text[7:])) if text.startswith("file://") else Path(text), sha256)
    if is_hub(text):
        refuse({"cache_dir": cache_dir}, "models of a hub lie in the cache of its library; HF_HOME names another")
        if any(map(sources.is_address, sources.mirrors(mirrors))):
            _log.warning("%s: mirrors of weights are not asked for it; HF_ENDPOINT names another hub", text)
        return fetch_model(text, sha256=sha256, offline=offline or is_offline(), renew=renew)
    refuse({"renew": renew}, f"{text}: only a model of a hub has a revision to renew")
    url = resolve_alias(text)
    if not _is_file_address(url):
        raise DownloadError(f"{text} is not an address of a file; give a path, an http(s) URL or a known alias.")
    return Wanted(url, sha256, Path(cache_dir) if cache_dir else cache_folder(), mirrors, offline, progress).fetch()


def _is_file_address(url: str) -> bool:
    """Whether it is an http(s) URL with a host, a port that there is, and the name of a file."""
    try:
        parts = urlsplit(url)
        host, name = parts.hostname, parts.path.rpartition("/")[2]
        return parts.scheme in ("http", "https") and bool(host and name) and parts.port != 0 and url.isprintable()
    except ValueError:  # brackets of half an IPv6 address, a port beyond 65535
        return False


def is_local(source: str | Path) -> bool:
    """Whether a source is a path."""
    text = str(source)
    return isinstance(source, Path) or "://" not in text or text.startswith("file://")


def is_offline() -> bool:
    """Whether the environment forbids the network."""
    return os.environ.get("SEGUE_OFFLINE", "") not in ("", "0")


def local(path: Path, sha256: str | None) -> Path:
    """A local file, which may also stand in the folder of weights; or a folder with a model in it."""
    if sha256 is None and holds_model(path.expanduser()):
        return path.expanduser()
    found = path.expanduser() if path.expanduser().is_file() else sources.near_by_name(path.name)
    if found is None and (found := by_segues_name(path.expanduser())) is not None:
        logging.getLogger("segue").warning(f"{path} does not exist; {found}, which is beside it, is taken")
    if found is None:
        if path.expanduser().exists():
            raise CheckpointError(f"{path} is not a file; give the path of a checkpoint.")
        absent = leads_nowhere(path.expanduser()) or "does not exist"
        raise CheckpointError(
            f"{path} {absent}; give the path of a checkpoint, an http(s) URL or an alias, or put the file into "
            f"the folder that SEGUE_WEIGHTS names{near_path(path) or '.'}"
        )
    if sha256 and not Expected(sha256.lower()).fits(found):
        raise CheckpointError(f"{found} does not have the SHA-256 {sha256} that was asked for; get it again.")
    return found


def by_segues_name(path: Path) -> Path | None:
    """What Segue calls a file that mmengine or mmcv would have written: ``NAME.ckpt`` or ``NAME.safetensors``, and
    ``last.ckpt`` for ``latest.pth``; None where none of them is there.
    """
    if path.suffix != ".pth":
        return None
    names = [path.with_suffix(".ckpt"), path.with_suffix(".safetensors")]
    names += [path.with_name("last.ckpt")] if path.name == "latest.pth" else []
    return next((name for name in names if name.is_file()), None)


def resolve_alias(text: str) -> str:
    """The URL behind an alias; URLs pass."""
    scheme, _, name = text.partition("://")
    if scheme in ("http", "https"):
        return text
    key = f"{OLD_SCHEMES.get(scheme, scheme)}://{name}"
    if key in aliases():
        return aliases()[key]
    known = [alias for alias in aliases() if alias.startswith(key.partition("://")[0] + "://")] or list(aliases())
    raise DownloadError(
        f"{text} is not an alias that Segue knows; known are {', '.join(known)}, hf://org/name, paths and URLs."
    )


class Wanted:
    """One file that is wanted; ``failures`` collects why each source did not have it."""

    def __init__(
        self, url: str, sha256: str | None, folder: Path, mirrors: Sequence[str], offline: bool, progress: bool
    ) -> None:
        self.url = url
        self.name = Path(unquote(urlsplit(url).path)).name
        self.asked = sha256.lower() if sha256 else None
        self.target = folder / sources.inner_path(url)
        self.lock = lock_path(folder)
        self.mirrors = mirrors
        self.offline = offline or is_offline()
        self.progress = progress
        self.failures: list[str] = []
        self.found: str | None = None  # the hash of wrong bytes

    def expected(self) -> Expected:
        """What the file must be: as asked for, as recorded, or as its name says."""
        if self.asked:
            return Expected(self.asked, "was asked for")
        pin = pins(self.lock).get(self.url)
        if pin:
            return Expected(pin.sha256, f"stands in {self.lock}", pin.size)
        return known_hash(self.url)

    def fetch(self) -> Path:
        """The file, from the first source that has it."""
        expected = self.expected()
        for path in sources.near(self.url, self.mirrors):
            if expected.fits(path):
                _log.info("%s: found in %s", self.name, path.parent)
                return path
            self.reject(str(path), path, expected)
        if cached_is_good(self.target, expected):
            return self.cached()
        if self.offline:
            raise self.failed("and Segue is offline")
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.target.with_name(self.target.name + ".lock")):
                expected = self.expected()  # another process may have recorded it meanwhile
                if cached_is_good(self.target, expected):
                    return self.cached()
                if self.target.is_file():
                    self.reject(str(self.target), self.target, expected)
                return self.download(expected)
        except OSError as error:
            why = error.strerror or error
            raise DownloadError(f"{self.target} cannot be written ({why}); SEGUE_HOME names another cache.") from error

    def cached(self) -> Path:
        """The file in the cache; a lock file that the user keeps learns of it."""
        if os.environ.get("SEGUE_WEIGHTS_LOCK") and self.url not in pins(self.lock):
            write_pin(self.lock, self.url, Pin(digest(self.target), self.target.stat().st_size))
        return self.target

    def download(self, expected: Expected) -> Path:
        """Try one address after the other until the right bytes are there."""
        part = self.target.with_name(self.target.name + ".part")
        dead: set[str] = set()
        for source in sources.addresses(self.url, self.mirrors):
            if source.host in dead:
                continue
            if source.url.startswith("http:") and not source.own and len(expected.sha256 or "") != 64:
                self.failures.append(
                    f"{source.url}: not asked, since anyone on the way can change plain http; give its sha256, an "
                    f"https address, or SEGUE_WEIGHTS_MIRROR=http://{source.host} if that host is yours"
                )
                continue
            _log.info("%s: asking %s", self.name, source.url)
            try:
                with bar(self.name, self.progress) as tick:
                    download(source.url, part, tick, size=expected.size, checked=expected.sha256 is not None)
            except DownloadError as error:
                if isinstance(error, Unreachable):
                    dead.add(source.host)
                self.failures.append(f"{source.url}: {error}")
                _log.warning("%s", self.failures[-1])
                continue
            if is_page(part):
                self.failures.append(f"{source.url}: a web page or a Git LFS pointer instead of the file")
            elif expected.fits(part):
                return self.keep(part)
            else:
                self.reject(source.url, part, expected)
            part.unlink()
        raise self.failed("and could not be downloaded")

    def keep(self, part: Path) -> Path:
        """Move a checked download into its place and write down what it is."""
        os.replace(part, self.target)
        pin = Pin(stamp_file(self.target), self.target.stat().st_size)
        write_pin(self.lock, self.url, pin)
        return self.target

    def reject(self, where: str, path: Path, expected: Expected) -> None:
        """Note that a file has the wrong bytes."""
        self.found = digest(path)
        size = path.stat().st_size
        if expected.size is not None and size != expected.size:
            self.failures.append(f"{where}: wrong bytes: {size} of them where {expected.size} are recorded")
        else:
            self.failures.append(
                f"{where}: wrong bytes: SHA-256 {self.found[:16]}..., {(expected.sha256 or '')[:16]} {expected.origin}"
            )
        _log.warning("%s", self.failures[-1])

    def failed(self, why: str) -> DownloadError:
        """What was tried, why each source failed, and what to do."""
        tried = "".join(f"\n  {failure}" for failure in self.failures)
        message = f"{self.url} is neither in {self.target.parent} nor in a folder of yours, {why}."
        if tried:
            message += f" Tried, in this order:{tried}\n"
        else:
            message += " "
        message += (
            f"Get {self.name} by other means and put it there or into a folder that SEGUE_WEIGHTS names, or name a "
            "mirror that has it: SEGUE_WEIGHTS_MIRROR or --weights-mirror."
        )
        if self.found:
            message += (
                f" If its publisher has replaced the file, accept the new one with: segue weights fetch {self.url} "
                f"--sha256 {self.found}"
            )
        return DownloadError(message)


def is_page(path: Path) -> bool:
    """Whether a file is what servers send in place of the one asked for, whatever they call it."""
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    return start.startswith((b"<!doctype", b"<html", b"version https://git-lfs"))


@contextmanager
def bar(name: str, wanted: bool) -> Iterator[Any]:
    """A progress bar on the error stream, or nothing."""
    if not wanted or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console

    from segue.system.bars import download_bar

    with download_bar(Console(stderr=True)) as drawn:
        task = drawn.add_task(name, total=None)
        yield lambda done, total: drawn.update(task, completed=done, total=total)
