"""One download over HTTP: resumable, bounded, and not to be redirected into a private network."""

from __future__ import annotations

import http.client
import ipaddress
import json
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from segue.errors import DownloadError

TIMEOUT = 20  # seconds without a byte
CHUNK = 1 << 20
MAX_BYTES = 16 << 30  # the largest published segmentation checkpoints have a few GB
ATTEMPTS = 4  # continuations of a body that breaks off

Progress = Callable[[int, "int | None"], None]


def is_private(host: str) -> bool:
    """Whether a host name leads to this machine or its local network."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False  # unknown here: the connection will fail, or a proxy knows it
    return any(not ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found)


class CarefulRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects unless they leave HTTPS or lead a public address to a private one."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Check the target, then do what urllib does, keeping the Range header."""
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme not in ("http", "https") or (old.scheme == "https" and new.scheme != "https"):
            raise DownloadError(f"redirected to {new.scheme}://{new.netloc}, which is not as safe, and not followed")
        if is_private(new.hostname or "") and not is_private(old.hostname or ""):
            raise DownloadError(f"redirected to {new.hostname}, an address of the local network, and not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(url: str, part: Path, progress: Progress, max_bytes: int = MAX_BYTES) -> None:
    """Bring the bytes of ``url`` to the file ``part``, continuing what an earlier call left there.

    Raises:
        DownloadError: in a few words, what went wrong; the caller adds the URL and what to do.
    """
    opener = urllib.request.build_opener(CarefulRedirects)
    note = part.with_name(part.name + ".json")  # which version of which URL the partial bytes are of
    for attempt in range(ATTEMPTS):
        before = part.stat().st_size if part.exists() else 0
        try:
            if transfer(opener, url, part, note, progress, max_bytes):
                note.unlink(missing_ok=True)
                return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 416 or not before:
                raise DownloadError(f"the server answered {error.code} {error.reason}") from error
            discard(part, note)
            continue
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            if not part.exists() or part.stat().st_size <= before or attempt == ATTEMPTS - 1:
                raise DownloadError(f"no connection ({reason})") from error
        after = part.stat().st_size if part.exists() else 0
        if after <= before:
            break
    raise DownloadError("the transfer broke off before the end of the file")


def discard(part: Path, note: Path) -> None:
    """Forget a partial download."""
    part.unlink(missing_ok=True)
    note.unlink(missing_ok=True)


def transfer(
    opener: urllib.request.OpenerDirector, url: str, part: Path, note: Path, progress: Progress, max_bytes: int
) -> bool:
    """One request; True if the file is complete afterwards."""
    request = urllib.request.Request(url, headers={"User-Agent": "segue", "Accept-Encoding": "identity"})
    start = resumable(url, part, note, request)
    with opener.open(request, timeout=TIMEOUT) as response:
        if response.headers.get_content_type() == "text/html":
            raise DownloadError("the server sent a web page instead of the file")
        length = response.headers.get("Content-Length")
        resumed = response.status == 206 and (response.headers.get("Content-Range") or "").startswith(f"bytes {start}-")
        if response.status == 206 and not resumed:
            discard(part, note)
            return False
        start = start if resumed else 0
        total = start + int(length) if length else None
        if total is not None and total > max_bytes:
            raise DownloadError(f"the file has {total} bytes, more than the limit of {max_bytes}")
        if total is not None and total - start > shutil.disk_usage(part.parent).free:
            raise DownloadError(f"{part.parent} has no room for {total - start} bytes")
        validator = response.headers.get("ETag") or response.headers.get("Last-Modified")
        note.write_text(json.dumps({"url": url, "validator": validator}))
        with part.open("ab" if resumed else "wb") as file:
            done = start
            progress(done, total)
            while chunk := response.read(CHUNK):
                done += len(chunk)
                if done > max_bytes:
                    raise DownloadError(f"the file has more than the limit of {max_bytes} bytes")
                file.write(chunk)
                progress(done, total)
    return total is None or done == total


def resumable(url: str, part: Path, note: Path, request: urllib.request.Request) -> int:
    """Ask for the rest of a partial file if the server can tell that it is still the same one; its length, or 0."""
    try:
        left: Mapping[str, Any] = json.loads(note.read_text())
    except (OSError, ValueError):
        left = {}
    start = part.stat().st_size if part.exists() else 0
    validator = left.get("validator")
    if not start or left.get("url") != url or not validator or str(validator).startswith("W/"):
        discard(part, note)
        return 0
    request.add_header("Range", f"bytes={start}-")
    request.add_header("If-Range", validator)
    return start
