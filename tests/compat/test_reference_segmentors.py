"""Segmentors by the reference's names and keywords. Oracle: mmseg 1.2.2, recorded."""

from __future__ import annotations

import pytest

from tests.compat.reference import segmentors
from tests.compat.reference.facts import recorded, unexpected

RECORDED = recorded("segmentors")


def test_each_class_has_cases() -> None:
    assert set(RECORDED) == set(segmentors.CASES), "run tools/record_reference.py segmentors"


def test_what_is_left_has_no_cases() -> None:
    assert not set(segmentors.LEFT) & set(segmentors.CASES)


@pytest.mark.parametrize("name", RECORDED)
def test_it_is_the_references(name: str) -> None:
    wanted = RECORDED[name]
    found = segmentors.observe(name, wanted["module"])
    assert not unexpected(name, found, wanted["facts"], segmentors.DESIGNED)
