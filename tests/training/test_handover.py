"""Runs that mmengine began. Oracle: mmengine's own resumed runs, recorded by tools/record_resume.py."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from resume_images import write_images
from rich.console import Console

from segue.checkpoints import read
from segue.cli import main
from segue.errors import CheckpointError
from segue.recipes.open import read_config
from segue.training.folder import last_of
from segue.training.handover import Handover, read_run
from segue.training.hooks import CheckpointHook
from segue.training.loops import Loop
from segue.training.trainer import Machine, train

RESUME = Path(__file__).parent / "data" / "resume"
RECORDED: dict[str, dict[str, list[float]]] = json.loads((RESUME / "recorded.json").read_text())
ADAM = tuple(f"optim_wrapper.optimizer.{change}" for change in ("_delete_=True", "type=Adam", "lr=0.1"))
EPOCHS = Loop(by_epoch=True, length=12, epoch_length=3, val_begin=1, val_intervals=((0, 12),))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("resume") / "data"
    write_images(root)
    return root


def resumed(name: str, source: Path | str | bool, data: Path, folder: Path, *options: str) -> tuple[list[Any], str]:
    """Losses and rates of the 20 iterations after the checkpoint, and what was said."""
    cfg = read_config(RESUME / f"{name}.py", [f"train_dataloader.dataset.data_root={data}", *options])
    said = io.StringIO()
    console = Console(file=said, width=200)
    train(cfg, work_dir=folder, resume=source, machine=Machine("cpu", 1), console=console)
    return record(folder)[:20], said.getvalue()


def record(folder: Path) -> list[Any]:
    found = [json.loads(line) for line in (folder / "scalars.jsonl").read_text().splitlines()]
    return [(line["step"], line["loss"], line.get("lr_max", line["lr"])) for line in found]


def expected(name: str) -> list[Any]:
    losses, rates = RECORDED[name]["losses"], RECORDED[name]["rates"]
    return [(13 + i, pytest.approx(losses[i], rel=1e-5), pytest.approx(rates[i], rel=1e-9)) for i in range(20)]


def changed(name: str, target: Path, **parts: Any) -> Path:
    """The checkpoint of a case with some of its parts replaced, None to leave one out."""
    raw = dict(read(RESUME / f"{name}.pth").raw)
    raw.pop("message_hub", None)
    raw |= parts
    torch.save({key: value for key, value in raw.items() if value is not None}, target)
    return target


@pytest.mark.parametrize("name", RECORDED)
def test_next_twenty_losses_are_mmengines(name: str, data: Path, tmp_path: Path) -> None:
    found, said = resumed(name, RESUME / f"{name}.pth", data, tmp_path)
    assert found == expected(name)
    assert "written by mmengine, after iteration 12" in said
    assert "carried over: weights (88 tensors), " in said


@pytest.mark.parametrize("name", RECORDED)
def test_the_losses_depend_on_the_state(name: str, data: Path, tmp_path: Path) -> None:
    """With an optimizer that starts anew the losses are others, so the test above would notice."""
    state = dict(read(RESUME / f"{name}.pth").optimizer or {})
    found, said = resumed(name, changed(name, tmp_path / "bare.pth", optimizer={**state, "state": {}}), data, tmp_path)
    assert found != expected(name)
    assert "the optimizer's state of 46 parameters, which the file does not have (backbone.conv1.weight," in said


def test_command_line(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--resume FILE` as users type it; Segue's own checkpoint of that run then continues it further."""
    command = ["train", str(RESUME / "adamw.py"), "--work-dir", str(tmp_path), "--accelerator", "cpu", "--devices", "1"]
    options = ["--cfg-options", f"train_dataloader.dataset.data_root={data}"]
    assert main([*command, "--resume", str(RESUME / "adamw.pth"), *options, "train_cfg.max_iters=20"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "their average of 12 steps, the state of AdamW for 46 parameters, learning rate 0.01271" in out
    assert "not carried over: the order of the data (Segue's own, from seed 3), the log's history" in out
    assert main([*command, "--resume", *options]) == 0
    assert record(tmp_path)[:20] == expected("adamw")
    assert read(tmp_path / "last.ckpt").meta["iter"] == 40


def test_config_that_says_resume(data: Path, tmp_path: Path) -> None:
    """As ``resume_from`` of 0.x, which becomes these two."""
    options = ["resume=True", f"load_from={RESUME / 'sgd.pth'}"]
    cfg = read_config(RESUME / "sgd.py", [f"train_dataloader.dataset.data_root={data}", *options])
    train(cfg, work_dir=tmp_path, machine=Machine("cpu", 1), console=Console(file=io.StringIO()))
    assert record(tmp_path)[:20] == expected("sgd")


def test_files_of_mmcv(data: Path, tmp_path: Path) -> None:
    """mmcv's counter lags by one and its rate is that of the last iteration; otherwise the state is the same."""
    state = dict(read(RESUME / "sgd.pth").optimizer or {})
    state["param_groups"] = [{**state["param_groups"][0], "lr": 0.0371}]
    meta = {"epoch": 1, "iter": 11, "mmseg_version": "0.30.0", "CLASSES": ("dark", "gray", "bright")}
    source = changed("sgd", tmp_path / "iter_12.pth", optimizer=state, meta=meta, param_schedulers=None)
    found, said = resumed("sgd", source, data, tmp_path)
    assert found == expected("sgd")
    assert "written by mmcv, after iteration 12" in said


def test_average_of_mmcv(tmp_path: Path) -> None:
    """mmcv keeps a second copy in buffers: at the end of an epoch that is the trained one."""
    state = {"a.b": torch.zeros(2), "ema_a_b": torch.ones(2)}
    torch.save({"meta": {"iter": 6, "epoch": 2}, "state_dict": state, "optimizer": {"x": 1}}, tmp_path / "a.pth")
    from segue.training.handover import trained_and_average

    found = read(tmp_path / "a.pth")
    trained, average, steps = trained_and_average(found, by_epoch=True)
    assert (trained["a.b"].tolist(), average and average["a.b"].tolist(), steps) == ([1, 1], [0, 0], 6)
    trained, average, _ = trained_and_average(found, by_epoch=False)
    assert (trained["a.b"].tolist(), average and average["a.b"].tolist()) == ([0, 0], [1, 1])


def test_average_without_a_hook_and_the_other_way_round(data: Path, tmp_path: Path) -> None:
    found, said = resumed("adamw", RESUME / "adamw.pth", data, tmp_path / "a", "custom_hooks=[]")
    assert found == expected("adamw")  # the average takes no part in training
    assert "not carried over: the average of the weights, since the config has no EMAHook" in said
    source = changed("adamw", tmp_path / "iter_12.pth", ema_state_dict=None)
    _, said = resumed("adamw", source, data, tmp_path / "b", "train_cfg.max_iters=33")
    assert "an average of the weights, which the file does not have: it starts from the weights" in said


def test_numbers_of_numpy(data: Path, tmp_path: Path) -> None:
    state = dict(read(RESUME / "sgd.pth").optimizer or {})
    group = state["param_groups"][0]
    numbers = {key: np.float64(group[key]) for key in ("lr", "initial_lr", "momentum", "weight_decay")}
    source = changed("sgd", tmp_path / "iter_12.pth", optimizer={**state, "param_groups": [{**group, **numbers}]})
    assert resumed("sgd", source, data, tmp_path)[0] == expected("sgd")


def test_rates_that_the_config_would_not_have(data: Path, tmp_path: Path) -> None:
    """As in mmengine the file's rates stand; the report says what the config's schedule would have."""
    options = ["optim_wrapper.optimizer.lr=0.1", "train_cfg.max_iters=33"]
    found, said = resumed("sgd", RESUME / "sgd.pth", data, tmp_path, *options)
    assert found[0] == expected("sgd")[0]
    assert "learning rate 0.03594 (the config's schedule would be at 0.07185)" in said


def test_finished_run_trains_nothing(data: Path, tmp_path: Path) -> None:
    cfg = read_config(RESUME / "sgd.py", [f"train_dataloader.dataset.data_root={data}", "train_cfg.max_iters=12"])
    said = io.StringIO()
    machine, console = Machine("cpu", 1), Console(file=said, width=200)
    result = train(cfg, work_dir=tmp_path, resume=RESUME / "sgd.pth", machine=machine, console=console)
    assert "has all 12 iterations; there is nothing left to train" in said.getvalue()
    assert result.iterations == 12


def test_last_checkpoint_of_a_folder(tmp_path: Path) -> None:
    """mmengine writes the path into a text file, which may have moved with its folder; mmcv makes a link."""
    assert last_of(tmp_path) is None
    (tmp_path / "latest.pth").write_bytes(b"")
    assert last_of(tmp_path) == tmp_path / "latest.pth"
    (tmp_path / "last_checkpoint").write_text("/gone/iter_8.pth")
    assert last_of(tmp_path) is None
    (tmp_path / "iter_8.pth").write_bytes(b"")
    assert last_of(tmp_path) == tmp_path / "iter_8.pth"
    (tmp_path / "last.ckpt").write_bytes(b"")
    assert last_of(tmp_path) == tmp_path / "last.ckpt"


def test_epochs_are_counted_in_this_runs_length() -> None:
    run = Handover(Path("epoch_4.pth"), read(RESUME / "epochs.pth"))
    assert (run.iteration(EPOCHS), run.left) == (12, [])
    longer = Loop(by_epoch=True, length=12, epoch_length=5, val_begin=1, val_intervals=((0, 12),))
    assert run.iteration(longer) == 20
    assert run.left == ["the count of 12 iterations: 4 epochs are 20 here"]


def test_best_value_so_far() -> None:
    found = read(RESUME / "sgd.pth")
    found.message_hub["runtime_info"] |= {"best_score": np.float64(61.5), "best_ckpt": "/x/best_mIoU_epoch_3.pth"}
    run = Handover(RESUME / "sgd.pth", found)
    assert run.best(CheckpointHook(save_best="mIoU"), EPOCHS) == {"mIoU": [61.5, 9, "best_mIoU_epoch_3.pth"]}
    assert run.carried == ["best mIoU 61.5"]
    assert run.best(CheckpointHook(save_best=["mIoU", "mAcc"]), EPOCHS) == {}


def test_loss_scale() -> None:
    scale = {"scale": 1024.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000}
    found = read(RESUME / "sgd.pth")
    found.raw["optimizer"]["loss_scaler"] = {**scale, "_growth_tracker": np.int64(7)}
    run = Handover(RESUME / "sgd.pth", found)
    raw: dict[str, Any] = {}
    half: Any = SimpleNamespace(precision_plugin=SimpleNamespace(scaler=object()))
    run.scaler(raw, half)
    assert raw == {"MixedPrecision": {**scale, "_growth_tracker": 7}}
    assert run.carried == ["loss scale 1024"]
    run.scaler({}, SimpleNamespace(precision_plugin=SimpleNamespace()))  # type: ignore[arg-type]
    assert run.left == ["the loss scale, since this run does not train in fp16"]


@pytest.mark.parametrize(
    ("parts", "options", "message"),
    [
        ({"optimizer": None}, (), "it has no optimizer state"),
        ({"optimizer": {"a": {}, "b": {}}}, (), "it has the states of several optimizers, or of none"),
        ({"meta": {"mmengine_version": "0.10.7"}}, (), "its meta does not say after which iteration it was written"),
        ({}, ADAM, "its optimizer is not the config's Adam: it has no betas, eps"),
        ({"state_dict": {"net.weight": torch.zeros(3)}}, (), "tensors of the config's model are not in it"),
        ({}, ("model.backbone.depth=34",), "model are not in it in their shape (backbone.layer1.2."),
        ({}, ("model.decode_head.channels=6",), "11 tensors of the config's model are not in it in their shape (dec"),
    ],
    ids=["none", "several", "iteration", "other", "model", "missing", "shape"],
)
def test_refusals(parts: dict[str, Any], options: tuple[str, ...], message: str, data: Path, tmp_path: Path) -> None:
    source = changed("sgd", tmp_path / "iter_12.pth", **parts)
    with pytest.raises(CheckpointError) as raised:
        resumed("sgd", source, data, tmp_path / "run", *options)
    assert f"{source} cannot be resumed from: " in str(raised.value)
    assert message in str(raised.value)
    assert str(raised.value).endswith(f"leave out --resume and give --cfg-options load_from={source}")


def test_head_that_the_config_dropped(data: Path, tmp_path: Path) -> None:
    """Its parameters stand in the middle of the file's order; the others still find theirs."""
    source = changed("sgd", tmp_path / "iter_12.pth")
    _, said = resumed("sgd", source, data, tmp_path, "model.auxiliary_head=None", "train_cfg.max_iters=33")
    assert "weights (74 tensors), the state of SGD for 38 parameters" in said
    assert "14 tensors that the model does not have (auxiliary_head.conv_seg.weight," in said


def test_own_checkpoints_are_read_as_before(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cannot be resumed from: it has no loops, optimizer_states, schedule"):
        torch.save({"a": torch.zeros(1)}, tmp_path / "plain.pth")
        read_run(tmp_path / "plain.pth")
