"""What a hub is asked, through the library huggingface_hub, and its errors in words.

The library knows endpoint (``HF_ENDPOINT``), token (``HF_TOKEN``, or what ``hf auth login`` stored) and cache
(``HF_HOME``, ``HF_HUB_CACHE``), and shares the cache with whatever else uses it. It is told what to bring file by file;
nothing that a server says of a file is believed before its bytes are looked at.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from segue.checkpoints.downloads.network import is_private
from segue.checkpoints.hub.address import Address, is_plain
from segue.errors import DownloadError, MissingExtraError

ETAG = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
TIMEOUT = 20.0  # seconds for the head of an answer
MOST_FILES = 10_000
#: Where a hub that is not the library's own is named, and the tokens that it takes.
ENDPOINT, TOKEN = "HF_ENDPOINT", "HF_TOKEN"
READ_ADVICE = f"give a token that may read it: {TOKEN}=..., or log in once with: hf auth login"
WRITE_ADVICE = f"give a token that may write there: {TOKEN}=..., or log in once with: hf auth login"


@dataclass(frozen=True)
class Remote:
    """A file as a hub lists it: its bytes, and the SHA-256 of large ones or git's hash of small ones."""

    size: int | None
    sha256: str | None
    blob: str | None


@dataclass(frozen=True)
class Listing:
    """What a repository holds at a commit."""

    commit: str
    files: dict[str, Remote]


def library() -> Any:
    """The library.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import huggingface_hub.errors
        import huggingface_hub.utils
    except ImportError as error:
        raise MissingExtraError("huggingface_hub", "hub", "a name such as hf://org/name") from error
    return huggingface_hub


def endpoint() -> str | None:
    """The hub's address, if it is not the library's own."""
    return (os.environ.get(ENDPOINT) or "").rstrip("/") or None


def api() -> Any:
    """The library's client."""
    from segue.version import __version__

    return library().HfApi(endpoint=endpoint(), library_name="segue", library_version=__version__)


def cache_folder() -> Path:
    """Where the library keeps what it fetched."""
    home = os.environ.get("HF_HOME")
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if named or home:
        return Path(named or os.path.join(str(home), "hub")).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface" / "hub"


def repository_folder(address: Address) -> Path:
    """Where the library keeps what is of one model."""
    return cache_folder() / f"models--{address.repo.replace('/', '--')}"


def is_offline() -> bool:
    """Whether the library may not use the network."""
    given = (os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or "").upper()
    return given in ("1", "ON", "YES", "TRUE")


def listing(address: Address, commit: str | None = None) -> Listing:
    """What the model holds at its revision, or at the commit that this one was.

    Raises:
        DownloadError: the hub does not say, or names files that no repository can hold.
    """
    revision = commit or address.revision
    with in_words(address, revision):
        found = api().model_info(address.repo, revision=revision, files_metadata=True, timeout=TIMEOUT)
    here = str(found.sha or "")
    if not re.fullmatch(r"[0-9a-f]{40}", here):
        raise DownloadError(f"{address}: the hub names no commit ({here!r:.60}); {ENDPOINT} must be that of a hub")
    wanted = commit or (address.revision if address.is_commit else None)
    if wanted and here != wanted:
        raise DownloadError(
            f"{address}: the hub gives the commit {here} where {wanted} was asked for; nothing is taken"
        )
    entries = list(found.siblings or ())
    if len(entries) > MOST_FILES:
        raise DownloadError(f"{address}: {len(entries)} files are listed, more than a model has")
    files = {}
    for entry in entries:
        name = str(entry.rfilename)
        if not is_plain(name):
            raise DownloadError(
                f"{address}: the hub lists a file {name!r:.100}, which no repository can hold; nothing is taken"
            )
        sha256 = getattr(entry.lfs, "sha256", None) if entry.lfs else None
        files[name] = Remote(entry.size, _hexadecimal(sha256, 64), _hexadecimal(entry.blob_id, 40))
    return Listing(here, files)


def _hexadecimal(text: object, digits: int) -> str | None:
    return str(text) if isinstance(text, str) and re.fullmatch(rf"[0-9a-f]{{{digits}}}", text) else None


def download(address: Address, commit: str, file: str, remote: Remote, *, again: bool = False) -> Path:
    """The file in the library's cache, brought there if need be.

    Args:
        address: of the model.
        commit, file: which of its files.
        remote: what the listing says of it.
        again: bring it even if it is there.

    Raises:
        DownloadError: it cannot be had, or what the hub says of it contradicts the listing.
    """
    place = repository_folder(address) / "snapshots" / commit / file
    if place.is_file() and not again:
        return place
    hub = library()
    with in_words(address, commit, file):
        where = hub.hf_hub_url(address.repo, file, revision=commit, endpoint=endpoint())
        found = hub.get_hf_file_metadata(where, timeout=TIMEOUT, endpoint=endpoint())
    _check_head(address, commit, file, remote, found, where)
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"{cache} cannot be written ({error.strerror or error}); HF_HOME names another") from error
    if found.size and found.size > shutil.disk_usage(cache).free:
        raise DownloadError(f"{cache} has no room for the {found.size} bytes of {address.at(commit, file)}")
    with in_words(address, commit, file), bars(hub):
        path = hub.hf_hub_download(
            address.repo, file, revision=commit, endpoint=endpoint(), cache_dir=cache, force_download=again,
            library_name="segue", etag_timeout=TIMEOUT,
        )  # fmt: skip
    return Path(path)


