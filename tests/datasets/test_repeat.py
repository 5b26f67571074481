"""RepeatDataset over a list."""

from __future__ import annotations

import pytest
from torch.utils.data import Dataset

from segue.datasets.repeat import RepeatDataset
from segue.errors import InputError


class Pair(Dataset):
    ignore_index = 255
    metainfo = {"classes": ("a",)}  # noqa: RUF012

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return "xy"[index]

    def get_data_info(self, index):
        return {"letter": "xy"[index]}


def test_repeats():
    """Oracle: x y, three times."""
    repeated = RepeatDataset(Pair(), 3)
    assert [repeated[i] for i in range(len(repeated))] == list("xyxyxy")
    assert repeated.get_data_info(3) == {"letter": "y"}
    assert repeated.metainfo == {"classes": ("a",)}
    with pytest.raises(IndexError, match="RepeatDataset has 6 samples, no sample 6"):
        repeated[6]
    with pytest.raises(InputError, match="times must be a positive integer, got 0"):
        RepeatDataset(Pair(), 0)
