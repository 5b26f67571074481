"""Norm: one value, any channel count."""

from __future__ import annotations

import pytest
from torch import nn

from segue.layers.norm import Norm


@pytest.mark.parametrize(
    ("kind", "module", "name"),
    [
        ("BN", nn.BatchNorm2d, "bn"),
        ("SyncBN", nn.BatchNorm2d, "bn"),
        ("GN", nn.GroupNorm, "gn"),
        ("IN", nn.InstanceNorm2d, "in"),
    ],
)
def test_kinds(kind: str, module: type, name: str) -> None:
    norm = Norm(kind, num_groups=4 if kind == "GN" else None)
    assert isinstance(norm(8), module) and norm.name == name


def test_arguments_reach_the_module() -> None:
    module = Norm("BN", eps=1e-3, momentum=0.01, requires_grad=False)(4)
    assert (module.eps, module.momentum) == (1e-3, 0.01)
    assert not any(p.requires_grad for p in module.parameters())
