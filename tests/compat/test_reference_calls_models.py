"""Small calls by the reference's names. Oracle: mmseg 1.2.2, recorded."""

from __future__ import annotations

import pytest

from tests.compat.reference import calls_models
from tests.compat.reference.facts import recorded, unexpected

RECORDED = recorded("calls_models")


def test_each_case_is_recorded() -> None:
    assert set(RECORDED) == set(calls_models.CASES), "run tools/record_reference.py calls_models"


@pytest.mark.parametrize("name", RECORDED)
def test_it_is_the_references(name: str) -> None:
    wanted = RECORDED[name]
    found = calls_models.observe(name, wanted["module"])
    assert not unexpected(name, found, wanted["facts"], calls_models.DESIGNED)
