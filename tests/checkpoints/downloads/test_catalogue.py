"""What is known about a file without downloading it."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.checkpoints import fetch
from segue.checkpoints.downloads.cache import published_hashes
from segue.checkpoints.downloads.catalogue import look_up
from segue.errors import DownloadError

from .server import BODY, NAME, SHA, WRONG, Server


def test_missing_here_and_recorded(server: Server, own_cache: Path) -> None:
    """The name knows eight digits; after the download the lock file knows all, and the size."""
    url = f"{server.url}/a/{NAME}"
    before = look_up(url)
    assert (before.state, before.sha256, before.known_by, before.size) == ("missing", SHA[:8], "name", None)
    path = fetch(url)
    assert before.path == path and path.is_relative_to(own_cache)
    after = look_up(url)
    assert (after.state, after.sha256, after.known_by, after.size) == ("here", SHA, "lock", len(BODY))
    path.write_bytes(WRONG)
    assert look_up(url).state == "wrong bytes" and len(server.requests) == 1


def test_folder_of_the_user(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_WEIGHTS", str(tmp_path))
    (tmp_path / NAME).write_bytes(BODY)
    found = look_up(f"https://127.0.0.1:9/w/{NAME}")
    assert (found.state, found.path, found.size) == ("here", tmp_path / NAME, len(BODY))
    assert look_up(f"pretrain/{NAME}").path == tmp_path / NAME
    (tmp_path / NAME).write_bytes(WRONG)
    assert look_up(f"https://127.0.0.1:9/w/{NAME}").state == "wrong bytes"


def test_paths_and_aliases(own_cache: Path) -> None:
    """A path is published nowhere; an alias has an address; a stated hash is the publisher's."""
    assert (
        look_up("pretrain/vit_large_p16.pth").url is None and look_up("pretrain/vit_large_p16.pth").state == "missing"
    )
    assert look_up("open-mmlab://resnet50_v1c").sha256 == "2cccc1ad"
    (url, sha256), *_ = published_hashes().items()
    assert (look_up(url).sha256, look_up(url).known_by) == (sha256, "publisher")
    with pytest.raises(DownloadError, match="is not an alias that Segue knows"):
        look_up("torchvision://vgg")
    assert look_up("open-mmlab://resnet50_v1c").as_dict()["path"].endswith("resnet50_v1c-2cccc1ad.pth")
