"""One transfer: continued, bounded, not redirected into the local network, soon done with a dead host."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segue.checkpoints.downloads import network
from segue.checkpoints.downloads.network import Unreachable, download
from segue.checkpoints.downloads.pace import Pace
from segue.errors import DownloadError, InputError

from .server import BODY, Server


def quiet(done: int, total: int | None) -> None:
    """No progress bar."""


def get(server: Server, part: Path, *, size: int | None = None, checked: bool = False) -> bytes:
    download(f"{server.url}/a/x.pth", part, quiet, size=size, checked=checked)
    return part.read_bytes()


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "x.part"


def test_broken_transfer_continues(server: Server, part: Path) -> None:
    """The rest is asked for with a Range request, not the whole."""
    server.rules["a"] = "cut once"
    assert get(server, part) == BODY
    assert [asked for _, asked in server.requests] == [None, "bytes=1000-"]


def test_broken_transfer_gives_up_and_a_later_call_continues(server: Server, part: Path) -> None:
    server.rules["a"] = "cut"
    with pytest.raises(DownloadError, match=r"broke off before the end|no connection"):
        get(server, part)
    server.rules["a"] = "good"
    server.requests.clear()
    assert get(server, part) == BODY
    assert server.requests == [("/a/x.pth", "bytes=1000-")]


@pytest.mark.parametrize("etag", ['"v2"', 'W/"v1"', None])
def test_changed_file_is_not_glued_together(etag: str | None, server: Server, part: Path) -> None:
    """If-Range: another version on the server, or one of unknown version, is taken whole."""
    server.rules["a"] = "cut"
    server.etag = '"v1"' if etag == '"v2"' else etag
    with pytest.raises(DownloadError):
        get(server, part)
    server.rules["a"], server.etag = "good", etag
    server.requests.clear()
    assert get(server, part) == BODY
    assert server.requests[0][1] == ("bytes=1000-" if etag == '"v2"' else None)


@pytest.mark.parametrize("lie", [0, 7])
def test_continued_by_length_alone(lie: int, server: Server, part: Path) -> None:
    """A server without versions: the caller's hash vouches for the bytes, if the length is still the same."""
    server.rules["a"], server.etag = "cut", None
    with pytest.raises(DownloadError):
        get(server, part, checked=True)
    server.rules["a"], server.whole_lie = "good", lie
    server.requests.clear()
    assert get(server, part, checked=True) == BODY
    assert [asked for _, asked in server.requests] == ["bytes=1000-", None][: 2 if lie else 1]


def test_length_that_is_not_told(server: Server, part: Path) -> None:
    """Without Content-Length the end of the connection is the end, unless the size is known and differs."""
    server.rules["a"] = "no length"
    assert get(server, part, size=len(BODY)) == BODY
    with pytest.raises(DownloadError, match="broke off before the end"):
        get(server, part, size=len(BODY) + 1)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("page", "a web page instead of the file"),
        ("huge", "more than the limit of"),
        ("missing", "the server answered 404"),
        ("to ftp://127.0.0.1/x", "redirected to ftp://127.0.0.1, which is not as safe, and not followed"),
        ("to file:///etc/passwd", "the server answered 302 .*is not allowed"),
    ],
)
def test_bad_answers(rule: str, message: str, server: Server, part: Path) -> None:
    server.rules["a"] = rule
    with pytest.raises(DownloadError, match=message):
        get(server, part)


def test_body_longer_than_the_limit(server: Server, part: Path) -> None:
    """Also a body of untold length ends at the limit."""
    server.rules["a"] = "no length"
    with pytest.raises(DownloadError, match="more than the limit of 5000 bytes"):
        download(f"{server.url}/a/x", part, quiet, limit=5000)
    assert part.stat().st_size <= 5000


