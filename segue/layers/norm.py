"""Normalization as a value: what ``norm_cfg`` says, once, typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor, nn
from torch.nn import functional as F


class LayerNorm2d(nn.LayerNorm):
    """Layer normalization over the channels of each position."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return F.layer_norm(x.movedim(1, -1), self.normalized_shape, self.weight, self.bias, self.eps).movedim(-1, 1)


#: a module that normalizes
NormLayer: TypeAlias = (
    nn.modules.batchnorm._BatchNorm | nn.modules.instancenorm._InstanceNorm | nn.GroupNorm | nn.LayerNorm
)
#: config name -> (module class, the attribute name that mmseg's checkpoints use for it)
NORMS: dict[str, tuple[type[NormLayer], str]] = {
    "BN": (nn.BatchNorm2d, "bn"),
    "BN1d": (nn.BatchNorm1d, "bn"),
    "BN2d": (nn.BatchNorm2d, "bn"),
    # Training converts BatchNorm to SyncBatchNorm when there is more than one process; on one they are the same.
    "SyncBN": (nn.BatchNorm2d, "bn"),
    "MMSyncBN": (nn.BatchNorm2d, "bn"),
    "GN": (nn.GroupNorm, "gn"),
    "LN": (nn.LayerNorm, "ln"),
    "LN2d": (LayerNorm2d, "ln"),
    "IN": (nn.InstanceNorm2d, "in"),
    "IN2d": (nn.InstanceNorm2d, "in"),
}


@dataclass(frozen=True)
class Norm:
    """A kind of normalization; calling it with a channel count makes the module.

    Attributes:
        type: a key of ``NORMS``.
        requires_grad: whether weight and bias are trained.
        eps: added to the variance.
        momentum: of the running statistics; None keeps the layer's default (0.1).
        num_groups: of ``GN``.
        affine: whether there are weight and bias; None keeps the layer's default.
        track_running_stats: of batch and instance normalization; None keeps the layer's default.
    """

    type: str = "BN"
    requires_grad: bool = True
    eps: float = 1e-5
    momentum: float | None = None
    num_groups: int | None = None
    affine: bool | None = None
    track_running_stats: bool | None = None

    @property
    def name(self) -> str:
        """The attribute name in checkpoints: ``bn``, ``gn``, ``ln`` or ``in``."""
        return NORMS[self.type][1]

    def __call__(self, channels: int) -> NormLayer:
        """Make the module for feature maps of ``channels`` channels."""
        kind = NORMS[self.type][0]
        given = {k: v for k in ("momentum", "affine", "track_running_stats") if (v := getattr(self, k)) is not None}
        if issubclass(kind, nn.GroupNorm):
            module: NormLayer = nn.GroupNorm(self.num_groups or 32, channels, eps=self.eps, **given)
        else:
            module = kind(channels, eps=self.eps, **given)
        for parameter in module.parameters():
            parameter.requires_grad = self.requires_grad
        return module


BN = Norm("BN")
LN = Norm("LN")
GN = Norm("GN", num_groups=32)
#: layer normalization as the official codes of vision transformers set it
LN_FINE = Norm("LN", eps=1e-6)
#: Every class that normalizes with statistics or an affine map; frozen by ``norm_eval``.
BATCH_NORMS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)
