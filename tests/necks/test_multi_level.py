"""MultiLevelNeck: numbers of the reference; messages here."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.necks.multi_level import MultiLevelNeck
from tests.goldens_check import check_part


@pytest.mark.parametrize("name", ["multi_level", "multi_level_one"])
def test_numbers_of_the_reference(name: str) -> None:
    check_part(name)


def test_messages() -> None:
    with pytest.raises(InputError, match="2 in_channels with 4 scales"):
        MultiLevelNeck([4, 4], 4)
    with pytest.raises(InputError, match="2 feature maps for 1 in_channels"):
        MultiLevelNeck([4], 4)([torch.zeros(1, 4, 4, 4)] * 2)
