"""SETRUPHead: numbers of the reference; messages here."""

from __future__ import annotations

import pytest

from segue.errors import InputError
from segue.heads.setr_up import SETRUPHead
from segue.layers.decode_head import HeadOptions
from tests.goldens_check import check_part


@pytest.mark.parametrize("name", ["setr_pup", "setr_naive"])
def test_numbers_of_the_reference(name: str) -> None:
    check_part(name)


def test_messages() -> None:
    with pytest.raises(InputError, match="kernel_size=5; it must be 1 or 3"):
        SETRUPHead(HeadOptions(in_channels=4, channels=4, num_classes=2), kernel_size=5)
