"""SETRMLAHead: numbers of the reference; messages here."""

from __future__ import annotations

import pytest

from segue.errors import InputError
from segue.heads.setr_mla import SETRMLAHead
from segue.layers.decode_head import HeadOptions
from tests.goldens_check import check_part


def test_numbers_of_the_reference() -> None:
    check_part("setr_mla")


def test_messages() -> None:
    options = HeadOptions(in_channels=[4, 4], in_index=[0, 1], channels=8, num_classes=2)
    with pytest.raises(InputError, match="must be mla_channels=8 times 2 maps"):
        SETRMLAHead(options, mla_channels=8)
