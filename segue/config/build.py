"""Config dicts become objects here, and go no further.

A dict with a ``type`` is planned first: the class is found, its constructor's signature read, every value checked and
converted by its annotation. All problems of all plans are collected, each with file, line and key path; only a config
without problems is built. The rules:

- ``x_cfg`` feeds the parameter ``x``: ``norm_cfg=dict(type="BN")`` arrives as ``norm: Norm``.
- A parameter named ``options`` takes the flat keys that are fields of its dataclass.
- ``Backbone``, ``Neck``, ``Head``, ``Loss``, ``PixelSampler`` and the classes of Segue's rooms are components, alone
  or in sequences.
- ``pretrained`` and ``init_cfg=dict(type="Pretrained")`` name weights to load; no constructor sees them
  (``pretrained_sources``).
"""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from segue.config import origin_of
from segue.config.find import ROOMS, UnknownNameError, find, nearest
from segue.errors import ConfigError, InputError, Problem
from segue.layers.activation import ACTIVATIONS
from segue.layers.norm import NORMS, Norm
from segue.types import Activation, Backbone, Head, Loss, Neck, PixelSampler

#: the room of a component by the annotation of the parameter that takes it
PROTOCOLS: dict[Any, str] = {
    Backbone: "backbones",
    Neck: "necks",
    Head: "heads",
    Loss: "losses",
    PixelSampler: "losses",
}
#: and by its key, where the annotation is only "something callable"
KEYS = {"pipeline": "transforms", "transforms": "transforms", "dataset": "datasets", "datasets": "datasets"}
#: arguments of the reference that ask for nothing when they are None or empty
EMPTY_WHEN_NONE = {"dcn", "plugins", "init_cfg", "pretrained", "train_cfg", "backend_args", "file_client_args"}


def build(cfg: Mapping[str, Any], path: str, room: str) -> Any:
    """Build the component (or list of components) at a dotted key path of a config.

    Raises:
        ConfigError: with everything that is wrong below that path.
    """
    planner = Planner(cfg)
    plan = planner.component(_at(cfg, path), room, path)
    if planner.problems:
        raise ConfigError(planner.problems)
    return _make(plan)


def build_model(cfg: Mapping[str, Any]) -> nn.Module:
    """The segmentor of a config, with weights as its classes initialize them."""
    return build(_with_preprocessor(cfg), "model", "models")


def build_dataset(cfg: Mapping[str, Any], path: str) -> Any:
    """The dataset at a key path such as ``train_dataloader.dataset``."""
    return build(cfg, path, "datasets")


def build_metric(cfg: Mapping[str, Any], path: str) -> list[Any]:
    """The metrics at a key path such as ``val_evaluator``; a single one becomes a list."""
    built = build(cfg, path, "metrics")
    return built if isinstance(built, list) else [built]


def check(cfg: Mapping[str, Any], paths: Mapping[str, str] | None = None) -> list[Problem]:
    """Everything wrong with the components of a config, without building any.

    ``paths`` maps key paths to rooms; by default model, datasets and metrics, as far as the config has them.
    """
    cfg = _with_preprocessor(cfg)
    planner = Planner(cfg)
    for path, room in (paths or _parts(cfg)).items():
        planner.component(_at(cfg, path), room, path)
    return planner.problems


@dataclass(frozen=True)
class PretrainedSource:
    """Weights that a config asks for: of ``checkpoint``, the keys below ``prefix``, into the submodule ``module``."""

    module: str
    checkpoint: str
    prefix: str | None = None


def pretrained_sources(cfg: Mapping[str, Any]) -> list[PretrainedSource]:
    """The ``pretrained`` and ``init_cfg`` weights of a config's model, outermost first."""
    found: list[PretrainedSource] = []

    def walk(node: Any, module: str) -> None:
        if isinstance(node, (list, tuple)):
            for i, item in enumerate(node):
                walk(item, f"{module}.{i}")
        if not isinstance(node, Mapping):
            return
        if isinstance(node.get("pretrained"), str):
            # The model's `pretrained` is the backbone's.
            target = "backbone" if module == "" else module
            found.append(PretrainedSource(target, node["pretrained"]))
        init = node.get("init_cfg")
        if isinstance(init, Mapping) and init.get("type") == "Pretrained":
            found.append(PretrainedSource(module, init["checkpoint"], init.get("prefix")))
        for key, value in node.items():
            if key != "init_cfg":
                walk(value, f"{module}.{key}" if module else key)

    walk(cfg["model"], "")
    return found


