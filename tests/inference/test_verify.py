"""Checks of weight files: each fault is named, and nothing else is called a fault."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from segue.checkpoints import read, save_weights
from segue.checkpoints.convert import convert
from segue.config.builder.build import build_model
from segue.inference.verify import Verification, fingerprint, fixed_input, verify
from segue.recipes.open import read_config

CONFIG = """
norm_cfg = dict(type="BN", requires_grad=True)
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(type="SegDataPreProcessor", mean=[1.0, 2.0, 3.0], std=[1.0, 1.0, 1.0]),
    backbone=dict(type="FastSCNN", downsample_dw_channels=(4, 4), global_in_channels=4,
                  global_block_channels=(4, 4, 4), global_out_channels=4, higher_in_channels=4, lower_in_channels=4,
                  fusion_out_channels=4, out_indices=(0, 1, 2), norm_cfg=norm_cfg),
    decode_head=dict(type="FCNHead", in_channels=4, channels=4, num_convs=1, in_index=-1, num_classes=3,
                     norm_cfg=norm_cfg, concat_input=False),
)
"""
CLASSES = ["road", "sky", "tree"]


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    from segue.config import Config

    torch.manual_seed(0)
    return dict(build_model(Config.fromstring(CONFIG, ".py")).state_dict())


def written(folder: Path, state: dict[str, Tensor], **notes: Any) -> Path:
    return save_weights(folder / "w.safetensors", state, {"config": CONFIG, "classes": CLASSES, **notes})


def check(path: Path, **how: Any) -> tuple[Verification, dict[str, tuple[str, str]]]:
    result = verify(path, read_config=read_config, **how)
    return result, {check.what: (check.status, check.found) for check in result.checks}


def test_sound_file(tmp_path: Path, state: dict[str, Tensor]) -> None:
    """Everything that can be checked is; the output's figures are those of the model."""
    path = written(tmp_path, state)
    result, found = check(path, against=path)
    assert result.good
    assert {what: status for what, (status, _) in found.items()} == {
        "SHA-256": "not checked", "values": "ok", "model": "ok", "classes": "ok", "output": "ok", "original": "ok"
    }  # fmt: skip
    assert found["model"][1] == f"{len(state)} tensors loaded strictly"
    assert found["classes"][1] == "3 names for 3 classes"
    model = build_model(read_config({"model": read_config_model()}))
    model.load_state_dict(state)
    with torch.inference_mode():
        logits = model.eval().encode_decode(fixed_input(3))
    assert result.output.startswith(f"mean {logits.mean():.6g}, deviation {logits.std():.6g}, labels ")


def read_config_model() -> Any:
    from segue.config import Config

    return Config.fromstring(CONFIG, ".py")["model"]


def test_fingerprint(tmp_path: Path, state: dict[str, Tensor]) -> None:
    """It depends on tensors only: not on the container, their order or the notes; but on any bit of them."""
    one = fingerprint(state)
    torch.save({"state_dict": dict(reversed(state.items())), "meta": {"epoch": 3}}, tmp_path / "w.pth")
    assert fingerprint(read(tmp_path / "w.pth").state_dict) == one
    key = next(iter(state))
    flipped = state | {key: state[key].clone()}
    flipped[key].view(-1)[0] += 1e-6
    assert fingerprint(flipped) != one
    assert fingerprint({k: v.bfloat16() if v.is_floating_point() else v for k, v in state.items()}) != one
    assert fingerprint({"a": torch.zeros(2, 3)}) != fingerprint({"a": torch.zeros(3, 2)})


def test_hash_in_the_name(tmp_path: Path, state: dict[str, Tensor]) -> None:
    path = written(tmp_path, state)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    right = path.rename(tmp_path / f"w-{digest[:8]}.safetensors")
    assert check(right)[1]["SHA-256"] == ("ok", f"{digest[:16]}..., the name says {digest[:8]}")
    wrong = right.rename(tmp_path / "w-0badc0de.safetensors")
    result, found = check(wrong)
    assert found["SHA-256"] == ("failed", f"{digest[:16]}..., the name says 0badc0de") and not result.good


