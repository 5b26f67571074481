"""Parts of a backbone that stay as they are while the rest is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from segue.layers.norm import BATCH_NORMS


class Freezing(nn.Module):
    """Base of backbones with ``frozen_stages`` or ``norm_eval``.

    A subclass sets ``norm_eval``, overrides ``frozen``, and calls ``freeze`` at the end of its constructor.
    """

    #: whether batch and instance norms keep their statistics in training
    norm_eval: bool = False

    def frozen(self) -> Sequence[nn.Module]:
        """The modules that are not trained."""
        return ()

    def freeze(self) -> None:
        """Let the frozen modules neither learn nor move their statistics."""
        for module in self.frozen():
            module.eval()
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> Any:
        """Set the mode; frozen modules stay in evaluation, and so do norms with ``norm_eval``."""
        super().train(mode)
        self.freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, BATCH_NORMS):
                    module.eval()
        return self
