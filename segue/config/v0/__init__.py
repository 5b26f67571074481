"""Configs of mmseg 0.x as configs of 1.x: found out by their sections, translated key by key, origins kept.

``migrate(cfg)`` gives the 1.x config and a ledger of what became of each key. A 0.x config runs unmodified, because
``segue.recipes.open.read_config`` translates it; ``segue config migrate`` prints the result.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segue.config.config import Config
from segue.config.marks import shorten
from segue.config.options import merge_options
from segue.config.origins import origin_of
from segue.config.tree import ConfigDict, copy_tree
from segue.config.v0.datasets import DataReader, migrate_loaders, pipeline_variable
from segue.config.v0.ledger import Entry, Ledger, Old, derived
from segue.config.v0.model import data_preprocessor, migrate_model
from segue.config.v0.pipelines import RATIOS, Pipeline, tta_pipeline
from segue.config.v0.runtime import custom_hooks, default_hooks, environment, evaluators, start, vis_backends
from segue.config.v0.schedules import optim_wrapper, param_scheduler, read_length, train_loop
from segue.errors import ConfigError, Problem
from segue.system.shown import visible

__all__ = ["Entry", "Migration", "is_v0", "migrate", "migrate_dataset", "migrate_file", "translate"]

#: sections that only 0.x acts upon, and sections that only 1.x has: a few 1.x configs keep a dead one of the former
OLD_SECTIONS = (
    "lr_config",
    "runner",
    "total_iters",
    "total_epochs",
    "checkpoint_config",
    "log_config",
    "evaluation",
    "optimizer_config",
    "workflow",
)
NEW_SECTIONS = (
    "train_dataloader",
    "val_dataloader",
    "test_dataloader",
    "optim_wrapper",
    "param_scheduler",
    "default_hooks",
)


@dataclass(frozen=True)
class Migration:
    """The 1.x config, and what became of every key of the old one."""

    cfg: Config
    entries: list[Entry]


def is_v0(cfg: Mapping[str, Any]) -> bool:
    """Whether a config is one of mmseg 0.x."""
    if any(section in cfg for section in NEW_SECTIONS):
        return False
    return _has_old_data(cfg) or any(section in cfg for section in OLD_SECTIONS)


def mixture_problems(cfg: Mapping[str, Any]) -> list[Problem]:
    """Keys of 1.x in a config of 0.x: its data is in ``data``, so that nothing reads them together."""
    loaders = [cfg.get(f"{split}_dataloader") for split in ("train", "val", "test")]
    if not _has_old_data(cfg) or any(isinstance(loader, Mapping) and "dataset" in loader for loader in loaders):
        return []
    first = next(name for name in ("data", *OLD_SECTIONS) if name in cfg)
    old = f"{first!r}" + (f" ({place})" if (place := origin_of(cfg, (first,))) else "")
    message = (
        f"a key of mmseg 1.x in a config of 0.x, which has {old}: the two are mixed; write what 0.x calls it, or "
        "translate the 0.x part with `segue config migrate` and inherit from the result"
    )
    return [Problem(name, message, str(origin_of(cfg, (name,)) or "")) for name in NEW_SECTIONS if name in cfg]


def _has_old_data(cfg: Mapping[str, Any]) -> bool:
    data = cfg.get("data")
    return isinstance(data, Mapping) and any(key in data for key in ("samples_per_gpu", "train", "val", "test"))


def translate(cfg: Config, options: Sequence[str] = ()) -> Config:
    """A config to run: one of 0.x is translated, which one line on stderr says; then the options are merged.

    Options that name a section of the 0.x config (``data.samples_per_gpu=4``) change it before it is translated.

    Raises:
        ConfigError: keys of both are mixed, or what cannot be translated.
    """
    if problems := mixture_problems(cfg):
        raise ConfigError(problems)
    if not is_v0(cfg):
        merge_options(cfg, options)
        return cfg
    before = [option for option in options if option.partition("=")[0].partition(".")[0] in cfg]
    cfg = Config(copy_tree(cfg.tree), cfg.text, cfg.filename, cfg.env_variables)
    merge_options(cfg, before)
    name = visible(shorten(cfg.filename)) if cfg.filename else "the config"
    new = migrate(cfg).cfg
    print(
        f"{visible(name)} is of mmseg 0.x and was translated; `segue config migrate` shows the result", file=sys.stderr
    )
    merge_options(new, [option for option in options if option not in before])
    return new


def migrate_dataset(node: Any, *, train: bool = False, pipelines: list[Pipeline] | None = None) -> ConfigDict:
    """One dataset of a 0.x config (``cfg.data.train``) as 1.x writes it; ``pipelines`` takes what it was made of."""
    reader = DataReader(Ledger())
    split = "train" if train else "test"
    tree = ConfigDict({"dataset": node})
    found = reader.dataset(tree["dataset"], None, "data", split)
    if reader.ledger.problems:
        raise ConfigError(reader.ledger.problems)
    if pipelines is not None:
        pipelines += reader.pipelines[split]
    return found


def migrate(cfg: Config | Mapping[str, Any]) -> Migration:
    """Translate a 0.x config.

    Raises:
        ConfigError: everything in it that has no counterpart and would change the results.
    """
    source = cfg if isinstance(cfg, Config) else Config(cfg)
    ledger = Ledger()
    top = Old(copy_tree(source.tree), "", ledger)
    out = ConfigDict()
    if "model" in top:
        top.move("model", out, "model")
    length = read_length(top)
    evaluation = Old(top.node["evaluation"], "evaluation", ledger) if top.node.get("evaluation") else None
    top.seen |= {"evaluation", "data"}
    reader = DataReader(ledger)
    loaders = ConfigDict()
    if top.node.get("data"):
        data = Old(top.node["data"], "data", ledger)
        migrate_loaders(data, loaders, reader, by_epoch=bool(length and length.by_epoch))
    if "model" in out:
        preprocessor = data_preprocessor(reader.pipelines, ledger)
        migrate_model(out["model"], top, preprocessor, ledger)
    variables(top, out)
    tta(top, out, reader.pipelines)
    out.update(loaders)
    evaluator = evaluators(evaluation)
    measured = [split for split in ("val", "test") if f"{split}_dataloader" in out]
    for split in measured:
        out[f"{split}_evaluator"] = copy_tree(evaluator or ConfigDict({"type": "IoUMetric", "iou_metrics": ["mIoU"]}))
    out["default_scope"] = "mmseg"
    out["env_cfg"] = environment(top)
    out["vis_backends"] = vis_backends(top)
    out["visualizer"] = {"type": "SegLocalVisualizer", "vis_backends": out["vis_backends"], "name": "visualizer"}
    out["log_processor"] = {"by_epoch": bool(length and length.by_epoch)}
    start(top, out)
    for name, made in (("optim_wrapper", optim_wrapper(top)), ("param_scheduler", param_scheduler(top, length))):
        if made is not None:
            out[name] = made
    if length is not None:
        out["train_cfg"] = train_loop(length, evaluation)
    for split in measured:
        out[f"{split}_cfg"] = {"type": f"{split.capitalize()}Loop"}
    out["default_hooks"] = default_hooks(top, evaluation, length)
    own = custom_hooks(top)
    if own:
        out["custom_hooks"] = own
    imports(top, out)
    for key in top.rest():
        top.move(key, out, key)
    if ledger.problems:
        raise ConfigError(ledger.problems)
    return Migration(Config(out, source.text, source.filename, source.env_variables), ledger.entries)


def migrate_file(cfg: Config) -> Migration:
    """As ``migrate``, for a file that is said to be of 0.x.

    Raises:
        ConfigError: it is not.
    """
    if not is_v0(cfg):
        raise ConfigError(f"{shorten(cfg.filename or 'the config')} is no config of mmseg 0.x; it needs no translation")
    return migrate(cfg)


def variables(top: Old, out: ConfigDict) -> None:
    """Variables of the file that sections were written with: kept, where they still mean something."""
    top.drop("img_norm_cfg", "its values are in model.data_preprocessor")
    for key in list(top.rest()):
        found = pipeline_variable(top.node[key], top.mark(key), key)
        if found is not None:
            out.put(key, found.steps, found.mark)
            top.seen.add(key)
            top.ledger.note(key, "translated", key, top.mark(key))
    for key in ("dataset_type", "data_root", "crop_size", "norm_cfg", "backbone_norm_cfg"):
        top.move(key, out, key)


def tta(top: Old, out: ConfigDict, pipelines: Mapping[str, list[Pipeline]]) -> None:
    """``tta_pipeline`` and ``tta_model``: the old test pipeline's own, or the usual six sizes and a flip."""
    given = [done.augmented for done in pipelines["test"] if done.augmented]
    flips = [derived(None, type="RandomFlip", prob=float(p), direction="horizontal") for p in (0, 1)]
    if pipelines["test"]:
        out["tta_pipeline"] = given[0] if given else tta_pipeline(RATIOS, flips)
        out["tta_model"] = {"type": "SegTTAModel"}


def imports(top: Old, out: ConfigDict) -> None:
    """``custom_imports``; the classification toolbox has another name now."""
    if not top.node.get("custom_imports"):
        top.drop("custom_imports", "empty")
        return
    given = copy_tree(top.node["custom_imports"])
    names = given.get("imports") or []
    names = [names] if isinstance(names, str) else names
    given["imports"] = ["mmpretrain.models" if name == "mmcls.models" else name for name in names]
    top.move("custom_imports", out, "custom_imports")
    out.put("custom_imports", given, top.mark("custom_imports"))
