"""Trains the small model in two processes; Lightning starts this file once more for the second one."""

from __future__ import annotations

import sys
from pathlib import Path

from small_run import Small, Squares, config, metrics

from segue.training.parts import Parts
from segue.training.trainer import Machine, train


def build() -> Parts:
    return Parts(Small(), Squares(10), Squares(5, augment=False), metrics())


if __name__ == "__main__":
    train(config(), work_dir=Path(sys.argv[1]), build=build, machine=Machine(accelerator="cpu", devices=2))
