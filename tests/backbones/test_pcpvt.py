"""PCPVT: numbers from the goldens and a small model of the reference; messages here."""

from __future__ import annotations

import pytest

from segue.backbones.pcpvt import PCPVT
from segue.errors import InputError
from tests.goldens_check import check_golden, check_part


def test_numbers_of_the_reference() -> None:
    check_golden("twins_pcpvt-s")
    check_part("pcpvt")


def test_messages() -> None:
    with pytest.raises(InputError, match="PCPVT: num_heads has 4 values, and depths 3; give one per stage"):
        PCPVT(depths=(1, 1, 1), embed_dims=(8, 8, 8))
    with pytest.raises(InputError, match=r"4 depths with 4 patch_sizes, 4 strides and out_indices=\(4,\)"):
        PCPVT(out_indices=(4,))
