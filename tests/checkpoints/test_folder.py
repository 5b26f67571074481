"""Folders with models: which file counts, what belongs together, what a config may be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from segue.checkpoints import fetch, read
from segue.checkpoints.convert import opened
from segue.checkpoints.folder import check_certificate, config_text, holds_model, main_file, model_files
from segue.errors import CheckpointError
from tests.checkpoints.hub.server import sha256


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    save_file({"a": torch.ones(3)}, tmp_path / "model" / "model.safetensors", {"format": "pt"})
    return tmp_path / "model"


def test_the_file_that_counts() -> None:
    assert main_file(["model.safetensors", "pytorch_model.bin", "x.safetensors"], "f") == "model.safetensors"
    assert main_file(["pytorch_model.bin", "model.safetensors.index.json"], "f") == "model.safetensors.index.json"
    assert main_file(["x.safetensors", "readme"], "f") == "x.safetensors"
    with pytest.raises(CheckpointError, match=r"holds a\.safetensors, b\.safetensors; name the file itself"):
        main_file(["b.safetensors", "a.safetensors"], "f")


def test_a_folder_is_a_checkpoint(folder: Path, tmp_path: Path) -> None:
    assert holds_model(folder) and not holds_model(tmp_path) and not holds_model(tmp_path / "none")
    assert fetch(folder) == folder and torch.equal(read(folder).state_dict["a"], torch.ones(3))
    assert opened(folder)[0] == folder / "model.safetensors"
    assert read(folder).config is None and model_files(folder) == ["model.safetensors"]
    with pytest.raises(CheckpointError, match="is not a file; give the path of a checkpoint"):
        fetch(tmp_path)


def test_its_config(folder: Path) -> None:
    """One of Segue's is text; what no key of a config can be is refused, and so is what is no object."""
    (folder / "config.json").write_text('{"model": {"type": "EncoderDecoder", "x": [1, null, true]}}')
    assert read(folder).config == config_text(folder)
    assert config_text(folder) == "model = {'type': 'EncoderDecoder', 'x': [1, None, True]}\n"
    (folder / "config.json").write_text('{"model": {}, "a = __import__": 1}')
    with pytest.raises(CheckpointError, match="is no key that a config can have"):
        read(folder)
    (folder / "config.json").write_text("[]")
    with pytest.raises(CheckpointError, match="it holds a list"):
        read(folder)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"holds no config\.json; give the config file"):
        config_text(folder)


def test_its_certificate(folder: Path) -> None:
    def certify(hashes: object) -> None:
        (folder / "certificate.json").write_text(json.dumps({"sha256": hashes}))

    assert check_certificate(folder) is None
    good = sha256((folder / "model.safetensors").read_bytes())
    certify({"model.safetensors": good})
    assert check_certificate(folder) == {"sha256": {"model.safetensors": good}}
    for hashes, message in (
        ({"model.safetensors": "0" * 64}, r"not the file that certificate\.json means: SHA-256 "),
        ({"../model.safetensors": good}, "which is not there"),
        ({"gone.json": good}, "which is not there"),
        ([], "says no hashes of files"),
        ({"model.safetensors": 1}, "says no hashes of files"),
    ):
        certify(hashes)
        with pytest.raises(CheckpointError, match=message):
            read(folder)
