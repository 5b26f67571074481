"""How many pixels are right, for the log of a training."""

from __future__ import annotations

from torch import Tensor


def pixel_accuracy(logits: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
    """Percentage (one-element tensor) of labeled pixels whose largest logit (B, C, H, W) is that of the label (B, H,
    W).

    With one logit the reference counts class 0 as the prediction everywhere; here its sign decides. Of multilabel
    annotations (B, C, H, W) every class of a pixel is a decision by itself, made by the sign of its logit.
    """
    if labels.ndim == logits.ndim:
        pred = (logits > 0).to(labels.dtype)
    else:
        pred = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)
    counted = labels != ignore_index
    right = ((pred == labels) & counted).sum()
    return 100.0 * right.float() / counted.sum().clamp(min=1)
