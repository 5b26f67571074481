"""Charts in a page."""

from __future__ import annotations

import re
from pathlib import Path

from segue import report
from segue.report.chart import COLORS, STYLE


def strength(selector: str) -> tuple[int, int]:
    """How specific a selector is: classes, then elements (CSS Selectors 4, section 17; none here has an id)."""
    return len(re.findall(r"\.[\w-]+", selector)), len(re.findall(r"(?:^|\s)[a-z]+", selector.strip()))


def test_each_series_has_its_own_color_in_a_page() -> None:
    """What the page says of all its lines is less specific than what the chart says of one series."""
    page = (Path(report.__file__).parent / "templates" / "style.css").read_text()
    usual = [
        each for rule in re.findall(r"([^{}]+)\{[^{}]*stroke:", page) for each in rule.split(",") if "line" in each
    ]
    own = re.findall(r"([^{}]+\.s\d)\{stroke:", STYLE)
    assert usual and len(own) == 2 * len(COLORS)  # and in the dark
    assert min(map(strength, own)) > max(map(strength, usual))
