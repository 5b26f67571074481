"""Rates, momenta and weight decays of every constructor over 20 steps (tools/record_constructors.py wrote the data)."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

from segue.training.optimizers import build_optimizer, read_optim_wrapper
from segue.training.schedule import Schedule, build_rules

TRAINING = Path(__file__).parents[1]
sys.path.insert(0, str(TRAINING))  # as the tool does, which has no package tests

import constructor_models as models  # noqa: E402

RECORDED = json.loads(gzip.decompress((TRAINING / "data" / "constructors.json.gz").read_bytes()))


@pytest.mark.parametrize("number", range(len(RECORDED)))
def test_twenty_steps_equal_mmengines(number: int) -> None:
    """Oracle: mmengine 0.10.7 and mmseg 1.2.2."""
    case, expected = models.CASES[number], RECORDED[number]
    model = models.make(case["model"])
    node = {
        "optimizer": models.OPTIMIZERS[case["optimizer"]],
        "constructor": case["constructor"],
        "paramwise_cfg": case["paramwise"],
    }
    optimizer = build_optimizer(model, read_optim_wrapper(node))
    rules = build_rules(models.SCHEDULES[case["schedule"]], max_iters=20, max_epochs=1, epoch_length=0)
    schedule = Schedule(optimizer, rules)
    steps = []
    for iteration in range(20):
        schedule.advance(iteration)
        steps.append(models.values(optimizer, model))
    names = [name for group, _ in expected for name in group]
    assert sorted(names) == sorted(steps[0])
    for group, recorded in expected:
        for name in group:
            found = [step[name] for step in steps]
            assert found == [pytest.approx(triple, rel=1e-12, abs=1e-300) for triple in recorded], name
