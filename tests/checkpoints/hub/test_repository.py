"""Models from a hub on this machine: what is brought, recorded, kept, and refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from segue.checkpoints import fetch, read
from segue.checkpoints.downloads.catalogue import look_up
from segue.checkpoints.downloads.lockfile import commits, pins
from segue.errors import CheckpointError, DownloadError, InputError, SegueError

from .server import TOKEN, Hub, sha256

NAME = "hf://org/name"
WEIGHTS = save({"a": torch.arange(6.0), "b": torch.ones(2, 3)}, {"format": "pt"})
OTHER = save({"a": torch.zeros(6), "b": torch.ones(2, 3)}, {"format": "pt"})
FILES = {
    "config.json": b'{"model_type": "dinov2", "hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2}',
    "model.safetensors": WEIGHTS,
    "README.md": b"# no",
    "x.bin": b"\x80\x04",
}


def sharded() -> dict[str, bytes]:
    table = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    parts = {table[key]: save({key: torch.ones(4)}, {"format": "pt"}) for key in table}
    return {"config.json": b"{}", "model.safetensors.index.json": json.dumps({"weight_map": table}).encode(), **parts}


def lock(cache: Path) -> Path:
    return cache / "segue-weights.lock"


def test_brought_once_and_recorded(a_hub: Hub, own_cache: Path, library: Path) -> None:
    """Only what a model needs is brought; the commit and the bytes are recorded; a second time nobody is asked."""
    commit = a_hub.put("org/name", FILES)
    folder = fetch(NAME)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert folder.is_relative_to(library) and folder.name == commit
    found = read(folder)
    assert torch.equal(found.state_dict["a"], torch.arange(6.0)) and found.config is None
    assert "dinov2 is an encoder" in str(found.no_config)
    recorded = commits(lock(own_cache))["hf://org/name@main"]
    assert (recorded.commit, recorded.files) == (commit, ("config.json", "model.safetensors"))
    assert pins(lock(own_cache))[f"hf://org/name@{commit}/model.safetensors"].sha256 == sha256(WEIGHTS)
    a_hub.asked.clear(), a_hub.asked_large.clear()
    assert fetch(NAME) == folder and fetch(f"{NAME}@main") == folder and fetch(NAME, offline=True) == folder
    assert not a_hub.asked and not a_hub.asked_large
    entry = look_up(NAME)
    assert (entry.state, entry.known_by, entry.url) == ("here", "lock", f"hf://org/name@{commit}")
    assert look_up("hf://org/other").state == "missing"


def test_one_file(a_hub: Hub, own_cache: Path) -> None:
    commit = a_hub.put("org/name", FILES)
    path = fetch(f"{NAME}@{commit}/model.safetensors", sha256=sha256(WEIGHTS)[:10])
    assert path.read_bytes() == WEIGHTS and fetch(f"{NAME}/model.safetensors").samefile(path)
    entry = look_up(f"{NAME}@{commit}/model.safetensors")
    assert (entry.state, entry.sha256, entry.known_by) == ("here", sha256(WEIGHTS), "lock")
    with pytest.raises(DownloadError, match="00000000 was asked for"):
        fetch(f"{NAME}@{commit}/model.safetensors", sha256="0" * 8)
    with pytest.raises(InputError, match="a hash is of one file; name it"):
        fetch(NAME, sha256="0" * 8)
    with pytest.raises(CheckpointError, match=r"there is no such file; its weights are model\.safetensors"):
        fetch(f"{NAME}/weights.safetensors")


def test_a_revision_that_moves(a_hub: Hub, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was recorded is used, here and on the next machine; the new commit only when it is asked for."""
    monkeypatch.setenv("SEGUE_WEIGHTS_LOCK", str(tmp_path / "project" / "segue-weights.lock"))
    first = a_hub.put("org/name", FILES)
    fetch(NAME)
    second = a_hub.put("org/name", {**FILES, "model.safetensors": OTHER})
    assert fetch(NAME).name == first
    monkeypatch.setenv("HF_HOME", str(tmp_path / "another machine"))
    assert fetch(NAME).name == first and fetch(f"{NAME}@{second}").name == second
    assert fetch(NAME, renew=True).name == second and fetch(NAME).name == second
    del a_hub.repositories["org/name"].commits[second]
    monkeypatch.setenv("HF_HOME", str(tmp_path / "a third machine"))
    with pytest.raises(DownloadError, match=rf"no branch, tag or commit '{second}', which .*lock records .* --renew"):
        fetch(NAME)
    with pytest.raises(InputError, match="only a model of a hub has a revision to renew"):
        fetch("https://127.0.0.1:9/x.pth", renew=True)


