"""collate: lists per key, sizes free."""

from __future__ import annotations

import pytest
import torch

from segue.datasets import collate
from segue.errors import DataError


def test_lists():
    first, second = torch.zeros(3, 4, 5), torch.zeros(3, 6, 7)
    batch = collate([{"inputs": first, "data_samples": 1}, {"inputs": second, "data_samples": 2}])
    assert batch["inputs"][0] is first
    assert batch["inputs"][1] is second
    assert batch["data_samples"] == [1, 2]


def test_refused():
    with pytest.raises(DataError, match="cannot make a batch of no samples"):
        collate([])
    with pytest.raises(DataError, match=r"the first has \['inputs'\], sample 1 has \['img'\]"):
        collate([{"inputs": 1}, {"img": 2}])