@dataclass
class Plan:
    """A checked call: ``target(**arguments)``, where arguments may be plans or lists of them."""

    target: Callable[..., Any]
    arguments: dict[str, Any]
    path: str
    where: str

    def make(self) -> Any:
        """Build the arguments, then the object."""
        arguments = {key: _make(value) for key, value in self.arguments.items()}
        try:
            return self.target(**arguments)
        except InputError as error:  # the constructor knows what is wrong, this place knows where
            raise ConfigError(Problem(self.path, str(error), self.where)) from error


@dataclass(frozen=True)
class Parameter:
    """What a constructor takes under one name; ``group`` is the options dataclass that it is a field of."""

    annotation: Any
    required: bool
    group: str = ""
    default_config: Mapping[str, Any] | None = None


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
        if "type" not in node:
            self.problem(path, f"has no 'type'; it needs the name of one of {room}")
            return None
        kind = node["type"]
        target: Any = kind
        if isinstance(kind, str):
            try:
                target = find(room, kind)
            except UnknownNameError as error:
                self.problem(f"{path}.type", str(error))
                return None
        return self.call(target, {k: v for k, v in node.items() if k not in ("type", "_scope_")}, path)

    def call(self, target: Any, given: Mapping[str, Any], path: str) -> Plan:
        """Plan ``target(**given)``, each value converted by the annotation of its parameter."""
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
                elif not self._asks_nothing(key, value):
                    self.problem(at, f"{name} has no argument {key!r}{nearest(key, _config_keys(parameters))}")
                continue
            seen.add(parameter_name)
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
            arguments[group] = Plan(_options_class(target, group), values, path, self.where(path))
        return Plan(target, arguments, path, self.where(path))

    def value(self, value: Any, annotation: Any, path: str, key: str) -> Any:
        """Check one value against an annotation, and plan the dicts in it."""
        choices = _alternatives(annotation)
        if value is None:
            return None
        if isinstance(value, Mapping):
            return self._mapping(value, choices, path, key)
        if isinstance(value, (list, tuple)):
            return self._sequence(value, choices, path, key)
        self._leaf(value, choices, path)
        return value

    def _mapping(self, value: Mapping[str, Any], choices: list[Any], path: str, key: str) -> Any:
        for choice in choices:
            if choice is Norm:
                return self._norm(value, path)
            if choice == Activation:
                return self._activation(value, path)
            if choice in PROTOCOLS:
                return self.component(value, PROTOCOLS[choice], path)
            if dataclasses.is_dataclass(choice):
                return self.call(choice, value, path)
            if room := _room_of(choice):
                return self.component(value, room, path)
            if typing.get_origin(choice) is collections.abc.Mapping and typing.get_args(choice)[1] is not Any:
                inner = typing.get_args(choice)[1]
                return {k: self.value(v, inner, f"{path}.{k}", k) for k, v in value.items()}
        if "type" in value and key in KEYS:
            return self.component(value, KEYS[key], path)
        expected = [c for c in choices if c in (int, float, str, bool) or typing.get_origin(c) is typing.Literal]
        if expected and len(expected) == len(choices):
            self.problem(path, f"expected {_spell(choices)}, not the dict {_short(value)}")
        return value

    def _sequence(self, value: Sequence[Any], choices: list[Any], path: str, key: str) -> Any:
        for choice in choices:
            if typing.get_origin(choice) in (collections.abc.Sequence, list, tuple):
                inner = (typing.get_args(choice) or (Any,))[0]
                items = [self.value(item, inner, f"{path}.{i}", key) for i, item in enumerate(value)]
                return items if any(isinstance(item, (Plan, list)) for item in items) else value
        if choices and all(c in (int, float, str, bool) for c in choices):
            self.problem(path, f"expected {_spell(choices)}, not the list {_short(value)}")
            return value
        if key in KEYS:
            return [self.value(item, Any, f"{path}.{i}", key) for i, item in enumerate(value)]
        return value

    def _leaf(self, value: Any, choices: list[Any], path: str) -> None:
        for choice in choices:
            if typing.get_origin(choice) is typing.Literal:
                if value in typing.get_args(choice):
                    return
            elif choice not in (int, float, str, bool):
                if _accepts_leaf(choice, value):
                    return
            elif (isinstance(value, choice) and not (choice is int and isinstance(value, bool))) or (
                choice is float and isinstance(value, int) and not isinstance(value, bool)
            ):
                return
        if choices:
            literals = [str(v) for c in choices if typing.get_origin(c) is typing.Literal for v in typing.get_args(c)]
            hint = nearest(value, literals) if isinstance(value, str) and literals else ""
            self.problem(path, f"expected {_spell(choices)}, not {value!r}{hint}")

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
        if key in ("pretrained", "init_cfg"):
            return True  # read by pretrained_sources
        return (key in EMPTY_WHEN_NONE or key.endswith("_cfg")) and not value


