"""JPU: numbers of the reference; levels and messages here."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.necks.jpu import JPU
from tests.goldens_check import check_part


def test_numbers_of_the_reference() -> None:
    check_part("jpu")


def test_messages() -> None:
    with pytest.raises(InputError, match="start_level=2 and end_level=1 with 3 in_channels"):
        JPU(start_level=2, end_level=1)
    with pytest.raises(InputError, match="1 feature maps for 3 in_channels"):
        JPU((4, 4, 4), 4)([torch.zeros(1, 4, 4, 4)])
