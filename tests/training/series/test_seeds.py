"""What ``--seeds`` takes."""

from __future__ import annotations

from typing import Any

import pytest

from segue.errors import InputError
from segue.training.series.seeds import seeds_of


@pytest.mark.parametrize(
    ("given", "seeds"),
    [(3, [0, 1, 2]), ("3", [0, 1, 2]), ("0,1, 5", [0, 1, 5]), ("7,", [7]), ([4, 2], [4, 2]), ((0,), [0]), (1, [0])],
)
def test_seeds(given: Any, seeds: list[int]) -> None:
    assert seeds_of(given) == seeds


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0, "seeds=0: the number of runs must be from 1 to 10,000"),
        (-1, "seeds=-1: the number of runs must be"),
        ("-1", "seeds=-1: the number of runs must be"),
        ("20240101", "seeds=20240101: the number of runs must be from 1 to 10,000; a list, 0,1,2, names them"),
        ("1,1", "seeds: 1 stands there twice; equal seeds give equal runs"),
        ("0,-2", "seeds: -2: whole numbers from 0 on"),
        ([0, 2**63], "seeds: 9223372036854775808: whole numbers from 0 on, below"),
        ([], "seeds: an empty list: whole numbers"),
        ([0, "1"], "seeds: 1: whole numbers"),
        ("a", "seeds=a: a number of runs, 3, or a list of seeds, 0,1,2, is expected"),
        ("", "seeds=: a number of runs"),
        (",", "seeds=,: a number of runs"),
        ("1.5", "seeds=1.5: a number of runs"),
        (True, "seeds=True: a number of runs"),
    ],
)
def test_what_are_none(given: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        seeds_of(given)
    assert message in str(error.value)
