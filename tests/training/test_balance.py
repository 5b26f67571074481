"""Class weights by their published formulas.

Oracle: three classes of 60, 30 and 10 labeled pixels, worked by hand below; the fourth does not occur.
"""

from __future__ import annotations

import numpy as np
import pytest

from segue.config import Config
from segue.config.balance import without_named_weights
from segue.doctor.counts import LabelCounts
from segue.training.balance import class_weights, with_class_weights

#: two images: 60 of class 0; 30 of class 1 and 10 of class 2
COUNTS = LabelCounts(4, np.array([0, 1, 3]), np.array([0, 1, 2]), np.array([60, 30, 10]))


def test_inverse_frequency() -> None:
    """100 / (3 * 60), 100 / (3 * 30), 100 / (3 * 10)."""
    assert class_weights("inverse", COUNTS) == [0.5556, 1.111, 3.333, 1.0]


def test_median_frequency() -> None:
    """Frequencies 60/60, 30/40, 10/40; their median is 0.75."""
    assert class_weights("median", COUNTS) == [0.75, 1.0, 3.0, 1.0]


def test_effective_number() -> None:
    """With b = 0.99: 1 - b^60 = 0.4528, 1 - b^30 = 0.2603, 1 - b^10 = 0.0956; inverted, scaled to add up to 3."""
    inverse = np.array([1 / 0.452843, 1 / 0.260300, 1 / 0.095618])
    assert class_weights("effective", COUNTS)[:3] == pytest.approx(inverse * 3 / inverse.sum(), rel=1e-3)
    assert sum(class_weights("effective", COUNTS)[:3]) == pytest.approx(3, rel=1e-3)


def test_auto_is_the_median_frequency_within_limits() -> None:
    rare = LabelCounts(2, np.array([0, 2]), np.array([0, 1]), np.array([10**6, 1]))
    assert class_weights("auto", rare) == [0.5, 10.0]
    assert class_weights("auto", COUNTS) == class_weights("median", COUNTS)


def test_names_become_numbers_wherever_losses_are() -> None:
    losses = [{"type": "CrossEntropyLoss", "class_weight": "median"}, {"type": "FocalLoss", "class_weight": [1.0, 2.0]}]
    heads = {"decode_head": {"loss_decode": losses}, "auxiliary_head": [{"loss_decode": {"class_weight": "auto"}}]}
    cfg = Config({"model": heads})
    changed, said = with_class_weights(cfg, COUNTS)
    assert changed["model"]["decode_head"]["loss_decode"][0]["class_weight"] == [0.75, 1.0, 3.0, 1.0]
    assert changed["model"]["decode_head"]["loss_decode"][1]["class_weight"] == [1.0, 2.0]
    assert changed["model"]["auxiliary_head"][0]["loss_decode"]["class_weight"] == [0.75, 1.0, 3.0, 1.0]
    assert said[1] == "class_weight='median': [0.75, 1.0, 3.0, 1.0]"
    assert cfg.model.decode_head.loss_decode[0].class_weight == "median"
    assert without_named_weights(cfg)["model"]["decode_head"]["loss_decode"][0]["class_weight"] is None
