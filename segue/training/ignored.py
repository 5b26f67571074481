"""What a config asks for and training does not do: a line each, before the first step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from segue.config.builder.pretrained import unapplied_initializers
from segue.config.builder.register import aside
from segue.config.nodes import heads_of, losses_of
from segue.config.trust import bare
from segue.training.accepted_hooks import ACCEPTED, DEFAULT_NAMES
from segue.training.hooks import TRANSLATED, hook_nodes
from segue.training.run_settings import unused_settings
from segue.training.translate import of_family, replaces, type_name

#: Arguments of translated hooks that have no effect, and why.
ARGUMENTS: dict[str, dict[str, str]] = {
    "CheckpointHook": {
        "filename_tmpl": "files are named iter_N or epoch_N",
        "save_param_scheduler": "the schedule is always saved",
        "file_client_args": "files are written to the local disk",
        "backend_args": "files are written to the local disk",
    },
    "EMAHook": {
        "device": "the average is kept where the weights are",
        "strict_load": "weights without an average start as a copy of the model",
    },
    "LoggerHook": {
        "interval_exp_name": "the work folder names a run",
        "out_dir": "the log stays in the work folder",
        "file_client_args": "files are written to the local disk",
        "backend_args": "files are written to the local disk",
    },
}
#: What Segue does itself where a hook of the user's own stands in the place of mmengine's.
OWN_WORK = {
    "checkpoint": "a checkpoint is written after each epoch",
    "logger": "the log is written",
    "param_scheduler": "the schedule runs",
}
_NO_EFFECT = {
    "launcher": "--launcher says who starts the processes",
    "model_wrapper_cfg": "Lightning's --strategy wraps the model",
    "runner_type": "the loop is Lightning's",
    "experiment_name": "the work folder names a run",
    "sync_bn": "norm_cfg=dict(type='SyncBN') says which normalizations are synchronized",
}


def ignored(cfg: Mapping[str, Any]) -> list[str]:
    """A line, ``ignored: KEY: what and why``, for everything of that kind in a config."""
    return [f"ignored: {key}: {why}" for part in PARTS for key, why in part(cfg)]


def uncalled(dataset: Any) -> list[str]:
    """A line, ``not called: CLASS.METHOD ...``, for each class of a dataset, and of those that it joins, that measures
    in its own way, as datasets of 0.x did.
    """
    inner = getattr(dataset, "datasets", None) or [getattr(dataset, "dataset", None)]
    lines = [line for part in inner if part is not None for line in uncalled(part)]
    said = getattr(dataset, "uncalled", "")
    return list(dict.fromkeys([*lines, *([f"not called: {said}"] if said else [])]))


def _losses(cfg: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for at, head in heads_of(cfg):
        for path, loss in losses_of(head, at):
            name = loss.get("loss_name") if isinstance(loss, Mapping) else None
            if isinstance(name, str) and "loss" not in name:
                why = "is logged and not trained: only names that contain 'loss' are in the total"
                yield f"{path}.loss_name", f"{name!r} {why}"


def _starts(cfg: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, name in unapplied_initializers(cfg):
        yield key, f"{name}: the component starts as its paper says; weights are loaded by Pretrained"


def _hooks(cfg: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    first: dict[str, str] = {}
    names = ", ".join(DEFAULT_NAMES)
    for key, node in hook_nodes(cfg.get("default_hooks"), cfg.get("custom_hooks")):
        place = key.removeprefix("default_hooks.")
        if node is None:
            if place not in DEFAULT_NAMES:  # it may have switched off a hook of the base
                yield key, f"None: Segue has no default hook of this name to switch off; it has {names}"
            elif DEFAULT_NAMES[place]:
                yield key, f"None: {DEFAULT_NAMES[place]}"
            continue
        name = type_name(node, key)
        if (name not in TRANSLATED and name not in ACCEPTED) or replaces(node["type"], name):
            if place in OWN_WORK:
                yield key, f"{name} runs, and does not take the place of Segue's own: {OWN_WORK[place]}"
            continue
        if name in TRANSLATED and first.setdefault(name, key) != key:
            yield first[name], f"there is one {name}, and {key} comes later"
            first[name] = key
        if name in ACCEPTED and not ACCEPTED[name].done:
            yield key, f"{name}: {ACCEPTED[name].why}"
        if name in TRANSLATED:
            defaults = {f.name: f.default for f in fields(TRANSLATED[name][1])}
            for argument, why in ARGUMENTS.get(name, {}).items():
                if argument in node and node[argument] != defaults[argument]:
                    yield f"{key}.{argument}", why


def _aside(cfg: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Classes of the project's own by the names of mmengine's, where training has no place for them."""
    nodes = [(name, cfg.get(name)) for name in ("train_cfg", "val_cfg", "test_cfg", "optim_wrapper", "log_processor")]
    schedule = cfg.get("param_scheduler")
    if isinstance(schedule, (list, tuple)):
        nodes += [(f"param_scheduler.{i}", node) for i, node in enumerate(schedule)]
    else:
        nodes.append(("param_scheduler", schedule))
    for key, node in nodes:
        kind = node.get("type") if isinstance(node, Mapping) else None
        name = bare(kind) if isinstance(kind, str) else getattr(kind, "__name__", "")
        if kind is not None and (name in aside if isinstance(kind, str) else not of_family(kind)):
            yield f"{key}.type", f"{name} is Segue's own here, and the project's class of that name is not called"


def _loaders(cfg: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Settings of workers that there are none of, and orders of an evaluation, which measures each image once."""
    for key in ("train_dataloader", "val_dataloader"):
        node = cfg.get(key) or {}
        if not node.get("num_workers"):
            for name in ("prefetch_factor", "timeout", "multiprocessing_context", "worker_init_fn"):
                if node.get(name):
                    yield f"{key}.{name}", "num_workers=0: the main process reads the samples itself"
    node = cfg.get("val_dataloader") or {}
    sampler = node.get("sampler") or {}
    if sampler.get("type", "DefaultSampler") != "DefaultSampler" or sampler.get("shuffle") or node.get("shuffle"):
        yield "val_dataloader.sampler", "each image is measured once, in the order of the dataset"
    if node.get("drop_last"):
        yield "val_dataloader.drop_last", "each image is measured once"


def _rest(cfg: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, why in _NO_EFFECT.items():
        if cfg.get(key) not in (None, "none"):
            yield key, why
    if str(cfg.get("log_level") or "INFO").upper() not in ("INFO", "20"):
        yield "log_level", "the command prints the same at every level"
    merging = cfg.get("tta_model")
    for key in merging if isinstance(merging, Mapping) and cfg.get("tta_pipeline") else ():
        if key not in ("type", "_scope_", "module", "data_preprocessor"):
            yield f"tta_model.{key}", "views are merged by their mean probabilities"
    wrapper = cfg.get("optim_wrapper")
    if isinstance(wrapper, Mapping) and wrapper.get("use_fsdp"):
        yield "optim_wrapper.use_fsdp", "--strategy fsdp shards the model"
    yield from unused_settings(cfg)


PARTS = (_losses, _starts, _hooks, _aside, _loaders, _rest)
