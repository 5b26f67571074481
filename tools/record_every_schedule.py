"""Record 20 steps of every schedule of mmengine, as an oracle of tests/training/test_schedule.py.

Run with an interpreter that has mmengine:

    python tools/record_every_schedule.py tests/training/data/every_schedule.json

Every class, in iterations and in epochs, without and with a window, for the rate and the momentum of SGD and of AdamW;
plateaus are given the same losses after each epoch.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path

import mmengine.optim  # noqa: F401  registers the schedules
import torch
from mmengine.registry import PARAM_SCHEDULERS

NEEDED = {
    "Exponential": {"gamma": 0.9},
    "Step": {"step_size": 3, "gamma": 0.5},
    "MultiStep": {"milestones": [2, 5, 5, 9], "gamma": 0.5},
    "CosineRestart": {"periods": [4, 6, 10], "restart_weights": [1, 0.5, 0.25], "eta_min": 0.001},
    "OneCycle": {"eta_max": 0.2, "total_steps": 20},
    "Poly": {"eta_min": 0.001, "power": 0.9},
    "ReduceOnPlateau": {"monitor": "loss", "patience": 1, "factor": 0.5, "cooldown": 1},
}
LOSSES = [1.0, 0.9, 0.95, 0.96, 0.97, 0.97, 0.8, 0.8, 0.8, 0.8, 0.8, 0.7, 0.71, 0.72, 0.73, 0.74, 0.6, 0.61, 0.6, 0.6]


def record(kind: str, rule: dict) -> list:
    """The value of one group before each of 20 steps."""
    weights = [torch.nn.Parameter(torch.zeros(1))]
    optimizer = torch.optim.SGD(weights, lr=0.1, momentum=0.9) if kind == "SGD" else torch.optim.AdamW(weights, lr=0.1)
    scheduler = PARAM_SCHEDULERS.build(dict(rule), default_args={"optimizer": optimizer})
    group, values = optimizer.param_groups[0], []
    for loss in LOSSES:
        values.append([group["lr"], group["momentum"] if kind == "SGD" else group["betas"][0]])
        optimizer.step()
        scheduler.step()  # after the training epoch, which is what a window counts
        if "Plateau" in rule["type"]:
            scheduler.step({"loss": loss})  # after the validation
    return values


def main() -> int:
    """Record all cases."""
    cases = []
    for name in sorted(PARAM_SCHEDULERS.module_dict):
        stem = name.removesuffix("ParamScheduler").removesuffix("Momentum").removesuffix("LR")
        if not inspect.isclass(PARAM_SCHEDULERS.get(name)):
            continue
        for by_epoch in (False, True):
            for window in ({"end": 20}, {"begin": 3, "end": 15}):
                rule = {"type": name, **NEEDED.get(stem, {}), **window, "by_epoch": by_epoch}
                if name.endswith("ParamScheduler"):
                    rule["param_name"] = "lr"
                if "OneCycle" in name and "begin" in window:
                    rule["total_steps"] = 12
                for kind in ("SGD", "AdamW") if "Momentum" in name else ("SGD",):
                    try:
                        cases.append({"optimizer": kind, "rule": rule, "values": record(kind, rule)})
                    except Exception as error:  # what mmengine refuses is no oracle
                        print(rule, repr(error)[:150], file=sys.stderr)
    rows = ",\n".join(json.dumps(case) for case in cases)
    Path(sys.argv[1]).write_text(f"[\n{rows}\n]\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
