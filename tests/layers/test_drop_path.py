"""Stochastic depth: whole samples, with their mean kept."""

from __future__ import annotations

import pytest
import torch

from segue.layers.drop_path import DropPath, drop_path_rates


def test_whole_samples_are_dropped_and_the_rest_is_scaled() -> None:
    torch.manual_seed(0)
    out = DropPath(0.25).train()(torch.ones(4000, 2, 3))
    assert torch.allclose(out.unique(), torch.tensor([0.0, 4 / 3]))
    assert torch.equal(out.amin((1, 2)), out.amax((1, 2)))
    assert out.mean().item() == pytest.approx(1.0, abs=0.05)


def test_nothing_happens_in_evaluation() -> None:
    x = torch.randn(2, 3)
    assert DropPath(0.9).eval()(x) is x and DropPath(0.0).train()(x) is x


def test_rates() -> None:
    assert drop_path_rates(0.2, 3) == pytest.approx([0.0, 0.1, 0.2]) and drop_path_rates(0.2, 1) == [0.0]
