"""Sparse convolutions. Oracle: torch's dense ones on the same map, at the places that the sparse ones fill."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.compat.mmcv import sparse


def some(sides: int, channels: int = 3) -> sparse.SparseConvTensor:
    torch.manual_seed(0)
    shape = (6, 7, 5)[:sides]
    filled = torch.rand(2, *shape) < 0.2
    indices = filled.nonzero().int()
    return sparse.SparseConvTensor(torch.randn(len(indices), channels).double(), indices, shape, 2)


def at(dense: Tensor, found: sparse.SparseConvTensor) -> Tensor:
    return dense.movedim(1, -1)[tuple(found.indices.long().unbind(1))]


def as_dense(weight: Tensor, transposed: bool) -> Tensor:
    """(*kernel, in, out) as torch has it."""
    return weight.movedim((-1, -2), (1, 0)) if transposed else weight.movedim((-1, -2), (0, 1))


@pytest.mark.parametrize(
    ("cls", "sides", "function"),
    [(sparse.SparseConv2d, 2, F.conv2d), (sparse.SparseConv3d, 3, F.conv3d),
     (sparse.SparseConvTranspose2d, 2, F.conv_transpose2d), (sparse.SparseConvTranspose3d, 3, F.conv_transpose3d)],
)  # fmt: skip
@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "padding": 1}])
def test_convolutions(cls: Any, sides: int, function: Any, options: dict[str, int]) -> None:
    x, layer = some(sides), cls(3, 4, 3, **options).double()
    nn.init.normal_(layer.bias)
    found = layer(x)
    transposed = "Transpose" in cls.__name__
    expected = function(x.dense(), as_dense(layer.weight, transposed), layer.bias, **options)
    assert tuple(found.spatial_shape) == tuple(expected.shape[2:])
    torch.testing.assert_close(found.features, at(expected, found))
    without = function(x.dense().abs(), torch.ones_like(as_dense(layer.weight, transposed)), **options)
    assert len(found.indices) == int((without[:, 0] > 0).sum()), "wherever an input is met, and nowhere else"


@pytest.mark.parametrize(("cls", "sides"), [(sparse.SubMConv2d, 2), (sparse.SubMConv3d, 3)])
def test_outputs_where_inputs_are(cls: Any, sides: int) -> None:
    x, layer = some(sides), cls(3, 4, 3, bias=False, indice_key="a").double()
    found = layer(x)
    dense = (F.conv2d if sides == 2 else F.conv3d)(x.dense(), as_dense(layer.weight, False), padding=1)
    assert torch.equal(found.indices, x.indices)
    torch.testing.assert_close(found.features, at(dense, x))
    again = layer(found.derived(x.features, x.indices, x.spatial_shape))
    torch.testing.assert_close(again.features, found.features)


@pytest.mark.parametrize("sides", [2, 3])
def test_and_back(sides: int) -> None:
    """The inverse of a convolution that halves is the transposed one, at the places where it came from."""
    conv = (sparse.SparseConv2d, sparse.SparseConv3d)[sides - 2](3, 4, 2, stride=2, indice_key="down").double()
    back = (sparse.SparseInverseConv2d, sparse.SparseInverseConv3d)[sides - 2](4, 3, 2, "down", bias=False).double()
    x = some(sides)
    small = conv(x)
    found = back(small)
    assert torch.equal(found.indices, x.indices) and found.spatial_shape == x.spatial_shape
    function = F.conv_transpose2d if sides == 2 else F.conv_transpose3d
    dense = function(small.dense(), as_dense(back.weight, True), stride=2)
    wide = F.pad(dense, [0, 1] * sides)  # an odd side has a last place that no window reaches
    torch.testing.assert_close(found.features, at(wide, x))
    with pytest.raises(AssertionError, match="no layer before has indice_key='other'"):
        sparse.SparseInverseConv2d(4, 3, 2, "other")(small)


@pytest.mark.parametrize(("cls", "sides"), [(sparse.SparseMaxPool2d, 2), (sparse.SparseMaxPool3d, 3)])
def test_poolings(cls: Any, sides: int) -> None:
    x = some(sides)
    x.features = x.features.abs() + 1  # so that what is not there, 0, is never the largest
    found = cls(2, 2)(x)
    dense = (F.max_pool2d if sides == 2 else F.max_pool3d)(x.dense(), 2, 2)
    torch.testing.assert_close(found.features, at(dense, found))
    assert len(found.indices) == int((dense[:, 0] > 0).sum())


def test_layers_in_a_row_learn() -> None:
    """Other layers get the features; gradients reach all."""
    x = some(2)
    layers = sparse.SparseSequential(sparse.SubMConv2d(3, 4, 3), nn.BatchNorm1d(4), nn.ReLU()).double()
    layers.add(sparse.SparseMaxPool2d(2, 2))
    assert len(layers) == 4 and isinstance(layers[1], nn.BatchNorm1d)
    out = layers(x)
    out.dense().square().sum().backward()
    assert all(p.grad is not None for p in layers.parameters())
    assert out.dense(channels_first=False).shape == (2, 3, 3, 4)
    assert x.sparity == pytest.approx(len(x.indices) / 84)
