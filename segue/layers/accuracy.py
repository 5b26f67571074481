"""How many pixels are right, for the log of a training."""

from __future__ import annotations

import torch
from torch import Tensor


def pixel_accuracy(logits: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
    """Percentage (one-element tensor) of labeled pixels whose largest logit (B, C, H, W) is that of the label (B, H,
    W).

    With one logit the reference counts class 0 as the prediction everywhere; here its sign decides. Of multilabel
    annotations (B, C, H, W) every class of a pixel is a decision by itself, made by the sign of its logit.
    """
    return share_right(_right(_classes(logits, labels), labels, ignore_index), labels, ignore_index)


def right_pixels(logits: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
    """How many they are, (); on a CPU in less time than by ``argmax``, with a copy of the logits, which are thus few.

    A pixel is right where its class beats the best of the others. Where the two are equal, the first class with that
    value is the prediction, for which ``argmax`` is asked. (Other devices would have to wait for the answer.)
    """
    if logits.shape[1] == 1 or labels.ndim == logits.ndim or logits.device.type != "cpu":
        return _right(_classes(logits, labels), labels, ignore_index)
    possible = (labels != ignore_index) & (labels >= 0) & (labels < logits.shape[1])
    truth = labels.where(possible, 0).long().unsqueeze(1)
    own = logits.gather(1, truth)
    others = logits.scatter(1, truth, -torch.inf).amax(dim=1, keepdim=True)
    if ((own == others).squeeze(1) & possible).any():
        return _right(_classes(logits, labels), labels, ignore_index)
    return ((own > others).squeeze(1) & possible).sum()


def share_right(right: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
    """Percentage that ``right`` pixels are of the labeled ones."""
    return 100.0 * right.float() / (labels != ignore_index).sum().clamp(min=1)


def _classes(logits: Tensor, labels: Tensor) -> Tensor:
    """What is predicted, of the labels' shape."""
    if labels.ndim == logits.ndim:
        return (logits > 0).to(labels.dtype)
    return (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)


def _right(predicted: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
    return ((predicted == labels) & (labels != ignore_index)).sum()
