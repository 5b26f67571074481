"""Semantic FPN's head: numbers from the goldens."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.heads.fpn import FPNHead
from segue.layers.decode_head import HeadOptions
from tests.goldens_check import check_golden

OPTIONS = HeadOptions(in_channels=[2, 2], in_index=[0, 1], channels=4, num_classes=3)


def test_numbers_of_the_reference() -> None:
    check_golden("sem_fpn_r50")


def test_all_maps_reach_the_finest_size() -> None:
    features = [torch.randn(1, 2, 17, 13), torch.randn(1, 2, 9, 7)]
    assert FPNHead(OPTIONS, feature_strides=(4, 8)).eval()(features).shape == (1, 3, 17, 13)


@pytest.mark.parametrize("strides", [(8, 4), (4,)])
def test_strides_message(strides: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="must be one per map of in_channels, finest first"):
        FPNHead(OPTIONS, feature_strides=strides)
