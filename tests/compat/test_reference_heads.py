"""Heads by the reference's names and keywords. Oracle: mmseg 1.2.2, recorded."""

from __future__ import annotations

import pytest

from tests.compat.reference import heads
from tests.compat.reference.facts import recorded, unexpected

RECORDED = recorded("heads")


def test_each_class_has_cases() -> None:
    assert set(RECORDED) == set(heads.CASES), "run tools/record_reference.py heads"


def test_what_is_left_has_no_cases() -> None:
    assert not set(heads.LEFT) & set(heads.CASES)


@pytest.mark.parametrize("name", RECORDED)
def test_it_is_the_references(name: str) -> None:
    wanted = RECORDED[name]
    found = heads.observe(name, wanted["module"])
    assert not unexpected(name, found, wanted["facts"], heads.DESIGNED)
