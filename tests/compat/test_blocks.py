"""Blocks that research code imports, by their old names and arguments. Oracle: mmseg 1.2.2 and mmcv 2.1.0, recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import segue.compat  # noqa: F401
from tests.compat.blocks_cases import CASES, run

RECORDED = json.loads((Path(__file__).parent / "data" / "blocks.json").read_text(encoding="utf-8"))


def test_every_case_is_recorded() -> None:
    assert set(RECORDED) == set(CASES), "run tests/compat/blocks_cases.py under the reference"


@pytest.mark.parametrize("case", CASES)
def test_a_block_has_the_references_weights_and_output(case: str) -> None:
    found, wanted = run(case), RECORDED[case]
    assert found["keys"] == wanted["keys"], "names, order or shapes of the weights"
    assert len(found["out"]) == len(wanted["out"])
    for own, other in zip(found["out"], wanted["out"], strict=True):
        if isinstance(other, list):
            assert own == other
            continue
        assert own["shape"] == other["shape"]
        assert own["first"] == pytest.approx(other["first"], rel=1e-4, abs=1e-5)
        assert own["sum"] == pytest.approx(other["sum"], rel=1e-4, abs=1e-3)
