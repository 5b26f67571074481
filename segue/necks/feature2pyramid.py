"""Feature maps of one size, as of a plain transformer, to a pyramid (BEiT, arXiv:2106.08254, appendix)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.norm import BN, Norm


class Feature2Pyramid(nn.Module):
    """Transposed convolutions enlarge the first maps, pooling shrinks the last.

    Args:
        embed_dim: channels of all maps.
        rescales: factor of each map's size: 4, 2, 1, 0.5 or 0.25.
        norm: between the two transposed convolutions of factor 4.

    Raises:
        InputError: another factor, or another number of maps than of factors.
    """

    def __init__(self, embed_dim: int, *, rescales: Sequence[float] = (4, 2, 1, 0.5), norm: Norm = BN) -> None:
        super().__init__()

        def double() -> nn.Module:
            return nn.ConvTranspose2d(embed_dim, embed_dim, 2, stride=2)

        makers: dict[float, tuple[str, Callable[[], nn.Module]]] = {
            4: ("upsample_4x", lambda: nn.Sequential(double(), norm(embed_dim), nn.GELU(), double())),
            2: ("upsample_2x", lambda: nn.Sequential(double())),
            1: ("identity", nn.Identity),
            0.5: ("downsample_2x", lambda: nn.MaxPool2d(2)),
            0.25: ("downsample_4x", lambda: nn.MaxPool2d(4)),
        }
        self.steps: list[str] = []
        for factor in rescales:
            if factor not in makers:
                raise InputError(f"Feature2Pyramid: rescales={list(rescales)}; each must be one of {sorted(makers)}")
            name, make = makers[factor]
            self.steps.append(name)
            if not hasattr(self, name):
                self.add_module(name, make())

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, embed_dim, H, W) to (B, embed_dim, H * rescales[i], W * rescales[i])."""
        if len(features) != len(self.steps):
            raise InputError(f"Feature2Pyramid: {len(features)} feature maps for {len(self.steps)} rescales")
        return [getattr(self, name)(x) for name, x in zip(self.steps, features, strict=True)]
