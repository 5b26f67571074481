"""What values mean that nobody has named.

Oracle: how the masks of each case are made; the counts of the cell masks are those of a public data set.
"""

from __future__ import annotations

import pytest

from segue.masks.labels import share_text
from segue.masks.meaning import meaning_of

NOISE = dict.fromkeys((1, 2, 3, 60, 64, 90, 126, 127, 129, 200, 254), 27)
RAMP = {value: 40 + value % 7 for value in range(1, 237)}
CASES = {
    "cells": ({0: 56224, 128: 19659, 255: 10517}, "levels", False, {0: 0, 128: 1, 255: 2}),
    "cells with noise": (
        {0: 3_000_000, 128: 140_326, 255: 909_372, **NOISE},
        "strays",
        True,
        {0: 0, 128: 1, 255: 2, **dict.fromkeys(NOISE, 255)},
    ),
    "four levels": ({0: 9, 85: 5, 170: 5, 255: 5}, "levels", False, {0: 0, 85: 1, 170: 2, 255: 3}),
    "levels of 16 bits": ({0: 5, 32768: 5, 65535: 5}, "levels", False, {0: 0, 32768: 1, 65535: 2}),
    "binary with noise": (
        {0: 900_000, 1: 60, 7: 30, 255: 98_000},
        "strays",
        True,
        {0: 0, 255: 1, 1: 255, 7: 255},
    ),
    "binary, three pixels of 128": ({0: 5000, 128: 3, 255: 4000}, "strays", True, {0: 0, 255: 1, 128: 255}),
    "soft borders, top 237": (
        {0: 100_000, **RAMP, **dict.fromkeys(range(220, 238), 900)},
        "smoothed",
        True,
        {value: int(value > 127) for value in range(238)},
    ),
    "soft borders, few values": (
        {0: 1344, 16: 48, 53: 48, 90: 48, 128: 48, 165: 48, 202: 48, 240: 48, 255: 1392},
        "smoothed",
        True,
        {value: int(value > 127) for value in range(256)},
    ),
    "dark binary": ({0: 5, 128: 5}, "binary", False, {0: 0, 128: 1}),
    "VOC": ({**dict.fromkeys(range(21), 500), 255: 700}, "ids", False, None),
    "many ids": (dict.fromkeys(range(151), 500), "ids", False, None),
    "many ids and void": ({**dict.fromkeys(range(151), 500), 255: 9000}, "ids", False, None),
    "objects": ({0: 100_000, **dict.fromkeys(range(1, 237), 300)}, "ids", False, None),
    "gaps, much 255": ({0: 50, 7: 30, 26: 20, 255: 50}, "gaps", True, {0: 0, 7: 1, 26: 2, 255: 3}),
    "gaps, little 255": ({0: 50, 7: 30, 26: 20, 255: 5}, "gaps", False, {0: 0, 7: 1, 26: 2}),
    "255 far from ids": ({0: 50, 100: 30, 255: 20}, "gaps", False, {0: 0, 100: 1, 255: 2}),
}


@pytest.mark.parametrize("case", CASES)
def test_meanings(case: str) -> None:
    counts, kind, refused, label_map = CASES[case]
    meaning = meaning_of(counts)
    assert (meaning.kind, meaning.refused, meaning.label_map) == (kind, refused, label_map)
    if 255 in counts:  # whatever it is taken for is said, with its pixels
        assert f"{counts[255]:,}" in meaning.question or kind in ("binary", "smoothed"), meaning.question
    if kind == "strays":
        assert all(str(value) in meaning.question for value in sorted(set(counts) - {0, 128, 255})[:6])


@pytest.mark.parametrize("case", [name for name, given in CASES.items() if 255 in given[0]])
def test_a_void_value_that_was_given_is_no_class(case: str) -> None:
    meaning = meaning_of(CASES[case][0], 255)
    assert 255 not in (meaning.label_map or {}) or meaning.label_map[255] == 255 or meaning.kind == "smoothed"


def test_small_shares_are_not_nothing() -> None:
    assert [share_text(n, 1_000_000) for n in (0, 3, 300, 98_000)] == ["0.00 %", "under 0.01 %", "0.03 %", "9.8 %"]
