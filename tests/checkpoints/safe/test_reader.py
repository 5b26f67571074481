"""Good files of every make: what torch, mmengine and safetensors wrote comes back value by value."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from segue.checkpoints import StandIn, read
from segue.errors import CheckpointError

DATA = Path(__file__).parents[1] / "data"


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "dtype",
    ["float32", "float64", "float16", "bfloat16", "complex64", "uint8", "int8", "int16", "int32", "int64", "bool",
     "uint16", "float8_e4m3fn"],
)  # fmt: skip
def test_dtypes(dtype: str, zipped: bool, tmp_path: Path) -> None:
    """Oracle: the tensor that torch.save was given, bit by bit."""
    kind = getattr(torch, dtype)
    value = (torch.arange(24) % 2 if kind is torch.bool else torch.arange(24)).to(kind).reshape(2, 3, 4)
    path = tmp_path / "w.pth"
    torch.save(
        {"w": value, "t": value.transpose(0, 2), "empty": value[:0]}, path, _use_new_zipfile_serialization=zipped
    )
    state = read(path).state_dict
    assert state["w"].dtype is kind and state["w"].shape == (2, 3, 4)
    assert torch.equal(state["w"].view(torch.uint8), value.view(torch.uint8))
    assert state["t"].stride() == (1, 4, 12) and state["t"].shape == (4, 3, 2)
    assert state["empty"].shape == (0, 3, 4)


@pytest.mark.parametrize("zipped", [True, False])
def test_module_state(zipped: bool, tmp_path: Path) -> None:
    """A state dict keeps values, order and layout versions; parameters come back as plain tensors."""
    source = model()
    path = tmp_path / "w.pth"
    torch.save(source.state_dict(), path, _use_new_zipfile_serialization=zipped)
    checkpoint = read(path)
    assert checkpoint.format == "weights" and list(checkpoint.state_dict) == list(source.state_dict())
    assert all(torch.equal(checkpoint.state_dict[k], v) for k, v in source.state_dict().items())
    assert checkpoint.state_dict._metadata["1"] == {"version": 2}  # type: ignore[attr-defined]
    torch.save({"state_dict": OrderedDict(source.named_parameters())}, path, _use_new_zipfile_serialization=zipped)
    parameters = read(path).state_dict
    assert type(parameters["0.weight"]) is torch.Tensor and not parameters["0.weight"].requires_grad


@pytest.mark.parametrize("zipped", [True, False])
def test_tied_weights_stay_tied(zipped: bool, tmp_path: Path) -> None:
    base = torch.arange(10.0)
    path = tmp_path / "w.pth"
    torch.save({"a": base[2:6], "b": base, "c": torch.zeros(3)}, path, _use_new_zipfile_serialization=zipped)
    state = read(path).state_dict
    state["a"][0] = 99
    assert state["b"][2] == 99 and state["a"].storage_offset() == 2
    assert state["c"].untyped_storage().data_ptr() != state["b"].untyped_storage().data_ptr()


def test_expanded_tensor(tmp_path: Path) -> None:
    """A buffer that repeats one value by stride 0 is honest as long as it is small."""
    torch.save({"w": torch.tensor([3.0]).expand(5, 7)}, tmp_path / "w.pth")
    assert read(tmp_path / "w.pth").state_dict["w"].sum() == 105


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a second device to read to")
@pytest.mark.parametrize("zipped", [True, False])
def test_map_location(zipped: bool, tmp_path: Path) -> None:
    """Read to a GPU: values, and ties between tensors, are those of the file."""
    base = torch.arange(4.0)
    torch.save({"a": base, "b": base[1:]}, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    state = read(tmp_path / "w.pth", "cuda").state_dict
    assert state["b"].device.type == "cuda" and state["b"].tolist() == [1, 2, 3]
    state["a"][1] = 9
    assert state["b"][0] == 9


def test_checkpoint_of_mmengine() -> None:
    """A file that mmengine 0.10.7 wrote after four iterations (AdamW, PolyLR, EMA); values noted when it was made."""
    checkpoint = read(DATA / "mmengine_tiny.pth")
    assert checkpoint.format == "mmengine"
    assert checkpoint.meta["iter"] == 4 and checkpoint.meta["mmengine_version"] == "0.10.7"
    assert checkpoint.classes == ("road", "sky") and checkpoint.palette == [[128, 64, 128], [70, 130, 180]]
    assert "PolyLR" in (checkpoint.config or "")
    assert list(checkpoint.state_dict)[:2] == ["conv.weight", "conv.bias"]
    assert "module.conv.weight" in checkpoint.raw["ema_state_dict"]
    losses = checkpoint.message_hub["log_scalars"]["train/loss"]
    assert isinstance(losses, StandIn) and losses.name == "HistoryBuffer"
    expected = [1.05048002e-07, -1.00001208e-02, -1.69723276e-02, -2.07556207e-02]
    assert np.allclose(losses.state["_log_history"], expected)
    assert checkpoint.message_hub["runtime_info"]["seen"] == 0.5
    assert checkpoint.optimizer is not None and set(checkpoint.optimizer) == {"state", "param_groups"}
    assert checkpoint.schedulers[0]["base_values"] == [0.01]
    assert checkpoint.summary()["tensors"] == 7


def test_checkpoint_of_mmcv(tmp_path: Path) -> None:
    meta = {
        "epoch": 3,
        "iter": 7,
        "CLASSES": ("a", "b"),
        "PALETTE": np.array([[1, 2, 3], [4, 5, 6]]),
        "config": "x = 1",
    }
    torch.save({"meta": meta, "state_dict": model().state_dict(), "optimizer": {"state": {}}}, tmp_path / "w.pth")
    checkpoint = read(tmp_path / "w.pth")
    assert checkpoint.format == "mmcv" and checkpoint.classes == ("a", "b")
    assert checkpoint.palette == [[1, 2, 3], [4, 5, 6]] and checkpoint.config == "x = 1"
    assert checkpoint.optimizer == {"state": {}}


def test_checkpoint_of_lightning(tmp_path: Path) -> None:
    """Oracle: a Trainer of the installed Lightning writes the file."""
    lightning = pytest.importorskip("lightning.pytorch", reason="a dependency; absent only in odd installs")

    class Task(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = nn.Linear(2, 1)
            self.save_hyperparameters({"lr": 0.1, "path": Path("a/b")})

        def training_step(self, batch: torch.Tensor) -> torch.Tensor:
            return self.model(batch).sum()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), 0.1)

    task = Task()
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer = lightning.Trainer(max_steps=2, accelerator="cpu", default_root_dir=tmp_path, **quiet)
    with pytest.warns():  # about the number of workers
        trainer.fit(task, torch.utils.data.DataLoader(torch.ones(4, 2)))
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    checkpoint = read(tmp_path / "last.ckpt")
    assert checkpoint.format == "lightning" and checkpoint.meta["iter"] == 2
    assert torch.equal(checkpoint.state_dict["model.weight"], task.model.weight)
    assert checkpoint.optimizer is not None and checkpoint.optimizer["state"][0]["step"] == 2
    assert checkpoint.raw["hyper_parameters"]["path"] == "a/b"


@pytest.mark.parametrize("key", ["state_dict", "model", "module", "ema_state_dict", "net"])
def test_weights_below_a_key(key: str, tmp_path: Path) -> None:
    torch.save({key: model().state_dict(), "epoch": 3}, tmp_path / "w.pth")
    assert "0.weight" in read(tmp_path / "w.pth").state_dict


def test_foreign_classes_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects of config libraries become dicts or stand-ins; their classes are not imported."""
    import argparse
    import sys
    import types

    module = types.ModuleType("mmengine.config.config")

    class ConfigDict(dict):
        pass

    ConfigDict.__module__, ConfigDict.__qualname__ = module.__name__, "ConfigDict"
    module.ConfigDict = ConfigDict  # type: ignore[attr-defined]
    for name in ("mmengine", "mmengine.config", module.__name__):
        monkeypatch.setitem(sys.modules, name, module)
    meta = {"cfg": ConfigDict(a=ConfigDict(b=1)), "args": argparse.Namespace(lr=0.1)}
    torch.save({"meta": meta, "state_dict": {"w": torch.ones(1)}}, tmp_path / "w.pth")
    for name in ("mmengine", "mmengine.config", module.__name__):
        monkeypatch.delitem(sys.modules, name)
    checkpoint = read(tmp_path / "w.pth")
    assert checkpoint.meta["cfg"] == {"a": {"b": 1}}
    assert checkpoint.meta["args"].state == {"lr": 0.1}
    assert repr(checkpoint.meta["args"]) == "<argparse.Namespace, not loaded>"
    assert module.__name__ not in sys.modules


