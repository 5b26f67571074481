"""Schedules against the rates that mmengine 0.10.7 computed (tools/record_schedules.py wrote the data)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from segue.errors import ConfigError
from segue.recipes import compose
from segue.training.optimizers import build_optimizer, read_optim_wrapper
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


EVERY = json.loads((Path(__file__).parent / "data" / "every_schedule.json").read_text())
LOSSES = [1.0, 0.9, 0.95, 0.96, 0.97, 0.97, 0.8, 0.8, 0.8, 0.8, 0.8, 0.7, 0.71, 0.72, 0.73, 0.74, 0.6, 0.61, 0.6, 0.6]


@pytest.mark.parametrize("name", sorted({case["rule"]["type"] for case in EVERY}))
def test_twenty_steps_of_every_class_equal_mmengine(name: str) -> None:
    """Oracle: tools/record_every_schedule.py, by iterations and epochs, with and without a window."""
    for case in (case for case in EVERY if case["rule"]["type"] == name):
        made = one_group(case["optimizer"])
        rules = build_rules([case["rule"]], max_iters=20, max_epochs=20, epoch_length=1)
        rates, group = Schedule(made, rules, 1), made.param_groups[0]
        for iteration, expected in enumerate(case["values"]):
            rates.advance(iteration)
            found = [group["lr"], group["momentum"] if "momentum" in group else group["betas"][0]]
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-300), (case["rule"], iteration)
            rates.judge(iteration + 1, {"loss": LOSSES[iteration]})


def one_group(kind: str) -> torch.optim.Optimizer:
    weights = [torch.nn.Parameter(torch.zeros(1))]
    return torch.optim.SGD(weights, lr=0.1, momentum=0.9) if kind == "SGD" else torch.optim.AdamW(weights, lr=0.1)


def test_a_resumed_plateau_has_waited_as_long() -> None:
    """Oracle: the uninterrupted schedule."""
    rule = {"type": "ReduceOnPlateauLR", "patience": 2, "factor": 0.5}
    made, other = one_group("SGD"), one_group("SGD")
    rules = build_rules([rule], max_iters=20, max_epochs=20, epoch_length=1)
    whole, first = Schedule(made, rules, 1), Schedule(other, rules, 1)
    for iteration in range(1, 12):
        whole.judge(iteration, {"loss": 1.0})
        first.judge(iteration, {"loss": 1.0})
        second = Schedule(third := one_group("SGD"), rules, 1)
        third.load_state_dict(other.state_dict())
        second.load_state_dict(json.loads(json.dumps(first.state_dict())))
        first, other = second, third
        assert other.param_groups[0]["lr"] == made.param_groups[0]["lr"]
    assert made.param_groups[0]["lr"] < 0.1


def test_what_a_plateau_watches_must_be_logged() -> None:
    rules = build_rules([{"type": "ReduceOnPlateauLR", "monitor": "mIou"}], max_iters=9, max_epochs=1, epoch_length=0)
    with pytest.raises(ConfigError, match=r"param_scheduler\.0\.monitor: there is no 'mIou' .*did you mean 'mIoU'"):
        Schedule(one_group("SGD"), rules).judge(1, {"mIoU": 0.5})


def test_a_value_that_the_optimizer_lacks_is_named() -> None:
    rules = build_rules([{"type": "LinearMomentum"}], max_iters=9, max_epochs=1, epoch_length=0)
    with pytest.raises(ConfigError, match=r"param_scheduler\.0: the optimizer has no number 'momentum'"):
        Schedule(torch.optim.Adagrad([torch.nn.Parameter(torch.zeros(1))]), rules)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"type": "LinearParamScheduler"}, "needs the argument 'param_name'"),
        ({"type": "LinearLR", "param_name": "momentum"}, "LinearLR sets lr; LinearParamScheduler takes it"),
        ({"type": "ReduceOnPlateauLR", "factor": 1.5}, "factor must be below 1"),
        ({"type": "ReduceOnPlateauLR", "rule": "more"}, "rule must be 'less' or 'greater'"),
    ],
)
def test_refused_schedules(node: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_rules([node], max_iters=10, max_epochs=1, epoch_length=0)


def test_quadratic_warmup_is_a_parabola() -> None:
    """Oracle: ((t + 1) / T) ** 2 of the base rate."""
    rule = {"type": "QuadraticWarmupLR", "by_epoch": False, "end": 8}
    made = one_group("SGD")
    rates = Schedule(made, build_rules([rule], max_iters=20, max_epochs=1, epoch_length=0))
    for t in range(8):
        rates.advance(t)
        assert made.param_groups[0]["lr"] == pytest.approx(0.1 * ((t + 1) / 8) ** 2, rel=1e-12)


def two_parts() -> torch.nn.Module:
    parts = {"backbone": torch.nn.Linear(2, 2), "decode_head": torch.nn.Linear(2, 2)}
    return torch.nn.ModuleDict(parts)


WRAPPER = {"optimizer": {"type": "AdamW", "lr": 0.1, "weight_decay": 0.0}}


def test_a_rule_for_a_part_leaves_the_others_alone() -> None:
    """Groups are divided by what rules are for, and keep their settings; rates by hand."""
    model = two_parts()
    nodes = [
        {"type": "ConstantLR", "factor": 0.0, "begin": 0, "end": 3, "by_epoch": False, "parts": ["backbone"]},
        {"type": "LinearLR", "start_factor": 0.0, "begin": 2, "end": 5, "by_epoch": False, "parts": ["backbone"]},
        {"type": "StepLR", "step_size": 4, "gamma": 0.5, "by_epoch": False},
    ]
    rules = build_rules(nodes, max_iters=9, max_epochs=1, epoch_length=0)
    made = build_optimizer(model, read_optim_wrapper(WRAPPER), rules=rules)
    assert [len(g["params"]) for g in made.param_groups] == [2, 2]
    assert made.param_groups[0]["params"][0] is model["backbone"].weight
    rates, found = Schedule(made, rules, model=model), []
    for iteration in range(6):
        rates.advance(iteration)
        found.append([g["lr"] for g in made.param_groups])
    wanted = [[0, 0.1], [0, 0.1], [0, 0.1], [0.05, 0.1], [0.05, 0.05], [0.05, 0.05]]
    assert found == [pytest.approx(pair) for pair in wanted]
    again = Schedule(other := build_optimizer(model, read_optim_wrapper(WRAPPER), rules=rules), rules, model=model)
    again.load_state_dict({"iteration": 3, "epoch": 0})
    other.load_state_dict({**made.state_dict(), "param_groups": _at(made, found[3])})
    again.advance(5)
    assert [g["lr"] for g in other.param_groups] == found[5]


def _at(made: torch.optim.Optimizer, rates: list[float]) -> list[dict]:
    return [{**g, "lr": r} for g, r in zip(made.state_dict()["param_groups"], rates, strict=True)]


def test_rules_that_begin_at_nothing_rise_to_the_whole() -> None:
    """By hand: t / 4 of the rate; a factor of 0 ends with the rate that there was."""
    line = {"type": "LinearLR", "start_factor": 0, "end": 5, "by_epoch": False}
    rest = {"type": "ConstantLR", "factor": 0, "end": 3, "by_epoch": False}
    for node, wanted in ((line, [0, 0.025, 0.05, 0.075, 0.1, 0.1]), (rest, [0, 0, 0.1, 0.1])):
        made = one_group("SGD")
        rates, found = Schedule(made, build_rules([node], max_iters=9, max_epochs=1, epoch_length=0)), []
        for iteration in range(len(wanted)):
            rates.advance(iteration)
            found.append(made.param_groups[0]["lr"])
        assert found == pytest.approx(wanted)
    flat = {**line, "end_factor": 0}
    made = one_group("SGD")
    Schedule(made, build_rules([flat], max_iters=9, max_epochs=1, epoch_length=0)).advance(4)
    assert made.param_groups[0]["lr"] == 0


def test_parts_that_are_not_there_are_named() -> None:
    nodes = [{"type": "PolyLR"}, {"type": "LinearLR", "parts": ["backbone", "bakbone"]}]
    rules = build_rules(nodes, max_iters=9, max_epochs=1, epoch_length=0)
    with pytest.raises(ConfigError, match=r"param_scheduler\.1\.parts: no trained parameter has 'bakbone' in its name"):
        build_optimizer(two_parts(), read_optim_wrapper(WRAPPER), rules=rules)
    with pytest.raises(ConfigError, match=r"param_scheduler\.0.*parts must be pieces of parameters' names, got \[\]"):
        build_rules([{"type": "PolyLR", "parts": []}], max_iters=9, max_epochs=1, epoch_length=0)
    with pytest.raises(ConfigError, match=r"param_scheduler\.0\.parts"):
        build_rules([{"type": "PolyLR", "parts": "backbone"}], max_iters=9, max_epochs=1, epoch_length=0)


@pytest.mark.parametrize(
    ("name", "heads", "body", "total"),
    [
        ("eomt_dinov3-l_4xb4_ade20k-512x512", 2000, 3000, 20_208),
        ("eomt_dinov2-l_4xb4_ade20k-512x512", 500, 1000, 39_153),
        ("eomt_dinov2-l_4xb4_cityscapes-1024x1024", 500, 1000, 19_795),
    ],
)
def test_eomt_warms_up_its_heads_and_then_its_encoder(name: str, heads: int, body: int, total: int) -> None:
    """Oracle: the published schedule written out. Of the first time, the encoder's rate is 0."""
    cfg, model = compose(name), two_parts()
    rules = build_rules(cfg.param_scheduler, max_iters=total, max_epochs=1, epoch_length=0)
    wrapper = read_optim_wrapper({"optimizer": dict(cfg.optim_wrapper.optimizer)})
    made = build_optimizer(model, wrapper, rules=rules)
    rates, lr = Schedule(made, rules, model=model), cfg.optim_wrapper.optimizer.lr

    def wanted(step: int, begin: int, warm: int) -> float:
        if step < begin:
            return 0.0
        if step < begin + warm:
            return lr * (step - begin) / warm
        return lr * (1 - (step - begin - warm) / (total - begin - warm)) ** 0.9

    for step in (0, 1, heads - 1, heads, heads + 1, heads + body - 1, heads + body, heads + body + 1, total - 1):
        rates.advance(step)
        found = [group["lr"] for group in made.param_groups]
        assert found == pytest.approx([wanted(step, heads, body), wanted(step, 0, heads)], rel=1e-8, abs=1e-300)


def test_pmt_warms_up_and_falls_as_a_cosine() -> None:
    """Oracle: the published schedule written out."""
    cfg, made, total = compose("pmt_dinov3-l_4xb4_ade20k-512x512"), one_group("AdamW"), 20_208
    made.param_groups[0]["lr"] = 2e-4
    rates = Schedule(made, build_rules(cfg.param_scheduler, max_iters=total, max_epochs=1, epoch_length=0))
    for step in (0, 1, 5999, 6000, 6001, 13_104, total - 1):
        rates.advance(step)
        part = (step - 6000) / (total - 6000)
        wanted = 2e-4 * step / 6000 if step < 6000 else 1e-9 + 0.5 * (2e-4 - 1e-9) * (1 + math.cos(math.pi * part))
        assert made.param_groups[0]["lr"] == pytest.approx(wanted, rel=1e-8, abs=1e-16)