@functools.cache
def signature(target: Any) -> tuple[dict[str, Parameter], bool]:
    """The parameters of a class, function or partial by name, options flattened; and whether it takes any keyword."""
    function = target.func if isinstance(target, functools.partial) else target
    try:
        hints = typing.get_type_hints(function.__init__ if inspect.isclass(function) else function)
    except (NameError, AttributeError, TypeError):  # a user's class may be annotated with names of a type checker only
        hints = {}
    found: dict[str, Parameter] = {}
    takes_any = False
    for name, parameter in inspect.signature(target).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_any = True
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        annotation = hints.get(name, Any)
        if name == "options" and dataclasses.is_dataclass(annotation):
            fields = typing.get_type_hints(annotation)
            for field in dataclasses.fields(annotation):
                required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
                found[field.name] = Parameter(fields[field.name], required, name, field.metadata.get("config"))
            continue
        found[name] = Parameter(annotation, parameter.default is parameter.empty)
    return found, takes_any


def _options_class(target: Any, group: str) -> type:
    function = target.func if isinstance(target, functools.partial) else target
    return typing.get_type_hints(function.__init__)[group]


def _config_keys(parameters: Mapping[str, Parameter]) -> list[str]:
    """The parameters as a config spells them: ``norm`` is ``norm_cfg``."""
    values = {"norm", "act", "conv", "upsample", "test"}
    return [f"{name}_cfg" if name in values else name for name in parameters]


def _alternatives(annotation: Any) -> list[Any]:
    """``int | Sequence[int] | None`` to its members without None; nothing where anything goes."""
    if annotation in (Any, inspect.Parameter.empty):
        return []
    if annotation == Activation:
        return [annotation]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [a for a in typing.get_args(annotation) if a is not type(None)]
    return [annotation]


def _room_of(choice: Any) -> str | None:
    """The room of a class of Segue, such as the data preprocessor."""
    module = getattr(choice, "__module__", "")
    package, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return room if inspect.isclass(choice) and package == "segue" and room in ROOMS else None


def _accepts_leaf(choice: Any, value: Any) -> bool:
    """Whether an annotation that is no simple type may take a plain value."""
    if choice is Norm or choice == Activation or choice in PROTOCOLS or dataclasses.is_dataclass(choice):
        return not isinstance(value, (str, int, float))
    return typing.get_origin(choice) not in (collections.abc.Sequence, collections.abc.Mapping, list, tuple, dict)


def _spell(choices: list[Any]) -> str:
    spelled = []
    for choice in choices:
        if typing.get_origin(choice) is typing.Literal:
            spelled.append(" or ".join(repr(v) for v in typing.get_args(choice)))
        elif choice == Activation or choice is Norm or choice in PROTOCOLS:
            spelled.append("a dict with a 'type'")
        elif typing.get_origin(choice) is not None:
            spelled.append(str(choice).replace("collections.abc.", "").replace("typing.", ""))
        else:
            spelled.append(getattr(choice, "__name__", str(choice)))
    return " or ".join(spelled)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _make(plan: Any) -> Any:
    if isinstance(plan, Plan):
        return plan.make()
    if isinstance(plan, list):
        return [_make(item) for item in plan]
    if isinstance(plan, dict) and any(isinstance(value, Plan) for value in plan.values()):
        return {key: _make(value) for key, value in plan.items()}
    return plan


def _at(cfg: Mapping[str, Any], path: str) -> Any:
    node: Any = cfg
    for key in path.split("."):
        if key not in node:
            raise ConfigError(Problem(path, f"the config has no {key!r}{nearest(key, [str(k) for k in node])}"))
        node = node[key]
    return node


def _with_preprocessor(cfg: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config, whose model has the top-level ``data_preprocessor`` where it has none of its own."""
    model = cfg.get("model")
    top = cfg.get("data_preprocessor")
    if not isinstance(model, Mapping) or model.get("data_preprocessor") or not isinstance(top, Mapping):
        return cfg
    cfg = cfg.copy() if hasattr(cfg, "copy") else dict(cfg)
    cfg["model"] = {**model, "data_preprocessor": top}  # type: ignore[index]
    return cfg


def _parts(cfg: Mapping[str, Any]) -> dict[str, str]:
    parts = {"model": "models"} if "model" in cfg else {}
    for phase in ("train", "val", "test"):
        if isinstance(cfg.get(f"{phase}_dataloader"), Mapping):
            parts[f"{phase}_dataloader.dataset"] = "datasets"
        if cfg.get(f"{phase}_evaluator"):
            parts[f"{phase}_evaluator"] = "metrics"
    return parts
