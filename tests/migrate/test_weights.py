"""Which config a checkpoint belongs to. Oracle: names and shapes written here."""

from __future__ import annotations

import pytest

from segue.errors import CheckpointError
from segue.migrate.weights import agreement, choose

SMALL = {"a.weight": [3, 3], "a.bias": [3], "b.weight": [2]}


def test_agreement() -> None:
    """The share of all names that are in both with one shape; a wrapper's prefix does not count."""
    assert agreement(SMALL, SMALL) == 1.0
    assert agreement({f"module.{key}": shape for key, shape in SMALL.items()}, SMALL) == 1.0
    assert agreement(SMALL, {**SMALL, "b.weight": [4]}) == 0.5  # 2 of 4: either side has one of its own
    assert agreement(SMALL, {"c": [1]}) == 0.0 and agreement({}, {}) == 0.0


def test_choice() -> None:
    models = {"x.py": SMALL, "y.py": SMALL, "z.py": {**SMALL, "c": [1]}, "w.py": {"q": [1]}}
    assert [name for name, _ in choose(SMALL, models)] == ["x.py", "y.py", "z.py", "w.py"]
    assert choose(SMALL, models, hint="work_dir = 'work_dirs/y'")[0] == ("y.py", 1.0)
    assert choose(SMALL, models, last=["x.py"])[0] == ("y.py", 1.0)
    with pytest.raises(CheckpointError, match="the weights fit the model of none of the project's configs"):
        choose(SMALL, {"w.py": {"q": [1]}})
