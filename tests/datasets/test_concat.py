"""ConcatDataset over small lists."""

from __future__ import annotations

import pytest
from torch.utils.data import Dataset

from segue.datasets.concat import ConcatDataset
from segue.errors import DataError, InputError


class Letters(Dataset):
    ignore_index = 255

    def __init__(self, letters, **metainfo):
        self.letters = letters
        self.metainfo = {"classes": ("a",), "palette": [[0, 0, 0]], **metainfo}

    def __len__(self):
        return len(self.letters)

    def __getitem__(self, index):
        return self.letters[index]

    def get_data_info(self, index):
        return {"letter": self.letters[index]}


def test_order():
    """Oracle: the letters in a row; an empty dataset in between takes no place."""
    joined = ConcatDataset([Letters("ab"), Letters(""), Letters("cde")])
    assert [joined[i] for i in range(len(joined))] == list("abcde")
    assert joined[-1] == "e"
    assert joined.get_data_info(2) == {"letter": "c"}
    assert joined.metainfo["classes"] == ("a",)
    assert joined.ignore_index == 255
    with pytest.raises(IndexError, match="ConcatDataset has 5 samples, no sample 5"):
        joined[5]


def test_metainfo_must_agree():
    other = Letters("c", classes=("b",), reduce_zero_label=True)
    with pytest.raises(DataError, match="datasets 0 and 1 differ in classes; give them the same metainfo"):
        ConcatDataset([Letters("ab"), other])
    assert len(ConcatDataset([Letters("ab"), other], ignore_keys="classes")) == 3
    with pytest.raises(InputError, match="datasets must not be empty"):
        ConcatDataset([])
