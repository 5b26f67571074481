"""``segue weights fetch --dest`` as ``mim download``: config and trained weights of a recipe, in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.cli import main
from segue.config import Config
from segue.recipes import published_weights

OLD = "fcn_unet_s5-d16_64x64_40k_drive"


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights, so that nothing is downloaded."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.setenv("SEGUE_WEIGHTS", str(folder))
    monkeypatch.setenv("SEGUE_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_recipe_s_config_and_weights(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = published_weights(OLD)
    assert url is not None
    assert main(["weights", "fetch", "--config", OLD, "--dest", "got"]) == 1
    said = capsys.readouterr()
    assert f"got/{OLD}.py" in said.out and url.rpartition("/")[2] in said.err
    assert Config.fromfile(f"got/{OLD}.py").model.decode_head.type == "FCNHead"


def test_a_file(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.pth").write_bytes(b"weights")
    assert main(["weights", "fetch", str(Path("own.pth").resolve()), "--dest", "got/deep"]) == 0
    assert Path("got/deep/own.pth").read_bytes() == b"weights"
    assert "got/deep/own.pth" in capsys.readouterr().out


def test_convert_takes_o(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "dataset", "chase_db1", str(tmp_path / "none.zip"), "-o", str(tmp_path / "out")]) == 1
    assert "none.zip" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["convert", "dataset", "-x"])


def test_wait_time_belongs_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "none.py", "none.pth", "--wait-time", "1"]) == 1
    assert "--wait-time: only with --show" in capsys.readouterr().err
