"""Points of feature maps, by hand."""

from __future__ import annotations

import pytest
import torch

from segue.layers.points import PointSampling, most_uncertain, point_sample, points_to_train, uncertainty


def test_centers_of_pixels_read_their_values() -> None:
    x = torch.randn(1, 2, 3, 4)
    centers = [[(j + 0.5) / 4, (i + 0.5) / 3] for i in range(3) for j in range(4)]
    assert torch.allclose(point_sample(x, torch.tensor([centers])), x.flatten(2), atol=1e-6)


def test_between_two_pixels() -> None:
    x = torch.tensor([1.0, 3.0]).view(1, 1, 1, 2)
    assert point_sample(x, torch.tensor([[[0.5, 0.5]]])).item() == pytest.approx(2.0)


def test_uncertainty() -> None:
    logits = torch.tensor([[5.0, 1.0], [2.0, 1.0], [4.0, 0.0]]).view(1, 3, 1, 2)
    assert uncertainty(logits).flatten().tolist() == [-1.0, 0.0]
    assert uncertainty(torch.tensor([-2.0, 0.5]).view(1, 1, 1, 2)).flatten().tolist() == [-2.0, -0.5]


def test_most_uncertain_pixels_and_their_centers() -> None:
    logits = torch.zeros(1, 2, 2, 4)
    logits[0, 0] = torch.arange(8.0).view(2, 4).flip(0, 1)  # the last pixel is the least certain
    indices, points = most_uncertain(logits, 2)
    assert indices.tolist() == [[7, 6]]
    assert points.tolist() == [[[3.5 / 4, 0.75], [2.5 / 4, 0.75]]]
    assert most_uncertain(logits, 100)[0].shape == (1, 8)


def test_most_training_points_are_uncertain() -> None:
    """Left half certain, right half not: three quarters of the points, and half of the rest, lie right."""
    logits = torch.zeros(1, 2, 4, 64)
    logits[:, 0, :, :32] = 10.0
    points = points_to_train(logits, PointSampling(num_points=1000, oversample_ratio=4))
    assert points.shape == (1, 1000, 2)
    assert (points[..., 0] > 0.49).float().mean().item() == pytest.approx(0.875, abs=0.05)
