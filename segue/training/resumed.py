"""A training checkpoint that is to be resumed, checked before anything is made of it.

`checked` asks whether it is a full state at all: kinds, ranges, and file names that stay in the run's folder. `fits`
asks whether it is the state of this model, this optimizer and this version of Lightning's loop. What a file says is
taken from it only after that, so nothing in it ends as an error from inside the training.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from packaging.version import InvalidVersion, Version
from torch import Tensor, nn

from segue.errors import CheckpointError
from segue.training.optimizer_state import PER_ELEMENT

#: What a checkpoint has from which Segue resumes.
STATE = ("loops", "optimizer_states", "schedule", "meta")
#: Files of a run's own folder, which it may delete again.
KEPT = re.compile(r"(iter|epoch)_\d+\.(ckpt|safetensors)")
BEST = re.compile(r"best_[^/\\\x00-\x1f]+_(iter|epoch)_\d+\.(safetensors|pth)")
#: Lightning's format of the loops' state has not changed since.
OLDEST = Version("2.0")
LARGEST = 2**53
SHOWN = 3


class _Wrong(Exception):
    """A key path, and what is wrong there."""


def checked(path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """``raw`` if it is a full training state.

    Raises:
        CheckpointError: it is not, or a part of it is of another kind than Segue writes.
    """
    missing = [key for key in STATE if key not in raw]
    if missing:
        raise CheckpointError(
            f"{path} cannot be resumed from: it has no {', '.join(missing)}. Use a .ckpt that `segue train` wrote, or "
            "start a new run from its weights with load_from."
        )
    try:
        _check_kinds(raw)
    except _Wrong as error:
        raise CheckpointError(
            f"{path} cannot be resumed from: {error}. It is damaged or was changed; use another checkpoint of the run"
        ) from None
    return raw


def fits(
    path: Path, raw: Mapping[str, Any], model: nn.Module, optimizer: torch.optim.Optimizer, loops: Mapping[str, Any]
) -> None:
    """Compare a checked state with the run that is to continue it.

    Args:
        path: the file, for messages.
        raw: its content.
        model: the segmentor of the config.
        optimizer: a new one over its parameters, as the config says.
        loops: the state of the loops as Lightning writes it now, by the names of ``raw["loops"]``.

    Raises:
        CheckpointError: it is of another model or optimizer, or its loops are not those of this Lightning.
    """
    try:
        for name, template in loops.items():
            _like(raw["loops"].get(name, {} if name != "fit_loop" else None), template, f"loops.{name}")
    except _Wrong as error:
        raise CheckpointError(f"{path} cannot be resumed from: {error}; use another checkpoint of the run") from None
    wrong = [*_other_model(raw, model)]
    if wrong:
        raise CheckpointError(f"{path} is of another model than the config's: {_listed(wrong)}. {_new_run(path)}")
    wrong = [*_other_optimizer(raw["optimizer_states"][0], optimizer)]
    if wrong:
        other = f"{path} has the state of another optimizer than the config's {type(optimizer).__name__}"
        raise CheckpointError(f"{other}: {_listed(wrong)}. {_new_run(path)}")


def _check_kinds(raw: Mapping[str, Any]) -> None:
    version = _text(raw, "pytorch-lightning_version")
    try:
        if Version(version) < OLDEST:
            raise _Wrong(f"pytorch-lightning_version is {version}; {OLDEST} or later is expected")
    except InvalidVersion:
        raise _Wrong(f"pytorch-lightning_version is {_short(version)}, which is no version") from None
    meta = _dict(raw, "meta")
    _count(meta, "iter", "meta.iter")
    if not isinstance(meta.get("seed"), (int, type(None))):
        raise _Wrong(f"meta.seed is {_short(meta['seed'])}; a whole number is expected")
    for key in ("epoch", "global_step"):
        _count({key: 0, **raw}, key)
    schedule = _dict(raw, "schedule")
    for key in ("iteration", "epoch"):
        _count(schedule, key, f"schedule.{key}")
    for row in schedule.get("watched") or ():
        if not (isinstance(row, (list, tuple)) and len(row) == 3 and all(isinstance(x, (int, float)) for x in row)):
            raise _Wrong(f"schedule.watched holds {_short(row)}; three numbers are expected")
    _dict(_dict(raw, "loops"), "fit_loop", "loops.fit_loop")
    for key in ("state_dict", "trained_state_dict", "gradients"):
        if key in raw or key == "state_dict":
            for name, value in _dict(raw, key).items():
                if not isinstance(name, str) or not isinstance(value, Tensor):
                    raise _Wrong(f"{key}.{_short(name)} is {_short(value)}; a tensor is expected")
    _check_optimizers(raw["optimizer_states"])
    if "MixedPrecision" in raw:
        _dict(raw, "MixedPrecision")
    for name, state in _dict({"callbacks": {}, **raw}, "callbacks").items():
        _check_callback(str(name), state)


def _check_optimizers(states: Any) -> None:
    if not isinstance(states, list) or len(states) != 1:
        raise _Wrong(f"optimizer_states is {_short(states)}; a list of one state is expected")
    state = _dict({"optimizer_states.0": states[0]}, "optimizer_states.0")
    for number, own in _dict(state, "state", "optimizer_states.0.state").items():
        at = f"optimizer_states.0.state.{_short(number)}"
        for key, value in _dict({at: own}, at).items():
            if not isinstance(value, (Tensor, int, float, type(None), list, tuple)):
                raise _Wrong(f"{at}.{key} is {_short(value)}; a tensor or a number is expected")
    groups = state.get("param_groups")
    if not isinstance(groups, list) or not all(isinstance(group, Mapping) for group in groups):
        raise _Wrong(f"optimizer_states.0.param_groups is {_short(groups)}; a list of dicts is expected")
    for index, group in enumerate(groups):
        at = f"optimizer_states.0.param_groups.{index}"
        if not isinstance(group.get("params"), list) or not all(type(place) is int for place in group["params"]):
            raise _Wrong(f"{at}.params is {_short(group.get('params'))}; a list of whole numbers is expected")
        for key in ("lr", "initial_lr"):
            if key == "lr" or key in group:
                _number(group, key, f"{at}.{key}")


def _check_callback(name: str, state: Any) -> None:
    at = f"callbacks.{name}"
    if name.startswith(("Saver", "Averaging", "EarlyStopping", "Record")):
        _dict({at: state}, at)
    if name.startswith("Saver"):
        for metric, entry in _dict(state, "best", f"{at}.best").items():
            where = f"{at}.best.{_short(metric)}"
            if not isinstance(entry, (list, tuple)) or len(entry) != 3:
                raise _Wrong(f"{where} is {_short(entry)}; a value, an iteration and a file name are expected")
            _number({"value": entry[0]}, "value", where)
            _count({"at": entry[1]}, "at", where)
            _own_name(entry[2], BEST, where)
        kept = state.get("kept")
        if not isinstance(kept, (list, tuple)):
            raise _Wrong(f"{at}.kept is {_short(kept)}; a list of file names is expected")
        for index, file in enumerate(kept):
            _own_name(file, KEPT, f"{at}.kept.{index}")
        _count(state, "validated", f"{at}.validated")
    elif name.startswith("Averaging"):
        _count(state, "steps", f"{at}.steps")
    elif name.startswith("EarlyStopping"):
        _number(state, "best", f"{at}.best", finite=False)
        _count(state, "waited", f"{at}.waited")
    elif name.startswith("Record"):
        _count(state, "count", f"{at}.count")
        for key in _dict(state, "sums", f"{at}.sums"):
            _number(state["sums"], key, f"{at}.sums.{key}", finite=False)


def _own_name(value: Any, pattern: re.Pattern[str], at: str) -> None:
    """A file that the run itself may have written into its folder, and so may delete."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _Wrong(f"{at} is {_short(value)}; the name of a file of the run's own is expected")


