"""States of optimizers whose positions are another module order's. Oracle: names, written down by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from segue.errors import CheckpointError
from segue.training.optimizer_state import fitted, positions


class Two(nn.Module):
    """The head comes first here, and last in the file below."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2, 3)
        self.body = nn.Sequential(nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2))


#: The file's keys; its model had a neck, which this one has not.
KEYS = [
    "body.0.weight", "body.1.weight", "body.1.bias", "body.1.running_mean", "body.1.running_var",
    "body.1.num_batches_tracked", "neck.weight", "head.weight", "head.bias",
]  # fmt: skip
PARAMETERS = ["body.0.weight", "body.1.weight", "body.1.bias", "neck.weight", "head.weight", "head.bias"]
SHAPES = [(2, 2), (2,), (2,), (5,), (3, 2), (3,)]


def names(model: nn.Module, keys: list[str] = KEYS) -> dict[str, str | None]:
    own = model.state_dict()
    return {key: key if key in own else None for key in keys}


def state(shapes: list[tuple[int, ...]] = SHAPES, *, each: bool = False, **options: Any) -> dict[str, Any]:
    """An SGD state whose i-th buffer is full of i, in one group or in one per parameter."""
    group = {"lr": 0.5, "momentum": 0.9, "dampening": 0, "weight_decay": 0.1, **options}
    places = list(range(len(shapes)))
    buffers = {i: {"momentum_buffer": torch.full(shape, float(i))} for i, shape in enumerate(shapes)}
    groups = [{**group, "params": [i]} for i in places] if each else [{**group, "params": places}]
    return {"state": buffers, "param_groups": groups}


def sgd(model: nn.Module) -> torch.optim.SGD:
    return torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0, momentum=0.9)


def buffers(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    own = {id(p): name for name, p in model.named_parameters()}
    return {own[id(p)]: float(value["momentum_buffer"].mean()) for p, value in optimizer.state.items()}


@pytest.mark.parametrize("each", [False, True])
def test_states_find_their_parameters_by_name(each: bool) -> None:
    model = Two()
    optimizer, saved = sgd(model), state(each=each)
    result, notes = fitted(saved, positions(saved, names(model), model), model, optimizer, rates=True)
    optimizer.load_state_dict(result)
    assert buffers(model, optimizer) == {
        "body.0.weight": 0, "body.1.weight": 1, "body.1.bias": 2, "head.weight": 4, "head.bias": 5,
    }  # fmt: skip
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert notes == []


def test_rates_may_stay() -> None:
    model = Two()
    saved = state()
    result, _ = fitted(saved, positions(saved, names(model), model), model, sgd(model), rates=False)
    assert (result["param_groups"][0]["lr"], result["param_groups"][0]["weight_decay"]) == (1.0, 0.1)


def test_frozen_parameters_may_be_left_out_of_the_file() -> None:
    """mmengine's layer-decay constructors skip them; its default one lists them."""
    model = Two()
    model.body.requires_grad_(False)
    saved = state([(3, 2), (3,)])
    keys = [key for key in KEYS if key != "neck.weight"]
    assert positions(saved, names(model, keys), model) == {0: "head.weight", 1: "head.bias"}
    saved = state([shape for shape in SHAPES if shape != (5,)])
    assert positions(saved, names(model, keys), model)[4] == "head.bias"


def test_shared_parameters_count_once() -> None:
    model = Two()
    model.other = model.head  # type: ignore[assignment]
    saved = state()
    keys = [*KEYS, "other.weight", "other.bias"]
    assert list(positions(saved, names(model, keys), model).values()) == [
        None if name == "neck.weight" else name for name in PARAMETERS
    ]


def test_names_that_the_file_writes_down() -> None:
    model = Two()
    saved = state([(3,), (2,)], each=True)
    for group, name in zip(saved["param_groups"], ("module.head.bias", "body.1.bias"), strict=True):
        group["param_names"] = [name]
    assert positions(saved, names(model), model) == {0: "head.bias", 1: "body.1.bias"}


def test_settings_that_differ_within_a_group_stay_the_configs() -> None:
    model = Two()
    saved = state(each=True)
    saved["param_groups"][0]["weight_decay"] = 0.0
    result, notes = fitted(saved, positions(saved, names(model), model), model, sgd(model), rates=True)
    assert result["param_groups"][0]["weight_decay"] == 0
    assert notes == ["weight_decay of head.weight and 4 more, which differ in the file"]


def test_another_count_is_refused() -> None:
    model = Two()
    saved = state(SHAPES[:3])
    with pytest.raises(CheckpointError, match="the state of 3 parameters, its weights are 6, so that nobody can tell"):
        positions(saved, names(model), model)


def test_another_shape_is_refused() -> None:
    """As many parameters as in the file, but the order of other modules."""
    model = Two()
    saved = state(SHAPES[::-1])
    message = r"momentum_buffer for head.weight has the shape \(2,\), the parameter \(3, 2\)"
    with pytest.raises(CheckpointError, match=message):
        fitted(saved, positions(saved, names(model), model), model, sgd(model), rates=True)


def test_another_optimizer_is_refused() -> None:
    model = Two()
    saved = state()
    with pytest.raises(CheckpointError, match="its optimizer is not the config's AdamW: it has no betas, eps"):
        adamw = torch.optim.AdamW(model.parameters())
        fitted(saved, positions(saved, names(model), model), model, adamw, rates=True)
