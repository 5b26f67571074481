"""LR-ASPP: recorded numbers of the reference through the backbone's model, and maps below the pooling window."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.heads.lraspp import LRASPPHead, WindowMean
from segue.layers.decode_head import HeadOptions


def _options(**changes: object) -> HeadOptions:
    given = {"in_channels": [4, 6, 8], "in_index": [0, 1, 2], "input_transform": "multiple_select"} | changes
    return HeadOptions(channels=4, num_classes=3, **given)  # type: ignore[arg-type]


def test_small_maps_are_pooled_as_a_whole() -> None:
    """By definition; the reference fails below 49 x 49."""
    x = torch.randn(1, 2, 5, 60)
    pooled = WindowMean()(x)
    assert pooled.shape == (1, 2, 1, 1)
    torch.testing.assert_close(pooled, x[..., :49].mean(dim=(2, 3), keepdim=True))


def test_large_maps_have_windows() -> None:
    """By definition: 49 x 49 with strides 16 and 20, as in the reference."""
    assert WindowMean()(torch.randn(1, 2, 65, 89)).shape == (1, 2, 2, 3)


def test_logits_have_the_finest_size() -> None:
    """By definition."""
    head = LRASPPHead(_options()).eval()
    features = [torch.randn(1, 4, 16, 17), torch.randn(1, 6, 8, 9), torch.randn(1, 8, 4, 5)]
    assert head(features).shape == (1, 3, 16, 17)


def test_needs_several_maps() -> None:
    """The message says how to give them."""
    with pytest.raises(InputError, match='input_transform="multiple_select"'):
        LRASPPHead(_options(in_channels=4, in_index=0, input_transform=None))
