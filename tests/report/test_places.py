"""Where names are written in regions."""

from __future__ import annotations

import numpy as np
import pytest

from segue.report.places import inside


def test_the_mean_of_a_ring_is_not_in_it() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:90, 10:90] = True
    mask[30:70, 30:70] = False
    x, y = inside(mask, (16, 8))  # type: ignore[misc]
    assert mask[y - 4 : y + 5, x - 8 : x + 9].all()


def test_a_part_without_room_has_its_widest_place() -> None:
    mask = np.zeros((50, 100), bool)
    mask[20:22, 5:95] = True
    mask[15:27, 60:72] = True
    x, y = inside(mask, (40, 20))  # type: ignore[misc]
    assert 63 <= x <= 68 and 18 <= y <= 23


@pytest.mark.parametrize("corner", [(0, 0), (80, 180)])
def test_the_box_stays_in_the_picture(corner: tuple[int, int]) -> None:
    mask = np.zeros((100, 200), bool)
    mask[corner[0] : corner[0] + 20, corner[1] : corner[1] + 20] = True
    x, y = inside(mask, (11, 7))  # type: ignore[misc]
    assert mask[y - 3 : y + 4, x - 5 : x + 6].shape == (7, 11) and mask[y - 3 : y + 4, x - 5 : x + 6].all()


def test_the_largest_of_several_parts_and_none() -> None:
    mask = np.zeros((40, 40), bool)
    mask[2:6, 2:6] = mask[20:38, 20:38] = True
    x, y = inside(mask, (6, 4))  # type: ignore[misc]
    assert x > 20 and y > 20
    assert inside(np.zeros((4, 4), bool), (2, 2)) is None