def test_bad_values(tmp_path: Path, state: dict[str, Tensor]) -> None:
    broken = {key: value.clone() for key, value in state.items()}
    variance = next(key for key in broken if key.endswith("running_var"))
    broken["decode_head.conv_seg.weight"].view(-1)[:2] = float("nan")
    broken[variance][0] = -1
    result, found = check(written(tmp_path, broken))
    assert not result.good and found["values"][0] == "failed"
    assert "decode_head.conv_seg.weight has 2 values that are not finite" in found["values"][1]
    assert f"{variance} has negative variances" in found["values"][1]
    assert found["output"] == ("failed", "1 x 3 x 128 x 128 values that are not all finite")


def test_of_another_model(tmp_path: Path, state: dict[str, Tensor]) -> None:
    """Missing, unexpected and misshapen tensors are failures; the output of such a model is not looked at."""
    other = dict(state)
    del other["decode_head.conv_seg.bias"]
    other["auxiliary_head.conv_seg.bias"] = torch.zeros(3)
    other["decode_head.conv_seg.weight"] = torch.zeros(5, 4, 1, 1)
    result, found = check(written(tmp_path, other))
    assert not result.good and "output" not in found
    assert found["model"] == (
        "failed",
        "1 missing: decode_head.conv_seg.bias\n"
        "1 of another shape: decode_head.conv_seg.weight: (5, 4, 1, 1) in the file, (3, 4, 1, 1) in the model: the "
        "file knows 5 classes and the model 3\n"
        "1 unexpected: auxiliary_head.conv_seg.bias",
    )


@pytest.mark.parametrize(
    ("notes", "status", "said"),
    [
        ({"classes": ["road", "sky"]}, "failed", "2 names for 3 classes"),
        ({"palette": [[0, 0, 0]]}, "failed", "1 colors for 3 names"),
        ({"classes": ["road", "sky", "road"]}, "failed", "names occur twice: road"),
        ({"classes": None}, "not checked", "the file holds no class names"),
    ],
)
def test_classes(tmp_path: Path, state: dict[str, Tensor], notes: dict[str, Any], status: str, said: str) -> None:
    assert check(written(tmp_path, state, **notes))[1]["classes"] == (status, said)


def test_without_a_config(tmp_path: Path, state: dict[str, Tensor]) -> None:
    """Nothing is wrong with the file, and what could not be checked is said; a config can be given."""
    path = written(tmp_path, state, config=None)
    result, found = check(path)
    assert result.good and found["model"] == ("not checked", "the file holds no config; give one with --config")
    (tmp_path / "model.py").write_text(CONFIG)
    assert check(path, config=tmp_path / "model.py")[1]["model"][0] == "ok"
    (tmp_path / "model.py").write_text(CONFIG.replace("FCNHead", "FCMHead"))
    status, said = check(path, config=tmp_path / "model.py")[1]["model"]
    assert status == "failed" and "FCMHead" in said


def test_against_the_original(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save({"state_dict": state, "meta": {"CLASSES": CLASSES}}, tmp_path / "w.pth")
    path = convert(tmp_path / "w.pth", tmp_path / "w.safetensors").path
    status, said = check(path, against=tmp_path / "w.pth")[1]["original"]
    assert (status, said) == ("ok", f"all {len(state)} tensors equal those of {tmp_path / 'w.pth'}")
    changed = {key: value.clone() for key, value in state.items()}
    changed["decode_head.conv_seg.bias"] += 1e-6
    del changed["decode_head.conv_seg.weight"]
    torch.save(changed, tmp_path / "w.pth")
    assert check(path, against=tmp_path / "w.pth")[1]["original"] == (
        "failed",
        "decode_head.conv_seg.weight is not in the original, decode_head.conv_seg.bias differs",
    )
