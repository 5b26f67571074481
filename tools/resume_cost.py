"""What it costs to continue at iteration 100,000, beside a start: seconds to the first batch and the first step.

    python tools/resume_cost.py

Both train one step of a small generated project, in a process of their own each; the checkpoint is one of a run whose
counters are moved to 100,000.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from segue.training.saving import read_state
from tests.cli.project import make_project

AT = 100_000


def seconds(config: Path, work: Path, iterations: int, *more: str) -> float:
    """Of one whole command."""
    options = [f"train_cfg.max_iters={iterations}", "train_cfg.val_interval=1000000"]
    options += [f"param_scheduler.0.end={iterations}", "default_hooks.checkpoint.interval=1000000"]
    command = [sys.executable, "-m", "segue", "train", str(config), "--work-dir", str(work), "--accelerator", "cpu"]
    begin = time.perf_counter()
    subprocess.run([*command, *more, "--cfg-options", *options], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def moved(work: Path) -> None:
    """Move the counters of ``last.ckpt`` to `AT`."""
    state = read_state(work / "last.ckpt")
    state["meta"]["iter"] = AT
    state["global_step"] = AT

    def count(node: object) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key in ("ready", "started", "processed", "completed") and value == 1:
                    node[key] = AT
                else:
                    count(value)

    count(state["loops"]["fit_loop"]["epoch_loop.batch_progress"])
    count(state["loops"]["fit_loop"]["epoch_loop.automatic_optimization.optim_progress"])
    state["schedule"] = {key: AT if value == 1 else value for key, value in state["schedule"].items()}
    torch.save(state, work / "last.ckpt")


def main() -> int:
    """Measure, and print a line each."""
    with tempfile.TemporaryDirectory() as name:
        config, work = make_project(Path(name)), Path(name) / "run"
        seconds(config, work, 1)  # reads what is not in the system's cache yet
        start = seconds(config, work, 1)
        moved(work)
        resumed = seconds(config, work, AT + 1, "--resume")
        steps = read_state(work / "last.ckpt")["meta"]["iter"]
    print(f"start and one step: {start:.1f} s; resume at {AT} and one step (then {steps}): {resumed:.1f} s")
    print(f"difference: {resumed - start:+.1f} s")
    return 0 if resumed - start < 5 and steps == AT + 1 else 1


if __name__ == "__main__":
    raise SystemExit(main())