def test_redirect_to_a_private_address(server: Server, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public host may not send us into the local network; a local one, which the user must have named, may."""
    server.rules = {"a": f"to {server.url}/b/x", "b": "good"}
    assert get(server, part) == BODY
    private = network.is_private
    monkeypatch.setattr(network, "is_private", lambda name: name != "localhost" and private(name))
    with pytest.raises(DownloadError, match=r"redirected to 127\.0\.0\.1, an address of the local network"):
        download(f"http://localhost:{server.server_address[1]}/a/x.pth", part, quiet)


def test_name_that_turns_private(server: Server, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that was public when it was checked and is this machine when it is connected."""
    server.rules = {"a": f"to {server.url}/b/x", "b": "good"}
    monkeypatch.setattr(network, "is_private", lambda name: False)
    with pytest.raises(DownloadError, match=r"redirected to 127\.0\.0\.1, an address of the local network"):
        get(server, part)
    assert [where for where, _ in server.requests] == ["/a/x.pth"]


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "::1", "0.0.0.0"),
        *("fe80::1", "fd00::1", "::ffff:127.0.0.1", "2002:7f00:1::", "224.0.0.1"),
    ],
)
def test_private_addresses(host: str) -> None:
    assert network.is_private(host)


def test_public_address() -> None:
    assert not network.is_private("93.184.216.34")


def test_nobody_listens(part: Path) -> None:
    with pytest.raises(Unreachable, match=r"no connection \(Connection refused\)"):
        download("https://127.0.0.1:9/x.pth", part, quiet)


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port whose queue of connections is full: attempts to connect get no answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(3):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for one in waiting:
            one.close()


def test_host_that_does_not_answer(black_hole: int, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for a connection is shorter than that for data (shorter still here, to save time)."""
    assert network.CONNECT_TIMEOUT <= 5 < network.TIMEOUT
    monkeypatch.setattr(network, "CONNECT_TIMEOUT", 0.2)
    patience, connect = [], socket.create_connection

    def connecting(address: Any, timeout: float, *more: Any) -> socket.socket:
        patience.append(timeout)
        return connect(address, timeout, *more)

    monkeypatch.setattr(socket, "create_connection", connecting)
    with pytest.raises(Unreachable, match=r"no connection \(no answer in time\)"):
        download(f"http://127.0.0.1:{black_hole}/x.pth", part, quiet)
    assert patience == [0.2]  # asked once


def test_https_is_spoken(server: Server, part: Path) -> None:
    """The handshake with a server that speaks plain http fails; nothing is asked in the clear."""
    with pytest.raises(Unreachable, match=r"no connection \(.*SSL"):
        download(server.url.replace("http:", "https:") + "/a/x.pth", part, quiet)
    assert not server.requests


class Clock:
    """A clock that passes ten seconds whenever it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 10
        return self.now


def test_a_body_that_drips(server: Server, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some bytes now and then renew a socket's patience for ever; the rate does not let them."""
    server.rules["a"] = "drip body"
    monkeypatch.setattr(network, "Pace", lambda: Pace(Clock()))
    with pytest.raises(DownloadError, match=r"less than the 2000 that are waited for \(SEGUE_DOWNLOAD_RATE"):
        get(server, part)
    monkeypatch.setenv("SEGUE_DOWNLOAD_RATE", "0")
    monkeypatch.setenv("SEGUE_DOWNLOAD_SECONDS", "200")
    with pytest.raises(DownloadError, match=r"took longer than 200 seconds \(SEGUE_DOWNLOAD_SECONDS allows more"):
        get(server, part)
    monkeypatch.setenv("SEGUE_DOWNLOAD_SECONDS", "0")
    server.rules["a"] = "good"
    assert get(server, part) == BODY


def test_a_head_that_drips(server: Server, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.rules["a"] = "drip head"
    monkeypatch.setattr(network, "ANSWER_TIMEOUT", 0.3)
    with pytest.raises(Unreachable, match=r"no connection \(no answer in time\)"):
        get(server, part)


@pytest.mark.parametrize("given", ["x", "-1", "1.5"])
def test_limits_are_numbers(given: str, server: Server, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_DOWNLOAD_RATE", given)
    with pytest.raises(InputError, match=rf"SEGUE_DOWNLOAD_RATE='{given}': a whole number from 0 on"):
        get(server, part)
