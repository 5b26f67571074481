"""``vis_backends`` and ``visualizer`` of a config: the trackers that they name, made for the folder of a run."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, get_type_hints

from segue.config.builder.leaves import short
from segue.config.builder.plan import Planner
from segue.config.builder.register import registered
from segue.config.trust import rights_of
from segue.errors import ConfigError, InputError, Problem, nearest
from segue.training import services, trackers
from segue.training.trackers import installed
from segue.training.translate import type_name, users_own

#: mmengine's backends by name
BACKENDS: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        trackers.LocalVisBackend,
        trackers.TensorboardVisBackend,
        trackers.CSVVisBackend,
        services.WandbVisBackend,
        services.MLflowVisBackend,
        services.ClearMLVisBackend,
        services.NeptuneVisBackend,
        services.DVCLiveVisBackend,
        services.AimVisBackend,
    )
}


#: what `segue train --log` calls them
LOGS: dict[str, str] = {name.removesuffix("VisBackend").lower(): name for name in BACKENDS}


def log_options(cfg: Mapping[str, Any], text: str | None) -> list[str]:
    """Options that add the backends of ``tensorboard,csv`` to those of a config.

    Raises:
        InputError: one that nobody knows.
    """
    asked = [name.strip().lower() for name in (text or "").split(",") if name.strip()]
    for name in asked:
        if name not in LOGS:
            raise InputError(f"--log {name}: there is no such log{nearest(name, list(LOGS))}; {', '.join(LOGS)}")
    if text is not None and not asked:
        raise InputError(f"--log {text!r} names nothing; say what, as in tensorboard,csv")
    inside = (cfg.get("visualizer") or {}).get("vis_backends") is not None
    given = (cfg.get("visualizer") or {}).get("vis_backends") if inside else cfg.get("vis_backends")
    there = [node.get("type") for node in given or () if isinstance(node, Mapping)]
    nodes = [*(given or ()), *({"type": LOGS[name]} for name in dict.fromkeys(asked) if LOGS[name] not in there)]
    key = "visualizer.vis_backends" if inside else "vis_backends"
    return [f"{key}={nodes!r}"] if asked else []


def backend_nodes(cfg: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Key path, name and dict of every backend: those of the visualizer, else those of the config.

    Raises:
        ConfigError: a backend that nobody knows.
    """
    at, nodes = "visualizer.vis_backends", (cfg.get("visualizer") or {}).get("vis_backends")
    if nodes is None:
        at, nodes = "vis_backends", cfg.get("vis_backends")
    if nodes is not None and not isinstance(nodes, (list, tuple)):
        raise ConfigError(Problem(at, f"a list is expected here, not {short(nodes)}"))
    for index, node in enumerate(nodes or ()):
        key = f"{at}.{index}"
        name = type_name(node, key)
        # the user's own, and import paths, about which `segue.config.trust` decides, are none of the table
        if not (name in BACKENDS or name in registered or "." in name or not isinstance(node["type"], str)):
            raise ConfigError(Problem(f"{key}.type", f"there is no backend {name!r}{nearest(name, list(BACKENDS))}"))
        yield key, name, node


def picture_folder(cfg: Mapping[str, Any], folder: Path) -> Path:
    """Where backends write: ``vis_data`` of the visualizer's ``save_dir``, else of the run's folder."""
    return Path((cfg.get("visualizer") or {}).get("save_dir") or folder) / "vis_data"


def check_backends(cfg: Mapping[str, Any]) -> None:
    """Whether Segue's own could be made and their packages are there; the user's own are left for the run.

    Raises:
        ConfigError: everything that is wrong with them.
    """
    problems: list[Problem] = []
    for key, name, node in backend_nodes(cfg):
        if name not in BACKENDS or name in registered or not isinstance(node["type"], str):
            continue
        cls = BACKENDS[name]
        arguments = {k: v for k, v in node.items() if k not in ("type", "_scope_")}
        try:
            _make(cls, {"save_dir": ".", **arguments}, key)
        except ConfigError as error:
            problems += error.problems
        if cls.package and not installed(cls.package):
            problems.append(Problem(f"{key}.type", cls.lacking()))
    if problems:
        raise ConfigError(problems)


def make_backends(cfg: Mapping[str, Any], folder: Path) -> list[Any]:
    """The backends of a config; what they need is there when they are first used.

    Raises:
        ConfigError: unknown names or arguments, or an import path that the config may not use.
    """
    made = []
    for key, name, node in backend_nodes(cfg):
        cls = None
        if name not in BACKENDS or name in registered or not isinstance(node["type"], str):
            cls = users_own(node["type"], "vis_backends", f"{key}.type", rights_of(cfg))
        if cls is None:
            cls = BACKENDS[name]
        arguments = {k: v for k, v in node.items() if k not in ("type", "_scope_")}
        made.append(_make(cls, {"save_dir": str(picture_folder(cfg, folder)), **arguments}, key))
    return made


def _make(cls: Any, arguments: dict[str, Any], key: str) -> Any:
    parameters = inspect.signature(cls).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        unknown = [name for name in arguments if name not in parameters]
        name = getattr(cls, "__name__", str(cls))
        problems = [
            Problem(f"{key}.{argument}", f"{name} has no argument {argument!r}{nearest(argument, list(parameters))}")
            for argument in unknown
            if argument != "save_dir"
        ]
        arguments = {k: str(v) if isinstance(v, PurePath) else v for k, v in arguments.items() if k in parameters}
        if cls in BACKENDS.values():
            planner, hints = Planner({}), get_type_hints(cls.__init__)
            for argument, value in arguments.items():
                planner.value(value, hints[argument], f"{key}.{argument}", argument)
            problems += planner.problems
        if problems:
            raise ConfigError(problems)
    try:
        return cls(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(Problem(key, str(error))) from error
