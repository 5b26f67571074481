"""MobileNetV2: recorded numbers of the reference, rounded widths, what is frozen."""

from __future__ import annotations

import pytest

from segue.backbones.mobilenet_v2 import MobileNetV2
from segue.errors import InputError
from segue.layers.norm import BATCH_NORMS
from tests.backbones.recorded import check_backbone
from tests.goldens_check import check_golden


def test_published_model() -> None:
    """Oracle: mmseg 1.2.2, FCN on MobileNetV2."""
    check_golden("mobilenet_v2_fcn")


def test_half_width() -> None:
    """Oracle: mmseg 1.2.2; all widths are multiples of 8."""
    check_backbone("mobilenet_v2_half")


def test_frozen_stages_keep_weights_and_statistics_in_training() -> None:
    """By definition: the first convolution and two stages do not train, the third does."""
    net = MobileNetV2(0.25, frozen_stages=2).train()
    assert not any(p.requires_grad for name in ("conv1", "layer1", "layer2") for p in getattr(net, name).parameters())
    assert not net.layer2.training
    assert all(p.requires_grad for p in net.layer3.parameters())
    assert net.layer3.training


def test_norm_eval_keeps_statistics() -> None:
    """By definition."""
    net = MobileNetV2(0.25, norm_eval=True).train()
    assert not any(m.training for m in net.modules() if isinstance(m, BATCH_NORMS))


def test_a_stage_that_does_not_exist() -> None:
    """The message names the range."""
    with pytest.raises(InputError, match=r"out_indices=\(7,\).*from 0 to 6"):
        MobileNetV2(out_indices=(7,))
