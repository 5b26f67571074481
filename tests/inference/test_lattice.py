"""Filtering on the lattice. Oracle: the sum over all pairs, and what a kernel must be whatever its accuracy."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.inference.lattice import Lattice


@pytest.mark.parametrize(("d", "side", "spread"), [(2, 10.0, 0.03), (5, 2.0, 0.08)])
def test_near_the_sum_over_all_pairs(d, side, spread):
    """Points that fill their space: few corners are missing, so that the mean is near, too."""
    torch.manual_seed(0)
    features, values = torch.rand(3000, d) * side, torch.rand(3000, 3)
    exact = torch.exp(-(torch.cdist(features, features) ** 2) / 2) @ values
    ratio = Lattice(features).filter(values) / exact
    assert ratio.std() < spread
    assert abs(ratio.mean() - 1) < 0.15


def test_a_value_stays_near_its_point():
    features = torch.tensor([[0.0, 0.0], [0.5, 0.0], [30.0, 30.0]])
    found = Lattice(features).filter(torch.tensor([[1.0], [0.0], [0.0]]))
    assert found[0] > found[1] > 0 and found[2] == 0


def test_own_is_what_comes_back():
    """A point far from all others: nothing of the simplex around it is missing for itself."""
    torch.manual_seed(1)
    features = torch.arange(40.0)[:, None] * 10 + torch.rand(40, 5)
    lattice = Lattice(features)
    found = torch.stack([lattice.filter(torch.eye(40)[:, i : i + 1])[i, 0] for i in range(40)])
    assert (found <= lattice.own() * (1 + 1e-5)).all(), "what passes through missing corners is lost, never gained"
    assert (found > 0.6 * lattice.own()).all()


def test_weights_of_a_simplex_sum_to_one():
    torch.manual_seed(2)
    lattice = Lattice(torch.randn(500, 5) * 3)
    assert torch.allclose(lattice._weights.sum(dim=1), torch.ones(500), atol=1e-5)
    assert lattice._weights.min() > -1e-5


def test_widths_that_no_numbering_holds():
    with pytest.raises(InputError, match="enlarge sxy or srgb"):
        Lattice(torch.tensor([[0.0] * 5, [1e4] * 5]))
