"""Downloads against a server on this machine that breaks off, lies, redirects and disappears."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from segue.checkpoints import fetch, network
from segue.checkpoints.cache import expected_hash
from segue.checkpoints.fetch import addresses, aliases, resolve_alias
from segue.errors import CheckpointError, DownloadError

BODY = bytes(range(256)) * 5000
SHA = hashlib.sha256(BODY).hexdigest()
NAME = f"model-{SHA[:8]}.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range")))
        rule = self.server.rules.get(self.path.split("/")[1], "good")
        if rule == "missing":
            return self.send_error(404)
        if rule.startswith("http"):
            self.send_response(302)
            self.send_header("Location", rule)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        body = b"x" * len(BODY) if rule == "wrong" else BODY
        start = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked and self.headers.get("If-Range") == self.server.etag:
            start = int(asked[1])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("ETag", self.server.etag)
        self.send_header("Content-Type", "text/html" if rule == "page" else "application/octet-stream")
        self.send_header("Content-Length", str(1 << 40 if rule == "huge" else len(body) - start))
        self.end_headers()
        if rule == "cut" or (rule == "cut once" and not start):
            self.wfile.write(body[start : start + (0 if start else 1000)])
            return None
        self.wfile.write(body[start:])
        return None

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.rules: dict[str, str] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.etag = '"v1"'

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in (
        "SEGUE_WEIGHTS",
        "SEGUE_MIRROR",
        "SEGUE_OFFLINE",
        "http_proxy",
        "HTTP_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_download_once(server: Server, tmp_path: Path) -> None:
    """The second call needs no request; the hash is written down; nothing partial stays."""
    path = fetch(f"{server.url}/a/{NAME}")
    assert path.read_bytes() == BODY and path.is_relative_to(tmp_path / "home" / "weights") and path.name == NAME
    assert fetch(f"{server.url}/a/{NAME}", offline=True) == path
    assert len(server.requests) == 1
    known = json.loads((tmp_path / "home" / "weights" / "hashes.json").read_text())
    assert known[f"{server.url}/a/{NAME}"]["sha256"] == SHA
    assert sorted(p.suffix for p in path.parent.iterdir()) == [".lock", ".pth"]


def test_damaged_cache_is_fetched_again(server: Server) -> None:
    path = fetch(f"{server.url}/a/{NAME}")
    path.write_bytes(b"damaged")
    assert fetch(f"{server.url}/a/{NAME}").read_bytes() == BODY and len(server.requests) == 2


def test_wrong_bytes(server: Server, tmp_path: Path) -> None:
    server.rules["a"] = "wrong"
    with pytest.raises(DownloadError) as caught:
        fetch(f"{server.url}/a/{NAME}")
    message = str(caught.value)
    assert (
        f"wrong bytes: SHA-256 {hashlib.sha256(b'x' * len(BODY)).hexdigest()[:16]}..., {SHA[:8]} the file name promises"
        in message
    )
    assert f"Get {NAME} by other means and put it into a folder that SEGUE_WEIGHTS names" in message
    assert not list((tmp_path / "home").rglob("*.pth")) and not list((tmp_path / "home").rglob("*.part"))


def test_hash_asked_for(server: Server) -> None:
    assert fetch(f"{server.url}/a/plain.pth", sha256=SHA.upper()).read_bytes() == BODY
    with pytest.raises(DownloadError, match="was asked for"):
        fetch(f"{server.url}/a/other.pth", sha256="0" * 64)


def test_first_download_is_remembered(server: Server) -> None:
    """Without a known hash the first download is trusted, and a later one that differs is not."""
    path = fetch(f"{server.url}/a/plain.pth")
    path.unlink()
    server.rules["a"] = "wrong"
    with pytest.raises(DownloadError, match="the first download had"):
        fetch(f"{server.url}/a/plain.pth")


def test_broken_transfer_continues(server: Server) -> None:
    """The rest is asked for with a Range request, not the whole."""
    server.rules["a"] = "cut once"
    assert fetch(f"{server.url}/a/{NAME}").read_bytes() == BODY
    assert [asked for _, asked in server.requests] == [None, "bytes=1000-"]


def test_broken_transfer_gives_up_and_a_later_call_continues(server: Server) -> None:
    server.rules["a"] = "cut"
    with pytest.raises(DownloadError, match=r"broke off before the end|no connection"):
        fetch(f"{server.url}/a/{NAME}")
    server.rules["a"] = "good"
    server.requests.clear()
    assert fetch(f"{server.url}/a/{NAME}").read_bytes() == BODY
    assert server.requests == [(f"/a/{NAME}", "bytes=1000-")]


def test_changed_file_is_not_glued_together(server: Server) -> None:
    """If-Range: another version on the server is taken whole."""
    server.rules["a"] = "cut"
    with pytest.raises(DownloadError):
        fetch(f"{server.url}/a/plain.pth")
    server.rules["a"], server.etag = "good", '"v2"'
    assert fetch(f"{server.url}/a/plain.pth").read_bytes() == BODY


def test_dead_host_then_mirror(server: Server) -> None:
    """Port 9 of this machine refuses connections; the mirror has the file by its name alone."""
    server.rules["weights"] = "missing"
    path = fetch(f"http://127.0.0.1:9/weights/{NAME}", mirrors=[server.url])
    assert path.read_bytes() == BODY
    assert [where for where, _ in server.requests] == [f"/weights/{NAME}", f"/{NAME}"]


def test_mirror_of_the_environment_comes_first(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_MIRROR", f"{server.url}/mirror/, ")
    assert fetch(f"http://127.0.0.1:9/x/{NAME}").read_bytes() == BODY
    assert addresses("https://a.org/x/y.pth", ["https://m.org"])[0] == f"{server.url}/mirror/x/y.pth"


def test_all_dead(server: Server) -> None:
    server.rules["b"] = "missing"
    with pytest.raises(DownloadError) as caught:
        fetch(f"http://127.0.0.1:9/y/{NAME}", mirrors=[f"{server.url}/b"])
    assert "http://127.0.0.1:9/y/" in str(caught.value) and "the server answered 404" in str(caught.value)
    assert "no connection" in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("page", "a web page instead of the file"),
        ("huge", "more than the limit of"),
        ("missing", "the server answered 404"),
        ("ftp://127.0.0.1/x", "no connection|not followed|the server answered"),
    ],
)
def test_bad_answers(rule: str, message: str, server: Server) -> None:
    server.rules["a"] = rule if not rule.startswith("ftp") else "http" + rule
    with pytest.raises(DownloadError, match=message):
        fetch(f"{server.url}/a/{NAME}")


def test_redirect_to_a_private_address(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public host may not send us into the local network; a local one may."""
    server.rules["a"] = f"{server.url}/b/{NAME}"
    assert fetch(f"{server.url}/a/{NAME}").read_bytes() == BODY
    host = f"localhost:{server.server_address[1]}"
    private = network.is_private
    monkeypatch.setattr(network, "is_private", lambda name: name != "localhost" and private(name))
    with pytest.raises(DownloadError, match=r"redirected to 127\.0\.0\.1, an address of the local network"):
        fetch(f"http://{host}/a/{NAME}")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "0.0.0.0"]
)
def test_private_addresses(host: str) -> None:
    assert network.is_private(host)