def _check_head(address: Address, commit: str, file: str, remote: Remote, found: Any, where: str) -> None:
    """What the hub says of a file before it is asked for it."""
    name = address.at(commit, file)
    if found.commit_hash != commit:
        raise DownloadError(f"{name}: the hub answers with the commit {found.commit_hash!r:.60}; nothing is taken")
    if not ETAG.fullmatch(found.etag or ""):
        raise DownloadError(f"{name}: the hub names the file's version {found.etag!r:.80}, which is no hash")
    told = remote.sha256 or remote.blob
    if told is not None and len(told) == len(found.etag) and told != found.etag:
        raise DownloadError(f"{name}: wrong hash: the hub lists {told[:16]}... and offers {found.etag[:16]}...")
    if remote.size is not None and found.size is not None and remote.size != found.size:
        raise DownloadError(f"{name}: the hub lists {remote.size} bytes and offers {found.size}")
    old, new = urlsplit(where), urlsplit(urljoin(where, found.location))
    if new.scheme not in ("http", "https") or (old.scheme == "https" and new.scheme != "https"):
        raise DownloadError(
            f"{name}: redirected to {new.scheme}://{new.netloc}, which is not as safe, and not followed"
        )
    if new.hostname != old.hostname and is_private(new.hostname or "") and not is_private(old.hostname or ""):
        raise DownloadError(f"{name}: redirected to {new.hostname}, an address of the local network, and not followed")


@contextmanager
def bars(hub: Any) -> Iterator[None]:
    """The library's bars, where there is a terminal to draw them on."""
    if sys.stderr.isatty() or hub.utils.are_progress_bars_disabled():
        yield
        return
    hub.utils.disable_progress_bars()
    try:
        yield
    finally:
        hub.utils.enable_progress_bars()


@contextmanager
def in_words(address: Address, revision: str, file: str = "", advice: str = READ_ADVICE) -> Iterator[None]:
    """Turn what the library raises into one message that says what to do, such as ``advice`` about tokens.

    Raises:
        DownloadError: that.
    """
    kinds = library().errors
    try:
        yield
    except kinds.GatedRepoError as error:
        raise DownloadError(
            f"{address}: the model is gated: accept its licence on the page of {address.repo} at the hub, and {advice}"
        ) from error
    except kinds.RepositoryNotFoundError as error:
        raise DownloadError(
            f"{address}: the hub has no model {address.repo}, or it is private; check the name, or {advice}"
        ) from error
    except kinds.RevisionNotFoundError as error:
        raise DownloadError(f"{address}: {address.repo} has no branch, tag or commit {revision!r}") from error
    except (kinds.LocalEntryNotFoundError, kinds.OfflineModeIsEnabled) as error:
        raise DownloadError(
            f"{address}: {file or 'it'} is not here, and the hub cannot be reached{_why(error)}"
        ) from error
    except kinds.EntryNotFoundError as error:
        raise DownloadError(f"{address}: {address.repo} has no file {file!r} at {revision}") from error
    except kinds.HfHubHTTPError as error:
        raise DownloadError(f"{address}: {_of_status(error, advice)}") from error
    except kinds.HFValidationError as error:
        raise DownloadError(f"{address}: {error}") from error
    except DownloadError:
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DownloadError(f"{address}: the disk of {cache_folder()} is full; HF_HOME names another") from error
        raise DownloadError(f"{address}: {_first_line(error)}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0].startswith(("httpx", "httpcore", "requests", "urllib3")):
            raise DownloadError(f"{address}: no connection to the hub ({_first_line(error)})") from error
        if isinstance(error, RuntimeError):  # of one of several uploads
            raise DownloadError(f"{address}: {_first_line(error)}{_why(error)}") from error
        if isinstance(error, (ValueError, KeyError, TypeError, AttributeError)):  # an answer that is no hub's
            raise DownloadError(f"{address}: the answer is not that of a hub ({_first_line(error)})") from error
        raise


def _of_status(error: Any, advice: str) -> str:
    """What an HTTP status means."""
    status = error.response.status_code
    if status in (401, 403):
        return f"the hub refuses ({status}): {advice}; of a gated model accept the licence on its page first"
    if status == 429:
        return "the hub is asked too often (429); wait, or log in with: hf auth login"
    said = f": {error.server_message}" if getattr(error, "server_message", None) else ""
    return f"the hub answered {status}{said}"


def _why(error: BaseException) -> str:
    cause = error.__cause__ or error.__context__
    return f" ({_first_line(cause)})" if cause is not None else ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
