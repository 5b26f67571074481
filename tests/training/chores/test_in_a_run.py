"""Chores in a tiny run: profile, published copies, what is watched, the validation loss."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from segue.checkpoints import read
from segue.errors import ConfigError
from segue.training.averaging import Averaging
from segue.training.chores.between import EmptyCache, ends_epoch
from segue.training.chores.monitors import Monitors
from segue.training.chores.profiling import Profiling
from segue.training.chores.settings import EmptyCacheHook, ProfilerHook
from segue.training.hooks import EMAHook
from segue.training.loops import read_train_loop
from tests.training.small_run import Small, Squares, config, lines, run

BY_ITERATION = read_train_loop({"by_epoch": False, "max_iters": 4}, 2)
BY_EPOCH = read_train_loop({"by_epoch": True, "max_epochs": 2}, 2)


def test_profile_copies_and_watched_values(tmp_path: Path) -> None:
    """A best of the validation's loss and of a value of the log; two iterations profiled; published copies."""
    trace = tmp_path / "traces" / "t.json"
    hooks = {
        "logger": {"type": "LoggerHook", "interval": 1},
        "checkpoint": {
            "type": "CheckpointHook",
            "by_epoch": False,
            "interval": 2,
            "save_best": ["loss", "decode.acc_seg"],
            "published_keys": ["state_dict", "meta"],
        },
    }
    profiler = {"type": "ProfilerHook", "by_epoch": False, "profile_times": 2, "json_trace_path": str(trace)}
    custom = [profiler, {"type": "EmptyCacheHook", "after_iter": True}, {"type": "SyncBuffersHook"}]
    text = io.StringIO()
    loop = {"type": "IterBasedTrainLoop", "max_iters": 4, "val_interval": 2}
    result = run(config(default_hooks=hooks, custom_hooks=custom, train_cfg=loop), tmp_path / "run", text=text)
    assert "aten::convolution" in text.getvalue() and json.loads(trace.read_text())["traceEvents"]
    measured, logged = lines(tmp_path / "run", "val"), lines(tmp_path / "run")
    assert result.best["loss"] == min((line["loss"], line["step"]) for line in measured)
    [said], [scalars] = (tmp_path / "run").glob("*/*.log"), (tmp_path / "run").glob("*/vis_data/scalars.json")
    told = [line for line in said.read_text().splitlines() if "Iter(val)" in line]
    assert told and not any("loss: " in line for line in told)  # scripts take it for one of training
    told = [line for line in scalars.read_text().splitlines() if '"mode": "val"' in line]
    assert told and all('"val_loss": ' in line and '"loss": ' not in line for line in told)
    values = [(logged[line["step"] - 1]["decode.acc_seg"], -line["step"]) for line in measured]
    assert result.best["decode.acc_seg"][0] == pytest.approx(max(values)[0])
    copies = sorted((tmp_path / "run").glob("*-????????.pth"))
    assert {path.name.rpartition("-")[0] for path in copies} == {
        "iter_4",
        f"best_loss_iter_{result.best['loss'][1]}",
        f"best_decode.acc_seg_iter_{result.best['decode.acc_seg'][1]}",
    }
    for path in copies:
        assert hashlib.sha256(path.read_bytes()).hexdigest()[:8] == path.stem[-8:]
        assert read(path).state_dict.keys() == Small().state_dict().keys()
        assert read(path).classes == ("road", "sky", "tree")


def test_validation_loss_is_the_cross_entropy_of_labeled_pixels(tmp_path: Path) -> None:
    """Oracle: torch's cross-entropy of the four images' logits, with the weights that were saved."""
    loop = {"type": "IterBasedTrainLoop", "max_iters": 1, "val_interval": 1}
    result = run(config(train_cfg=loop), tmp_path)
    model = Small().eval()
    model.load_state_dict(read(tmp_path / "last.ckpt").state_dict)
    data = Squares(4, augment=False)
    with torch.no_grad():
        found = []
        for index in range(4):
            image = (data[index]["inputs"].float()[None] - 100) / 50
            labels = data[index]["data_samples"].gt_sem_seg
            found.append(F.cross_entropy(model.encode_decode(image), labels[None]))
    assert result.metrics["loss"] == pytest.approx(float(torch.stack(found).mean()), abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"checkpoint": {"save_best": "decode.loss_cee"}},
            "checkpoint.save_best: .* 'decode.loss_cee'; did you mean 'dec",
        ),
        (
            {"stopping": "IoU/rod"},
            "custom_hooks.0.monitor: the validation has no metric 'IoU/rod'; did you mean 'IoU/road'",
        ),
        ({"schedule": "aac"}, "param_scheduler.0.monitor: the validation has no metric 'aac'"),
    ],
)
def test_what_is_watched_and_nowhere_is_told_before_the_first_step(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    cfg = config()
    cfg["default_hooks"]["checkpoint"].update(changes.get("checkpoint", {}))
    if "stopping" in changes:
        cfg["custom_hooks"] = [{"type": "EarlyStoppingHook", "monitor": changes["stopping"]}]
    if "schedule" in changes:
        cfg["param_scheduler"] = [{"type": "ReduceOnPlateauLR", "monitor": changes["schedule"], "by_epoch": False}]
    with pytest.raises(ConfigError, match=said):
        run(cfg, tmp_path)
    assert not list(tmp_path.glob("scalars*"))


def test_watched_values_are_looked_for_once() -> None:
    watch = Monitors([("a.b", "grad_norm"), ("c", "loss")], ["mIoU"])
    with pytest.raises(ConfigError, match=r"^a\.b: the validation has no metric 'grad_norm'"):
        watch.check(["decode.loss_ce"])
    watch.check([])
    Monitors([("a", "x")], None).check([])  # of a metric of one's own only measuring tells


def test_the_end_of_an_epoch() -> None:
    assert [ends_epoch(BY_ITERATION, i) for i in (1, 2, 3, 4)] == [False, False, False, True]
    assert [ends_epoch(BY_EPOCH, i) for i in (1, 2, 3, 4)] == [False, True, False, True]


def test_caches_are_emptied_when_the_hook_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    calls: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append(1))
    task: Any = SimpleNamespace(recipe=SimpleNamespace(loop=BY_EPOCH))

    def count(**given: bool) -> int:
        calls.clear()
        chore = EmptyCache(EmptyCacheHook(**given))
        for index in range(4):
            chore.on_train_batch_start(None, task, None, index)
            chore.on_train_batch_end(None, task, None, None, index)
        return len(calls)

    assert [count(), count(after_epoch=False, after_iter=True), count(after_epoch=False, before_epoch=True)] == [
        2,
        4,
        2,
    ]


def test_more_than_is_trained_is_refused() -> None:
    with pytest.raises(ConfigError, match="profile_times=3, but there are 2 epochs of training"):
        Profiling(ProfilerHook(profile_times=3), BY_EPOCH, print)
    with pytest.raises(ConfigError, match="begin_iter: EMAHook begins at 9, but there are 4 iterations of training"):
        Averaging(EMAHook(begin_iter=9), BY_EPOCH)
