"""Groups of an optimizer for rules of the schedule that are for some parameters only (``parts``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer

from segue.errors import ConfigError, Problem
from segue.training.rules import Rule


def set_apart(optimizer: Optimizer, model: nn.Module, rules: Sequence[Rule]) -> None:
    """Divide groups, before the first step, until each rule acts on the whole of a group or on nothing of it.

    The pieces stand where the group stood, in the order of their first parameters, with its settings.

    Raises:
        ConfigError: a piece of a name that no trained parameter has.
    """
    check_parts(model, rules)
    rules = [rule for rule in rules if rule.parts is not None]
    if not rules:
        return
    names = _names(model)
    divided: list[dict[str, Any]] = []
    for group in optimizer.param_groups:
        pieces: dict[tuple[bool, ...], dict[str, Any]] = {}
        for parameter in group["params"]:
            which = tuple(rule.acts_on(names.get(id(parameter), "")) for rule in rules)
            pieces.setdefault(which, {**group, "params": []})["params"].append(parameter)
        divided += pieces.values()
    optimizer.param_groups[:] = divided


def check_parts(model: nn.Module, rules: Sequence[Rule]) -> None:
    """Whether rules' ``parts`` are in names of trained parameters.

    Raises:
        ConfigError: for each that is not.
    """
    names = list(_names(model).values())
    problems = [
        Problem(f"param_scheduler.{index}.parts", f"no trained parameter has {part!r} in its name")
        for index, rule in enumerate(rules)
        for part in rule.parts or ()
        if not any(part in name for name in names)
    ]
    if problems:
        raise ConfigError(problems)


def places_of(optimizer: Optimizer, rule: Rule, model: nn.Module | None) -> list[int]:
    """Which groups a rule acts on, once they are set apart."""
    if rule.parts is None:
        return list(range(len(optimizer.param_groups)))
    assert model is not None, "a rule with parts needs the names of the model"
    names = _names(model)
    found = [[rule.acts_on(names.get(id(p), "")) for p in group["params"]] for group in optimizer.param_groups]
    assert all(any(acts) == all(acts) for acts in found), "groups must be set apart before the schedule is made"
    return [place for place, acts in enumerate(found) if any(acts)]


def _names(model: nn.Module) -> dict[int, str]:
    return {id(parameter): name for name, parameter in model.named_parameters() if parameter.requires_grad}