def test_subclass_of_parameter(tmp_path: Path) -> None:
    class Special(nn.Parameter):
        pass

    Special.__module__, Special.__qualname__ = "mmcv.cnn", "Special"
    import sys
    import types

    sys.modules["mmcv.cnn"] = types.ModuleType("mmcv.cnn")
    sys.modules["mmcv.cnn"].Special = Special  # type: ignore[attr-defined]
    try:
        value = Special(torch.ones(2))
        value.note = "x"  # type: ignore[attr-defined]
        torch.save({"w": value}, tmp_path / "w.pth")
    finally:
        del sys.modules["mmcv.cnn"]
    assert type(read(tmp_path / "w.pth").state_dict["w"]) is torch.Tensor


def test_safetensors(tmp_path: Path) -> None:
    save_file({"w": torch.ones(2)}, tmp_path / "w.safetensors", metadata={"format": "pt"})
    checkpoint = read(tmp_path / "w.safetensors")
    assert checkpoint.format == "safetensors" and checkpoint.meta == {"format": "pt"}
    data = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(data[:-1])
    with pytest.raises(CheckpointError, match=r"cut.safetensors is damaged"):
        read(tmp_path / "cut.safetensors")


@pytest.mark.parametrize("notes", ["[" * 100_000, "{", "[1]"])
def test_safetensors_with_hostile_notes(notes: str, tmp_path: Path) -> None:
    save_file({"w": torch.ones(2)}, tmp_path / "w.safetensors", metadata={"segue": notes})
    with pytest.raises(CheckpointError, match=r"is damaged: its notes are not"):
        read(tmp_path / "w.safetensors")


