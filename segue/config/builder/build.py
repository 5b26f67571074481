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

from collections.abc import Mapping
from typing import Any

from torch import nn

from segue.config.balance import without_named_weights, wrong_weights
from segue.config.builder.plan import Planner, make
from segue.config.builder.pretrained import unfetched
from segue.config.origins import origin_of
from segue.errors import ConfigError, Problem, nearest


def build(cfg: Mapping[str, Any], path: str, room: str) -> Any:
    """Build the component (or list of components) at a dotted key path of a config.

    Raises:
        ConfigError: with everything that is wrong below that path.
    """
    planner = Planner(cfg)
    plan = _planned(planner, path, room)
    if planner.problems:
        raise ConfigError(planner.problems)
    return make(plan)


def build_model(cfg: Mapping[str, Any], *, fetching: bool = False) -> nn.Module:
    """The segmentor of a config, with weights as its classes initialize them.

    ``fetching``, in training: parts that get weights over the network (timm's) do so; elsewhere others follow.
    """
    cfg = without_named_weights(_with_preprocessor(cfg))
    model = build(cfg if fetching else unfetched(cfg), "model", "models")
    if not isinstance(model, nn.Module):  # of a trusted config, or a function that was registered
        where = str(origin_of(cfg, "model.type") or "")
        raise ConfigError(Problem("model.type", f"is no model: it gives {type(model).__name__}", where))
    return model


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
    cfg = without_named_weights(_with_preprocessor(cfg))
    planner = Planner(cfg)
    for path, room in (paths or _parts(cfg)).items():
        _planned(planner, path, room)
    return planner.problems


def _planned(planner: Planner, path: str, room: str) -> Any:
    plan = planner.component(_at(planner.cfg, path), room, path)
    for at, message in wrong_weights(planner.cfg) if room == "models" else ():
        planner.problem(at, message)
    return plan


def _at(cfg: Mapping[str, Any], path: str) -> Any:
    node: Any = cfg
    for key in path.split("."):
        if key not in node:
            raise ConfigError(Problem(path, f"the config has no {key!r}{nearest(key, [str(k) for k in node])}"))
        node = node[key]
    return node


def _with_preprocessor(cfg: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config; a model without a ``data_preprocessor`` of its own gets the one at the config's top level."""
    model = cfg.get("model")
    top = cfg.get("data_preprocessor")
    if not isinstance(model, Mapping) or model.get("data_preprocessor") or not isinstance(top, Mapping):
        return cfg
    cfg = cfg.copy() if hasattr(cfg, "copy") else dict(cfg)
    cfg["model"] = {**model, "data_preprocessor": top}
    return cfg


def _parts(cfg: Mapping[str, Any]) -> dict[str, str]:
    parts = {"model": "models"} if "model" in cfg else {}
    for phase in ("train", "val", "test"):
        if isinstance(cfg.get(f"{phase}_dataloader"), Mapping):
            parts[f"{phase}_dataloader.dataset"] = "datasets"
        if cfg.get(f"{phase}_evaluator"):
            parts[f"{phase}_evaluator"] = "metrics"
    return parts
