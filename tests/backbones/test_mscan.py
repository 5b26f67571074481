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
