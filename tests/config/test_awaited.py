"""Names that are registered when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from segue.config.awaited import AwaitedError, awaited, settle
from segue.config.builder.find import find, names, own
from segue.config.builder.register import register, registered


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    awaited.clear()
    registered.pop("LateHead", None)


class LateHead:
    """Somebody's."""


def test_a_name_is_registered_when_a_config_asks_for_it() -> None:
    calls = []
    awaited["LateHead"] = lambda: (calls.append(1), register(LateHead))
    assert "LateHead" in names("heads") and not calls
    assert find("heads", "mmseg.LateHead") is LateHead and own("hooks", "LateHead") is LateHead
    assert calls == [1] and not awaited


def test_what_fails_fails_again() -> None:
    def fails() -> None:
        raise AwaitedError("town/late.py does not run")

    awaited["FCNHead"] = fails  # Segue has one, which does not come in its place
    for _ in range(2):
        with pytest.raises(AwaitedError, match=r"town/late.py does not run"):
            find("heads", "FCNHead")
    settle("PSPHead")
