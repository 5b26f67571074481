"""``tools/goldens.py``: what another order of sums decides is no deviation; what it cannot explain is one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.types import Targets

from .goldens_check import goldens_tool

tool = goldens_tool()
SIZE = (128, 160)


class Tiny(nn.Module):
    """Two 1 x 1 convolutions with a ReLU between, whose input at one pixel is OFFSET."""

    num_classes = 2

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 1, 1), nn.Conv2d(1, 2, 1)
        tool.fill(self.state_dict())
        with torch.no_grad():
            self.first.bias.zero_()
            values = self.first(tool.image(*SIZE)).flatten()
            self.first.bias.copy_(offset - values.median())

    def logits(self, x: Tensor) -> Tensor:
        return self.second(F.relu(self.first(x)))

    def loss(self, x: Tensor, targets: Targets) -> dict[str, Tensor]:
        logits, labels = self.logits(x), targets.labels
        right = (logits.argmax(1) == labels)[labels != 255].float().mean() * 100
        return {"loss_ce": F.cross_entropy(logits, labels, ignore_index=255), "acc_seg": right}


def golden(offset: float) -> dict[str, Any]:
    """What a machine records on which the pixel's activation is OFFSET."""
    targets = Targets(labels=tool.labels(*SIZE, 2)[None])
    step = tool.training_step(Tiny(offset), tool.image(*SIZE), targets)
    return {"size": SIZE, "losses": step["loss"], "grad_norms": step["grad"]}


def compared(recorded: dict[str, Any]) -> dict[str, float]:
    return tool.compare_training(Tiny(1e-7), recorded, tool.image(*SIZE), "")


def test_the_same_decisions() -> None:
    found = compared(golden(1e-7))
    assert max(found.values()) == 0


def test_an_activation_on_the_other_side_of_its_relu() -> None:
    """Oracle: the same weights but for 2e-7 in a bias, which moves a gradient by more than the tolerance."""
    other = golden(-1e-7)
    norms = golden(1e-7)["grad_norms"]
    jump = max(tool.relative(value, norms[name]) for name, value in other["grad_norms"].items())
    assert tool.TOLERANCE["grad"] < jump < tool.LARGEST_DECISION
    found = compared(other)
    assert found["decided"] >= 1
    assert found["grad"] <= tool.TOLERANCE["grad"] and found["loss"] <= tool.TOLERANCE["loss"]


@pytest.mark.parametrize("factor", [1.003, 0.9, 2.0])
@pytest.mark.parametrize("kind", ["losses", "grad_norms"])
def test_what_no_decision_explains(kind: str, factor: float) -> None:
    """The second layer's gradient and the loss are continuous where an activation is zero."""
    other = copy.deepcopy(golden(-1e-7))
    name = "loss_ce" if kind == "losses" else next(n for n in other[kind] if n.startswith("second"))
    other[kind][name] *= factor
    found = compared(other)["loss" if kind == "losses" else "grad"]
    assert found == pytest.approx(abs(1 - 1 / factor), rel=0.1)


@pytest.mark.parametrize(("pixels", "within"), [(1, True), (4, True), (5, False), (-20, False)])
def test_accuracies_count_pixels(pixels: int, within: bool) -> None:
    """Of 20,480 pixels four may be decided otherwise."""
    other = golden(1e-7)
    other["losses"]["acc_seg"] += 100 * pixels / 20_480
    assert (compared(other)["accuracy"] <= tool.TOLERANCE["accuracy"]) == within


def test_buffers_stay() -> None:
    """A step leaves running averages as they are, so that the draws of one comparison start alike."""

    class Counting(Tiny):
        def __init__(self) -> None:
            super().__init__(0.0)
            self.register_buffer("steps", torch.zeros(()))

        def loss(self, x: Tensor, targets: Targets) -> dict[str, Tensor]:
            self.steps += 1
            return super().loss(x, targets)

    model = Counting()
    tool.training_step(model, tool.image(*SIZE), Targets(labels=tool.labels(*SIZE, 2)[None]))
    assert model.steps == 0
    assert not model.first._forward_hooks
