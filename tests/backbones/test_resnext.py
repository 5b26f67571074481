"""ResNeXt: recorded numbers of the reference, and which depths have groups."""

from __future__ import annotations

import pytest

from segue.backbones.resnext import ResNeXt
from segue.errors import InputError
from tests.goldens_check import check_golden


def test_recorded() -> None:
    """Oracle: mmseg 1.2.2, FCN on ResNeXt-50 32x4d at 1/8 of the image; no published config has it."""
    check_golden("resnext50_fcn")


def test_width_of_the_groups() -> None:
    """By the paper's table 1: 32 groups of 4 channels in the first stage, of 8 in the second."""
    net = ResNeXt(50, groups=32, base_width=4, num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(1,))
    assert net.layer1[0].conv2.weight.shape == (128, 4, 3, 3)
    assert net.layer2[0].conv2.weight.shape == (256, 8, 3, 3)


def test_groups_need_bottlenecks() -> None:
    """Depth 18 has none."""
    with pytest.raises(InputError, match="groups=32 with depth=18; groups need bottlenecks"):
        ResNeXt(18, groups=32)
