"""The optimizer state of an mmengine or mmcv checkpoint, for an optimizer that groups the parameters in its own way.

Such a state knows parameters by their position only. The positions follow the order in which the other toolbox's
modules list their parameters, and that order is in the file: it is the order of the keys of the state dict, without
the buffers. So each position has a name, and by its name a state finds its parameter here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segue.errors import CheckpointError

BUFFERS = ("running_mean", "running_var", "num_batches_tracked", "relative_position_index")
#: Entries of a parameter's state that have the parameter's shape.
PER_ELEMENT = (
    "momentum_buffer", "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "exp_inf", "square_avg", "grad_avg", "acc_delta",
    "sum", "prev",
)  # fmt: skip
#: Options that say how torch computes, not what: this machine's are kept.
HOW = ("params", "foreach", "fused", "capturable", "differentiable")


def positions(saved: Mapping[str, Any], names: Mapping[str, str | None], model: nn.Module) -> dict[Any, str | None]:
    """The parameter's name for each position of a saved optimizer state; None if it is not this model's.

    Args:
        saved: the state, ``state`` and ``param_groups``.
        names: the file's keys in their order, each with the name of the model's tensor that it became.
        model: says which of them are parameters.

    Raises:
        CheckpointError: the file has another number of parameters than its optimizer.
    """
    groups = saved["param_groups"]
    places = [place for group in groups for place in group["params"]]
    if all("param_names" in group for group in groups):  # written down by layer-decay constructors
        written = [key.removeprefix("module.") for group in groups for key in group["param_names"]]
        return dict(zip(places, (names.get(key) for key in written), strict=True))
    own = dict(model.named_parameters(remove_duplicate=False))
    buffers = {name for name, _ in model.named_buffers()}
    first = {id(parameter): name for name, parameter in reversed(own.items())}  # a shared one is listed once
    listed = [
        (key, name)
        for key, name in names.items()
        if (name in own and first[id(own[name])] == name)
        or (name not in own and name not in buffers and not key.endswith(BUFFERS) and not key.startswith("ema_"))
    ]
    trained = [(key, name) for key, name in listed if name is None or name not in own or own[name].requires_grad]
    for candidate in (listed, trained, [pair for pair in listed if pair[1] in own]):
        if len(candidate) == len(places):
            return {place: name if name in own else None for place, (_, name) in zip(places, candidate, strict=True)}
    raise CheckpointError(
        f"its optimizer has the state of {len(places)} parameters, its weights are {len(listed)}, so that nobody can "
        "tell which belongs to which"
    )


def fitted(
    saved: Mapping[str, Any], names: Mapping[Any, str | None], model: nn.Module, optimizer: torch.optim.Optimizer,
    *, rates: bool,
) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
    """``saved`` as ``optimizer.load_state_dict`` takes it, and what could not be taken over, in words.

    Args:
        saved: the state from the file.
        names: its positions' names, see `positions`.
        model: whose parameters ``optimizer`` trains.
        optimizer: as the config makes it.
        rates: take the learning rates from the file; otherwise the optimizer's own stay.

    Raises:
        CheckpointError: it is another optimizer's state, or a tensor has not the shape of its parameter.
    """
    own = {id(parameter): name for name, parameter in model.named_parameters()}
    place_of = {name: place for place, name in names.items() if name is not None}
    options = {place: group for group in saved["param_groups"] for place in group["params"]}
    result = optimizer.state_dict()
    notes: list[str] = []
    fresh: list[str] = []
    for group, target in zip(optimizer.param_groups, result["param_groups"], strict=True):
        members = [own[id(parameter)] for parameter in group["params"]]
        found = [options[place_of[name]] for name in members if name in place_of]
        check_options(found[:1], optimizer)
        for option in target:
            if option in HOW or (option in ("lr", "initial_lr") and not rates):
                continue
            values = [plain(entry[option]) for entry in found if option in entry]
            if values and all(value == values[0] for value in values):
                target[option] = values[0]
            elif values:
                notes.append(f"{option} of {members[0]} and {len(members) - 1} more, which differ in the file")
        for name, parameter, index in zip(members, group["params"], target["params"], strict=True):
            state = saved["state"].get(place_of.get(name))
            if not state:
                fresh.append(name)
                continue
            check_shapes(state, name, parameter)
            result["state"][index] = {key: plain(value) for key, value in state.items()}
    if fresh:
        some = ", ".join(fresh[:3]) + (" ..." if len(fresh) > 3 else "")
        notes.append(f"the optimizer's state of {len(fresh)} parameters, which the file does not have ({some})")
    return result, notes


def check_options(found: Sequence[Mapping[str, Any]], optimizer: torch.optim.Optimizer) -> None:
    """Raise if a saved group lacks what this kind of optimizer needs: then it is another's."""
    needed = [k for k, v in optimizer.defaults.items() if v is not None and not isinstance(v, bool) and k not in HOW]
    for group in found:
        missing = [option for option in needed if option not in group]
        if missing:
            kind = type(optimizer).__name__
            raise CheckpointError(f"its optimizer is not the config's {kind}: it has no {', '.join(missing)}")


def check_shapes(state: Mapping[str, Any], name: str, parameter: Tensor) -> None:
    """Raise if a parameter's state has another shape than the parameter."""
    for key, value in state.items():
        if key in PER_ELEMENT and isinstance(value, Tensor) and value.shape != parameter.shape:
            raise CheckpointError(
                f"its optimizer's {key} for {name} has the shape {tuple(value.shape)}, the parameter "
                f"{tuple(parameter.shape)}"
            )


def plain(value: Any) -> Any:
    """``value`` with Python's numbers for numpy's."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    return tuple(plain(entry) for entry in value) if isinstance(value, (list, tuple)) else value
