"""What tutorials say runs. All rows take minutes; ``python -m tests.tutorials`` prints them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tutorials.rows import FIRST, ROWS
from tests.tutorials.run import outcome, prepared

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tutorials")
    prepared(made)
    for row in FIRST:
        result, good = outcome(row, made, None)
        assert good, result
    return made


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.seed}-{row.item[:40]}")
def test_a_row(row: object, folder: Path) -> None:
    result, good = outcome(row, folder, None)  # type: ignore[arg-type]
    assert good, result
    if result.startswith("not run"):
        pytest.skip(result)
