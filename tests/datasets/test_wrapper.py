"""DatasetWrapper: the samples of another dataset, by themselves."""

from __future__ import annotations

import pytest

from segue.datasets.wrapper import DatasetWrapper
from tests.datasets.test_repeat import Pair


def test_it_is_the_dataset_itself() -> None:
    wrapped = DatasetWrapper(Pair())
    assert [wrapped[0], wrapped[1], wrapped[-1]] == ["x", "y", "y"] and len(wrapped) == 2
    assert wrapped.ignore_index == 255 and wrapped.metainfo == {"classes": ("a",)}
    assert wrapped.get_data_info(-2) == {"letter": "x"}
    with pytest.raises(IndexError, match="DatasetWrapper has 2 samples, no sample 2"):
        wrapped[2]
