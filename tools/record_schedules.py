"""Record the learning rates that mmengine computes, as the oracle of tests/training/test_schedule.py.

Run with an interpreter that has mmengine and mmseg 1.2.2:

    python tools/record_schedules.py CONFIGS_DIR tests/training/data/schedules.json

CONFIGS_DIR is mmseg's ``configs`` folder. Each case holds the config's ``param_scheduler``, the loop it was run in and,
for every parameter group, the rate at a few iterations.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from mmengine.config import Config
from mmseg.registry import PARAM_SCHEDULERS

CONFIGS = [
    "pspnet/pspnet_r50-d8_4xb4-20k_voc12aug-512x512.py",
    "fcn/fcn_r50-d8_4xb2-40k_cityscapes-512x1024.py",
    "pspnet/pspnet_r50-d8_4xb2-80k_cityscapes-512x1024.py",
    "deeplabv3/deeplabv3_r50-d8_4xb4-160k_ade20k-512x512.py",
    "swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py",
    "vit/vit_deit-b16_upernet_8xb2-80k_ade20k-512x512.py",
    "knet/knet-s3_r50-d8_deeplabv3_8xb2-adamw-80k_ade20k-512x512.py",
    "point_rend/pointrend_r101_4xb2-80k_cityscapes-512x1024.py",
    "beit/beit-large_upernet_8xb1-amp-160k_ade20k-640x640.py",
    "vpd/vpd_sd_4xb8-25k_nyu-480x480.py",
    "segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py",
    "mask2former/mask2former_r50_8xb2-90k_cityscapes-512x1024.py",
]

# Kinds that no published config uses, or uses only with other clocks. (name, schedule, max_iters, epoch_length)
MADE = [
    (
        "epochs: poly",
        [{"type": "PolyLR", "eta_min": 1e-4, "power": 0.9, "begin": 0, "end": 20, "by_epoch": True}],
        2000,
        100,
    ),
    (
        "epochs: linear in iterations, then multistep in epochs",
        [
            {"type": "LinearLR", "start_factor": 1e-3, "by_epoch": False, "begin": 0, "end": 500},
            {"type": "MultiStepLR", "milestones": [8, 11], "gamma": 0.1, "begin": 0, "end": 12, "by_epoch": True},
        ],
        1200,
        100,
    ),
    (
        "epochs: linear and cosine, converted to iterations",
        [
            {
                "type": "LinearLR",
                "start_factor": 0.01,
                "begin": 0,
                "end": 5,
                "by_epoch": True,
                "convert_to_iter_based": True,
            },
            {
                "type": "CosineAnnealingLR",
                "T_max": 15,
                "eta_min": 1e-5,
                "begin": 5,
                "end": 20,
                "by_epoch": True,
                "convert_to_iter_based": True,
            },
        ],
        2000,
        100,
    ),
    (
        "cosine, past its bottom",
        [{"type": "CosineAnnealingLR", "T_max": 300, "eta_min": 1e-4, "by_epoch": False}],
        1000,
        0,
    ),
    (
        "cosine, ratio",
        [{"type": "CosineAnnealingLR", "eta_min_ratio": 0.05, "by_epoch": False, "begin": 100, "end": 900}],
        1000,
        0,
    ),
    ("step", [{"type": "StepLR", "step_size": 70, "gamma": 0.5, "by_epoch": False}], 1000, 0),
    ("exponential", [{"type": "ExponentialLR", "gamma": 0.995, "by_epoch": False, "begin": 10, "end": 700}], 1000, 0),
    ("constant", [{"type": "ConstantLR", "factor": 0.25, "by_epoch": False, "begin": 5, "end": 50}], 1000, 0),
    (
        "restarts",
        [
            {
                "type": "CosineRestartLR",
                "periods": [100, 200, 400],
                "restart_weights": [1, 0.5, 0.25],
                "eta_min": 1e-6,
                "by_epoch": False,
            }
        ],
        1000,
        0,
    ),
    ("one cycle", [{"type": "OneCycleLR", "eta_max": 0.02, "total_steps": 1000, "by_epoch": False}], 1000, 0),
    (
        "one cycle, three phases",
        [{"type": "OneCycleLR", "eta_max": 0.02, "anneal_strategy": "linear", "three_phase": True, "by_epoch": False}],
        1000,
        0,
    ),
    (
        "overlapping rules",
        [
            {"type": "LinearLR", "start_factor": 0.1, "by_epoch": False, "begin": 0, "end": 200},
            {"type": "PolyLR", "power": 0.9, "eta_min": 1e-4, "by_epoch": False, "begin": 0, "end": 1000},
            {"type": "MultiStepLR", "milestones": [300, 300, 600], "gamma": 0.5, "by_epoch": False},
        ],
        1000,
        0,
    ),
    ("no end given", [{"type": "PolyLR", "power": 2.0, "by_epoch": False}], 1000, 0),
]


def record(name: str, rules: list[dict], max_iters: int, epoch_length: int, lr: float) -> dict:
    """The rates of two groups (base rate and ten times it) at a few iterations of mmengine's training."""
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in (lr, lr * 10)]
    optimizer = torch.optim.SGD(groups, lr=lr)
    schedulers = []
    for rule in rules:
        node = dict(rule)
        # as Runner does: what has no end lasts until training ends
        max_epochs = max_iters // epoch_length if epoch_length else 1
        node.setdefault("end", max_epochs if node.get("by_epoch", True) else max_iters)
        schedulers.append(
            PARAM_SCHEDULERS.build(node, default_args={"optimizer": optimizer, "epoch_length": epoch_length})
        )
    wanted = {0, 1, 2, 10, 100, 101, 500, 1000, 1500, 10000, 24000, max_iters // 2, max_iters - 1}
    rates = {}
    for iteration in range(max_iters):
        if iteration in wanted:
            rates[str(iteration)] = [group["lr"] for group in optimizer.param_groups]
        optimizer.step()
        for scheduler in schedulers:
            if not scheduler.by_epoch:
                scheduler.step()
        if epoch_length and (iteration + 1) % epoch_length == 0:
            for scheduler in schedulers:
                if scheduler.by_epoch:
                    scheduler.step()
    return {
        "name": name,
        "rules": rules,
        "max_iters": max_iters,
        "epoch_length": epoch_length,
        "lr": lr,
        "rates": rates,
    }


def main() -> int:
    """Record all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    import mmseg.engine  # noqa: F401  registers PolyLRRatio

    cases = []
    for path in CONFIGS:
        cfg = Config.fromfile(args.configs / path, import_custom_modules=False)._cfg_dict.to_dict()
        rules = cfg["param_scheduler"]
        lr = cfg["optim_wrapper"]["optimizer"]["lr"]
        cases.append(record(path, rules, cfg["train_cfg"]["max_iters"], 0, lr))
        print(path, file=sys.stderr)
    cases += [record(name, rules, iters, length, 0.01) for name, rules, iters, length in MADE]
    args.out.write_text(json.dumps(cases, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
