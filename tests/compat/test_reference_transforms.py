"""Transforms by the reference's names and keywords. Oracle: mmseg 1.2.2 and mmcv 2.1.0, recorded."""

from __future__ import annotations

import pytest

from tests.compat.reference import transforms
from tests.compat.reference.facts import recorded, unexpected

RECORDED = recorded("transforms")


def test_every_transform_has_cases() -> None:
    assert set(RECORDED) == set(transforms.CASES), "run tools/record_reference.py transforms"


@pytest.mark.parametrize("name", RECORDED)
def test_a_transform_is_the_references(name: str) -> None:
    if name in transforms.NEEDS:
        pytest.importorskip(transforms.NEEDS[name], reason="an optional extra")
    wanted = RECORDED[name]
    found = transforms.observe(name, wanted["module"])
    assert not unexpected(name, found, wanted["facts"], transforms.DESIGNED)