def test_a_commit_that_changes(a_hub: Hub, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same commit with other bytes, and honest hashes of those: the lock file knows better."""
    commit = a_hub.put("org/name", FILES)
    fetch(NAME)
    a_hub.repositories["org/name"].commits[commit]["model.safetensors"] = OTHER
    monkeypatch.setenv("HF_HOME", str(tmp_path / "another"))
    with pytest.raises(
        DownloadError, match=rf"wrong hash: SHA-256 {sha256(OTHER)[:16]}.*{sha256(WEIGHTS)[:16]} stands in"
    ):
        fetch(NAME)
    assert not list((tmp_path / "another").rglob("model.safetensors"))


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_other_bytes_than_listed(a_hub: Hub, own_cache: Path, library: Path, file: str) -> None:
    a_hub.put("org/name", FILES)
    size = len(FILES[file])
    a_hub.lies["bytes"] = {file: b"x" * size}
    with pytest.raises(DownloadError, match="wrong hash"):
        fetch(NAME)
    assert not [path for path in library.rglob(file) if path.is_file()] and not lock(own_cache).exists()
    a_hub.lies.clear()
    assert fetch(f"{NAME}/{file}").read_bytes() == FILES[file]


def test_damaged_cache(a_hub: Hub, own_cache: Path) -> None:
    """Brought again; offline it is refused."""
    a_hub.put("org/name", FILES)
    path = fetch(NAME) / "model.safetensors"
    path.resolve().write_bytes(b"damaged")
    with pytest.raises(DownloadError, match="wrong hash"):
        fetch(NAME, offline=True)
    assert (fetch(NAME) / "model.safetensors").read_bytes() == WEIGHTS


def test_shards(a_hub: Hub, own_cache: Path) -> None:
    a_hub.put("org/name", sharded())
    assert sorted(read(fetch(NAME)).state_dict) == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model-00002-of-00002.safetensors": None}, "1 of its 2 files of weights are missing at the hub"),
        ({"model.safetensors.index.json": b'{"weight_map": {"a": "../x.safetensors"}}'}, "no file beside the index"),
        ({"model.safetensors.index.json": b'{"weight_map": {"a": "/etc/x.safetensors"}}'}, "no file beside the index"),
        ({"model.safetensors.index.json": b'{"weight_map": {"a": "model.py"}}'}, "no file beside the index"),
        ({"model.safetensors.index.json": b'{"weight_map": []}'}, "an index of weights has a weight_map"),
        ({"model.safetensors.index.json": b"["}, "not a config of transformers"),
    ],
)
def test_wrong_shards(a_hub: Hub, own_cache: Path, change: dict[str, bytes | None], message: str) -> None:
    a_hub.put("org/name", {k: v for k, v in {**sharded(), **change}.items() if v is not None})
    with pytest.raises(CheckpointError, match=message):
        fetch(NAME)


def test_a_shard_with_other_tensors(a_hub: Hub, own_cache: Path) -> None:
    files = sharded()
    files["model-00002-of-00002.safetensors"] = save({"c": torch.ones(4)})
    a_hub.put("org/name", files)
    with pytest.raises(CheckpointError, match=r"lacks b, unlike what model\.safetensors\.index\.json says"):
        read(fetch(NAME))


def test_pickles(a_hub: Hub, own_cache: Path, tmp_path: Path) -> None:
    """None is taken from a repository; one that the user names goes to the reader that runs nothing."""
    evil = tmp_path / "evil.bin"

    class Evil:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    torch.save({"a": torch.ones(2), "b": Evil()}, evil)
    torch.save({"a": torch.ones(2)}, tmp_path / "good.bin")
    a_hub.put("org/name", {"config.json": b"{}", "pytorch_model.bin": evil.read_bytes()})
    a_hub.put("org/good", {"pytorch_model.bin": (tmp_path / "good.bin").read_bytes()})
    with pytest.raises(
        CheckpointError, match=r"has no weights as safetensors, only pytorch_model\.bin, which are pickles"
    ):
        fetch(NAME)
    assert not a_hub.asked_large
    with pytest.raises(CheckpointError, match="system"):
        read(fetch(f"{NAME}/pytorch_model.bin"))
    assert not (tmp_path / "ran").exists()
    assert torch.equal(read(fetch("hf://org/good/pytorch_model.bin")).state_dict["a"], torch.ones(2))


def test_a_pickle_that_is_called_safetensors(a_hub: Hub, own_cache: Path, tmp_path: Path) -> None:
    torch.save({"a": os.path.join, "b": torch.ones(2)}, tmp_path / "w")
    a_hub.put("org/name", {"model.safetensors": (tmp_path / "w").read_bytes()})
    with pytest.raises(CheckpointError, match="join"):
        read(fetch(NAME))


def test_a_gigantic_header(a_hub: Hub, own_cache: Path) -> None:
    header = (1 << 40).to_bytes(8, "little") + b"{" + b" " * 100
    a_hub.put("org/name", {"model.safetensors": header})
    with pytest.raises(CheckpointError, match="a header of 1099511627776 bytes is announced and not there"):
        read(fetch(NAME))


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x.safetensors", "..\\x", "a\nb"])
def test_names_that_lead_elsewhere(a_hub: Hub, own_cache: Path, name: str) -> None:
    a_hub.put("org/name", FILES)
    a_hub.lies["listed"] = [name]
    with pytest.raises(DownloadError, match="which no repository can hold; nothing is taken"):
        fetch(NAME)
    assert not a_hub.asked_large


@pytest.mark.parametrize(
    ("lies", "message"),
    [
        ({"etag": "../../../../tmp/x"}, "which is no hash"),
        ({"etag": "a" * 64}, "wrong hash: the hub lists"),
        ({"commit": "../../x"}, "the hub names no commit"),
        ({"to": "ftp://localhost/x"}, "redirected to ftp://localhost, which is not as safe"),
    ],
)  # fmt: skip
def test_lies(a_hub: Hub, own_cache: Path, lies: dict[str, str], message: str) -> None:
    a_hub.put("org/name", {"model.safetensors": WEIGHTS})
    a_hub.lies.update(lies)
    with pytest.raises(DownloadError, match=message):
        fetch(NAME)
    assert not a_hub.asked_large


def test_another_commit_than_asked_for(a_hub: Hub, own_cache: Path) -> None:
    commit = a_hub.put("org/name", FILES)
    a_hub.lies["commit"] = "b" * 40
    with pytest.raises(DownloadError, match=f"gives the commit {'b' * 40} where {commit} was asked for"):
        fetch(f"{NAME}@{commit}")


def test_gated_private_and_missing(a_hub: Hub, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_hub.put("org/name", FILES)
    a_hub.repositories["org/name"].gated = True
    with pytest.raises(DownloadError, match=r"is gated: accept its licence on the page of org/name .* HF_TOKEN="):
        fetch(NAME)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "w" * 34)
    with pytest.raises(DownloadError, match="is gated"):
        fetch(NAME)
    with pytest.raises(DownloadError, match="no model org/none, or it is private; check the name, or give a token"):
        fetch("hf://org/none")
    with pytest.raises(DownloadError, match="has no branch, tag or commit 'v9'"):
        fetch(f"{NAME}@v9")
    a_hub.repositories["org/name"].private = True
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert (fetch(NAME) / "model.safetensors").is_file()


def test_the_token_stays_with_the_hub(a_hub: Hub, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    a_hub.put("org/name", FILES)
    fetch(NAME)
    assert {token for _, _, token in a_hub.asked} == {TOKEN}
    assert a_hub.asked_large and {token for _, _, token in a_hub.asked_large} == {None}
    text = "".join(path.read_text() for path in (lock(own_cache), *own_cache.rglob("*.json")))
    assert TOKEN not in text


def test_no_network(library: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match="no connection to the hub"):
        fetch(NAME)
    for name in ("SEGUE_OFFLINE", "HF_HUB_OFFLINE"):
        with monkeypatch.context() as settings:
            settings.setenv(name, "1")
            with pytest.raises(
                DownloadError, match=r"and Segue is offline; bring it with segue weights fetch hf://org/name"
            ):
                fetch(NAME)


def test_cache_of_others(library: Path, own_cache: Path) -> None:
    """Offline, what another program left in the library's cache is taken, and recorded."""
    commit = "c" * 40
    folder = library / "models--org--name" / "snapshots" / commit
    folder.mkdir(parents=True)
    (library / "models--org--name" / "refs").mkdir()
    (library / "models--org--name" / "refs" / "main").write_text(commit)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    assert fetch(NAME, offline=True) == folder
    assert commits(lock(own_cache))["hf://org/name@main"].files == ("config.json", "model.safetensors")
    (folder / "model.safetensors").write_bytes(OTHER)
    with pytest.raises(DownloadError, match="wrong hash"):
        fetch(NAME, offline=True)


def test_folder_of_the_user(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Needs no library."""
    folder = tmp_path / "own" / "org" / "name"
    folder.mkdir(parents=True)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    monkeypatch.setenv("SEGUE_WEIGHTS", str(tmp_path / "own"))
    assert fetch(NAME) == folder and fetch(f"{NAME}@v1/model.safetensors") == folder / "model.safetensors"
    (folder / "model.safetensors").unlink()
    with pytest.raises(SegueError, match="has no weights as safetensors"):
        fetch(NAME)


def test_full_disk(a_hub: Hub, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_hub.put("org/name", FILES)
    import shutil

    full = shutil.disk_usage("/")._replace(free=10)
    monkeypatch.setattr("segue.checkpoints.hub.client.shutil.disk_usage", lambda path: full)
    with pytest.raises(DownloadError, match=r"has no room for the \d+ bytes of hf://org/name@"):
        fetch(NAME)


def test_without_the_library(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(SegueError, match=r"needs the package 'huggingface_hub': pip install 'segue\[hub\]'"):
        fetch(NAME)


def test_several_weights(a_hub: Hub, own_cache: Path) -> None:
    a_hub.put("org/name", {"a.safetensors": WEIGHTS, "b.safetensors": OTHER})
    a_hub.put("org/one", {"a.safetensors": WEIGHTS})
    a_hub.put("org/none", {"README.md": b"#"})
    with pytest.raises(
        CheckpointError, match=r"holds a\.safetensors, b\.safetensors; name the one: hf://org/name@main/a"
    ):
        fetch(NAME)
    assert torch.equal(read(fetch("hf://org/one")).state_dict["a"], torch.arange(6.0))
    with pytest.raises(CheckpointError, match=r"holds no weights; there are README\.md"):
        fetch("hf://org/none")
