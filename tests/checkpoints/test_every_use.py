"""Checkpoints with something of a wrong kind inside, used in every way: done or refused, and nothing else.

A sample of each kind here; ``python -m tests.checkpoints.every_use`` takes all of them, which lasts some minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .every_use import GOOD, results

SAMPLE = (
    r"good|CLASSES is 5|CLASSES is \[None\]|palette is \[\[300|cfg is a command|classes of escapes|a key 5|weight text|"
    r"bomb: text as classes|notes: config a command|cut: 50 % of zip|file name '\\n|file name 'new"
)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_sample(tmp_path: Path) -> None:
    rows = results(tmp_path, SAMPLE, trained="")
    assert len({row["file"] for row in rows}) >= 10
    assert [(row["file"], row["use"], row["ended"], row["text"]) for row in rows if row["ended"] not in GOOD] == []
