"""ERFNet: recorded numbers of the reference, and images with more channels than the first map."""

from __future__ import annotations

import pytest

from segue.backbones.erfnet import ERFNet
from segue.errors import InputError
from tests.backbones.recorded import check_backbone
from tests.goldens_check import check_golden


def test_published_model() -> None:
    """Oracle: mmseg 1.2.2."""
    check_golden("erfnet")


def test_erfnet_odd() -> None:
    """Oracle: mmseg 1.2.2 at a size that no stride divides."""
    check_backbone("erfnet_odd")


def test_more_channels_than_the_first_map() -> None:
    """A halving keeps its input, so 16 channels leave nothing to convolve; wider maps help."""
    with pytest.raises(InputError, match=r"in_channels=16 with enc_downsample_channels=\(16, 64, 128\)"):
        ERFNet(16)
    ERFNet(16, enc_downsample_channels=(32, 64, 128))
