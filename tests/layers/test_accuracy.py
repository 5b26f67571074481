"""Shares of right pixels. Oracle: counted by hand."""

from __future__ import annotations

import pytest
import torch

from segue.layers.accuracy import pixel_accuracy


def test_each_class_of_a_pixel_is_a_decision() -> None:
    """Two classes of three pixels; one decision is unknown, one of the other five wrong."""
    logits = torch.tensor([[[[2.0, -1.0, 3.0]], [[-2.0, -1.0, 0.5]]]])
    labels = torch.tensor([[[[1, 1, 1]], [[0, 0, 255]]]], dtype=torch.uint8)
    assert pixel_accuracy(logits, labels, 255).item() == pytest.approx(80.0)
