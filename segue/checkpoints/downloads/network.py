"""One download over HTTP: resumable, bounded, soon done with a dead host, and not to be led into a private network."""

from __future__ import annotations

import http.client
import ipaddress
import json
import shutil
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from segue.checkpoints.downloads.pace import Pace
from segue.errors import DownloadError

CONNECT_TIMEOUT = 5  # seconds for a connection: a dead host must not keep the next source waiting
TIMEOUT = 20  # seconds without a byte
ANSWER_TIMEOUT = 60.0  # seconds for the head of an answer
CHUNK = 1 << 20
MAX_BYTES = 16 << 30  # the largest published segmentation checkpoints have a few GB
ATTEMPTS = 4  # continuations of a body that breaks off

Progress = Callable[[int, "int | None"], None]


class Unreachable(DownloadError):
    """No connection: other addresses of this host will not answer either."""


def is_private(host: str) -> bool:
    """Whether a host name leads to this machine or its local network."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False  # unknown here: the connection will fail, or a proxy knows it
    return any(is_private_address(str(entry[4][0])) for entry in found)


def is_private_address(address: str) -> bool:
    """Whether a numeric address is one of this machine, its local network, or of no network at all."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return not found.is_global or found.is_multicast or (inner is not None and not inner.is_global)


# Connections ----------------------------------------------------------------------------------------------------------


class Connection(http.client.HTTPConnection):
    """Waits shorter for a connection than for data; with ``public``, refuses peers in the local network.

    The peer is looked at once more when it is connected: a name may lead elsewhere the second time it is asked for.
    """

    public = False

    def connect(self) -> None:
        """Connect, and check who answered."""
        patience, self.timeout = self.timeout, CONNECT_TIMEOUT
        with self._at_most(ANSWER_TIMEOUT):
            super().connect()
        self.sock.settimeout(patience)
        if self.public and is_private_address(self.sock.getpeername()[0]):
            raise DownloadError(f"redirected to {self.host}, an address of the local network, and not followed")

    def getresponse(self) -> http.client.HTTPResponse:
        """The answer's head, within ANSWER_TIMEOUT however its bytes trickle."""
        with self._at_most(ANSWER_TIMEOUT):
            return super().getresponse()

    @contextmanager
    def _at_most(self, seconds: float) -> Iterator[None]:
        """Cut the connection when the time is over: each byte that comes renews the socket's own patience."""
        late = threading.Event()

        def cut() -> None:
            late.set()
            with suppress(OSError, AttributeError):
                self.sock.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, http.client.HTTPException, AttributeError) as error:
            if late.is_set():
                raise TimeoutError("no answer in time") from error
            raise
        finally:
            timer.cancel()
        if late.is_set():  # what was read until then looks like a whole answer
            raise TimeoutError("no answer in time")


class SecureConnection(Connection, http.client.HTTPSConnection):
    """The same over TLS."""


