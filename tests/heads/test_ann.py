"""ANNHead: numbers of the reference, and the pooling by hand."""

from __future__ import annotations

import pytest
import torch

from segue.heads.ann import ANNHead, PooledAttention
from segue.layers.decode_head import HeadOptions
from tests.goldens_check import check_golden, check_heads


@pytest.mark.slow
def test_numbers_of_the_reference() -> None:
    check_golden("ann_r50")


def test_variants_of_the_reference() -> None:
    check_heads("ann", "ann-plain")


def test_keys_are_the_cells_of_all_grids() -> None:
    attention = PooledAttention(
        1, 1, 1, 1, share_key_query=True, query_scale=1, key_pool_scales=(1, 2), norm=None, act=None
    )
    x = torch.arange(4.0).view(1, 1, 2, 2)
    assert attention.pool(x).flatten().tolist() == [1.5, 0, 1, 2, 3]


def test_it_starts_without_context() -> None:
    attention = PooledAttention(
        4, 8, 2, 4, share_key_query=False, query_scale=1, key_pool_scales=(1, 3), norm=None, act=None
    )
    assert not attention(torch.randn(1, 4, 5, 5), torch.randn(1, 8, 7, 7)).any()


def test_a_query_scale_keeps_the_size() -> None:
    options = HeadOptions(in_channels=[4, 8], in_index=[0, 1], channels=6, num_classes=3)
    head = ANNHead(options, project_channels=4, query_scales=(1, 2))
    assert head([torch.randn(1, 4, 9, 7), torch.randn(1, 8, 9, 7)]).shape == (1, 3, 9, 7)
