"""``segue weights fetch`` and ``list``, and ``--offline`` and ``--weights-mirror`` of the verbs that use weights."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from segue.checkpoints import save_weights
from segue.checkpoints.downloads.cache import digest
from segue.cli import main
from segue.config import Config
from segue.config.builder.build import build_model

from ..checkpoints.downloads.server import NAME, SHA, Server
from .project import make_project

DEAD = "https://127.0.0.1:9"  # nothing listens there


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


def published(config: Path, folder: Path) -> str:
    """The address of weights of the config's model, which ``folder`` holds as a mirror of a dead host."""
    made = save_weights(config.parent / "w.safetensors", build_model(Config.fromfile(config)).state_dict())
    (folder / "w").mkdir(parents=True)
    shutil.move(made, folder / "w" / f"w-{digest(made)[:8]}.safetensors")
    return f"{DEAD}/w/{next((folder / 'w').iterdir()).name}"


def test_fetch_for_a_config(server: Server, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is here afterwards serves a machine without network; a second call asks nobody."""
    text = config.read_text().replace(
        "depth=18", f"depth=18, init_cfg=dict(type='Pretrained', checkpoint='{DEAD}/a/x.pth')"
    )
    config.write_text(text)
    for _ in range(2):
        assert main(["weights", "fetch", "--config", "config.py"]) == 0
        shown = capsys.readouterr().out
        assert "1 of 1 files are here" in shown and f"{DEAD}/a/x.pth" in shown and SHA[:16] in shown
    assert len(server.requests) == 1
    assert main(["weights", "fetch", "config.py", "--offline"]) == 0


def test_fetch_goes_on_after_a_failure(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"{DEAD}/missing/x.pth", "torchvision://vgg", f"{DEAD}/a/{NAME}"]
    assert main(["weights", "fetch", *names]) == 1
    captured = capsys.readouterr()
    assert "1 of 3 files are here" in captured.out and captured.err.count("could not be downloaded") == 1
    assert "torchvision://vgg is not an alias that Segue knows" in captured.err


def test_fetch_with_a_hash(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "fetch", f"{DEAD}/a/x.pth", "--sha256", "0" * 64]) == 1
    assert "0000000000000000 was asked for" in capsys.readouterr().err
    assert main(["weights", "fetch", f"{DEAD}/a/x.pth", "--sha256", SHA]) == 0
    assert main(["weights", "fetch", f"{DEAD}/a/x.pth", f"{DEAD}/a/y.pth", "--sha256", SHA]) == 1
    assert "--sha256 is the hash of one file, and 2 are wanted" in capsys.readouterr().err
    assert main(["weights", "fetch"]) == 1
    assert "name what to fetch" in capsys.readouterr().err


def test_fetch_for_a_recipe(own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--all`` adds the published weights; each message names the place for the file."""
    assert main(["weights", "fetch", "ocrnet_hr18_4xb2-160k_cityscapes-512x1024", "--all", "--offline"]) == 1
    captured = capsys.readouterr()
    assert "0 of 2 files are here" in captured.out and captured.err.count("and Segue is offline. Get ") == 2
    assert str(own_cache / "download.openmmlab.com" / "pretrain" / "third_party") in captured.err
    assert "b9172d0c.pth" in captured.err


def test_list(own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "list", "*hrnetv2*"]) == 0
    assert "3 files, 0 here" in capsys.readouterr().out
    assert main(["weights", "list", "*resnet18_v1c", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["state"], entry["sha256"], entry["known_by"]) == ("missing", "b5776b93", "name")
    assert len(entry["recipes"]) == 27
    assert main(["weights", "list", "nothing"]) == 1
    assert "no weights of recipes match 'nothing'" in capsys.readouterr().err


def test_mirror_and_offline_of_test_and_predict(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Weights that a dead host publishes come from the mirror; offline and without it, the message says what to do."""
    url = published(config, config.parent / "mirror")
    image = next((config.parent / "data" / "images").iterdir())
    for command in (["test", "config.py", url], ["predict", "config.py", url, str(image)]):
        assert main([*command, "--offline"]) == 1
        assert "and Segue is offline. Get w-" in capsys.readouterr().err
        assert main([*command, "--offline", "--weights-mirror", "mirror"]) == 0
        assert "SEGUE_OFFLINE" not in os.environ and "SEGUE_WEIGHTS_MIRROR" not in os.environ


def test_mirror_and_offline_of_train(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = published(config, config.parent / "mirror")
    config.write_text(config.read_text() + f"load_from = '{url}'\n")
    assert main(["train", "config.py", "--offline"]) == 1
    assert "and Segue is offline. Get w-" in capsys.readouterr().err
    assert main(["train", "config.py", "--offline", "--weights-mirror", "mirror"]) == 0
    assert f"Weights of {url}" in "".join(capsys.readouterr())


def test_predict_takes_a_recipe_and_its_published_weights(
    tmp_path: Path, own_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The recipe's name stands for a config; without network the message names the published file."""
    (tmp_path / "street.png").write_bytes(b"")
    images = [str(tmp_path / "street.png"), "--out", str(tmp_path / "out"), "--offline"]
    assert main(["predict", "fcn_r18-d8_4xb2-80k_cityscapes-512x1024", "published", *images]) == 1
    assert "fcn_r18-d8_512x1024_80k_cityscapes_20201225_021327-6c50f8b4.pth" in capsys.readouterr().err
    assert main(["predict", "fcn_r18-d8_4xb2-80k_cityscapes-512x1024", "published"]) == 1
    assert "name the images or folders after the checkpoint" in capsys.readouterr().err
