"""Matching of masks: costs and assignments worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from segue.layers.mask_matching import (
    ClassificationCost,
    CrossEntropyLossCost,
    DiceCost,
    FocalLossCost,
    HungarianAssigner,
    Prediction,
    Truth,
    class_masks,
)

#: two queries with two classes and "no object", two pixels; one true mask of class 1, its first pixel
PREDICTION = Prediction(
    torch.tensor([[0.0, math.log(2), 0.0], [0.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0], [math.log(3), -math.log(3)]])
)
TRUTH = Truth(torch.tensor([1]), torch.tensor([[1.0, 0.0]]))


def test_classification_cost() -> None:
    """Probabilities of class 1: 2/4 and 1/3."""
    found = ClassificationCost(weight=2.0)(PREDICTION, TRUTH)
    torch.testing.assert_close(found, torch.tensor([[-1.0], [-2 / 3]]))


def test_cross_entropy_cost() -> None:
    """Pixels are right with probability 1/2, or 3/4; each pixel costs minus its logarithm."""
    found = CrossEntropyLossCost()(PREDICTION, TRUTH)
    torch.testing.assert_close(found, torch.tensor([[math.log(2)], [math.log(4 / 3)]]))


def test_dice_cost() -> None:
    """Query 0: 1 - 2 * 0.5 / (1 + 1); query 1: 1 - 2 * 0.75 / (1 + 1)."""
    found = DiceCost(pred_act=True, eps=0.0)(PREDICTION, TRUTH)
    torch.testing.assert_close(found, torch.tensor([[0.5], [0.25]]))
    squares = DiceCost(pred_act=True, eps=0.0, naive_dice=False)(PREDICTION, TRUTH)  # 1 - 1.5 / (10/16 + 1)
    torch.testing.assert_close(squares[1, 0], torch.tensor(1 - 1.5 / 1.625))


def test_focal_cost() -> None:
    """Query 1: (0.25 + 0.75) * (1/4)^2 * log(4/3) over two pixels."""
    found = FocalLossCost(binary_input=True)(PREDICTION, TRUTH)
    torch.testing.assert_close(found[1, 0], torch.tensor(math.log(4 / 3) / 32))
    by_class = FocalLossCost(gamma=0.0, alpha=0.5)(PREDICTION, TRUTH)  # (log(1 - p) - log p) / 2 of class 1
    torch.testing.assert_close(by_class, torch.tensor([[-math.log(2) / 2], [0.0]]))


def test_least_sum_wins() -> None:
    """The best pair (0, 0) is given up for a smaller sum: costs [[-0.9, -0.8], [-0.8, -0.1], [-0.1, -0.1]]."""
    probability = torch.tensor([[0.9, 0.8], [0.8, 0.1], [0.1, 0.1]])
    cost = FocalLossCost(gamma=0.0, alpha=0.5)  # falls with the logit
    assigner = HungarianAssigner(match_costs=[cost])
    scores = torch.cat([probability.logit(), torch.zeros(3, 1)], dim=1)
    queries, true = assigner.assign(
        Prediction(scores, torch.zeros(3, 4)), Truth(torch.tensor([0, 1]), torch.zeros(2, 4))
    )
    assert (queries.tolist(), true.tolist()) == ([0, 1], [1, 0])


def test_not_finite() -> None:
    """A diverged prediction still gets pairs, so that the loss itself can tell."""
    scores = torch.full((3, 3), torch.nan)
    assigner = HungarianAssigner(match_costs=ClassificationCost())
    queries, true = assigner.assign(Prediction(scores, scores), Truth(torch.tensor([0, 1]), torch.zeros(2, 3)))
    assert len(queries) == len(true) == 2


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype: torch.dtype) -> None:
    prediction = Prediction(*(x.to(dtype) for x in PREDICTION))
    queries, true = HungarianAssigner(match_costs=[DiceCost(pred_act=True)]).assign(prediction, TRUTH)
    assert (queries.tolist(), true.tolist()) == ([1], [0])


def test_class_masks() -> None:
    labels = torch.tensor([[2, 255], [0, 2]])
    found = class_masks(labels, 255)
    assert found.labels.tolist() == [0, 2]
    assert found.masks.tolist() == [[[0, 0], [1, 0]], [[1, 0], [0, 1]]]
    assert class_masks(torch.full((2, 2), 255), 255).masks.shape == (0, 2, 2)
