"""mmseg's assigners, and what K-Net's losses need of them: predicted masks are paired with true ones.

The costs are those of `segue.layers.mask_matching`; here they take mmengine's InstanceData: predictions with ``scores``
(Q, classes) and ``masks`` (Q, H, W), truth with ``labels`` (N,) and ``masks`` (N, H, W).
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from segue.compat.mmengine.registry import TASK_UTILS
from segue.compat.mmengine.structures import InstanceData
from segue.layers import mask_matching as house
from segue.layers.mask_matching import class_masks


class BaseMatchCost(metaclass=ABCMeta):
    """What pairing a prediction with a true mask costs; a subclass writes ``__call__``."""

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    @abstractmethod
    def __call__(self, pred_instances: Any, gt_instances: Any, **kwargs: Any) -> Tensor:
        """(Q, N)."""


def _pair(pred: Any, truth: Any) -> tuple[house.Prediction, house.Truth]:
    scores = pred.scores if "scores" in pred else pred.masks.new_zeros(len(pred.masks), 1)
    masks = pred.masks.flatten(1) if "masks" in pred else scores.new_zeros(len(scores), 1)
    true = truth.masks.flatten(1).float() if "masks" in truth else masks.new_zeros(len(truth.labels), 1)
    labels = truth.labels if "labels" in truth else torch.zeros(len(true), dtype=torch.long)
    return house.Prediction(scores, masks), house.Truth(labels, true)


class ClassificationCost(BaseMatchCost):
    """Minus the probability of the true class."""

    def __call__(self, pred_instances: Any, gt_instances: Any, **kwargs: Any) -> Tensor:
        """(Q, N)."""
        return house.ClassificationCost(weight=self.weight)(*_pair(pred_instances, gt_instances))


class CrossEntropyLossCost(BaseMatchCost):
    """Mean binary cross-entropy between masks, whose predictions are logits."""

    def __init__(self, use_sigmoid: bool = True, weight: float = 1.0) -> None:
        if not use_sigmoid:
            raise AssertionError("use_sigmoid=False: masks are compared by their sigmoid only")
        super().__init__(weight)
        self.use_sigmoid = use_sigmoid

    def __call__(self, pred_instances: Any, gt_instances: Any, **kwargs: Any) -> Tensor:
        """(Q, N)."""
        return house.CrossEntropyLossCost(weight=self.weight)(*_pair(pred_instances, gt_instances))


class DiceCost(BaseMatchCost):
    """One minus the overlap of masks; ``pred_act``: predictions are logits."""

    def __init__(self, pred_act: bool = False, eps: float = 1e-3, naive_dice: bool = True, weight: float = 1.0) -> None:
        super().__init__(weight)
        self.pred_act, self.eps, self.naive_dice = pred_act, eps, naive_dice

    def __call__(self, pred_instances: Any, gt_instances: Any, **kwargs: Any) -> Tensor:
        """(Q, N)."""
        cost = house.DiceCost(pred_act=self.pred_act, eps=self.eps, naive_dice=self.naive_dice, weight=self.weight)
        return cost(*_pair(pred_instances, gt_instances))


class BaseAssigner(metaclass=ABCMeta):
    """Pairs predictions with truth; a subclass writes ``assign``."""

    @abstractmethod
    def assign(self, pred_instances: Any, gt_instances: Any, **kwargs: Any) -> Any:
        """Queries, and the true mask of each."""


class HungarianAssigner(BaseAssigner):
    """Pairs each true mask with one query so that the sum of the costs is least.

    Args:
        match_costs: a cost or several, as objects or dicts of ``TASK_UTILS``.
    """

    def __init__(self, match_costs: Any) -> None:
        given = match_costs if isinstance(match_costs, (list, tuple)) else [match_costs]
        if not given:
            raise AssertionError("match_costs must not be a empty list.")
        for cost in given:
            if not (isinstance(cost, Mapping) or callable(cost)):
                raise TypeError(f"match_costs must be costs or dicts of them, but got {type(cost).__name__}")
        self.match_costs = [TASK_UTILS.build(cost) if isinstance(cost, Mapping) else cost for cost in given]

    def assign(self, pred_instances: Any, gt_instances: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Queries in ascending order, and the true mask of each, int64."""
        count, device = len(gt_instances.labels), gt_instances.labels.device
        if count == 0:
            none = torch.empty(0, dtype=torch.long, device=device)
            return none, none.clone()
        with torch.no_grad():
            cost = sum(one(pred_instances=pred_instances, gt_instances=gt_instances) for one in self.match_costs)
            assert isinstance(cost, Tensor)
            rows, columns = linear_sum_assignment(torch.nan_to_num(cost, nan=1e5).cpu().numpy())
        return torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)


class MatchMasks:
    """Targets of masks by pairing.

    Args:
        num_points: as 0.x's; masks are compared on all pixels.
        num_queries, num_classes: of the head.
        assigner: or its dict.
    """

    def __init__(self, num_points: int, num_queries: int, num_classes: int, assigner: Any = None) -> None:
        if assigner is None:
            raise AssertionError("'assigner' in decode_head.train_cfg must be specified")
        self.assigner = TASK_UTILS.build(assigner) if isinstance(assigner, Mapping) else assigner
        self.num_points, self.num_queries, self.num_classes = num_points, num_queries, num_classes

    def get_targets(
        self, cls_scores: Tensor, mask_preds: Tensor, batch_gt_instances: Sequence[Any]
    ) -> tuple[Tensor, Tensor, Tensor, int]:
        """Targets of a batch.

        Args:
            cls_scores: (B, Q, classes + 1).
            mask_preds: (B, Q, h, w) logits.
            batch_gt_instances: the truth of each image.

        Returns:
            labels (B, Q), ``num_classes`` where there is none, mask targets (sum of N, H, W), weights (B, Q), 1 for
            paired queries, and how many these are.
        """
        each = zip(cls_scores, mask_preds, batch_gt_instances, strict=True)
        labels, masks, weights = zip(*[self._get_targets_single(*one) for one in each], strict=True)
        return torch.stack(labels), torch.cat(masks), torch.stack(weights), int(sum(w.sum() for w in weights))

    def _get_targets_single(
        self, cls_score: Tensor, mask_pred: Tensor, gt_instances: Any
    ) -> tuple[Tensor, Tensor, Tensor]:
        truth, masks = gt_instances.labels, gt_instances.masks
        labels = truth.new_full((self.num_queries,), self.num_classes)
        weights = mask_pred.new_zeros(self.num_queries)
        if not len(truth):
            return labels, masks, weights
        small = F.interpolate(masks[:, None].float(), mask_pred.shape[-2:], mode="nearest")[:, 0]
        pred = InstanceData(scores=cls_score, masks=mask_pred)
        queries, of = self.assigner.assign(pred, InstanceData(labels=truth, masks=small))
        labels[queries] = truth[of]
        weights[queries] = 1
        return labels, masks[of], weights


def seg_data_to_instance_data(ignore_index: int, batch_data_samples: Sequence[Any]) -> list[InstanceData]:
    """Label maps to the classes in each and their masks (N, H, W), int64."""
    found = []
    for sample in batch_data_samples:
        truth = class_masks(sample.gt_sem_seg.data.squeeze(0), ignore_index)
        found.append(InstanceData(labels=truth.labels, masks=truth.masks.long()))
    return found
