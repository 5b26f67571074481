"""What the heads share that predict masks with a class each, in place of a class for each pixel.

MaskFormer (arXiv:2107.06278): an image has Q masks, each with a class or none; a pixel's score of a class is the sum
over the masks of (probability of the class) * (probability of the mask).

Deviation: nothing is masked out where an image was padded to fit its batch; the padding has ignored labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.mask_losses import CrossEntropyLoss, DiceLoss, FocalLoss, mean_over_processes
from segue.layers.mask_matching import MatchingOptions, Prediction, Truth, class_masks
from segue.layers.points import point_sample, points_to_train
from segue.layers.resize import resize
from segue.types import Size, Targets


class Masks(NamedTuple):
    """Class scores (B, Q, classes + 1), the last "no object", and mask logits (B, Q, h, w)."""

    scores: Tensor
    masks: Tensor


class Matched(NamedTuple):
    """What a batch of masks is trained on.

    Attributes:
        labels: the class of each query, int64 (B, Q); ``num_classes`` where it has no true mask.
        masks: logits (M, h, w) of the queries that have one.
        truth: that mask of each, (M, H, W), 0 or 1.
    """

    labels: Tensor
    masks: Tensor
    truth: Tensor


@dataclass(frozen=True)
class MaskLosses:
    """Losses by name: of classes, and of masks."""

    classes: dict[str, CrossEntropyLoss]
    masks: dict[str, CrossEntropyLoss | DiceLoss | FocalLoss]


def named_losses(
    name: str,
    num_classes: int,
    loss_cls: CrossEntropyLoss,
    loss_mask: CrossEntropyLoss | FocalLoss,
    loss_dice: DiceLoss,
) -> MaskLosses:
    """The losses that a config of the head ``name`` gives.

    Raises:
        InputError: class weights that do not fit the classes; a mask loss over classes.
    """
    weights = loss_cls.class_weight
    if weights is not None and len(weights) != num_classes + 1:
        raise InputError(
            f"{name}: loss_cls.class_weight has {len(weights)} values for num_classes={num_classes}; "
            f'it needs {num_classes + 1}, the last for "no object"'
        )
    if loss_cls.use_sigmoid or (isinstance(loss_mask, CrossEntropyLoss) and not loss_mask.use_sigmoid):
        raise InputError(f"{name}: loss_cls must have use_sigmoid=False, and loss_mask use_sigmoid=True")
    return MaskLosses({"loss_cls": loss_cls}, {"loss_mask": loss_mask, "loss_dice": loss_dice})


class MaskHead(nn.Module):
    """Base of mask heads; a subclass writes ``outputs`` and, where it compares no points, ``match`` and ``pairs``.

    Args:
        num_classes: number of classes.
        ignore_index: label that is no class.
        matching, losses: how it is trained; None: not at all.
    """

    def __init__(
        self, num_classes: int, ignore_index: int, matching: MatchingOptions | None, losses: MaskLosses | None
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.out_channels = num_classes
        self.ignore_index = ignore_index
        self.align_corners = False
        self.matching = matching
        self.losses = losses

    def outputs(self, features: Sequence[Tensor]) -> list[Masks]:
        """Features to the masks after each layer that predicts some."""
        raise NotImplementedError(f"{type(self).__name__} must define outputs(features)")

    def last(self, features: Sequence[Tensor]) -> Masks:
        """The masks that count in prediction."""
        return self.outputs(features)[-1]

    def prefixes(self, count: int) -> list[str]:
        """What goes before the names of the losses of each output: ``d0.``, ``d1.`` ..., nothing for the last."""
        return [f"d{i}." for i in range(count - 1)] + [""]

    def count(self, truth: Sequence[Truth], queries: int) -> int:
        """What the sums over masks are divided by: the number of matched ones."""
        return sum(min(len(one.labels), queries) for one in truth)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Features to scores (B, classes, h, w) at the resolution of the masks."""
        return class_scores(self.last(features))

    def predict(self, features: Sequence[Tensor], size: Size) -> Tensor:
        """Features to scores (B, classes, *size); masks are resized before they are combined."""
        scores, masks = self.last(features)
        return class_scores(Masks(scores, resize(masks, size)))

    def loss(self, features: Sequence[Tensor], targets: Targets) -> dict[str, Tensor]:
        """Losses of every output by name.

        Raises:
            InputError: the head was made without ``train_cfg`` or losses.
        """
        if self.matching is None or self.losses is None:
            raise InputError(
                f"{type(self).__name__} was made without train_cfg.assigner or without losses, so it cannot be trained"
            )
        outputs = self.outputs(features)
        truth = [class_masks(label, self.ignore_index) for label in targets.labels]
        count = torch.tensor(float(self.count(truth, outputs[-1].masks.shape[1])), device=targets.labels.device)
        count = mean_over_processes(count).clamp(min=1)
        losses: dict[str, Tensor] = {}
        for prefix, output in zip(self.prefixes(len(outputs)), outputs, strict=True):
            losses |= {f"{prefix}{name}": value for name, value in self._compare(output, truth, count).items()}
        return losses

    def _compare(self, output: Masks, truth: list[Truth], count: Tensor) -> dict[str, Tensor]:
        assert self.losses is not None
        with torch.autocast(output.masks.device.type, enabled=False):
            output = Masks(output.scores.float(), output.masks.float())
            matched = self._matched(output, truth)
            scores = output.scores.flatten(0, 1)
            losses = {k: loss.classes(scores, matched.labels.flatten()) for k, loss in self.losses.classes.items()}
            if matched.masks.shape[0] == 0:  # no labels: the sum of nothing, which still has a gradient, of zero
                return losses | {name: matched.masks.sum() for name in self.losses.masks}
            masks, wanted = self.pairs(matched)
            return losses | {name: loss.masks(masks, wanted, count) for name, loss in self.losses.masks.items()}

    def _matched(self, output: Masks, truth: list[Truth]) -> Matched:
        labels = torch.full(output.masks.shape[:2], self.num_classes, device=output.masks.device)
        masks, wanted = [], []
        for i, one in enumerate(truth):
            if len(one.labels) == 0:
                continue
            queries, true = self.match(Prediction(output.scores[i].detach(), output.masks[i].detach()), one)
            labels[i, queries] = one.labels[true]
            masks.append(output.masks[i, queries])
            wanted.append(one.masks[true])
        if not masks:
            return Matched(labels, output.masks[:, :0].flatten(0, 1), output.masks.new_zeros(0))
        return Matched(labels, torch.cat(masks), torch.cat(wanted))

    def match(self, prediction: Prediction, truth: Truth) -> tuple[Tensor, Tensor]:
        """Pairs of queries and true masks of one image, found on random points: masks (Q, h, w) and (N, H, W)."""
        assert self.matching is not None
        points = torch.rand(1, self.matching.num_points, 2, device=prediction.masks.device)
        masks, wanted = (at_points(x, points.expand(len(x), -1, -1)) for x in (prediction.masks, truth.masks))
        return self.matching.assigner.assign(Prediction(prediction.scores, masks), Truth(truth.labels, wanted))

    def pairs(self, matched: Matched) -> tuple[Tensor, Tensor]:
        """Logits (M, P) and true values (M, P) at points, most of them where the logits are uncertain."""
        assert self.matching is not None
        with torch.no_grad():
            points = points_to_train(matched.masks.unsqueeze(1), self.matching)
        return at_points(matched.masks, points), at_points(matched.truth, points)


def at_points(masks: Tensor, points: Tensor) -> Tensor:
    """Masks (N, H, W) at points (N, P, 2) to (N, P)."""
    return point_sample(masks.unsqueeze(1), points).squeeze(1)


def class_scores(output: Masks) -> Tensor:
    """Masks and their classes to scores (B, classes, h, w) of each pixel, not normalized."""
    classes = output.scores.softmax(dim=-1)[..., :-1]
    return torch.einsum("bqc,bqhw->bchw", classes, output.masks.sigmoid())
