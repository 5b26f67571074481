"""Pixel samplers: ``sample(seg_logit, seg_label)`` with the head as ``context``, and from Segue's heads."""

from __future__ import annotations

import functools
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

from torch import Tensor

from segue.compat.overrides import Guarded


class BasePixelSampler(Guarded, metaclass=ABCMeta):
    """The base of pixel samplers; what ``sample`` returns weighs the pixels."""

    stands_for: ClassVar = ("samplers", "BasePixelSampler")

    def __init__(self, **kwargs: Any) -> None:
        """Nothing is kept."""

    @abstractmethod
    def sample(self, seg_logit: Tensor, seg_label: Tensor) -> Tensor:
        """Weights (B, H, W) of logits (B, C, H, W) and labels (B, 1, H, W)."""


class OHEMPixelSampler(BasePixelSampler):
    """Segue's, with a head as context."""

    def __init__(self, context: Any, thresh: float | None = None, min_kept: int = 100000) -> None:
        super().__init__()
        from segue.losses.ohem import OHEMPixelSampler as House

        self.context, self.thresh, self.min_kept = context, thresh, min_kept
        self.own = House(thresh=thresh, min_kept=min_kept)

    def sample(self, seg_logit: Tensor, seg_label: Tensor) -> Tensor:
        """Weights of the hard pixels: 1, of the others: 0."""
        losses = self.context.loss_decode
        losses = list(losses) if hasattr(losses, "__iter__") else [losses]
        return self.own.sample(seg_logit, seg_label.squeeze(1), losses, self.context.ignore_index)


class Bound:
    """A user's sampler in a head of Segue's: the head's losses and ignore value become its ``context``."""

    def __init__(self, cls: Any, arguments: Mapping[str, Any]) -> None:
        self.context = SimpleNamespace(loss_decode=None, ignore_index=255)
        self.own = cls(context=self.context, **arguments)

    def sample(self, logits: Tensor, labels: Tensor, losses: Any, ignore_index: int) -> Tensor:
        """Weights (B, H, W)."""
        self.context.loss_decode, self.context.ignore_index = losses[0] if len(losses) == 1 else losses, ignore_index
        return self.own.sample(logits, labels.unsqueeze(1))


def with_context(cls: Any) -> Any:
    """A factory that gives a sampler a context of its own."""

    @functools.wraps(cls, updated=())
    def make(**arguments: Any) -> Bound:
        return Bound(cls, arguments)

    return make


def build_pixel_sampler(cfg: Any, **default_args: Any) -> Any:
    """The sampler of a config dict."""
    from segue.compat.mmengine.registry import TASK_UTILS, build_from_cfg

    return build_from_cfg(cfg, TASK_UTILS, default_args)
