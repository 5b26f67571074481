"""PointHead: numbers from the goldens, refinement and loss on small cases."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.heads.point import PointHead
from segue.layers.decode_head import HeadOptions
from segue.layers.norm import BN, Norm
from segue.layers.points import PointSampling, Subdivision
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.types import Targets
from tests.goldens_check import check_golden


def options(norm: Norm | None = None) -> HeadOptions:
    return HeadOptions(
        in_channels=[4],
        in_index=[0],
        channels=8,
        num_classes=3,
        dropout_ratio=-1,
        norm=norm,
        loss_decode=CrossEntropyLoss(),
    )


def test_numbers_of_the_reference() -> None:
    check_golden("pointrend_r50")


def test_only_uncertain_pixels_are_predicted_again() -> None:
    head = PointHead(options()).eval()
    head.set_point_options(None, Subdivision(subdivision_steps=1, subdivision_num_points=1))
    coarse = torch.zeros(1, 3, 2, 2)
    coarse[:, 1] = 10.0
    coarse[:, 1, 1, 1] = 1.0
    enlarged = torch.nn.functional.interpolate(coarse, scale_factor=2, mode="bilinear")
    refined = head([torch.randn(1, 4, 8, 8)], coarse)
    changed = (refined != enlarged).any(dim=1)[0]
    assert changed.nonzero().tolist() == [[3, 3]]


def test_the_loss_reads_labels_at_its_points_and_skips_ignored_ones() -> None:
    head = PointHead(options(BN))
    head.set_point_options(PointSampling(num_points=8), None)
    features, coarse = [torch.randn(2, 4, 8, 8)], torch.randn(2, 3, 4, 4, requires_grad=True)
    nothing = head.loss(features, Targets(labels=torch.full((2, 16, 16), 255)), coarse)
    assert nothing["pointloss_ce"].item() == 0 and nothing["acc_point"].item() == 0
    something = head.loss(features, Targets(labels=torch.ones(2, 16, 16, dtype=torch.long)), coarse)
    something["pointloss_ce"].backward()
    assert something["pointloss_ce"].item() > 0 and coarse.grad.any()


def test_messages() -> None:
    head = PointHead(options())
    with pytest.raises(InputError, match="use CascadeEncoderDecoder with two heads"):
        head([torch.randn(1, 4, 4, 4)])
    with pytest.raises(InputError, match="norm_cfg of type 'GN'; points have no map, use BN or none"):
        PointHead(options(Norm("GN")))
