"""Bars: seen on a terminal, silent elsewhere, and nothing of the items is lost."""

from __future__ import annotations

import io

from rich.console import Console

from segue.system.bars import bar, download_bar, shown, wide_bar


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_items_pass_through_a_bar_with_rate() -> None:
    seen, unseen = console(True), console(False)
    for where in (seen, unseen, None):
        assert list(shown(iter("abc"), 3, "reading", where)) == ["a", "b", "c"]
    assert "reading" in text(seen) and "3/3" in text(seen) and "/s" in text(seen)
    assert text(unseen) == ""


def test_every_bar_shows_its_own_facts() -> None:
    where = console(True)
    with bar(where) as counted:
        counted.add_task("packing", total=4, completed=1)
    with download_bar(where) as loaded:
        loaded.add_task("a.pth", total=4_000_000, completed=1_000_000)
    with wide_bar(where) as wide:
        wide.add_task("train", total=9, completed=2, facts="loss 0.5")
    for expected in ("packing", "1/4", "a.pth", "1.0/4.0 MB", "2/9", "loss 0.5"):
        assert expected in text(where)
