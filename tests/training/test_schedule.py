"""Schedules against the rates that mmengine 0.10.7 computed (tools/record_schedules.py wrote the data)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from segue.errors import ConfigError
from segue.training.schedule import Schedule, build_rules

CASES = json.loads((Path(__file__).parent / "data" / "schedules.json").read_text())


def optimizer(lr: float) -> torch.optim.SGD:
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": r} for r in (lr, lr * 10)], lr=lr)


def schedule(case: dict, sgd: torch.optim.SGD) -> Schedule:
    length = case["epoch_length"]
    epochs = case["max_iters"] // length if length else 1
    rules = build_rules(case["rules"], max_iters=case["max_iters"], max_epochs=epochs, epoch_length=length)
    return Schedule(sgd, rules, length)


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_rates_equal_mmengine(case: dict) -> None:
    """Oracle: mmengine's schedulers stepped once per iteration."""
    sgd = optimizer(case["lr"])
    rates = schedule(case, sgd)
    for iteration, expected in case["rates"].items():
        rates.advance(int(iteration))
        assert [g["lr"] for g in sgd.param_groups] == pytest.approx(expected, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    "name", ["overlapping rules", "epochs: linear in iterations, then multistep in epochs", "restarts"]
)
def test_resumed_schedule_continues_bit_for_bit(name: str) -> None:
    """Oracle: the uninterrupted schedule."""
    case = next(c for c in CASES if c["name"] == name)
    whole, first, second = (optimizer(case["lr"]) for _ in range(3))
    uninterrupted, interrupted = schedule(case, whole), schedule(case, first)
    uninterrupted.advance(750)
    interrupted.advance(333)
    resumed = schedule(case, second)
    second.load_state_dict(first.state_dict())
    resumed.load_state_dict(interrupted.state_dict())
    resumed.advance(750)
    assert [g["lr"] for g in second.param_groups] == [g["lr"] for g in whole.param_groups]


def test_unknown_schedule_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"param_scheduler.0: .* 'PolyLr'; did you mean 'PolyLR'"):
        build_rules([{"type": "PolyLr"}], max_iters=10, max_epochs=1, epoch_length=0)


def test_all_problems_are_reported_at_once() -> None:
    nodes = [{"type": "PolyLR", "powr": 1.0}, {"type": "MultiStepLR"}, {"type": "LinearLR", "start_factor": 2.0}]
    with pytest.raises(ConfigError) as caught:
        build_rules(nodes, max_iters=10, max_epochs=1, epoch_length=0)
    text = str(caught.value)
    assert "did you mean 'power'" in text
    assert "MultiStepLR needs the argument 'milestones'" in text
    assert "start_factor must lie in [0, 1], got 2.0" in text
