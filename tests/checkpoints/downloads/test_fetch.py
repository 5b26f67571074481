"""Downloads against a server on this machine that breaks off, lies, redirects and disappears.

``https://127.0.0.1:9`` stands for a publisher whose host is dead: nothing listens there, and it refuses at once.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from segue.checkpoints import fetch
from segue.checkpoints.downloads.cache import hash_in_name
from segue.checkpoints.downloads.fetch import aliases, resolve_alias
from segue.checkpoints.downloads.lockfile import Pin, pins, write_pin
from segue.errors import CheckpointError, DownloadError

from .server import BODY, NAME, SHA, WRONG, Server, serving

DEAD = "https://127.0.0.1:9"
WRONG_SHA = hashlib.sha256(WRONG).hexdigest()


def test_download_once(server: Server, own_cache: Path) -> None:
    """The second call needs no request; the hash is written down; nothing partial stays."""
    path = fetch(f"{server.url}/a/{NAME}")
    assert path.read_bytes() == BODY and path.is_relative_to(own_cache) and path.name == NAME
    assert fetch(f"{server.url}/a/{NAME}", offline=True) == path
    assert len(server.requests) == 1
    assert pins(own_cache / "segue-weights.lock") == {f"{server.url}/a/{NAME}": Pin(SHA, len(BODY))}
    assert sorted(p.suffix for p in path.parent.iterdir()) == [".json", ".lock", ".pth"]


def test_damaged_cache_is_fetched_again(server: Server) -> None:
    path = fetch(f"{server.url}/a/{NAME}")
    path.write_bytes(b"damaged")
    assert fetch(f"{server.url}/a/{NAME}").read_bytes() == BODY and len(server.requests) == 2


def test_wrong_bytes(server: Server, own_cache: Path) -> None:
    """Refused, removed, and told with both hashes and with the way to accept them."""
    server.rules["a"] = "wrong"
    with pytest.raises(DownloadError) as caught:
        fetch(f"{server.url}/a/{NAME}")
    message = str(caught.value)
    assert f"wrong bytes: SHA-256 {WRONG_SHA[:16]}..., {SHA[:8]} the file name promises" in message
    assert f"accept the new one with: segue weights fetch {server.url}/a/{NAME} --sha256 {WRONG_SHA}" in message
    assert not list(own_cache.rglob("*.pth")) and not list(own_cache.rglob("*.part"))
    assert not (own_cache / "segue-weights.lock").exists()


def test_hash_asked_for(server: Server) -> None:
    assert fetch(f"{server.url}/a/plain.pth", sha256=SHA.upper()).read_bytes() == BODY
    with pytest.raises(DownloadError, match="was asked for"):
        fetch(f"{server.url}/a/other.pth", sha256="0" * 64)


def test_first_download_is_remembered(server: Server, own_cache: Path) -> None:
    """Without a known hash the first download is trusted; a later one that differs is not, until it is asked for."""
    url = f"{server.url}/a/plain.pth"
    fetch(url).unlink()
    server.rules["a"] = "wrong"
    with pytest.raises(DownloadError) as caught:
        fetch(url)
    assert f"{SHA[:16]} stands in {own_cache / 'segue-weights.lock'}" in str(caught.value)
    assert fetch(url, sha256=WRONG_SHA).read_bytes() == WRONG
    assert pins(own_cache / "segue-weights.lock")[url].sha256 == WRONG_SHA
    assert fetch(url, offline=True).read_bytes() == WRONG


def test_the_record_outranks_the_name(server: Server) -> None:
    """A name that promises other bytes than its publisher has (mmseg's tool made such): accepted once, known after."""
    server.rules["a"] = "wrong"
    assert fetch(f"{server.url}/a/{NAME}", sha256=WRONG_SHA).read_bytes() == WRONG
    assert fetch(f"{server.url}/a/{NAME}", offline=True).read_bytes() == WRONG


def test_lock_file_of_a_project(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written at a download and for what is cached already, and holds the next machine to the same bytes."""
    url, other = f"{server.url}/a/plain.pth", f"{server.url}/a/other.pth"
    fetch(other)
    lock = tmp_path / "project" / "segue-weights.lock"
    monkeypatch.setenv("SEGUE_WEIGHTS_LOCK", str(lock))
    fetch(url), fetch(other)
    assert [json.loads(line)["url"] for line in lock.read_text().splitlines()] == [other, url]
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "another machine"))
    server.rules["a"] = "wrong"
    with pytest.raises(DownloadError, match=f"{SHA[:16]} stands in {lock}"):
        fetch(url)


def test_recorded_size_is_checked_first(server: Server, own_cache: Path) -> None:
    """A file of another length is refused by its header, before its bytes are taken."""
    own_cache.mkdir(parents=True)
    write_pin(own_cache / "segue-weights.lock", f"{server.url}/a/plain.pth", Pin(SHA, 5))
    with pytest.raises(DownloadError, match=f"the file has {len(BODY)} bytes where 5 are expected"):
        fetch(f"{server.url}/a/plain.pth")


def test_dead_host_then_mirror(own_cache: Path, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """A dead mirror is asked once, not once per spelling; the next source has the file; the log tells the order."""
    with caplog.at_level(logging.INFO, "segue"):
        path = fetch(f"{DEAD}/weights/{NAME}", mirrors=["http://127.0.0.1:9", f"{server.url}/a"])
    assert path.read_bytes() == BODY
    assert [where for where, _ in server.requests] == [f"/a/weights/{NAME}"]
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == f"{NAME}: asking http://127.0.0.1:9/weights/{NAME}"
    assert told[1] == f"http://127.0.0.1:9/weights/{NAME}: no connection (Connection refused)"
    assert told[2] == f"{NAME}: asking {server.url}/a/weights/{NAME}"


def test_dead_mirror_then_published_address(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address itself comes last. (That it may be http here is due to the second mirror, which has its host.)"""
    monkeypatch.setenv("SEGUE_WEIGHTS_MIRROR", f"http://127.0.0.1:9, {server.url}/nothing")
    assert fetch(f"{server.url}/a/{NAME}").read_bytes() == BODY
    assert server.requests[-1][0] == f"/a/{NAME}"


@pytest.mark.parametrize("place", [f"/m/{NAME}", f"/m/w/{NAME}", f"/m/127.0.0.1:9/w/{NAME}"])
def test_mirror_spellings(place: str, server: Server) -> None:
    """A mirror stands for the folder of the file, for its host, or serves a copied cache."""
    server.rules = {place: "good"}
    assert fetch(f"{DEAD}/w/{NAME}", mirrors=[f"{server.url}/m/"]).read_bytes() == BODY


def test_mirror_that_is_a_folder(own_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "mirror" / "w").mkdir(parents=True)
    (tmp_path / "mirror" / "w" / NAME).write_bytes(BODY)
    for mirror in (str(tmp_path / "mirror"), (tmp_path / "mirror").as_uri(), str(tmp_path / "mirror" / "w")):
        assert fetch(f"{DEAD}/w/{NAME}", mirrors=[mirror]) == tmp_path / "mirror" / "w" / NAME


def test_a_cache_that_was_copied(server: Server, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of one machine is a folder of weights on another."""
    first = fetch(f"{server.url}/a/{NAME}")
    monkeypatch.setenv("SEGUE_WEIGHTS", str(own_cache))
    monkeypatch.setenv("SEGUE_HOME", str(own_cache.parent / "other"))
    assert fetch(f"{server.url}/a/{NAME}", offline=True) == first


def test_all_dead(server: Server, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message lists every source in order, why each failed, and what the user can do."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / NAME).write_bytes(WRONG)
    monkeypatch.setenv("SEGUE_WEIGHTS", str(tmp_path / "mine"))
    with pytest.raises(DownloadError) as caught:
        fetch(f"{DEAD}/y/{NAME}", mirrors=[f"{server.url}/b"])
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{DEAD}/y/{NAME} is neither in {own_cache}")
    assert [line.split(": ")[0].strip() for line in lines[1:-1]] == [
        str(tmp_path / "mine" / NAME),
        *(f"{server.url}/b/{tail}{NAME}" for tail in ("y/", "", "127.0.0.1:9/y/")),
        f"{DEAD}/y/{NAME}",
    ]
    assert "wrong bytes" in lines[1] and "the server answered 404" in lines[2] and "no connection" in lines[-2]
    assert lines[-1].startswith(f"Get {NAME} by other means and put it there or into a folder that SEGUE_WEIGHTS names")


def test_plain_http_needs_a_reason(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror of the user's or a whole hash; eight digits of one in the name can be forged."""
    monkeypatch.delenv("SEGUE_WEIGHTS_MIRROR")
    with pytest.raises(DownloadError, match=r"anyone on the way can change plain http; give its sha256, an https"):
        fetch(f"{server.url}/a/{NAME}")
    assert not server.requests
    assert fetch(f"{server.url}/a/{NAME}", sha256=SHA).read_bytes() == BODY


@pytest.mark.parametrize("rule", ["page", "error page"])
def test_page_instead_of_a_file(rule: str, server: Server, own_cache: Path) -> None:
    """A log-in page is not trusted as a first download, whatever type it claims."""
    server.rules["a"] = rule
    with pytest.raises(DownloadError, match="a web page"):
        fetch(f"{server.url}/a/plain.pth")
    assert not list(own_cache.rglob("*.pth")) and not list(own_cache.rglob("*.part"))


def test_offline(server: Server, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where a file would be found; put there by hand, it is."""
    monkeypatch.setenv("SEGUE_OFFLINE", "1")
    url = f"{DEAD}/a/{NAME}"
    with pytest.raises(DownloadError, match=r"and Segue is offline\. Get model-\w+\.pth by other means") as caught:
        fetch(url)
    folder = own_cache / "127.0.0.1" / "a"
    assert f"is neither in {folder} nor in a folder of yours" in str(caught.value)
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(WRONG)
    with pytest.raises(DownloadError, match="and Segue is offline"):
        fetch(url)
    (folder / NAME).write_bytes(BODY)
    assert fetch(url) == folder / NAME and not server.requests


def test_threads_download_once(server: Server) -> None:
    """Oracle: the server counts requests. The lock belongs to the open file: threads are as separate as processes."""
    server.rules["a"] = "slow"
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(fetch(f"{server.url}/a/x.pth"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1 and found[0].read_bytes() == BODY and len(server.requests) == 1


def test_processes_download_once(server: Server) -> None:
    server.rules["a"] = "slow"
    code = f"from segue.checkpoints import fetch; print(fetch('{server.url}/a/x.pth'))"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(2)
    ]
    said = {process.communicate(timeout=120)[0] for process in started}
    assert len(said) == 1 and Path(said.pop().strip()).read_bytes() == BODY and len(server.requests) == 1


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
    assert all(url.startswith("https://") and hash_in_name(url) for url in aliases().values())
    with pytest.raises(
        DownloadError, match="torchvision://vgg is not an alias that Segue knows; known are torchvision://"
    ):
        fetch("torchvision://vgg")
    with pytest.raises(DownloadError, match=r"s3://bucket/x.pth is not an alias"):
        fetch("s3://bucket/x.pth")


def test_odd_names_stay_in_the_cache(server: Server, own_cache: Path) -> None:
    server.rules["%2e%2e"] = "good"
    path = fetch(f"{server.url}/%2e%2e/..%2f/x%00y.pth?token=1")
    assert path.resolve().is_relative_to(own_cache.resolve()) and path.name == "x_y.pth"


def test_cache_that_cannot_be_written(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match=r"cannot be written \(Not a directory\); SEGUE_HOME names another cache"):
        fetch(f"{server.url}/a/{NAME}")


def test_a_silent_host_does_not_hold_the_next_one(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that takes the connection and never says anything; the wait is short here to save time."""
    monkeypatch.setattr("segue.checkpoints.downloads.network.TIMEOUT", 0.2)
    with serving() as silent:
        silent.rules["a"] = "silence"
        assert fetch(f"{DEAD}/w/{NAME}", mirrors=[f"{silent.url}/a", f"{server.url}/a"]).read_bytes() == BODY
        assert len(silent.requests) == 1 and not silent.ending.is_set()


@pytest.mark.parametrize(
    "url", ["http://[::1", "https://", "http://host:99999/x.pth", "http://host/", "http://a\nb/x.pth"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(DownloadError, match="is not an address of a file; give a path"):
        fetch(url)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("x.pth", "is a link to x.pth, which leads nowhere"),
        ("gone", "is a link to gone, which leads nowhere"),
        (".", "is not a file"),
    ],
)
def test_links_to_no_file(target: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.pth").symlink_to(target)
    with pytest.raises(CheckpointError, match=f"x.pth {said}; give the path"):
        fetch(tmp_path / "x.pth")
