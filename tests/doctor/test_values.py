"""What sets of mask values mean, and the settings proposed for them.

Oracle: for each set of values, the mistake that makes it; every proposal must leave no value out of range.
"""

from __future__ import annotations

import pytest

from segue.doctor.facts import Facts
from segue.doctor.rules import Rules
from segue.doctor.tally import Tally
from segue.doctor.unnamed import judge_unnamed
from segue.doctor.values import judge_values, with_fixes


def tally_of(values: dict[int, int], **facts: object) -> Tally:
    tally = Tally()
    tally.add(Facts("a.jpg", "a.png", values=values, distinct=len(values), **facts))  # type: ignore[arg-type]
    return tally


def rules(count: int | None, **more: object) -> Rules:
    return Rules(None if count is None else tuple(f"c{i}" for i in range(count)), **more)  # type: ignore[arg-type]


CASES = {
    "CamVid": (11, dict.fromkeys(range(12), 9), "void-value", ["ignore_index=11"]),
    "DRIVE": (2, {0: 90, 255: 10}, "binary-mask", ["label_map={0: 0, 255: 1}"]),
    "0 and 128": (2, {0: 90, 128: 10}, "binary-mask", ["label_map={0: 0, 128: 1}"]),
    "ids from 1": (4, {1: 5, 2: 5, 3: 5, 4: 5}, "off-by-one", ["reduce_zero_label=True"]),
    "negative": (3, {-1: 5, 0: 5, 2: 5}, "negative-value", ["label_map={-1: 255}"]),
    "three gray levels": (3, {0: 5, 128: 5, 255: 5}, "gaps", ["label_map={0: 0, 128: 1, 255: 2}"]),
    "ids stretched to 16 bits": (
        *(4, {0: 5, 257: 5, 514: 5, 771: 5}, "16-bit-mask"),
        ["label_map={value * 257: value for value in range(4)}"],
    ),
    "ids times 50": (5, {0: 5, 50: 5, 200: 5}, "scaled-mask", ["label_map={value * 50: value for value in range(5)}"]),
    "panoptic": (
        *(3, {0: 5, 1001: 5, 2007: 5}, "16-bit-mask"),
        ["label_map={value: value // 1000 for value in [0, 1001, 2007]}"],
    ),
    "Cityscapes labelIds": (19, dict.fromkeys(range(34), 5), "label-ids", []),
    "two strays": (3, {0: 500, 1: 500, 2: 500, 7: 2, 9: 1}, "out-of-range", ["label_map={7: 255, 9: 255}"]),
    "no names, from 1": (None, {1: 5, 2: 5}, "off-by-one", ["reduce_zero_label=True"]),
    "no names, 0 and 255": (None, {0: 5, 255: 5}, "binary-mask", ["label_map={0: 0, 255: 1}"]),
    "no names, gaps": (None, {0: 5, 7: 5, 26: 5, 255: 1}, "gaps", ["label_map={0: 0, 7: 1, 26: 2}"]),
    "no names, in order": (None, {0: 5, 1: 5, 255: 5}, "classes", []),
    "nothing but void": (None, {255: 5}, "all-ignored", []),
}


@pytest.mark.parametrize("case", CASES)
def test_mistakes_of_values(case: str) -> None:
    count, values, kind, lines = CASES[case]
    judge = judge_unnamed if count is None else judge_values
    [finding] = judge(tally_of(values), rules(count), "train", ["train_dataloader.dataset"])
    assert finding.kind == kind, finding
    assert [fix.line for fix in finding.fixes] == lines
    mended = with_fixes(rules(count), finding.fixes)
    if lines:
        assert not mended.wrong(values)
        assert set(mended.ids(values).values()) - {255}
        assert all(eval_of(fix.source) == fix.value for fix in finding.fixes)


def eval_of(source: str) -> object:
    """What the config language makes of a proposed line."""
    from segue.config import Config

    return Config.fromstring(f"value = {source}", ".py").value


@pytest.mark.parametrize(
    ("count", "values", "more"),
    [
        (3, {0: 5, 1: 5, 2: 5, 255: 5}, {}),
        (150, {0: 5, 1: 5, 150: 5}, {"reduce_zero_label": True}),
        (11, {0: 5, 10: 5, 11: 5}, {"void": 11}),
        (2, {0: 5, 255: 5}, {"label_map": ((0, 0), (255, 1))}),
        (2, {0: 5}, {}),
    ],
)
def test_values_in_order_are_no_finding(count: int, values: dict[int, int], more: dict[str, object]) -> None:
    assert judge_values(tally_of(values), rules(count, **more), "train", []) == []


def test_zero_that_is_a_class_is_noticed() -> None:
    [finding] = judge_values(tally_of({0: 5, 1: 5, 2: 5}), rules(3, reduce_zero_label=True), "train", [])
    assert finding.kind == "off-by-one" and [fix.line for fix in finding.fixes] == ["reduce_zero_label=False"]


def test_the_message_names_file_value_and_pixels() -> None:
    tally = tally_of({0: 5, 7: 3})
    tally.add(Facts("b.jpg", "b.png", values={1: 4, 2: 1, 7: 40}, distinct=3))
    [finding] = judge_values(tally, rules(3), "train", [])
    assert finding.message.startswith("a.png: value 7 (3 pixels here, 43 in all 2 masks) outside the 3 classes (0..2)")
    assert finding.files == ["a.png", "b.png"]


def test_16_bits_that_fit_are_only_noted() -> None:
    [finding] = judge_values(tally_of({0: 5, 2: 5}, deep=True), rules(3), "train", [])
    assert (finding.severity, finding.kind) == ("note", "16-bit-mask")
