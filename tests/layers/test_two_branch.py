"""The blocks and poolings of DDRNet and PIDNet; their numbers are held by the goldens of these."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from segue.layers.activation import RELU
from segue.layers.conv import ConvModule
from segue.layers.norm import BN
from segue.layers.two_branch import DAPPM, PAPPM, BasicBlock, Bottleneck, TwoBranchBlock, branch_stage


def _shortcut(c_in: int, c_out: int, stride: int) -> nn.Module:
    return ConvModule(c_in, c_out, 1, stride=stride, norm=BN, act=None)


@pytest.mark.parametrize(("block", "activated"), [(BasicBlock, [True, True, False]), (Bottleneck, [False] * 3)])
def test_the_last_sum_is_not_activated(block: type[TwoBranchBlock], activated: list[bool]) -> None:
    """By definition; sums of bottlenecks never are."""
    stage = branch_stage(block, 4, 4, 3, stride=2, shortcut=_shortcut, norm=BN, act=RELU).eval()
    assert [isinstance(b.act, nn.ReLU) for b in stage] == activated
    assert stage(torch.randn(1, 4, 9, 9)).shape == (1, 4 * block.expansion, 5, 5)


@pytest.mark.parametrize("pooling", [DAPPM, PAPPM])
@pytest.mark.parametrize("size", [(1, 1), (3, 20)])
def test_any_size(pooling: type[DAPPM] | type[PAPPM], size: tuple[int, int]) -> None:
    """By definition: the size stays."""
    make = partial(pooling, norm=BN, act=RELU)
    with torch.no_grad():
        assert make(8, 4, 6).eval()(torch.randn(1, 8, *size)).shape == (1, 6, *size)
