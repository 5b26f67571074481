"""The list of names whose file contradicts them, and the page that shows it. Oracle: the list itself."""

from __future__ import annotations

from pathlib import Path

from segue.recipes import recipe_names
from segue.recipes.deviations import DEVIATIONS
from segue.recipes.grammar import stems

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "recipes.md"


def test_the_page_lists_every_deviation_method_and_dataset() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, deviation in DEVIATIONS.items():
        assert f"| `{name}` | {deviation.reason} |" in text
    for stem in (*stems("methods"), *(stem.replace("_", "-") for stem in stems("datasets"))):
        assert f"| `{stem}` |" in text


def test_only_names_of_the_reference_are_listed() -> None:
    assert set(DEVIATIONS) <= set(recipe_names()) and all(one.keys for one in DEVIATIONS.values())