class Connections(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Opens URLs with the connections above."""

    def http_open(self, req: urllib.request.Request) -> Any:
        """Open ``http``."""
        return self.do_open(partial(connection, Connection, public(req)), req)

    def https_open(self, req: urllib.request.Request) -> Any:
        """Open ``https``, with the certificates that the system trusts."""
        return self.do_open(partial(connection, SecureConnection, public(req)), req)


def connection(kind: type[Connection], only_public: bool, host: str, timeout: float) -> Connection:
    """A connection of a kind, not yet open."""
    made = kind(host, timeout=timeout)
    made.public = only_public
    return made


def public(request: urllib.request.Request) -> bool:
    """Whether the peer must be a public address: the target of a redirect from one, unless a proxy connects."""
    return getattr(request, "must_be_public", False) and not request.has_proxy()


class CarefulRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects unless they leave HTTPS or lead a public address to a private one."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Check the target, then do what urllib does, keeping the Range header."""
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme not in ("http", "https") or (old.scheme == "https" and new.scheme != "https"):
            raise DownloadError(f"redirected to {new.scheme}://{new.netloc}, which is not as safe, and not followed")
        private = is_private(old.hostname or "")
        if is_private(new.hostname or "") and not private:
            raise DownloadError(f"redirected to {new.hostname}, an address of the local network, and not followed")
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None:
            request.must_be_public = not private  # type: ignore[attr-defined]
        return request


# Transfers ------------------------------------------------------------------------------------------------------------


def download(
    url: str, part: Path, progress: Progress, *, size: int | None = None, checked: bool = False, limit: int = MAX_BYTES
) -> None:
    """Bring the bytes of ``url`` to the file ``part``, continuing what an earlier call left there.

    Args:
        url: the address.
        part: the file to write.
        progress: called with the bytes there are and the bytes there will be.
        size: how long the file must be, if that is known.
        checked: the caller knows the file's hash, so that bytes may be continued that only their length vouches for.
        limit: the largest file to accept.

    Raises:
        DownloadError: in a few words, what went wrong; the caller adds the URL and what to do. ``Unreachable``: there
            is nobody at this host.
    """
    opener = urllib.request.build_opener(Connections, CarefulRedirects)
    pace = Pace()
    note = part.with_name(part.name + ".json")  # which version of which URL the partial bytes are of
    for _ in range(ATTEMPTS):
        before = part.stat().st_size if part.exists() else 0
        try:
            if transfer(opener, url, part, note, progress, size, checked, limit, pace):
                note.unlink(missing_ok=True)
                return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 416 or not before:
                raise DownloadError(f"the server answered {error.code} {error.reason}") from error
            discard(part)
            continue
        except (OSError, http.client.HTTPException, ValueError) as error:
            if not part.exists() or part.stat().st_size <= before:
                raise Unreachable(f"no connection ({reason(error)})") from error
        after = part.stat().st_size if part.exists() else 0
        if after == before:
            break  # no progress; a partial file of another version was discarded, which is one
    raise DownloadError("the transfer broke off before the end of the file")


def reason(error: BaseException) -> str:
    """Why there was no connection, in words."""
    inner = getattr(error, "reason", None) or error
    if isinstance(inner, TimeoutError):
        return "no answer in time"
    return str(getattr(inner, "strerror", None) or inner) or type(inner).__name__


def discard(part: Path) -> None:
    """Forget a partial download."""
    part.unlink(missing_ok=True)
    part.with_name(part.name + ".json").unlink(missing_ok=True)


def transfer(
    opener: urllib.request.OpenerDirector,
    url: str,
    part: Path,
    note: Path,
    progress: Progress,
    size: int | None,
    checked: bool,
    limit: int,
    pace: Pace,
) -> bool:
    """One request; True if the file is complete afterwards."""
    request = urllib.request.Request(url, headers={"User-Agent": "segue", "Accept-Encoding": "identity"})
    start, known = resumable(url, part, note, request, checked)
    with opener.open(request, timeout=TIMEOUT) as response:
        if response.headers.get_content_type() == "text/html":
            raise DownloadError("the server sent a web page instead of the file")
        length = response.headers.get("Content-Length")
        total = int(length) if length else None
        if response.status == 206:
            sent, _, whole = (response.headers.get("Content-Range") or "").partition("/")
            total = None if total is None else start + total
            if not sent.startswith(f"bytes {start}-") or (whole.isdigit() and int(whole) != (known or int(whole))):
                discard(part)
                return False
        else:
            start = 0
        if total is not None and size is not None and total != size:
            raise DownloadError(f"the file has {total} bytes where {size} are expected")
        if total is not None and total > limit:
            raise DownloadError(f"the file has {total} bytes, more than the limit of {limit}")
        if total is not None and total - start > shutil.disk_usage(part.parent).free:
            raise DownloadError(f"{part.parent} has no room for {total - start} bytes")
        validator = response.headers.get("ETag") or response.headers.get("Last-Modified")
        note.write_text(json.dumps({"url": url, "validator": validator, "total": total}))
        with part.open("ab" if start else "wb") as file:
            done = start
            progress(done, total)
            while chunk := response.read1(CHUNK):  # what there is: a whole CHUNK may be hours of single bytes
                pace.check(len(chunk))
                done += len(chunk)
                if done > limit:
                    raise DownloadError(f"the file has more than the limit of {limit} bytes")
                write(file, chunk)
                progress(done, total)
    expected = size if total is None else total
    return expected is None or done == expected


def write(file: BinaryIO, chunk: bytes) -> None:
    """Write, and tell a full disk from a lost connection."""
    try:
        file.write(chunk)
    except OSError as error:
        raise DownloadError(f"{file.name} cannot be written: {error.strerror or error}") from error


def resumable(
    url: str, part: Path, note: Path, request: urllib.request.Request, checked: bool
) -> tuple[int, int | None]:
    """Ask for the rest of a partial file, if it can be told that it is still the same one.

    Returns:
        how many bytes there are (0: all are asked for), and how many there shall be in the end, if known.
    """
    try:
        left: Mapping[str, Any] = json.loads(note.read_text())
    except (OSError, ValueError):
        left = {}
    start = part.stat().st_size if part.exists() else 0
    validator, total = left.get("validator"), left.get("total")
    strong = isinstance(validator, str) and bool(validator) and not validator.startswith("W/")
    if not start or left.get("url") != url or not (strong or (checked and isinstance(total, int))):
        discard(part)
        return 0, None
    request.add_header("Range", f"bytes={start}-")
    if strong:
        request.add_header("If-Range", str(validator))
    return start, total if isinstance(total, int) else None
