"""Schedule-free optimizers by name: what trains, what is measured and written, and resuming."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback

from segue.checkpoints import read
from segue.errors import ConfigError
from segue.training.optimizers import build_optimizer, read_optim_wrapper
from tests.training.small_run import Small, config, lines, run


def wrapper(name: str) -> dict[str, Any]:
    return {"type": "OptimWrapper", "optimizer": {"type": name, "lr": 0.05, "warmup_steps": 2}}


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "schedulefree", None)
    with pytest.raises(ConfigError, match="AdamWScheduleFree needs the package schedulefree: pip install schedulefree"):
        build_optimizer(Small(), read_optim_wrapper(wrapper("AdamWScheduleFree")))


def test_near_name_is_offered() -> None:
    with pytest.raises(ConfigError, match="did you mean 'SGDScheduleFree'"):
        build_optimizer(Small(), read_optim_wrapper(wrapper("SGDSchedulFree")))


class StopAfter(Callback):
    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx + 1 == self.iteration:
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["AdamWScheduleFree", "SGDScheduleFree"])
def test_average_is_written_and_training_goes_on(name: str, tmp_path: Path) -> None:
    """Oracle: the average by the optimizer's own ``eval()``, and the run that was not interrupted."""
    pytest.importorskip("schedulefree")
    seen: list[dict[str, torch.Tensor]] = []

    class Watch(Callback):
        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            trainer.optimizers[0].eval()
            seen.append({k: v.clone() for k, v in pl_module.model.named_parameters()})

    cfg = config(optim_wrapper=wrapper(name), param_scheduler=None)
    run(cfg, tmp_path / "whole", callbacks=[Watch()])
    written = read(tmp_path / "whole" / "last.ckpt")
    for key, value in seen[0].items():
        torch.testing.assert_close(written.state_dict[key], value, rtol=1e-6, atol=1e-7)
    with pytest.raises(KeyboardInterrupt):
        run(cfg, tmp_path / "parts", callbacks=[StopAfter(4)])
    run(cfg, tmp_path / "parts", resume=True)
    assert lines(tmp_path / "parts") == lines(tmp_path / "whole")
    assert lines(tmp_path / "parts", "val") == lines(tmp_path / "whole", "val")
    again = read(tmp_path / "parts" / "last.ckpt").raw
    for key, value in written.raw["trained_state_dict"].items():
        assert torch.equal(again["trained_state_dict"][key], value)


def test_two_averages_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("schedulefree")
    cfg = config(optim_wrapper=wrapper("AdamWScheduleFree"), custom_hooks=[{"type": "EMAHook"}])
    with pytest.raises(ConfigError, match="a schedule-free optimizer averages the weights itself: take EMAHook out"):
        run(cfg, tmp_path)
