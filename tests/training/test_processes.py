"""Two processes on the CPU."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from small_run import Small, Squares, config, lines, metrics

from segue.checkpoints import read
from segue.training.parts import Parts
from segue.training.trainer import Machine, evaluate


@pytest.mark.slow  # two interpreters import Lightning
def test_two_processes_measure_each_image_once(tmp_path: Path) -> None:
    """Five images for two processes. Oracle: one process, with the weights that two trained."""
    script = Path(__file__).parent / "two_processes.py"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("Everything is written to") == 1
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3, 4, 5, 6]

    def build() -> Parts:
        model = Small()
        model.load_state_dict(read(tmp_path / "last.ckpt").state_dict)
        return Parts(model, None, Squares(5, augment=False), metrics())

    console = Console(file=io.StringIO())
    alone = evaluate(config(), None, build=build, console=console, machine=Machine(accelerator="cpu", devices=1))
    recorded = lines(tmp_path, "val")[-1]
    assert {name: recorded[name] for name in alone} == alone
