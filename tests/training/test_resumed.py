"""A changed or foreign last.ckpt: one sentence with the key path, before anything is made of it or deleted."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small_run as small
import torch
from torch import nn

from segue.errors import CheckpointError
from segue.training.resumed import BEST, KEPT, checked
from segue.training.saving import read_state

Raw = dict[str, Any]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Raw:
    """The state after six iterations, with everything that a state can hold."""
    folder = tmp_path_factory.mktemp("whole")
    hooks = [{"type": "EMAHook"}, {"type": "EarlyStoppingHook", "monitor": "mIoU"}]
    small.run(small.config(custom_hooks=hooks), folder)
    return read_state(folder / "last.ckpt")


def put(*path: Any) -> Callable[[Raw], None]:
    """Set the value at a key path, the last argument."""

    def change(raw: Raw) -> None:
        node: Any = raw
        for key in path[:-2]:
            node = node[key]
        node[path[-2]] = path[-1]

    return change


#: key path as the message has it -> change
CHANGES: dict[str, Callable[[Raw], None]] = {
    "callbacks.Averaging.steps is 'x'; a whole number": put("callbacks", "Averaging", "steps", "x"),
    "callbacks.Averaging is 'x'; a dict": put("callbacks", "Averaging", "x"),
    "callbacks.EarlyStopping.best is 'x'; a number": put("callbacks", "EarlyStopping", "best", "x"),
    "callbacks.EarlyStopping.waited is None": put("callbacks", "EarlyStopping", "waited", None),
    "callbacks.Record.sums is 5; a dict": put("callbacks", "Record", "sums", 5),
    "callbacks.Record.sums.loss is 'x'; a number": put("callbacks", "Record", "sums", {"loss": "x"}),
    "callbacks.Saver.best is 'x'; a dict": put("callbacks", "Saver", "best", "x"),
    "callbacks.Saver.best.'mIoU' is 5; a value, an": put("callbacks", "Saver", "best", {"mIoU": 5}),
    "callbacks.Saver.best.'mIoU' is 'x'; a number": put(
        "callbacks", "Saver", "best", {"mIoU": ["x", 3, "best_mIoU_iter_3.safetensors"]}
    ),
    "callbacks.Saver.best.'mIoU' is nan; a number": put(
        "callbacks", "Saver", "best", {"mIoU": [float("nan"), 3, "best_mIoU_iter_3.safetensors"]}
    ),
    "callbacks.Saver.kept is 5; a list": put("callbacks", "Saver", "kept", 5),
    "callbacks.Saver.validated is -1": put("callbacks", "Saver", "validated", -1),
    "callbacks.Saver is 'x'; a dict": put("callbacks", "Saver", "x"),
    "callbacks is 'x'; a dict": put("callbacks", "x"),
    "epoch is 'x'; a whole number": put("epoch", "x"),
    "global_step is True; a whole number": put("global_step", True),
    "loops is 'x'; a dict": put("loops", "x"),
    "loops.fit_loop is None; a dict": put("loops", {}),
    "meta is 'x'; a dict": put("meta", "x"),
    "meta.iter is 1000000000000000000000; a whole number": put("meta", "iter", 10**21),
    "meta.iter is -3; a whole number": put("meta", "iter", -3),
    "meta.iter is 'x'; a whole number": put("meta", "iter", "x"),
    "meta.seed is 'x'; a whole number": put("meta", "seed", "x"),
    "optimizer_states is []; a list of one state": put("optimizer_states", []),
    "optimizer_states.0 is 'x'; a dict": put("optimizer_states", ["x"]),
    "optimizer_states.0.param_groups is None; a list": put("optimizer_states", [{"state": {}}]),
    "optimizer_states.0.param_groups.0.lr is 'x'; a number": put("optimizer_states", 0, "param_groups", 0, "lr", "x"),
    "optimizer_states.0.param_groups.0.params is 'x'": put("optimizer_states", 0, "param_groups", 0, "params", "x"),
    "optimizer_states.0.state is 'x'; a dict": put("optimizer_states", 0, "state", "x"),
    "optimizer_states.0.state.0 is 'x'; a dict": put("optimizer_states", 0, "state", 0, "x"),
    "optimizer_states.0.state.0.momentum_buffer is 'x'": put("optimizer_states", 0, "state", 0, "momentum_buffer", "x"),
    "pytorch-lightning_version is 5; text": put("pytorch-lightning_version", 5),
    "pytorch-lightning_version is 'x', which is no version": put("pytorch-lightning_version", "x"),
    "pytorch-lightning_version is 1.5.0; 2.0 or later": put("pytorch-lightning_version", "1.5.0"),
    "schedule is 'x'; a dict": put("schedule", "x"),
    "schedule.iteration is None; a whole number": put("schedule", {}),
    "state_dict is 'x'; a dict": put("state_dict", "x"),
    "state_dict.'w' is 'x'; a tensor": put("state_dict", "w", "x"),
    "trained_state_dict.'w' is 5; a tensor": put("trained_state_dict", "w", 5),
    "gradients.'w' is None; a tensor": put("gradients", {"w": None}),
}
NAMES = (
    "/etc/passwd", "../precious.txt", "a/iter_3.ckpt", "..", "", "precious.ckpt", "iter_3.ckpt/../x", "iter_3.ckpt\n",
    "iter_3.ckpt\0", "C:\\iter_3.ckpt", "last.ckpt", "config.py", 5, None, ["iter_3.ckpt"],
)  # fmt: skip


@pytest.mark.parametrize("message", CHANGES)
def test_wrong_kinds(message: str, whole: Raw) -> None:
    raw = copy.deepcopy(whole)
    CHANGES[message](raw)
    with pytest.raises(CheckpointError) as caught:
        checked(Path("w/last.ckpt"), raw)
    assert str(caught.value).startswith(f"w/last.ckpt cannot be resumed from: {message}"), caught.value
    assert str(caught.value).endswith("use another checkpoint of the run")


def test_a_whole_state_passes(whole: Raw) -> None:
    assert checked(Path("last.ckpt"), whole) is whole
    assert KEPT.fullmatch("epoch_12.safetensors") and BEST.fullmatch("best_IoU_road marking_epoch_3.safetensors")


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_file_names_stay_in_the_folder(name: Any, whole: Raw) -> None:
    """A name that the run did not write is never deleted: absolute, relative, or another file of the folder."""
    raw = copy.deepcopy(whole)
    raw["callbacks"]["Saver"]["kept"] = ["iter_3.ckpt", name]
    with pytest.raises(CheckpointError, match=r"callbacks\.Saver\.kept\.1 is .*; the name of a file of the run's own"):
        checked(Path("last.ckpt"), raw)
    raw = copy.deepcopy(whole)
    raw["callbacks"]["Saver"]["best"] = {"mIoU": [1.0, 3, name]}
    with pytest.raises(CheckpointError, match=r"Saver\.best\.'mIoU' is .*; the name of a file of the run's own"):
        checked(Path("last.ckpt"), raw)


def test_resuming_deletes_nothing_that_the_file_names(tmp_path: Path) -> None:
    """The command that deleted files: refused, and the files are there."""
    precious = tmp_path / "precious.txt"
    precious.write_text("x")
    cfg = small.config()
    cfg["default_hooks"]["checkpoint"]["max_keep_ckpts"] = 1
    small.run(small.config(), tmp_path / "run")
    raw = read_state(tmp_path / "run" / "last.ckpt")
    raw["callbacks"]["Saver"]["kept"] = [str(precious), "../precious.txt", "iter_3.ckpt"]
    torch.save(raw, tmp_path / "run" / "last.ckpt")
    cfg["train_cfg"]["max_iters"] = 9
    with pytest.raises(CheckpointError, match=r"last\.ckpt cannot be resumed from: callbacks\.Saver\.kept\.0"):
        small.run(cfg, tmp_path / "run", resume=True)
    assert precious.exists() and (tmp_path / "run" / "iter_3.ckpt").exists()


def without(key: str) -> Callable[[Raw], None]:
    return lambda raw: raw["state_dict"].pop(key)


FOREIGN: dict[str, Callable[[Raw], Any]] = {
    r"loops\.fit_loop has no 'state_dict'": put("loops", {"fit_loop": {}}),
    r"loops\.fit_loop\.epoch_progress is 'x'; a dict": put("loops", "fit_loop", "epoch_progress", "x"),
    r"batch_progress\.total\.ready is 'x'": put(
        "loops", "fit_loop", "epoch_loop.batch_progress", "total", "ready", "x"
    ),
    r"another model than the config's: it has no decode_head\.bias\. To .*load_from": without("decode_head.bias"),
    r"the model has no extra": put("state_dict", "extra", torch.ones(1)),
    r"decode_head\.bias is \(5,\), the model's \(3,\)": put("state_dict", "decode_head.bias", torch.ones(5)),
    r"momentum_buffer of parameter 0 is \(7,\), the parameter \(8, 3, 3, 3\)": put(
        "optimizer_states", 0, "state", 0, "momentum_buffer", torch.ones(7)
    ),
    r"its groups have \[1\] parameters, the config's \[6\]": put(
        "optimizer_states", 0, "param_groups", 0, "params", [0]
    ),
    r"its state has no momentum_buffer": put("optimizer_states", 0, "state", 0, {"other": torch.ones(1)}),
    r"a state for the parameter 99, of 6": put("optimizer_states", 0, "state", 99, {}),
}


@pytest.mark.parametrize("message", FOREIGN)
def test_another_run_s_state(message: str, tmp_path: Path, whole: Raw) -> None:
    raw = copy.deepcopy(whole)
    raw.pop("trained_state_dict")
    FOREIGN[message](raw)
    torch.save(raw, tmp_path / "last.ckpt")
    with pytest.raises(CheckpointError, match=message):
        small.run(small.config(), tmp_path, resume=True)


def test_a_changed_config(tmp_path: Path) -> None:
    """What users meet: another optimizer, another head."""
    small.run(small.config(), tmp_path)
    cfg = small.config(optim_wrapper={"type": "OptimWrapper", "optimizer": {"type": "AdamW", "lr": 0.1}})
    with pytest.raises(CheckpointError, match=r"another optimizer than the config's AdamW: its group 0 has no 'betas'"):
        small.run(cfg, tmp_path, resume=True)
    model = small.Small()
    model.decode_head = nn.Conv2d(8, 4, 1)
    with pytest.raises(CheckpointError, match=r"decode_head\.weight is \(3, 8, 1, 1\), the model's \(4, 8, 1, 1\)"):
        small.run(small.config(), tmp_path, resume=True, build=lambda: small.parts(model))
