"""Hausdorff distance loss (Karimi and Salcudean 2019, arXiv:1904.10030): wrong pixels count by how far inside the
predicted or the true region they lie.

The spelling of the class is that of mmseg's configs. Deviations from the reference: each class is compared with its own
region (there, with more than two classes, with the label's number and the region of all of them), ignored pixels count
nowhere, and ``class_weight`` works.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.reduction import Reduction
from segue.layers.truth import one_hot


def depths(regions: Tensor) -> Tensor:
    """Boolean regions (B, C, H, W) to float32: how far each pixel of a region is from the nearest one outside.

    0 outside. Where a region fills its image, the nearest pixels outside are those around the image.
    """
    b, c, h, w = regions.shape
    out = np.empty((b * c, h, w), dtype=np.float32)
    for i, region in enumerate(regions.reshape(b * c, h, w).cpu().numpy()):
        ring = int(region.all())
        padded = np.pad(region.astype(np.uint8), ring)
        depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        out[i] = depth[ring : ring + h, ring : ring + w]
    return torch.from_numpy(out).view(b, c, h, w).to(regions.device)


class HuasdorffDisstanceLoss(nn.Module):
    """``mean((p - q) ** 2 * (d_p ** 2 + d_q ** 2))`` (equation 8, with alpha = 2) for every class but the first.

    p are probabilities, q the truth, d the depths in the predicted and in the true region. The distances are computed
    on the CPU.

    Args:
        reduction: kept because configs say it; the loss is one number.
        class_weight: one factor per class.
        loss_weight: factor of the result.
        ignore_index: label that is no class; if it is one of the C classes, that class is left out of the sum.
        loss_name: key in the log.
    """

    def __init__(
        self,
        *,
        reduction: Reduction = "mean",
        class_weight: Sequence[float] | None = None,
        loss_weight: float = 1.0,
        ignore_index: int = 255,
        loss_name: str = "loss_huasdorff_disstance",
    ) -> None:
        super().__init__()
        self.reduction = reduction
        self.class_weight = list(class_weight) if class_weight is not None else None
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index
        self.loss_name = loss_name

    def forward(
        self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int | None = None
    ) -> Tensor:
        """Loss of logits ``pred`` (B, C, H, W) for ``target`` (B, H, W) int64; ``weight`` (B, H, W) scales pixels.

        Raises:
            InputError: one logit per pixel.
        """
        classes = pred.shape[1]
        if classes == 1:
            raise InputError("HuasdorffDisstanceLoss compares regions of classes; give num_classes=2 logits, not one")
        outside = [] if ignore_index is None else [ignore_index]
        if not 0 <= self.ignore_index < classes:
            outside.append(self.ignore_index)
        counted = target >= 0
        for label in outside:
            counted &= target != label
        kept = [c for c in range(1, classes) if c != self.ignore_index]
        prob = pred.softmax(dim=1)[:, kept]
        truth = one_hot(target.where(counted, -1), classes, -1)[:, kept]
        with torch.no_grad():
            chosen = pred.argmax(dim=1).where(counted, -1)
            found = torch.stack([chosen == c for c in kept], dim=1)
            far = depths(found).square() + depths(truth.bool()).square()
        pixels = counted.unsqueeze(1) if weight is None else (counted * weight).unsqueeze(1)
        loss = ((prob - truth).square() * far * pixels).sum(dim=(0, 2, 3)) / counted.sum().clamp(min=1)
        if self.class_weight is not None:
            loss = loss * loss.new_tensor(self.class_weight)[kept]
        return self.loss_weight * loss.sum() / classes
