"""The MLP of a transformer block."""

from __future__ import annotations

from torch import Tensor, nn

from segue.layers.activation import ACTIVATIONS
from segue.layers.recompute import in_turn
from segue.types import Activation

GELU: Activation = ACTIVATIONS["GELU"]


class FFN(nn.Module):
    """``num_fcs`` linear layers with activation and dropout between; no residual.

    The parameters are ``layers.0.0``, ``layers.1.0`` ... and, for the last, ``layers.<num_fcs - 1>``.
    """

    def __init__(
        self,
        embed_dims: int,
        hidden: int,
        *,
        num_fcs: int = 2,
        drop: float = 0.0,
        act: Activation = GELU,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = embed_dims
        for _ in range(num_fcs - 1):
            layers.append(nn.Sequential(nn.Linear(width, hidden), act(), nn.Dropout(drop)))
            width = hidden
        self.layers = nn.Sequential(*layers, nn.Linear(width, embed_dims), nn.Dropout(drop))

    def forward(self, x: Tensor) -> Tensor:
        """(..., embed_dims) to the same shape."""
        return in_turn(x, self.layers)
