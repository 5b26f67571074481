"""Loading with a report, and writing safetensors."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from segue.checkpoints import load_weights, read, save_weights
from segue.errors import CheckpointError, InputError


class Segmentor(nn.Module):
    def __init__(self, classes: int = 3, channels: int = 3) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(channels, 4, 1), nn.BatchNorm2d(4))
        self.decode_head = nn.Module()
        self.decode_head.conv_seg = nn.Conv2d(4, classes, 1)


def state(**options: int) -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {key: value.clone().float() + 1 for key, value in Segmentor(**options).state_dict().items()}


def test_everything_fits(tmp_path: Path) -> None:
    model, given = Segmentor(), state()
    torch.save(given, tmp_path / "w.pth")
    report = load_weights(model, tmp_path / "w.pth", strict=True)
    assert report.complete and set(report.loaded) == set(given)
    assert all(torch.equal(value.float(), given[key]) for key, value in model.state_dict().items())
    assert str(report) == f"{len(given)} tensors loaded."


def test_other_number_of_classes() -> None:
    """The classifier keeps its initial values, and the report says why."""
    model = Segmentor(classes=5)
    initial = model.decode_head.conv_seg.weight.clone()
    report = load_weights(model, state(classes=3))
    assert [m.key for m in report.mismatched] == ["decode_head.conv_seg.weight", "decode_head.conv_seg.bias"]
    assert (report.mismatched[0].given, report.mismatched[0].expected) == ((3, 4, 1, 1), (5, 4, 1, 1))
    assert torch.equal(model.decode_head.conv_seg.weight, initial)
    assert "decode_head.conv_seg.bias" not in report.loaded and "backbone.0.weight" in report.loaded
    assert (
        "decode_head.conv_seg.weight: (3, 4, 1, 1) in the file, (5, 4, 1, 1) in the model: the file knows 3 classes "
        "and the model 5" in str(report)
    )
    with pytest.raises(CheckpointError, match="does not fit the model exactly"):
        load_weights(model, state(classes=3), strict=True)


def test_other_number_of_bands() -> None:
    report = load_weights(Segmentor(channels=8), state())
    assert report.mismatched[0].meaning == "the file expects 3 input channels here and the model 8"


def test_missing_and_unexpected() -> None:
    given = state()
    given["auxiliary_head.conv_seg.weight"] = torch.ones(1)
    del given["backbone.0.bias"], given["backbone.1.num_batches_tracked"]
    report = load_weights(Segmentor(), given)
    assert report.missing == ("backbone.0.bias",)  # counters are not missed
    assert report.unexpected == ("auxiliary_head.conv_seg.weight",)
    assert "1 missing in the file, kept at their initial values:\n  backbone.0.bias" in str(report)


@pytest.mark.parametrize("wrapper", ["module.", "model.", "model.module.", "net."])
def test_wrappers_are_taken_off(wrapper: str) -> None:
    """DataParallel's and Lightning's names; other entries of the task are reported."""
    given = {wrapper.removeprefix("model.module.") + key: value for key, value in state().items()}
    if wrapper == "model.":
        given["criterion.weight"] = torch.ones(3)
    assert not load_weights(Segmentor(), given).missing


def test_prefix() -> None:
    """The semantics of ``init_cfg=dict(type='Pretrained', prefix='backbone.')``: with or without the dot."""
    for prefix in ("backbone.", "backbone"):
        model = Segmentor().backbone
        assert load_weights(model, state(), prefix=prefix, strict=True).complete
    with pytest.raises(CheckpointError, match=r"no key below 'encoder\.'; its keys begin with backbone, decode_head"):
        load_weights(Segmentor().backbone, state(), prefix="encoder")


def test_revise_keys() -> None:
    given = {f"teacher.{key}": value for key, value in state().items()}
    assert load_weights(Segmentor(), given, revise_keys=((r"^teacher\.", ""),), strict=True).complete


def test_of_another_model() -> None:
    with pytest.raises(CheckpointError) as caught:
        load_weights(Segmentor(), {f"layer{i}.weight": torch.ones(1) for i in range(9)})
    assert str(caught.value) == (
        "the state dict was made for another model: none of its 9 tensors fits; the file has layer0.weight, "
        "layer1.weight, layer2.weight ..., the model has backbone.0.weight, backbone.0.bias, backbone.1.weight ..."
    )
    inner = {key.removeprefix("backbone."): value for key, value in state().items() if key.startswith("backbone.")}
    with pytest.raises(CheckpointError, match=r"some fit its 'backbone': load them into model\.backbone"):
        load_weights(Segmentor(), inner)
    with pytest.raises(CheckpointError, match=r"although names agree, for example 0.weight"):
        load_weights(nn.Sequential(nn.Linear(2, 2)), {"0.weight": torch.ones(3, 3)})


def test_shadow_copies_of_mmcv_are_not_reported() -> None:
    given = state()
    given |= {"ema_" + key.replace(".", "_"): value for key, value in state().items()}
    assert load_weights(Segmentor(), given, strict=True).complete


def test_hooks_that_rename_keys() -> None:
    """A module that renames the keys of an older layout while loading; its version reaches the hook."""

    class Renamed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.new = nn.Linear(2, 2)
            self.old = nn.Linear(2, 2)

        def _load_from_state_dict(self, state_dict: dict, prefix: str, notes: dict, *args: Any) -> None:
            assert notes.get("version") == 7
            for key in [key for key in state_dict if key.startswith(prefix + "ancient.")]:
                state_dict[key.replace("ancient.", "new.")] = state_dict.pop(key)
            super()._load_from_state_dict(state_dict, prefix, notes, *args)

    model = Renamed()
    given = OrderedDict(
        (key.replace("new.", "module.ancient."), value + 1) for key, value in model.state_dict().items()
    )
    given = OrderedDict((key if key.startswith("module.") else "module." + key, value) for key, value in given.items())
    given._metadata = {"module": {"version": 7}}  # type: ignore[attr-defined]
    report = load_weights(model, given, strict=True)
    assert report.complete and torch.equal(model.new.weight, given["module.ancient.weight"])


def test_save_and_read(tmp_path: Path) -> None:
    """Values, ties (written twice), strides and notes come back."""
    base = torch.arange(12.0).reshape(3, 4)
    weights = {"a": base, "tied": base, "turned": base.t(), "part": base[1:2], "half": base.bfloat16()}
    meta = {"classes": ("road", "sky"), "palette": np.array([[1, 2, 3], [4, 5, 6]]), "config": "x = 'é'", "iter": 5}
    path = save_weights(tmp_path / "w.safetensors", weights, meta)
    checkpoint = read(path)
    assert checkpoint.format == "segue"
    assert all(torch.equal(checkpoint.state_dict[key], value) for key, value in weights.items())
    assert checkpoint.classes == ("road", "sky") and checkpoint.palette == [[1, 2, 3], [4, 5, 6]]
    assert checkpoint.config == "x = 'é'" and checkpoint.meta["iter"] == 5 and "segue_version" in checkpoint.meta
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]
    assert path.stat().st_size < sum(t.numel() * t.element_size() for t in weights.values()) + 1000


def test_save_refuses(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"name the file w\.safetensors"):
        save_weights(tmp_path / "w.pth", {})
    with pytest.raises(InputError, match="does not exist; create it first"):
        save_weights(tmp_path / "no" / "w.safetensors", {})
    with pytest.raises(InputError, match="the entry 'a' is a int, not a tensor"):
        save_weights(tmp_path / "w.safetensors", {"a": 1})  # type: ignore[dict-item]
    assert not list(tmp_path.iterdir())


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_weights(tmp_path / "w.safetensors", {"a": torch.ones(1)})

    def full(tensors: object, filename: Path, metadata: object) -> None:
        Path(filename).write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("segue.checkpoints.weights.save_file", full)
    with pytest.raises(InputError, match=re.escape("could not be written: no space left on device.")):
        save_weights(path, {"a": torch.zeros(1)})
    assert read(path).state_dict["a"] == 1 and len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_saved_weights_can_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    """Files of other programs in the same folder are the oracle."""
    other = tmp_path / "other"
    other.touch()
    path = save_weights(tmp_path / "w.safetensors", {"a": torch.ones(1)})
    assert path.stat().st_mode == other.stat().st_mode