def _dict(node: Mapping[Any, Any], key: str, at: str = "") -> Mapping[Any, Any]:
    value = node.get(key)
    if not isinstance(value, Mapping):
        raise _Wrong(f"{at or key} is {_short(value)}; a dict is expected")
    return value


def _text(node: Mapping[Any, Any], key: str) -> str:
    value = node.get(key)
    if not isinstance(value, str):
        raise _Wrong(f"{key} is {_short(value)}; text is expected")
    return value


def _count(node: Mapping[Any, Any], key: str, at: str = "") -> None:
    value = node.get(key)
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise _Wrong(f"{at or key} is {_short(value)}; a whole number from 0 on is expected")


def _number(node: Mapping[Any, Any], key: str, at: str, *, finite: bool = True) -> None:
    value = node.get(key)
    if isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex():
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (finite and not math.isfinite(value)):
        raise _Wrong(f"{at} is {_short(value)}; a number is expected")


def _like(value: Any, template: Any, at: str) -> None:
    """Whether counters have the shape of Lightning's: the same dicts, with whole numbers and truth values."""
    if isinstance(template, Mapping):
        if not isinstance(value, Mapping):
            raise _Wrong(f"{at} is {_short(value)}; a dict is expected")
        for key, inner in template.items() if value or at == "loops.fit_loop" else ():
            if key not in value:
                raise _Wrong(f"{at} has no {key!r}")
            _like(value[key], inner, f"{at}.{key}")
    elif isinstance(template, bool):
        if not isinstance(value, bool):
            raise _Wrong(f"{at} is {_short(value)}; True or False is expected")
    elif isinstance(template, int):
        _count({at: value}, at)


