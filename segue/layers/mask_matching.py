"""Which predicted mask answers for which true one: the assignment of least cost (DETR, arXiv:2005.12872, section 3.1).

The parts carry the names that a config gives them (``assigner=dict(type="HungarianAssigner", match_costs=[...])``,
with or without ``mmdet.``). A cost maps predictions and truth to (Q, N), queries by true masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from segue.layers.points import PointSampling


class Prediction(NamedTuple):
    """Class scores (Q, classes + 1) and mask logits (Q, P) of one image; the last class is "no object"."""

    scores: Tensor
    masks: Tensor


class Truth(NamedTuple):
    """Labels (N,) and masks (N, P) or (N, H, W) of one image, with values from 0 to 1."""

    labels: Tensor
    masks: Tensor


@dataclass(frozen=True, kw_only=True)
class ClassificationCost:
    """Minus the probability of the true class."""

    weight: float = 1.0

    def __call__(self, prediction: Prediction, truth: Truth) -> Tensor:
        """(Q, N)."""
        return -self.weight * prediction.scores.softmax(dim=-1)[:, truth.labels]


@dataclass(frozen=True, kw_only=True)
class CrossEntropyLossCost:
    """Mean binary cross-entropy between masks."""

    use_sigmoid: Literal[True] = True
    weight: float = 1.0

    def __call__(self, prediction: Prediction, truth: Truth) -> Tensor:
        """(Q, N)."""
        x = prediction.masks
        # -log sigmoid(x) = softplus(-x), and -log(1 - sigmoid(x)) = softplus(x)
        return self.weight / x.shape[1] * _sum_by_truth(F.softplus(-x), F.softplus(x), truth.masks)


@dataclass(frozen=True, kw_only=True)
class FocalLossCost:
    """Mean focal loss between masks; without ``binary_input`` that of the true class among scores per class."""

    alpha: float = 0.25
    gamma: float = 2.0
    eps: float = 1e-12
    binary_input: bool = False
    weight: float = 1.0

    def __call__(self, prediction: Prediction, truth: Truth) -> Tensor:
        """(Q, N)."""
        prob = (prediction.masks if self.binary_input else prediction.scores).sigmoid()
        positive = -(prob + self.eps).log() * self.alpha * (1 - prob).pow(self.gamma)
        negative = -(1 - prob + self.eps).log() * (1 - self.alpha) * prob.pow(self.gamma)
        if self.binary_input:
            return self.weight / prob.shape[1] * _sum_by_truth(positive, negative, truth.masks)
        return self.weight * (positive - negative)[:, truth.labels]


@dataclass(frozen=True, kw_only=True)
class DiceCost:
    """One minus the overlap of masks; ``pred_act``: predictions are logits. The rest is as in the dice loss."""

    pred_act: bool = False
    eps: float = 1e-3
    naive_dice: bool = True
    weight: float = 1.0

    def __call__(self, prediction: Prediction, truth: Truth) -> Tensor:
        """(Q, N)."""
        x = prediction.masks.sigmoid() if self.pred_act else prediction.masks
        overlap = 2 * x @ truth.masks.T
        power = 1 if self.naive_dice else 2
        total = x.pow(power).sum(dim=1)[:, None] + truth.masks.pow(power).sum(dim=1)
        return self.weight * (1 - (overlap + self.eps) / (total + self.eps))


MatchCost: TypeAlias = ClassificationCost | CrossEntropyLossCost | FocalLossCost | DiceCost


@dataclass(frozen=True, kw_only=True)
class HungarianAssigner:
    """Pairs queries with true masks, each at most once, so that the sum of the costs is least."""

    match_costs: MatchCost | Sequence[MatchCost]

    @torch.no_grad()
    def assign(self, prediction: Prediction, truth: Truth) -> tuple[Tensor, Tensor]:
        """The pairs of one image: queries in ascending order, and the true mask of each; both int64, (min(Q, N),)."""
        device = prediction.scores.device
        with torch.autocast(device.type, enabled=False):
            prediction = Prediction(*(x.float() for x in prediction))
            costs = self.match_costs if isinstance(self.match_costs, Sequence) else [self.match_costs]
            cost = torch.stack([part(prediction, truth) for part in costs]).sum(dim=0)
        # Training that diverges is reported where its loss is no number; here any pairs will do.
        cost = torch.nan_to_num(cost, nan=1e5, posinf=1e5, neginf=-1e5)
        rows, columns = linear_sum_assignment(cost.cpu().numpy())
        return torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)


@dataclass(frozen=True, kw_only=True)
class MaskPseudoSampler:
    """What a config names to say that all queries are trained; there is no other way."""


@dataclass(frozen=True, kw_only=True)
class MatchingOptions(PointSampling):
    """How masks are matched and trained (a mask head's ``train_cfg``), and on which points where not on all pixels.

    Attributes:
        assigner: pairs predictions with truth.
        sampler: takes all queries.
        num_points, oversample_ratio, importance_sample_ratio: see ``PointSampling``; here they are per mask.
    """

    assigner: HungarianAssigner
    sampler: MaskPseudoSampler | None = None
    num_points: int = 12544


def class_masks(labels: Tensor, ignore_index: int) -> Truth:
    """The classes in a label map (H, W), ascending, and the mask (H, W) of each, float32 0 or 1."""
    classes = torch.unique(labels)
    classes = classes[classes != ignore_index]
    return Truth(classes, (labels == classes[:, None, None]).float())


def _sum_by_truth(inside: Tensor, outside: Tensor, masks: Tensor) -> Tensor:
    """``inside`` (Q, P) summed over each mask (N, P) plus ``outside`` summed over the rest: (Q, N)."""
    return (inside - outside) @ masks.T + outside.sum(dim=1)[:, None]
