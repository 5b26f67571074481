"""UPerHead: numbers of the reference."""

from __future__ import annotations

from tests.goldens_check import check_part


def test_numbers_of_the_reference() -> None:
    check_part("uper")
