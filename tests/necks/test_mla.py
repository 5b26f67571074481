"""MLANeck: numbers of the reference; messages here."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.necks.mla import MLANeck
from tests.goldens_check import check_part


def test_numbers_of_the_reference() -> None:
    check_part("mla")


def test_messages() -> None:
    with pytest.raises(InputError, match="1 feature maps for 2 in_channels"):
        MLANeck([4, 4], 4)([torch.zeros(1, 4, 4, 4)])
