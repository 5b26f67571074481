"""Weights from anywhere to a local file: a path, an alias such as ``open-mmlab://resnet50_v1c``, or a URL.

A URL is looked for in the folder ``SEGUE_WEIGHTS`` (by file name), in the cache (``SEGUE_HOME``, by default
``~/.cache/segue``), at the mirrors of ``SEGUE_MIRROR`` (base URLs, separated by commas), at its own host, and at the
mirrors given. Bytes are accepted if they have the SHA-256 that was asked for, or that the file name ends in
(``-2cccc1ad.pth``); without either, the first download's hash is written down and every later one must match it.
"""

from __future__ import annotations

import functools
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from segue.checkpoints.cache import (
    cache_folder,
    cached_is_good,
    digest,
    expected_hash,
    locked,
    matches,
    record,
    records,
)
from segue.checkpoints.network import download
from segue.errors import CheckpointError, DownloadError

OLD_SCHEMES = {"modelzoo": "torchvision", "openmmlab": "open-mmlab", "mmpretrain": "mmcls"}


@functools.cache
def aliases() -> dict[str, str]:
    """Names that configs use for published weights, and where those are."""
    return json.loads(Path(__file__).with_name("aliases.json").read_text(encoding="utf-8"))


def fetch(
    source: str | Path,
    *,
    sha256: str | None = None,
    cache_dir: str | Path | None = None,
    mirrors: Sequence[str] = (),
    offline: bool = False,
    progress: bool = True,
) -> Path:
    """The local file for ``source``, downloaded if need be.

    Args:
        source: a path, an alias (``open-mmlab://...``, ``torchvision://...``) or an http(s) URL.
        sha256: the hash, or its first 8 or more hex digits, that the bytes must have.
        cache_dir: where downloads are kept, instead of the cache described above.
        mirrors: base URLs to try after the file's own host.
        offline: never use the network (as ``SEGUE_OFFLINE=1``).
        progress: draw a progress bar if the error stream is a terminal.

    Raises:
        CheckpointError: there is no such local file.
        DownloadError: what was tried, why each failed, and what to do.
    """
    text = str(source)
    if isinstance(source, Path) or "://" not in text or text.startswith("file://"):
        return local(Path(unquote(text.removeprefix("file://")) if text.startswith("file://") else text), sha256)
    url = resolve_alias(text)
    parts = urlsplit(url)
    name = Path(unquote(parts.path)).name
    if parts.scheme not in ("http", "https") or not parts.hostname or not name:
        raise DownloadError(f"{text} is not an address of a file; give a path, an http(s) URL or a known alias.")
    folder = Path(cache_dir) if cache_dir else cache_folder()
    if (near := in_weights_folder(name)) and matches(near, expected_hash(name, sha256)):
        return near
    target = folder / safe(parts.hostname) / Path(*(safe(unquote(p)) for p in parts.path.split("/") if p))
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.with_name(target.name + ".lock")):
        if target.is_file() and cached_is_good(folder, url, target, sha256):
            return target
        if offline or os.environ.get("SEGUE_OFFLINE", "") not in ("", "0"):
            raise DownloadError(f"{url} is not in {target.parent} and Segue is offline. {advice(url)}")
        return from_network(url, target, folder, sha256, mirrors, progress)


def local(path: Path, sha256: str | None) -> Path:
    """A local file, which may also stand in the folder of weights."""
    found = path.expanduser() if path.expanduser().is_file() else in_weights_folder(path.name)
    if found is None:
        raise CheckpointError(
            f"{path} does not exist; give the path of a checkpoint, an http(s) URL or an alias, or put the file into "
            "the folder that SEGUE_WEIGHTS names."
        )
    if sha256 and not matches(found, sha256):
        raise CheckpointError(f"{found} does not have the SHA-256 {sha256} that was asked for; get it again.")
    return found


def resolve_alias(text: str) -> str:
    """The URL behind an alias; URLs pass."""
    scheme, _, name = text.partition("://")
    if scheme in ("http", "https"):
        return text
    key = f"{OLD_SCHEMES.get(scheme, scheme)}://{name}"
    if key in aliases():
        return aliases()[key]
    known = [alias for alias in aliases() if alias.startswith(key.partition("://")[0] + "://")] or list(aliases())
    raise DownloadError(f"{text} is not an alias that Segue knows; known are {', '.join(known)}, paths and URLs.")


def in_weights_folder(name: str) -> Path | None:
    """The file of that name in the user's own folder of weights."""
    folder = os.environ.get("SEGUE_WEIGHTS")
    path = Path(folder).expanduser() / name if folder and name else None
    return path if path and path.is_file() else None


def safe(part: str) -> str:
    """A URL part as the name of a file or folder."""
    part = re.sub(r"[^\w.\-+=@]", "_", part)[:150]
    return part if part.strip(".") else "_"


# The network ----------------------------------------------------------------------------------------------------------


def from_network(
    url: str, target: Path, folder: Path, sha256: str | None, mirrors: Sequence[str], progress: bool
) -> Path:
    """Try one address after the other until the right bytes are there."""
    failures = []
    wanted = expected_hash(target.name, sha256)
    trusted = records(folder).get(url, {}).get("sha256")
    for address in addresses(url, mirrors):
        part = target.with_name(target.name + ".part")
        try:
            with bar(target.name, progress) as tick:
                download(address, part, tick)
        except DownloadError as error:
            failures.append(f"{address}: {error}")
            continue
        found = digest(part)
        if not found.startswith(wanted or trusted or ""):
            part.unlink()
            reason = "was asked for" if sha256 else "the file name promises" if wanted else "the first download had"
            failures.append(f"{address}: wrong bytes: SHA-256 {found[:16]}..., {(wanted or trusted)[:16]} {reason}")
            continue
        os.replace(part, target)
        record(folder, url, target, found)
        return target
    tried = "\n".join(f"  {failure}" for failure in failures)
    raise DownloadError(f"{url} could not be downloaded. Tried:\n{tried}\n{advice(url)}")


def addresses(url: str, mirrors: Sequence[str]) -> list[str]:
    """Where to look: the user's mirrors, the host itself, further mirrors; each by full path and by file name."""
    path = urlsplit(url).path
    chosen = [m.strip() for m in os.environ.get("SEGUE_MIRROR", "").split(",") if m.strip()]
    found = []
    for base in (*chosen, None, *mirrors):
        if base is None:
            found.append(url)
        else:
            found += [base.rstrip("/") + path, base.rstrip("/") + "/" + path.rpartition("/")[2]]
    return list(dict.fromkeys(found))


def advice(url: str) -> str:
    """What a user can do without this download."""
    name = Path(urlsplit(url).path).name
    return (
        f"Get {name} by other means and put it into a folder that SEGUE_WEIGHTS names, set SEGUE_MIRROR to a base URL "
        "that has it, or pass sha256=... if its published bytes have changed."
    )


@contextmanager
def bar(name: str, wanted: bool) -> Iterator[Any]:
    """A progress bar on the error stream, or nothing."""
    if not wanted or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as drawn:
        task = drawn.add_task(name, total=None)
        yield lambda done, total: drawn.update(task, completed=done, total=total)
