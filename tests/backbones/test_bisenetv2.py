"""BiSeNet V2: recorded numbers of the reference, and widths that must agree."""

from __future__ import annotations

import pytest

from segue.backbones.bisenetv2 import BiSeNetV2
from segue.errors import InputError
from tests.backbones.recorded import check_backbone
from tests.goldens_check import check_golden


def test_published_model() -> None:
    """Oracle: mmseg 1.2.2."""
    check_golden("bisenetv2")


def test_bisenetv2_odd() -> None:
    """Oracle: mmseg 1.2.2 at a size that no stride divides."""
    check_backbone("bisenetv2_odd")


def test_widths_that_must_agree() -> None:
    """Both branches end as wide as the joined map."""
    with pytest.raises(InputError, match="bga_channels=64"):
        BiSeNetV2(bga_channels=64)
