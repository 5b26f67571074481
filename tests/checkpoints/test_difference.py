"""EoMT's files on DINOv3 are differences to its weights: their sum is the model, and another base is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from segue.checkpoints.convert import convert
from segue.checkpoints.downloads.cache import digest
from segue.checkpoints.safe.reader import read
from segue.checkpoints.weights import save_weights
from segue.config.builder.build import build_model
from segue.errors import CheckpointError, InputError
from tests.models.test_eomt import RECORDED, authors_names, config


def files(folder: Path) -> tuple[Path, Path, dict[str, Tensor]]:
    """The authors' file of differences, the base with Meta's names, and the sum under Segue's."""
    model: Any = build_model(config("dinov3-b"))
    base = {
        key.removeprefix("backbone.").replace("register_tokens", "storage_tokens"): torch.randn_like(value)
        for key, value in model.state_dict().items()
        if key.startswith("backbone.")
    }
    theirs = {key: torch.randn(shape) for key, shape in authors_names(RECORDED["dinov3"]["keys"]).items()}
    delta = save_weights(folder / "delta.safetensors", theirs)
    plain = convert(delta, folder / "plain.safetensors")
    want = dict(read(plain.path).state_dict)
    for key in want:
        if key.startswith("backbone."):
            want[key] = want[key] + base[key.removeprefix("backbone.").replace("register_tokens", "storage_tokens")]
    whole = save_weights(folder / "dinov3.safetensors", {**base, "rope_embed.periods": torch.ones(2)})
    return delta, whole, want


def test_sum_and_refusals(tmp_path: Path) -> None:
    torch.manual_seed(0)
    delta, whole, want = files(tmp_path)
    made = convert(delta, tmp_path / "eomt.safetensors", base=whole)
    assert f"Note: added to dinov3.safetensors, SHA-256 {digest(whole)}" in str(made)
    checkpoint = read(made.path)
    assert checkpoint.meta["base_sha256"] == digest(whole)
    model: Any = build_model(config("dinov3-b"))
    model.load_state_dict(checkpoint.state_dict)  # strict
    assert all(torch.allclose(checkpoint.state_dict[key], value, atol=1e-6) for key, value in want.items())
    assert "hold differences to the backbone's weights, which are gated: give those with --base" in str(
        convert(delta, tmp_path / "plain.safetensors")
    )
    other = save_weights(tmp_path / "small.safetensors", {"cls_token": torch.zeros(1, 1, 8)})
    with pytest.raises(CheckpointError, match=r"small.safetensors: not the encoder that the differences are to"):
        convert(delta, tmp_path / "bad.safetensors", base=other)
    with pytest.raises(InputError, match=r"--base .*dinov3.safetensors: .*holds no differences"):
        convert(whole, tmp_path / "bad.safetensors", base=whole)
    renamed = whole.rename(tmp_path / "dinov3_vitl16-01234567.safetensors")
    with pytest.raises(CheckpointError, match="SHA-256 does not begin with 01234567"):
        convert(delta, tmp_path / "bad.safetensors", base=renamed)
    assert not (tmp_path / "bad.safetensors").exists()
