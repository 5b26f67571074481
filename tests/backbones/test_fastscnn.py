"""Fast-SCNN: recorded numbers of the reference, and numbers that must agree."""

from __future__ import annotations

import pytest

from segue.backbones.fastscnn import FastSCNN
from segue.errors import InputError
from tests.backbones.recorded import check_backbone
from tests.goldens_check import check_golden


def test_published_model() -> None:
    """Oracle: mmseg 1.2.2."""
    check_golden("fast_scnn")


def test_fast_scnn_odd() -> None:
    """Oracle: mmseg 1.2.2 at a size that no stride divides, with activated depthwise convolutions."""
    check_backbone("fast_scnn_odd")


def test_numbers_that_must_agree() -> None:
    """The stem's output is the coarse path's input."""
    with pytest.raises(InputError, match="global_in_channels=32 and higher_in_channels=64 must agree"):
        FastSCNN(global_in_channels=32)
