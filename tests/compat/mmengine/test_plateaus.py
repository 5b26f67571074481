"""Schedules of one cycle and of plateaus. Oracle: torch's of the same names."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from segue.compat.mmengine import plateaus
from segue.compat.mmengine.registry import PARAM_SCHEDULERS


def optimizer(lr: float = 0.4) -> torch.optim.SGD:
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for _ in range(2)]
    return torch.optim.SGD(groups, lr=lr, momentum=0.9)


def rates(made: torch.optim.SGD) -> list[float]:
    return [group["lr"] for group in made.param_groups]


@pytest.mark.parametrize("options", [{}, {"three_phase": True}, {"anneal_strategy": "linear", "pct_start": 0.5}])
def test_one_cycle(options: dict[str, Any]) -> None:
    ours, theirs = optimizer(), optimizer()
    schedule = plateaus.OneCycleLR(ours, eta_max=0.1, total_steps=20, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no optimizer steps in between
        other = lr_scheduler.OneCycleLR(
            theirs,
            0.1,
            20,
            cycle_momentum=False,
            **{**options, "anneal_strategy": options.get("anneal_strategy", "cos")},
        )
        for _ in range(19):
            assert rates(ours) == pytest.approx(rates(theirs))
            schedule.step()
            other.step()
    assert rates(ours) == pytest.approx(rates(theirs))
    with pytest.raises(ValueError, match="behind the 20 steps"):
        schedule.step()


LOSSES = [1.0, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.79995, 0.7, float("nan"), 0.7, 0.7]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        ({"rule": "greater"}, {"mode": "max"}),
        ({"threshold_rule": "abs", "threshold": 0.05}, {"threshold_mode": "abs", "threshold": 0.05}),
        ({"cooldown": 2, "min_value": 0.05}, {"cooldown": 2, "min_lr": 0.05}),
    ],
)
def test_plateaus(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    first, second = optimizer(), optimizer()
    schedule = plateaus.ReduceOnPlateauLR(first, patience=1, factor=0.5, **ours)
    other = lr_scheduler.ReduceLROnPlateau(second, patience=1, factor=0.5, **theirs)
    seen = []
    for loss in LOSSES:
        schedule.step({"loss": loss})
        other.step(loss)
        assert rates(first) == pytest.approx(rates(second))
        seen.append(rates(first)[0])
    assert len(set(seen)) > 1


def test_other_values_and_names() -> None:
    made = optimizer()
    schedule = PARAM_SCHEDULERS.build(
        {"type": "ReduceOnPlateauMomentum", "optimizer": made, "patience": 0, "monitor": "mIoU", "rule": "greater"}
    )
    for value in (5, 4):
        schedule.step({"mIoU": value, "loss": 1})
    assert made.param_groups[0]["momentum"] == pytest.approx(0.09)
    schedule.step({"loss": 1})
    schedule.step()
    assert made.param_groups[0]["momentum"] == pytest.approx(0.09)


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (plateaus.OneCycleLR, {"eta_max": 1}, "give total_steps, or begin and end"),
        (plateaus.OneCycleLR, {"eta_max": 1, "total_steps": 0}, "must be positive"),
        (plateaus.OneCycleLR, {"eta_max": 1, "total_steps": 4, "pct_start": 2}, "pct_start"),
        (plateaus.OneCycleLR, {"eta_max": 1, "total_steps": 4, "anneal_strategy": "x"}, "anneal_strategy"),
        (plateaus.ReduceOnPlateauLR, {"factor": 1}, "factor must be below 1"),
        (plateaus.ReduceOnPlateauLR, {"rule": "x"}, "rule must be"),
        (plateaus.ReduceOnPlateauLR, {"threshold_rule": "x"}, "threshold_rule"),
        (plateaus.ReduceOnPlateauLR, {"min_value": [0, 0, 0]}, "3 values for 2 groups"),
    ],
)
def test_refused(cls: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(optimizer(), **arguments)
