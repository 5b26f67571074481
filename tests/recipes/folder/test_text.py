"""Config text with comments reads back as the values."""

from __future__ import annotations

from segue.config import Config
from segue.recipes.folder.text import Noted, Source, assigned


def test_reads_back() -> None:
    steps = [Noted({"c": "#"}, "a # in\nit"), {0: 1}]
    value = {"type": "X", "a": Noted((1, 2), "why"), "b": steps, "d": Source("name")}
    text = "name = 3\n" + assigned("x", value)
    assert "a=(1, 2),  # why" in text
    read = Config.fromstring(text, ".py")
    assert read["x"] == {"type": "X", "a": (1, 2), "b": [{"c": "#"}, {0: 1}], "d": 3}
