"""The summary page: complete, escaped, without anything fetched from elsewhere."""

from __future__ import annotations

import html.parser
import math
from pathlib import Path

import numpy as np
import pytest

from segue.errors import InputError
from segue.report.page import ClassRow, Command, Curve, Number, Shot, Summary, chart, nice_ticks, render, write_page

EVIL = "<script>alert('x')</script>"


def page(text: str = "fine") -> Summary:
    picture = np.zeros((4, 4, 3), np.uint8)
    return Summary(
        title=text,
        lead=text,
        numbers=[Number("91.0 %", text)],
        classes=[ClassRow(text, (0, 114, 178), 91.04, 95.5, 12.25)],
        curves=[Curve(text, [(0, 1.0), (1, 0.5)])],
        shots=[Shot(text, [("image", picture), (text, picture)])] * 2,
        commands=[Command(text, text)],
        config=text,
        config_name=text,
        facts=[(text, text)],
    )


def test_every_text_is_escaped():
    text = render(page(EVIL))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 15


def test_nothing_is_fetched_and_tags_are_balanced():
    class Balance(html.parser.HTMLParser):
        void = ("meta", "img", "input", "line", "circle", "path")

        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            for name, value in attrs:
                assert name not in ("src", "href") or (value or "").startswith("data:image/jpeg;base64,")
            if tag not in self.void:
                self.open.append(tag)

        handle_startendtag = handle_starttag

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    text = render(page())
    parser = Balance()
    parser.feed(text)
    assert parser.open == [] and "http" not in text and "url(" not in text


def test_the_table_shows_what_it_is_given():
    text = render(page())
    assert "91.0" in text and "95.5" in text and "rgb(0,114,178)" in text and "width:91.0%" in text


def test_an_empty_summary_is_a_page():
    text = render(Summary("Nothing yet", "No training has run."))
    assert "Nothing yet" in text and "<table" not in text and "<svg" not in text


def test_ticks_are_round_numbers_inside():
    """Oracle: by hand."""
    assert nice_ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert nice_ticks(0, 220, 5) == [0, 50, 100, 150, 200]
    assert nice_ticks(0.31, 0.49) == [0.35, 0.4, 0.45]
    assert nice_ticks(2, 2) == [2]


def test_chart_places_points():
    """Oracle: 0..100 percent over the height 168 - 10 - 26, steps 0..10 over the width 520 - 42 - 14."""
    drawn = chart(Curve("mIoU", [(0, 0), (5, 50), (10, 100)], smooth=False, percent=True))
    assert drawn.dots == [(42.0, 142.0), (274.0, 76.0), (506.0, 10.0)]
    assert drawn.line == "M42.0 142.0 L274.0 76.0 L506.0 10.0" and drawn.raw == "" and drawn.last == "100.0 %"


def test_chart_survives_what_trainings_do():
    assert chart(Curve("none", [])).line == ""
    assert chart(Curve("one", [(3, 0.5)])).last == "0.5"
    broken = chart(Curve("nan", [(0, 1.0), (1, math.nan), (2, math.inf), (3, 0.5)]))
    assert "nan" not in broken.line and "inf" not in broken.line
    assert chart(Curve("zero", [(0, 0.0), (1, 0.0)])).line


def test_write_page_makes_folders_and_names_what_cannot_be_written(tmp_path: Path):
    path = write_page(tmp_path / "a/b/index.html", page())
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"index\.html: cannot be written"):
        write_page(tmp_path / "file/index.html", page())
