"""HuasdorffDisstanceLoss: the reference's number for two classes (it is right there only), and by hand."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.losses.huasdorff import HuasdorffDisstanceLoss, depths
from tests.losses.reference_inputs import BINARY, LOGITS


def test_numbers_of_the_reference() -> None:
    assert HuasdorffDisstanceLoss()(LOGITS[:, :2], BINARY).item() == pytest.approx(0.2154724, rel=1e-5)


def test_depth_in_a_region() -> None:
    region = torch.zeros(1, 1, 5, 5, dtype=torch.bool)
    region[0, 0, 1:4, 1:4] = True
    expected = torch.zeros(5, 5)
    expected[1:4, 1:4] = 1.0
    expected[2, 2] = 2.0
    assert torch.equal(depths(region)[0, 0], expected)


def test_depth_in_an_image_that_is_one_region() -> None:
    assert depths(torch.ones(1, 1, 3, 3, dtype=torch.bool))[0, 0].tolist() == [[1, 1, 1], [1, 2, 1], [1, 1, 1]]


def test_by_hand_with_three_classes() -> None:
    """Four pixels of labels 1 1 0 2, even logits: the prediction is class 0 everywhere, so only true depths count.

    Class 1: (1/3 - 1) ** 2 * (2 ** 2 + 1 ** 2) / 4; class 2: (2/3) ** 2 * 1 / 4; their sum is divided by 3 classes.
    """
    logits, labels = torch.zeros(1, 3, 1, 4), torch.tensor([[[1, 1, 0, 2]]])
    expected = (4 / 9 * 5 / 4 + 4 / 9 / 4) / 3
    assert HuasdorffDisstanceLoss()(logits, labels).item() == pytest.approx(expected)
    weighted = HuasdorffDisstanceLoss(class_weight=[9.0, 1.0, 0.0])(logits, labels)
    assert weighted.item() == pytest.approx(4 / 9 * 5 / 4 / 3)


def test_ignored_pixels_have_no_gradient() -> None:
    logits = torch.randn(1, 3, 1, 4, requires_grad=True)
    HuasdorffDisstanceLoss()(logits, torch.tensor([[[1, 0, 255, 2]]]), ignore_index=255).backward()
    assert not logits.grad[..., 2].any() and logits.grad[..., 0].any()


def test_it_needs_two_classes() -> None:
    with pytest.raises(InputError, match="give num_classes=2 logits"):
        HuasdorffDisstanceLoss()(torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long))
