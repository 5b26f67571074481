"""The report card from its pass to its page, on small generated images."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.cli import main
from segue.errors import DataError
from segue.report.card import calibration, paired, results
from segue.report.card.gather import Gathered, Seen
from segue.report.card.page import write_card
from segue.report.card.suspects import Grid, Suspects

HOSTILE = "<script>alert(1)</script>"


def passed(classes: int = 3, images: int = 8, right: float = 0.9, seed: int = 0, wrong: int | None = None) -> Gathered:
    """Blocks of classes, predicted with this share of right pixels; ``wrong``: an image with a mislabeled block."""
    rng = np.random.default_rng(seed)
    names = [f"{HOSTILE} {i}" for i in range(classes)]
    found = Gathered(names, [(i % 256, 80, 160) for i in range(classes)], images)
    for index in range(images):
        rows = np.random.default_rng(index)
        truth = np.kron(rows.integers(0, classes, (4, 4)), np.ones((12, 12), int))
        predicted = np.where(rng.random(truth.shape) < right, truth, rng.integers(0, classes, truth.shape))
        label = truth.copy()
        if index == wrong:
            label[:12, :12] = (truth[0, 0] + 1) % classes
            predicted[:12, :12] = truth[0, 0]
        shares = np.full((max(2, classes), 48, 48), 0.1 / max(1, classes - 1))
        np.put_along_axis(shares, predicted[None], 0.9, 0)
        void = np.zeros(label.shape, bool)
        void[:2] = True
        grid = Grid((1, 1), label, predicted, ~void, np.log(shares))
        picture = np.zeros((48, 48, 3), np.uint8)
        found.add(Seen(f"{HOSTILE}/{index}.png", label, predicted, void, lambda picture=picture: picture, grid))
    return found


@pytest.mark.parametrize(("classes", "images"), [(1, 3), (2, 1), (3, 8), (150, 4), (3, 0)])
def test_the_page(tmp_path: Path, classes: int, images: int) -> None:
    """Nothing is fetched, what is hostile is text, and the page is made again from its data."""
    card = {**results.results(passed(classes, images), 50), "title": HOSTILE, "facts": [(HOSTILE, HOSTILE)]}
    results.write(tmp_path / "report.json", card)
    assert main(["report", str(tmp_path)]) == 0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text and not re.search(r"(src|href)=\"(?!data:)", text) and "url(" not in text


def test_areas_and_intervals() -> None:
    card = results.results(passed(right=1.0), 50)
    assert card["summary"] == {"mIoU": 100.0, "mIoU per image": 100.0, "boundary mIoU": 100.0}
    card = results.results(passed(right=0.8), 200)
    low, high = card["intervals"]["mIoU"]
    assert low < card["summary"]["mIoU"] < high and card["worst"][0]["miou"] <= card["worst"][-1]["miou"]


def test_the_temperature_of_logits_that_are_three_times_too_large() -> None:
    """Labels are drawn from softmax(z); with logits 3 z the temperature is 3 and ECE falls to almost nothing."""
    rng = np.random.default_rng(0)
    halves = []
    for _ in range(2):
        z = rng.normal(0, 1.5, (20_000, 4))
        shares = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        labels = (rng.random(len(z))[:, None] > shares.cumsum(1)).sum(1).clip(0, 3)
        halves.append((3 * z, labels))
    found = calibration.calibrate(halves)
    assert found is not None and found.temperature == pytest.approx(3, rel=0.03)
    assert found.before.ece > 0.15 and found.after.ece < 0.015


def test_a_mislabeled_block_is_the_first_suspect() -> None:
    gathered = passed(right=0.97, wrong=2)
    best = gathered.suspects.best()[0]
    assert best.image.endswith("/2.png") and best.box[0] < 6 and best.box[2] <= 14, best
    assert best.picture.startswith("data:image/jpeg")


def test_suspects_are_bounded() -> None:
    suspects = Suspects(2)
    label = np.zeros((40, 40), int)
    predicted = np.kron(np.indices((4, 4)).sum(0) % 2, np.ones((10, 10), int))
    shares = np.where(np.arange(2)[:, None, None] == predicted, 0.95, 0.05)
    for index in range(400):
        suspects.add(
            str(index), Grid((1, 1), label, predicted, np.ones_like(label, bool), np.log(shares)), lambda _: "x"
        )
    assert len(suspects.best()) == 1000 and len(suspects.drawn) == 24 and suspects.seen == 3200


def card(right: float, seed: int, images: int = 24) -> dict[str, Any]:
    return json.loads(json.dumps({"format": 1, **results.results(passed(3, images, right, seed), 50)}))


def test_a_difference_and_noise() -> None:
    first, alike, worse = card(0.9, 0), card(0.9, 1), card(0.85, 2)
    noise, real = paired.compare([("a", first), ("b", alike), ("c", worse)])
    assert noise.noise and "is noise" in noise.sentence
    assert not real.noise and real.sentence.startswith("c is worse than a by"), real.sentence
    assert paired.compare([("a", first), ("a again", first)])[0].p == 1
    few = paired.compare([("a", card(0.9, 0, 3)), ("b", card(0.5, 1, 3))])[0]
    assert "too few" in few.sentence and few.noise


def test_runs_that_cannot_be_compared() -> None:
    with pytest.raises(DataError, match="different classes"):
        paired.compare([("a", card(0.9, 0)), ("b", {**card(0.9, 0), "classes": []})])
    with pytest.raises(DataError, match="different images"):
        paired.compare([("a", card(0.9, 0)), ("b", {**card(0.9, 0), "images": []})])
    damaged = {**card(0.9, 0), "images": [["x", [99], [[1]] * 6]]}
    with pytest.raises(DataError, match="damaged"):
        paired.compare([("a", damaged), ("b", damaged)])


FETCHED = {"name": "x", "miou": 0.1, "image": "http:x", "label": "", "prediction": ""}


@pytest.mark.parametrize(
    "change", [{"worst": [{"name": "x"}]}, {"worst": [FETCHED]}, {"classes": [{}]}, {"confusion": [[1]]}]
)
def test_damaged_data(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="damaged"):
        write_card(tmp_path / "x.html", {**card(0.9, 0, 2), **change})
    (tmp_path / "report.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read"):
        results.read(tmp_path)
    with pytest.raises(DataError, match="segue test write them"):
        results.read(tmp_path / "none")