def test_odd_notes_are_no_notes(tmp_path: Path) -> None:
    """Arrays and objects where text and colors are expected do not get in the way of the weights."""
    meta = {"cfg": np.zeros(3), "exp_name": torch.ones(2), "PALETTE": ["red"], "CLASSES": 5}
    torch.save({"meta": meta, "state_dict": {"w": torch.ones(1)}}, tmp_path / "w.pth")
    checkpoint = read(tmp_path / "w.pth")
    assert checkpoint.config is checkpoint.palette is checkpoint.classes is checkpoint.summary()["experiment"] is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\0" * 257 + b"ustar" + b"\0" * 300, "is a tar archive"),
        (b"hello world", "is damaged"),
    ],
)
def test_lookalikes(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        read(tmp_path / "w.pth")


def test_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is not a file; give the path of a checkpoint"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (nn.Linear(1, 1), r"holds a whole pickled object \(torch\.nn\.modules\.linear\.Linear\)"),
        ([torch.ones(1)], "holds a list rather than weights"),
        ({"epoch": 3, "loss": 0.1}, "holds no weights that Segue can find; it holds 'epoch', 'loss'"),
        ({"w": torch.ones(2).to_sparse()}, "holds a sparse tensor, which Segue does not read"),
        ({"w": torch.ones(2, device="meta")}, r"holds a tensor without data \(device meta\)"),
    ],
)
def test_no_weights(value: object, message: str, tmp_path: Path) -> None:
    torch.save(value, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=message):
        read(tmp_path / "w.pth")
