"""Deformable attention against equation 3 of its paper, pixel by pixel."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.layers.deformable_attention import DeformableAttentionOptions, MultiScaleDeformableAttention, grid_places


def bilinear(image: torch.Tensor, x: float, y: float) -> torch.Tensor:
    """Value of (C, H, W) at pixel coordinates, zero beyond the border."""
    found = torch.zeros(image.shape[0])
    for row in (int(y // 1), int(y // 1) + 1):
        for column in (int(x // 1), int(x // 1) + 1):
            if 0 <= row < image.shape[1] and 0 <= column < image.shape[2]:
                found += (1 - abs(y - row)) * (1 - abs(x - column)) * image[:, row, column]
    return found


def test_equation() -> None:
    """Oracle: the sum over heads, levels and points, written as loops."""
    torch.manual_seed(0)
    module = MultiScaleDeformableAttention(
        DeformableAttentionOptions(embed_dims=8, num_heads=2, num_levels=2, num_points=3, dropout=0.0)
    )
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    sizes = [(3, 4), (2, 2)]
    query, value = torch.randn(1, 5, 8), torch.randn(1, 16, 8)
    places = torch.rand(5, 2)
    with torch.no_grad():
        found = module(query, value, places, sizes)[0]
        offsets = module.sampling_offsets(query).view(5, 2, 2, 3, 2)
        weights = module.attention_weights(query).view(5, 2, 6).softmax(-1).view(5, 2, 2, 3)
        projected = module.value_proj(value)[0]
        maps = [projected[:12].T.reshape(8, 3, 4), projected[12:].T.reshape(8, 2, 2)]
        expected = torch.zeros(5, 8)
        for q in range(5):
            for head in range(2):
                channels = slice(4 * head, 4 * head + 4)
                for level, (h, w) in enumerate(sizes):
                    for point in range(3):
                        dx, dy = offsets[q, head, level, point]
                        x, y = places[q, 0] * w - 0.5 + dx, places[q, 1] * h - 0.5 + dy
                        one = bilinear(maps[level][channels], float(x), float(y))
                        expected[q, channels] += weights[q, head, level, point] * one
        torch.testing.assert_close(found, module.output_proj(expected), rtol=1e-4, atol=1e-4)


def test_start() -> None:
    """Four heads look right, down, left and up; their second point is two pixels away; weights are equal."""
    module = MultiScaleDeformableAttention(DeformableAttentionOptions(embed_dims=8, num_heads=4, num_points=2))
    offsets = module.sampling_offsets(torch.randn(1, 8)).view(4, 4, 2, 2)
    directions = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    torch.testing.assert_close(offsets[:, 3, 0], directions)
    torch.testing.assert_close(offsets[:, 0, 1], 2 * directions)
    assert module.attention_weights(torch.randn(1, 8)).abs().max() == 0


def test_places() -> None:
    places = grid_places([(1, 2), (1, 1)], torch.zeros(1))
    assert places.tolist() == [[0.25, 0.5], [0.75, 0.5], [0.5, 0.5]]


def test_heads_divide() -> None:
    with pytest.raises(InputError, match="num_heads=3 must divide embed_dims=8"):
        MultiScaleDeformableAttention(DeformableAttentionOptions(embed_dims=8, num_heads=3))
