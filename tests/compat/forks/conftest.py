"""No test leaves a project in use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from segue.compat.forks import overlay
from segue.compat.forks.project import use


@pytest.fixture(autouse=True)
def nothing_in_use() -> Iterator[None]:
    """End what a test has begun."""
    yield
    if (using := overlay.current()) is not None:
        using.held = False
    use(None)
