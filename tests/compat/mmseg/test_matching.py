"""Assigners. Oracle: mmseg 1.2.2's costs and pairs of the same tensors, recorded."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from segue.compat.mmengine.registry import TASK_UTILS
from segue.compat.mmengine.structures import InstanceData, PixelData, SegDataSample
from segue.compat.mmseg import matching

COSTS = [{"type": "mmseg.ClassificationCost", "weight": 2.0},
         {"type": "mmseg.DiceCost", "weight": 5.0, "pred_act": True, "eps": 1.0}]  # fmt: skip
RECORDED: dict[str, list[float]] = {  # of the first query
    "ClassificationCost": [-0.7532624006271362, -0.3139244616031647],
    "CrossEntropyLossCost": [3.91682505607605, 4.049768447875977],
    "DiceCost": [2.360520839691162, 2.6523337364196777],
}


def case() -> tuple[Any, Any]:
    torch.manual_seed(0)
    pred = InstanceData(scores=torch.randn(5, 4), masks=torch.randn(5, 6, 6))
    return pred, InstanceData(labels=torch.tensor([2, 0]), masks=(torch.rand(2, 6, 6) > 0.5).float())


def test_costs() -> None:
    pred, truth = case()
    made = [matching.ClassificationCost(2.0), matching.CrossEntropyLossCost(weight=5.0),
            matching.DiceCost(pred_act=True, eps=1.0, weight=5.0)]  # fmt: skip
    for cost in made:
        assert cost(pred, truth)[0].tolist() == pytest.approx(RECORDED[type(cost).__name__], rel=1e-5)
    with pytest.raises(AssertionError, match="use_sigmoid"):
        matching.CrossEntropyLossCost(use_sigmoid=False)


def test_pairs() -> None:
    pred, truth = case()
    assigner = TASK_UTILS.build({"type": "HungarianAssigner", "match_costs": COSTS})
    queries, of = assigner.assign(pred, truth)
    assert queries.tolist() == [3, 4] and of.tolist() == [1, 0]
    none = InstanceData(labels=torch.zeros(0, dtype=torch.long), masks=torch.zeros(0, 6, 6))
    assert [len(part) for part in assigner.assign(pred, none)] == [0, 0]


def test_targets() -> None:
    pred, truth = case()
    match = matching.MatchMasks(12, 5, 3, {"type": "HungarianAssigner", "match_costs": COSTS})
    labels, masks, weights, count = match.get_targets(pred.scores[None], pred.masks[None], [truth])
    assert labels.tolist() == [[3, 3, 3, 0, 2]] and weights.tolist() == [[0, 0, 0, 1, 1]] and count == 2
    assert torch.equal(masks, truth.masks[[1, 0]])


def test_classes_of_label_maps() -> None:
    sample = SegDataSample()
    sample.gt_sem_seg = PixelData(data=torch.tensor([[[2, 2, 255], [0, 0, 1]]]))
    (found,) = matching.seg_data_to_instance_data(255, [sample])
    assert found.labels.tolist() == [0, 1, 2] and found.masks[2].tolist() == [[1, 1, 0], [0, 0, 0]]
