"""Layers that are named; oracle: where the test has planted the value."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from segue.training.failures.not_finite import all_finite, alone, first_not_finite


class Net(nn.Module):
    """Three layers; ``fault`` is applied to the output of the second."""

    def __init__(self, fault: Any = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 1)
        self.act, self.fault = nn.ReLU(inplace=True), fault

    def losses(self) -> tuple[Tensor, dict[str, Tensor]]:
        x = self.act(self.second(self.act(self.first(torch.ones(2, 4)))))
        x = self.last(x if self.fault is None else self.fault(x))
        loss = x.square().mean()
        return loss, {"loss_a": loss}


class Scaled(nn.Module):
    def __init__(self, by: list[float]) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        return x * self.by[0]


def test_nothing_where_all_is_finite() -> None:
    net = Net()
    assert first_not_finite(net, net.losses) == ""
    assert all(parameter.grad is None for parameter in net.parameters())


def test_layer_and_its_setting() -> None:
    net = Net(Scaled([math.inf]))
    said = first_not_finite(net, net.losses)
    assert said.startswith("the first layer whose output is not finite is fault (Scaled): ")
    assert "of 8 values; its input is finite; its by is [inf]" in said


def test_operation_between_layers_names_the_next() -> None:
    net = Net(lambda x: x / 0)
    assert "is last (Linear): 2 NaN of 2 values; and so is its input" in first_not_finite(net, net.losses)


def test_weights() -> None:
    net = Net()
    net.second.weight.data[0, 0] = math.nan
    said = first_not_finite(net, net.losses)
    assert said.startswith("the weights are not finite before the step: second.weight (1 NaN of 16 values); ")
    assert "second (Linear): 2 NaN of 8 values; its input is finite" in said


def test_inputs() -> None:
    net, image = Net(), torch.zeros(1, 2, 2)
    image[0, 0, 0] = -math.inf
    said = first_not_finite(net, net.losses, [torch.zeros(1), image])
    assert said == "the batch's own values are not finite: inputs.1 has 1 Inf of 4 values"


def test_loss_alone() -> None:
    net = Net()
    said = first_not_finite(net, lambda: (net.losses()[0] * math.nan, {"loss_b": net.losses()[0] * math.nan}))
    assert said == "every layer's output is finite, and loss_b is not: the fault is in how the loss is computed"


def test_gradient() -> None:
    net = Net(lambda x: torch.sqrt(x * 0) + x)  # the slope of a root at 0 is infinite
    said = first_not_finite(net, net.losses)
    assert said.startswith("the loss is finite, its gradient is not: going backwards, the first is that of the output")
    assert "second (Linear)" in said or "act (ReLU)" in said
    assert "parameters: first.weight (" in said


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [0, 1])
def test_all_finite(value: float, at: int) -> None:
    tensors = [torch.zeros(0), torch.full((3,), 3e38)]  # whose sum overflows
    assert all_finite(tensors) and all_finite([])
    bad = [torch.ones(2, 2), torch.ones(5)]
    bad[at].view(-1)[1] = value
    assert not all_finite(bad)


def test_synchronized_normalization_goes_alone() -> None:
    norm = nn.SyncBatchNorm(2)
    x = torch.randn(2, 2, 3, 3)
    with alone(norm):
        inside = norm(x)
    assert torch.equal(inside, nn.BatchNorm2d(2)(x)) and "forward" not in vars(norm)
