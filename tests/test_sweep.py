"""The whole zoo against the reference: every model's numbers, every config's digest, every recipe's name.

The recorded numbers are not part of the project. ``SEGUE_GOLDENS`` names their folder (``index.json``, ``models/``,
``configs.json.gz``), ``SEGUE_REFERENCE_CONFIGS`` the reference's configs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def folder(variable: str) -> Path:
    path = os.environ.get(variable)
    if not path:
        pytest.skip(f"{variable} names no folder of recorded facts; they are not part of the project")
    return Path(path)


def closing_line(*command: object) -> str:
    """Run a tool; it must succeed. Its table is printed, so that a failure shows which row it was."""
    done = subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True)
    print(done.stdout[-20_000:], done.stderr[-4000:])
    assert done.returncode == 0
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.slow
def test_every_model() -> None:
    """426 models have numbers. SAN's six need CLIP's vocabulary, which ``SEGUE_WEIGHTS`` offers."""
    goldens = folder("SEGUE_GOLDENS")
    assert closing_line("tools/goldens.py", goldens / "models", "--jobs", os.cpu_count() or 1) == "426 passed, 0 failed"


@pytest.mark.slow
def test_every_config() -> None:
    goldens, configs = folder("SEGUE_GOLDENS"), folder("SEGUE_REFERENCE_CONFIGS")
    line = closing_line("tools/config_digests.py", configs, goldens / "index.json")
    assert line.startswith("681 of 681 configs")


@pytest.mark.slow
def test_every_recipe() -> None:
    goldens = folder("SEGUE_GOLDENS")
    assert closing_line("tools/recipes.py", goldens / "configs.json.gz").endswith("0 unequal")
