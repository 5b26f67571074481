"""Backbones by the reference's names and keywords. Oracle: mmseg 1.2.2, recorded."""

from __future__ import annotations

import pytest

from tests.compat.reference import backbones
from tests.compat.reference.facts import recorded, unexpected

RECORDED = recorded("backbones")

#: Its attention is normalized over two numbers, one of each image, which are nearly the same: what rounding changes in
#: them grows. Over the instruction sets it is up to 9.2e-5 of a map's mean size; this is three times as much.
RESNEST = 3e-4


def test_each_class_has_cases() -> None:
    assert set(RECORDED) == set(backbones.CASES), "run tools/record_reference.py backbones"


def test_what_is_left_has_no_cases() -> None:
    assert not set(backbones.LEFT) & set(backbones.CASES)


@pytest.mark.parametrize("name", RECORDED)
def test_it_is_the_references(name: str) -> None:
    if name in backbones.NEEDS:
        pytest.importorskip(backbones.NEEDS[name], reason="an optional extra")
    wanted = RECORDED[name]
    found = backbones.observe(name, wanted["module"])
    rel = RESNEST if name == "ResNeSt" else 1e-4
    assert not unexpected(name, found, wanted["facts"], backbones.DESIGNED, rel)
