"""mmseg.models.utils.san_layers: a perceptron, and layer normalization of maps."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from segue.compat.mmseg.contexts import LayerNorm2d, perceptron


class MLP(nn.Module):
    """``num_layers`` layers with ReLU between."""

    def __init__(
        self,
        input_dim: int,
        hidden_dim: int,
        output_dim: int,
        num_layers: int,
        affine_func: Callable[..., nn.Module] = nn.Linear,
    ) -> None:
        super().__init__()
        self.num_layers = num_layers
        self.layers = perceptron([input_dim, *[hidden_dim] * (num_layers - 1), output_dim], affine_func)

    def forward(self, x: Tensor) -> Tensor:
        """(..., input_dim) to (..., output_dim)."""
        for number, layer in enumerate(self.layers, 1):
            x = F.relu(layer(x)) if number < self.num_layers else layer(x)
        return x


__all__ = ["MLP", "LayerNorm2d"]
