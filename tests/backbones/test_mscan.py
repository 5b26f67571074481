"""MSCAN: numbers from the goldens and a small model of the reference; channels and messages here."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.mscan import MSCAN
from segue.errors import InputError
from tests.goldens_check import check_part


def test_numbers_of_the_reference() -> None:
    check_part("mscan")


def test_any_channels_and_size() -> None:
    """The reference's stem takes three channels, whatever ``in_channels`` says, and its attention four kernels."""
    model = MSCAN(
        in_channels=7,
        embed_dims=(8, 8, 8, 8),
        depths=(1, 1, 1, 1),
        attention_kernel_sizes=(3, (1, 5), (1, 9)),
        attention_kernel_paddings=(1, (0, 2), (0, 4)),
    ).eval()
    assert [tuple(f.shape[-2:]) for f in model(torch.randn(1, 7, 33, 70))] == [(9, 18), (5, 9), (3, 5), (2, 3)]


def test_messages() -> None:
    with pytest.raises(InputError, match="MSCAN: depths has 2 values; num_stages=4 needs 4"):
        MSCAN(depths=(1, 1))


def test_gradients_are_those_of_finite_differences() -> None:
    """One image, batch normalization in evaluation: where the reference's memory layout makes torch 2.13 err on CPU.

    The oracle is the central difference of the loss in double precision along a random direction of all parameters.
    """
    torch.manual_seed(0)
    model = MSCAN(embed_dims=(8, 8, 8, 8), mlp_ratios=(2, 2, 2, 2), depths=(1, 1, 1, 1)).double().eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    image = torch.randn(1, 3, 64, 64, dtype=torch.float64)

    def loss() -> torch.Tensor:
        return sum(f.sin().sum() for f in model(image))

    loss().backward()
    parameters = list(model.parameters())
    directions = [torch.randn_like(p) for p in parameters]
    slope = sum(float((p.grad * d).sum()) for p, d in zip(parameters, directions, strict=True))
    values, step = [], 1e-6
    with torch.no_grad():
        for sign in (1, -2):
            for p, d in zip(parameters, directions, strict=True):
                p += sign * step * d
            values.append(loss().item())
    assert slope == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5)
