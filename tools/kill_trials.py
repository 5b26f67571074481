"""Kill a training at random moments and resume it: its record and weights must be those of an undisturbed run.

    python tools/kill_trials.py [--trials 22] [--seed 0]

Each trial starts the real command on a small generated project, kills it twice with SIGKILL at random places of its
record, a little later by chance (so also within a validation, or while a checkpoint is written), resumes until it is
done, and compares every number of ``scalars.jsonl`` but the times, and every weight, bit by bit.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from segue.checkpoints import read
from tests.cli.project import make_project

OPTIONS = ("train_cfg.max_iters=40", "train_cfg.val_interval=10", "default_hooks.checkpoint.interval=5")


def train(config: Path, work: Path, *more: str, kill_at: tuple[int, float] | None = None) -> bool:
    """Run the command, or kill it so many seconds after so many lines of the record; whether it came to its end."""
    command = [sys.executable, "-m", "segue", "train", str(config), "--work-dir", str(work), "--accelerator", "cpu"]
    process = subprocess.Popen([*command, *more, "--cfg-options", *OPTIONS], stdout=subprocess.DEVNULL)
    while kill_at is not None and process.poll() is None and lines(work) < kill_at[0]:
        time.sleep(0.005)
    try:
        status = process.wait(None if kill_at is None else kill_at[1])
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    if status:
        raise SystemExit(f"status {status}: {' '.join(command)}")
    return True


def lines(work: Path) -> int:
    """How many lines the record has."""
    try:
        return (work / "scalars.jsonl").read_bytes().count(b"\n")
    except OSError:
        return 0


def moment(draw: random.Random, work: Path, length: int) -> tuple[int, float]:
    """A line of the record that is still to come, and up to a fifth of a second."""
    return draw.randint(min(lines(work), length - 1), length - 1), draw.uniform(0, 0.2)


def record(work: Path) -> list[dict[str, float]]:
    """The lines of all its records, without times; of a step that was trained twice the last."""
    lines = {}
    for path in sorted(work.glob("scalars*.jsonl")):
        for text in path.read_text().splitlines():
            line = json.loads(text)
            lines[line["mode"], line["step"]] = {k: v for k, v in line.items() if "time" not in k}
    return [lines[key] for key in sorted(lines)]


def main() -> int:
    """Run the trials and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=22)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    draw, wrong = random.Random(args.seed), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = make_project(folder)
        train(config, folder / "whole")
        length, total = lines(folder / "whole"), 0
        expected, weights = record(folder / "whole"), read(folder / "whole" / "last.ckpt").state_dict
        for trial in range(args.trials):
            work, kills = folder / f"trial{trial}", 0
            more: tuple[str, ...] = ()
            while not train(config, work, *more, kill_at=moment(draw, work, length) if kills < 2 else None):
                kills += 1
                more = ("--resume",)
            found = read(work / "last.ckpt").state_dict
            same = all(torch.equal(found[key], value) for key, value in weights.items())
            equal = record(work) == expected and same
            wrong += not equal
            total += kills
            print(f"trial {trial}: killed {kills} times, {'equal' if equal else 'DIFFERENT'}", flush=True)
    print(f"{args.trials - wrong} of {args.trials} equal, killed {total} times in all")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