def test_public_address() -> None:
    assert not network.is_private("93.184.216.34")


def test_offline(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_OFFLINE", "1")
    with pytest.raises(DownloadError, match=r"Segue is offline\. Get model-\w+\.pth by other means"):
        fetch(f"{server.url}/a/{NAME}")
    assert not server.requests


def test_folder_of_weights(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files copied there are found by name, for URLs and for paths of configs; wrong bytes are passed over."""
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("SEGUE_WEIGHTS", str(tmp_path / "mine"))
    (tmp_path / "mine" / NAME).write_bytes(BODY)
    assert fetch(f"{server.url}/a/{NAME}") == tmp_path / "mine" / NAME
    assert fetch(f"pretrain/{NAME}") == tmp_path / "mine" / NAME
    assert not server.requests
    (tmp_path / "mine" / NAME).write_bytes(b"other")
    assert fetch(f"{server.url}/a/{NAME}").read_bytes() == BODY


def test_local_paths(tmp_path: Path) -> None:
    path = tmp_path / "a b.pth"
    path.write_bytes(BODY)
    assert fetch(path) == fetch(str(path)) == fetch(path.as_uri()) == path
    assert fetch(path, sha256=SHA) == path
    with pytest.raises(CheckpointError, match="does not have the SHA-256"):
        fetch(path, sha256="0" * 64)
    with pytest.raises(CheckpointError, match="does not exist; give the path of a checkpoint"):
        fetch(tmp_path / "none.pth")


def test_aliases() -> None:
    """Published facts: the table of mmengine's hub, and torchvision's weights of ImageNet, version 1."""
    assert resolve_alias("open-mmlab://resnet50_v1c").endswith("/resnet50_v1c-2cccc1ad.pth")
    assert resolve_alias("modelzoo://resnet101") == "https://download.pytorch.org/models/resnet101-63fe2227.pth"
    assert resolve_alias("openmmlab://msra/hrnetv2_w18").endswith("/hrnetv2_w18-00eb2006.pth")
    assert all(url.startswith("https://") and expected_hash(url.rpartition("/")[2], None) for url in aliases().values())
    with pytest.raises(
        DownloadError, match="torchvision://vgg is not an alias that Segue knows; known are torchvision://"
    ):
        fetch("torchvision://vgg")
    with pytest.raises(DownloadError, match=r"s3://bucket/x.pth is not an alias"):
        fetch("s3://bucket/x.pth")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("resnet-2cccc1ad.pth", "2cccc1ad"),
        ("model-20210520.pth", None),
        ("model.pth", None),
        ("m_20200904-6a5d7e1b.pth", "6a5d7e1b"),
    ],
)
def test_hash_in_the_file_name(name: str, found: str | None) -> None:
    """A date of eight digits is not taken for a hash."""
    assert expected_hash(name, None) == found


def test_odd_names_stay_in_the_cache(server: Server, tmp_path: Path) -> None:
    path = fetch(f"{server.url}/%2e%2e/..%2f/x%00y.pth?token=1")
    assert path.resolve().is_relative_to(tmp_path / "home") and path.name == "x_y.pth"
