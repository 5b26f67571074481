"""Feature2Pyramid: numbers of the reference; messages here."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.necks.feature2pyramid import Feature2Pyramid
from tests.goldens_check import check_part


@pytest.mark.parametrize("name", ["feature2pyramid", "feature2pyramid_small"])
def test_numbers_of_the_reference(name: str) -> None:
    check_part(name)


def test_messages() -> None:
    with pytest.raises(InputError, match=r"rescales=\[3\]; each must be one of \[0.25, 0.5, 1, 2, 4\]"):
        Feature2Pyramid(4, rescales=[3])
    with pytest.raises(InputError, match="1 feature maps for 4 rescales"):
        Feature2Pyramid(4)([torch.zeros(1, 4, 4, 4)])
