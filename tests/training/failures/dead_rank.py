"""Trains the small model in two processes, of which the one of rank ``argv[2]`` kills itself in the third step; with
``unused`` a parameter takes no part in the loss instead."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from lightning.pytorch import Callback
from small_run import Small, Squares, config, metrics
from torch import nn

from segue.errors import SegueError
from segue.training.parts import Parts
from segue.training.trainer import Machine, train


class Dies(Callback):
    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx == 2 and str(trainer.global_rank) == sys.argv[2]:
            os.kill(os.getpid(), signal.SIGKILL)


def build() -> Parts:
    model = Small()
    if sys.argv[2] == "unused":
        model.spare = nn.Parameter(torch.ones(2))
    return Parts(model, Squares(10), None, metrics())


if __name__ == "__main__":
    given = config(val_dataloader=None, val_evaluator=None)
    given["default_hooks"] = {"logger": {"type": "LoggerHook", "interval": 1}}
    machine = Machine(accelerator="cpu", devices=2)
    try:
        train(given, work_dir=Path(sys.argv[1]), build=build, machine=machine, callbacks=[Dies()])
    except SegueError as error:
        print(f"SAID {error}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
