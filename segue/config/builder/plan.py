"""A config node becomes a plan: the class found, every argument checked and converted by its annotation.

A plan can be made or thrown away, so a config is checked without building it, and all its problems are known at once.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import inspect
import traceback
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.config.builder.find import ROOMS, UnknownNameError, find
from segue.config.builder.leaves import PLAIN, leaf_problem, short, size_problem, spell
from segue.config.builder.packages import as_step
from segue.config.builder.pretrained import initializer_problems
from segue.config.builder.signature import Parameter, alternatives, options_class, signature
from segue.config.builder.tuned import split, tune
from segue.config.marks import shorten
from segue.config.origins import origin_of
from segue.config.tree import copy_tree
from segue.config.trust import bare, rights_of
from segue.errors import ConfigError, InputError, Problem, SegueError, nearest
from segue.layers.activation import ACTIVATIONS
from segue.layers.norm import NORMS, Norm
from segue.types import COMPONENTS, Activation

_SEGUE = Path(__file__).parents[2]
#: the room of a component by its key, where the annotation of its parameter is only "something callable"
KEYS = {"pipeline": "transforms", "transforms": "transforms", "dataset": "datasets", "datasets": "datasets"}
#: arguments of the reference that ask for nothing when they are None or empty
EMPTY_WHEN_NONE = {
    "dcn",
    "plugins",
    "dropout_layer",
    "init_cfg",
    "pretrained",
    "train_cfg",
    "backend_args",
    "file_client_args",
}


@dataclass
class Plan:
    """A checked call: ``target(**arguments)``, where arguments may be plans or lists of them."""

    target: Callable[..., Any]
    arguments: dict[str, Any]
    path: str
    where: str

    def make(self) -> Any:
        """Build the arguments, then the object."""
        arguments = {key: make(value) for key, value in self.arguments.items()}
        try:
            return self.target(**arguments)
        except InputError as error:  # the constructor knows what is wrong, this place knows where
            raise ConfigError(Problem(self.path, str(error), self.where)) from error
        except (SegueError, ImportError, MemoryError, NotImplementedError):  # the last: no values on the device meta
            raise
        except Exception as error:  # torch's own, such as RuntimeError of a negative size, or those of a user's class
            raise ConfigError(Problem(self.path, self._said(error), self.where)) from error

    def _said(self, error: Exception) -> str:
        """What a constructor's error says, and of a user's class also its line."""
        name = getattr(self.target, "__name__", type(self.target).__name__)
        kind = "" if isinstance(error, (TypeError, ValueError, AssertionError)) else f"{type(error).__name__}: "
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        own = next((f for f in reversed(frames) if _is_users(f.filename)), None)
        at = (
            f" (at {shorten(own.filename)}:{own.lineno})" if own and getattr(self.target, "takes_config", False) else ""
        )
        return f"{name} cannot be made: {kind}{said}{at}"


def _is_users(file: str) -> bool:
    """Whether a file is the user's: neither Segue's nor of an installed package."""
    return "site-packages" not in file and not Path(file).is_relative_to(_SEGUE)


class Planner:
    """Turns config nodes into plans and collects what is wrong with them."""

    def __init__(self, cfg: Mapping[str, Any]) -> None:
        self.cfg = cfg
        self.problems: list[Problem] = []

    def problem(self, path: str, message: str) -> None:
        """Note one fault."""
        self.problems.append(Problem(path, message, self.where(path)))

    def where(self, path: str) -> str:
        """``file:line`` of a key path, as far as the config knows it."""
        return str(origin_of(self.cfg, path) or "")

    def component(self, node: Any, room: str, path: str) -> Any:
        """Plan a component dict, or a list of them; objects that are built already pass through."""
        if isinstance(node, (list, tuple)):
            return [self.component(item, room, f"{path}.{i}") for i, item in enumerate(node)]
        if not isinstance(node, Mapping):
            if node is None or isinstance(node, (str, int, float)):
                self.problem(path, f"expected a dict with a 'type' from {room}, not {node!r}")
            return node
        if node.get("type") is None:
            self.problem(path, f"has no 'type'; it needs the name of one of {room}")
            return None
        kind = node["type"]
        target: Any = kind
        given: Mapping[str, Any] = {k: v for k, v in node.items() if k not in ("type", "_scope_")}
        try:
            if isinstance(kind, str):
                target = find(room, kind, rights_of(self.cfg))
            if room == "transforms":
                target, given = as_step(target, given)
        except UnknownNameError as error:
            self.problem(f"{path}.type", str(error))
            return None
        given, tuning = split(self, target, given, path) if room == "backbones" else (given, {})
        plan = self.call(target, given, path)
        return Plan(tune, {"backbone": plan, **tuning}, path, self.where(path)) if tuning else plan

    def call(self, target: Any, given: Mapping[str, Any], path: str) -> Plan:
        """Plan ``target(**given)``, each value converted by the annotation of its parameter.

        A target with ``takes_config`` gets the values as the config has them: classes written for another toolbox.
        """
        if getattr(target, "takes_config", False):
            return Plan(target, dict(copy_tree(given)), path, self.where(path))
        parameters, takes_any = signature(target)
        name = getattr(target, "__name__", None) or target.func.__name__
        arguments: dict[str, Any] = {}
        groups: dict[str, dict[str, Any]] = {p.group: {} for p in parameters.values() if p.group}
        seen = set()
        for key, value in given.items():
            at = f"{path}.{key}"
            parameter_name = key
            if key not in parameters and key.endswith("_cfg") and key[:-4] in parameters:
                parameter_name = key[:-4]
            parameter = parameters.get(parameter_name)
            if parameter is None:
                if takes_any:
                    arguments[key] = value
                elif key == "init_cfg":
                    for below, message in initializer_problems(value):
                        self.problem(at + below, message)
                elif not self._asks_nothing(key, value):
                    self.problem(at, f"{name} has no argument {key!r}{nearest(key, _config_keys(parameters))}")
                continue
            seen.add(parameter_name)
            if value is None and parameter.required and _is_part(parameter.annotation):
                self.problem(at, "expected a dict with a 'type', not None")
            plan = self.value(value, parameter.annotation, at, key)
            (groups[parameter.group] if parameter.group else arguments)[parameter_name] = plan
        for key, parameter in parameters.items():
            if key in seen:
                continue
            if parameter.default_config is not None:
                plan = self.value(parameter.default_config, parameter.annotation, f"{path}.{key}", key)
                (groups[parameter.group] if parameter.group else arguments)[key] = plan
            elif parameter.required:
                self.problem(path, f"{name} needs the argument {key!r}")
        for group, values in groups.items():
            arguments[group] = Plan(options_class(target, group), values, path, self.where(path))
        return Plan(target, arguments, path, self.where(path))

    def value(self, value: Any, annotation: Any, path: str, key: str) -> Any:
        """Check one value against an annotation, and plan the dicts in it."""
        choices = alternatives(annotation)
        if value is None:
            return None
        if isinstance(value, Mapping):
            return self._mapping(value, choices, path, key)
        if isinstance(value, (list, tuple)):
            return self._sequence(value, choices, path, key)
        problem = leaf_problem(value, choices) or size_problem(key, value)
        if problem:
            self.problem(path, problem)
        return value

    def _mapping(self, value: Mapping[str, Any], choices: list[Any], path: str, key: str) -> Any:
        for choice in choices:
            if choice is Norm:
                return self._norm(value, path)
            if choice == Activation:
                return self._activation(value, path)
            if choice in COMPONENTS:
                return self.component(value, COMPONENTS[choice], path)
            if dataclasses.is_dataclass(choice):
                return self._options(value, [c for c in choices if dataclasses.is_dataclass(c)], path)
            if room := _room_of(choice):
                return self.component(value, room, path)
            if typing.get_origin(choice) is collections.abc.Mapping and typing.get_args(choice)[1] is not Any:
                inner = typing.get_args(choice)[1]
                return {k: self.value(v, inner, f"{path}.{k}", k) for k, v in value.items()}
        if any(typing.get_origin(choice) is collections.abc.Mapping for choice in choices):
            return value  # a dict that the class reads itself, such as the transforms of another package
        if "type" in value and key in KEYS:
            return self.component(value, KEYS[key], path)
        expected = [c for c in choices if c in PLAIN or typing.get_origin(c) is typing.Literal]
        if expected and len(expected) == len(choices):
            self.problem(path, f"expected {spell(choices)}, not the dict {short(value)}")
        return value

    def _options(self, value: Mapping[str, Any], classes: list[Any], path: str) -> Any:
        """Plan a dataclass: that which ``type`` names, with or without a scope such as ``mmdet.``; else the first."""
        given = {k: v for k, v in value.items() if k != "_scope_"}
        if "type" not in given or "type" in signature(classes[0])[0]:
            return self.call(classes[0], given, path)
        known = {choice.__name__: choice for choice in classes}
        name = bare(str(given.pop("type")))
        if name not in known:
            self.problem(f"{path}.type", f"there is no {name!r} here{nearest(name, list(known))}")
            return None
        return self.call(known[name], given, path)

    def _sequence(self, value: Sequence[Any], choices: list[Any], path: str, key: str) -> Any:
        if key in KEYS:
            for i, item in enumerate(value):
                if item is None or isinstance(item, (str, int, float)):
                    self.problem(f"{path}.{i}", f"expected a dict with a 'type' from {KEYS[key]}, not {item!r}")
        for choice in choices:
            if typing.get_origin(choice) in (collections.abc.Sequence, list, tuple):
                inner = (typing.get_args(choice) or (Any,))[0]
                items = [self.value(item, inner, f"{path}.{i}", key) for i, item in enumerate(value)]
                for i, item in enumerate(value):
                    if item is None and any(choice in COMPONENTS for choice in alternatives(inner)):
                        self.problem(f"{path}.{i}", "expected a dict with a 'type', not None")
                return items if any(isinstance(item, (Plan, list)) for item in items) else value
        if choices and all(c in PLAIN or typing.get_origin(c) is collections.abc.Mapping for c in choices):
            self.problem(path, f"expected {spell(choices)}, not the list {short(value)}")
            return value
        if key in KEYS:
            return [self.value(item, Any, f"{path}.{i}", key) for i, item in enumerate(value)]
        return value

    def _norm(self, value: Mapping[str, Any], path: str) -> Any:
        kind = value.get("type")
        if kind not in NORMS:
            self.problem(f"{path}.type", f"there is no normalization {kind!r}{nearest(str(kind), list(NORMS))}")
            return None
        return self.call(Norm, value, path)

    def _activation(self, value: Mapping[str, Any], path: str) -> Any:
        kind = value.get("type")
        if kind not in ACTIVATIONS:
            self.problem(f"{path}.type", f"there is no activation {kind!r}{nearest(str(kind), list(ACTIVATIONS))}")
            return None
        arguments = {k: v for k, v in value.items() if k != "type"}
        known, takes_any = signature(ACTIVATIONS[kind])
        for key in arguments:
            if key not in known and not takes_any:
                self.problem(f"{path}.{key}", f"{kind} has no argument {key!r}{nearest(key, list(known))}")
        return functools.partial(ACTIVATIONS[kind], **arguments)

    def _asks_nothing(self, key: str, value: Any) -> bool:
        """Whether an argument that a class does not take means nothing anyway, or is handled elsewhere."""
        if key == "pretrained":
            return True  # read by pretrained_sources
        if isinstance(value, Mapping):  # train_cfg=dict(sampler=None)
            value = [item for item in value.values() if item is not None]
        return (key in EMPTY_WHEN_NONE or key.endswith("_cfg")) and not value


def _config_keys(parameters: Mapping[str, Parameter]) -> list[str]:
    """The parameters as a config spells them: ``norm`` is ``norm_cfg``."""
    values = {"norm", "act", "conv", "upsample", "test"}
    return [f"{name}_cfg" if name in values else name for name in parameters]


def _room_of(choice: Any) -> str | None:
    """The room of a class of Segue, such as the data preprocessor."""
    module = getattr(choice, "__module__", "")
    package, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return room if inspect.isclass(choice) and package == "segue" and room in ROOMS else None


def make(plan: Any) -> Any:
    """Build a plan, and those in lists and dicts; anything else is itself."""
    if isinstance(plan, Plan):
        return plan.make()
    if isinstance(plan, list):
        return [make(item) for item in plan]
    if isinstance(plan, dict) and any(isinstance(value, Plan) for value in plan.values()):
        return {key: make(value) for key, value in plan.items()}
    return plan


def _is_part(annotation: Any) -> bool:
    """Whether an argument must be a component: one that may be missing says so in its annotation."""
    return type(None) not in typing.get_args(annotation) and any(c in COMPONENTS for c in alternatives(annotation))