def _other_model(raw: Mapping[str, Any], model: nn.Module) -> Iterator[str]:
    own = {key: value for key, value in model.state_dict().items() if isinstance(value, Tensor)}
    given = raw["state_dict"]
    yield from (f"it has no {key}" for key in own if key not in given)
    for part in ("state_dict", "trained_state_dict", "gradients"):
        for key, value in (raw.get(part) or {}).items():
            if key not in own:
                yield f"the model has no {key}"
            elif value.shape != own[key].shape:
                yield f"{key} is {tuple(value.shape)}, the model's {tuple(own[key].shape)}"


def _other_optimizer(state: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> Iterator[str]:
    groups, own = state["param_groups"], optimizer.param_groups
    counts, wanted = [len(g["params"]) for g in groups], [len(g["params"]) for g in own]
    if counts != wanted:
        yield f"its groups have {counts} parameters, the config's {wanted}"
        return
    for index, (group, mine) in enumerate(zip(groups, own, strict=True)):
        for key, value in mine.items():
            if key != "params" and key not in group:
                yield f"its group {index} has no {key!r}"
            elif isinstance(value, (int, float)) and not isinstance(group.get(key), (int, float, Tensor, type(None))):
                yield f"{key!r} of its group {index} is {_short(group[key])}"
    parameters = dict(zip([p for g in groups for p in g["params"]], [p for g in own for p in g["params"]], strict=True))
    entries = _entries(optimizer)
    for place, values in state["state"].items():
        if place not in parameters:
            yield f"it has a state for the parameter {_short(place)}, of {len(parameters)}"
            continue
        if values and entries - set(values):
            yield f"its state has no {', '.join(sorted(entries - set(values)))}"
            return
        for key in PER_ELEMENT:
            value = values.get(key)
            if value is not None and (not isinstance(value, Tensor) or value.shape != parameters[place].shape):
                what = tuple(value.shape) if isinstance(value, Tensor) else _short(value)
                yield f"{key} of parameter {place} is {what}, the parameter {tuple(parameters[place].shape)}"


def _entries(optimizer: torch.optim.Optimizer) -> set[str]:
    """What an optimizer remembers of a parameter after a step; nothing where it cannot be tried out."""
    parameter = nn.Parameter(torch.zeros(2))
    parameter.grad = torch.zeros(2)
    settings = {key: value for key, value in optimizer.param_groups[0].items() if key in optimizer.defaults}
    try:
        probe = type(optimizer)([parameter], **settings)
        probe.step()
    except Exception:  # a user's own optimizer may want anything
        return set()
    return {key for key, value in probe.state[parameter].items() if value is not None}


def _new_run(path: Path) -> str:
    return f"To start a new run from its weights alone, leave out --resume and give --cfg-options load_from={path}"


def _listed(entries: Sequence[str]) -> str:
    more = f" and {len(entries) - SHOWN} more" if len(entries) > SHOWN else ""
    return "; ".join(entries[:SHOWN]) + more


def _short(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
