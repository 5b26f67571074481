"""The sections of a config: which names are read, what kind of value each takes, and what nothing reads.

Whatever a config says at its top level is read, or known to be a variable of the config itself, or said: a misspelt
``moddel`` trains another model without a word otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from segue.config.marks import OPTIONS
from segue.config.origins import leaves, origin_of
from segue.errors import Problem, alike, nearest

_DICT, _LIST, _TEXT, _FLAG, _NUMBER = "a dict", "a list", "a text", "True or False", "a number"
_TYPES: dict[str, tuple[type, ...]] = {
    _DICT: (Mapping,),
    _LIST: (list, tuple),
    _TEXT: (str,),
    _FLAG: (bool,),
    _NUMBER: (int, float),
}
#: What is read at the top level, and the kinds of value that it takes. None is always allowed: it switches off.
SECTIONS: dict[str, tuple[str, ...]] = {
    "model": (_DICT,),
    "data_preprocessor": (_DICT,),
    "train_dataloader": (_DICT,),
    "val_dataloader": (_DICT,),
    "test_dataloader": (_DICT,),
    "train_cfg": (_DICT,),
    "val_cfg": (_DICT,),
    "test_cfg": (_DICT,),
    "val_evaluator": (_DICT, _LIST),
    "test_evaluator": (_DICT, _LIST),
    "optim_wrapper": (_DICT,),
    "param_scheduler": (_DICT, _LIST),
    "auto_scale_lr": (_DICT,),
    "default_hooks": (_DICT,),
    "custom_hooks": (_LIST,),
    "custom_imports": (_DICT,),
    "randomness": (_DICT,),
    "env_cfg": (_DICT,),
    "visualizer": (_DICT,),
    "vis_backends": (_LIST,),
    "log_processor": (_DICT,),
    "log_level": (_TEXT, _NUMBER),
    "labels": (_DICT,),
    "crop_size": (_LIST, _NUMBER),
    "test_pipeline": (_LIST,),
    "tta_pipeline": (_LIST,),
    "tta_model": (_DICT,),
    "load_from": (_TEXT,),
    "resume": (_FLAG,),
    "work_dir": (_TEXT,),
    "default_scope": (_TEXT,),
    "find_unused_parameters": (_FLAG,),
    "launcher": (_TEXT,),
    "experiment_name": (_TEXT,),
    "model_wrapper_cfg": (_DICT,),
    "runner_type": (_TEXT,),
    "sync_bn": (_TEXT,),
    "compile": (_FLAG, _DICT),
    "channels_last": (_FLAG,),
    "winograd": (_FLAG,),
    "activation_checkpointing": (_FLAG, _LIST, _TEXT),
    "feature_cache": (_FLAG, _TEXT),
}
#: Names of 0.x, and what stands for them now.
OLD = {
    "checkpoint_config": "default_hooks.checkpoint",
    "data": "train_dataloader, val_dataloader and test_dataloader",
    "evaluation": "val_evaluator and train_cfg.val_interval",
    "log_config": "default_hooks.logger",
    "lr_config": "param_scheduler",
    "optimizer": "optim_wrapper.optimizer",
    "optimizer_config": "optim_wrapper",
    "resume_from": "resume and load_from",
    "runner": "train_cfg",
    "seed": "randomness.seed",
    "total_iters": "train_cfg.max_iters",
    "total_epochs": "train_cfg.max_epochs",
}
#: Names that configs give to variables of their own.
VARIABLES = frozenset({"train_pipeline", "val_pipeline", "models", "test_dataset", "val_dataset", "train_dataset"})
IMPORTS = ("imports", "allow_failed_imports")
_CLOSE = 0.8


def shape_problems(cfg: Mapping[str, Any]) -> list[Problem]:
    """Sections of another kind than they take, entries of lists that are no dicts, and a ``type`` that is no name."""
    found = []
    for name, kinds in SECTIONS.items():
        value: Any = cfg.get(name)
        if value is None:
            continue
        if type(value).__module__ != "builtins" and not isinstance(value, Mapping):
            continue  # an object made in Python, or a path
        wrong = isinstance(value, bool) and _FLAG not in kinds
        if wrong or not any(isinstance(value, _TYPES[kind]) for kind in kinds):
            found.append(_problem(cfg, name, f"{' or '.join(kinds)} is expected here, not {_short(value)}"))
        elif name in ("custom_hooks", "vis_backends", "param_scheduler") and not isinstance(value, Mapping):
            found += [
                _problem(cfg, f"{name}.{i}", f"a dict(type='...') is expected here, not {_short(item)}")
                for i, item in enumerate(value)
                if not isinstance(item, Mapping)
            ]
        elif name == "default_hooks":
            found += [
                _problem(cfg, f"{name}.{key}", f"a dict(type='...') is expected here, not {_short(item)}")
                for key, item in value.items()
                if item is not None and not isinstance(item, Mapping)
            ]
    for key in ("train_dataloader", "val_dataloader", "test_dataloader"):
        node = cfg.get(key)
        if isinstance(node, Mapping) and not node.get("dataset"):
            found.append(_problem(cfg, key, "has no 'dataset'; give it dataset=dict(type='...')"))
    imports = None
    if isinstance(wanted := cfg.get("custom_imports"), Mapping):
        imports = wanted.get("imports")
        for key in wanted:
            if key not in IMPORTS:
                message = f"there is no such setting{nearest(str(key), IMPORTS)}"
                found.append(_problem(cfg, f"custom_imports.{key}", message))
        if not isinstance(failed := wanted.get("allow_failed_imports", False), bool):
            message = f"{_FLAG} is expected here, not {_short(failed)}"
            found.append(_problem(cfg, "custom_imports.allow_failed_imports", message))
    for name in imports if isinstance(imports, (list, tuple)) else [imports] if imports is not None else []:
        if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
            found.append(_problem(cfg, "custom_imports.imports", f"names of modules are expected, not {_short(name)}"))
    return found + [
        _problem(cfg, path, f"a name is expected here, not {_short(value)}")
        for path, value in _types(cfg, "")
        if not (isinstance(value, str) and value) and not callable(value) and value is not None
    ]


def unread(cfg: Mapping[str, Any]) -> list[str]:
    """A line for each top-level name that nothing reads although somebody will think so.

    It is close to one that is read; or it is a component that stands nowhere else in the config, such as a
    ``train_pipeline`` of which the dataset holds another copy. Of the variables of a base, nothing is said: a child
    that replaces what was made of them leaves them behind.
    """
    lines = []
    for name, value in cfg.items():
        if name in SECTIONS or str(name).startswith("_"):
            continue
        origin = origin_of(cfg, (name,))
        if _by_option(cfg, name, value):
            lines.append(
                f"--cfg-options {name}: nothing reads it when the config has been read{_place_for(name, value)}"
            )
            continue
        if origin is not None and not _is_file(origin.file, getattr(cfg, "filename", None)):
            continue
        where = f"{origin}: " if origin else ""
        close = alike(str(name), [*SECTIONS, "train_pipeline"], cutoff=_CLOSE)
        if name in OLD and not _moved(cfg, name, value):
            lines.append(f"{where}nothing reads {name!r}, a key of mmseg 0.x, mixed into 1.x; it is {OLD[name]} now")
        elif close and name not in VARIABLES and not any(_equals(o, value) for k, o in cfg.items() if k != name):
            lines.append(f"{where}nothing reads {name!r}; did you mean {close[0]!r}?")
        elif _is_component(value) and not _stands_elsewhere(cfg, name, value):
            lines.append(f"{where}nothing reads {name!r}{_place_for(name, value)}")
    return lines


def _is_file(origin: str, filename: str | None) -> bool:
    """Whether an origin is the config's own file, however its path was given."""
    return filename is not None and os.path.realpath(origin) == os.path.realpath(filename)


def _moved(cfg: Mapping[str, Any], name: str, value: Any) -> bool:
    """Whether a variable with the name of an old key is used: it stands elsewhere, or at the key that it is now."""
    if isinstance(value, (Mapping, list, tuple)):
        return _stands_elsewhere(cfg, name, value)
    node: Any = cfg
    for key in OLD[name].split("."):
        node = node.get(key) if isinstance(node, Mapping) else None
    return bool(node == value)


def _by_option(cfg: Mapping[str, Any], name: Any, value: Any) -> bool:
    """Whether the command line has changed anything in this name."""
    if origin_of(cfg, (name,)) == OPTIONS:
        return True
    below = leaves(value, (name,)) if isinstance(value, (Mapping, list, tuple)) else ()
    return any(origin == OPTIONS or origin_of(cfg, path) == OPTIONS for path, _, origin in below)


def _place_for(name: str, value: Any) -> str:
    """Where a component that nothing reads would have an effect."""
    split = next((split for split in ("train", "val", "test") if name.startswith(split)), "train")
    if "pipeline" in name:
        return f"; the datasets hold their own copy: set {split}_dataloader.dataset.pipeline"
    if isinstance(value, Mapping) and "dataset" in f"{name} {value.get('type', '')}".lower():
        return f"; put it into a loader: {split}_dataloader = dict(dataset={name}, ...)"
    return ""


def _is_component(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, Mapping) and "type" in item for item in value)
    return isinstance(value, Mapping) and "type" in value


def _stands_elsewhere(cfg: Mapping[str, Any], name: Any, value: Any) -> bool:
    """Whether the value, or the entries of a dict together, stand in another part of the config."""
    return any(_holds(other, value) for key, other in cfg.items() if key != name)


def _equals(node: Any, value: Any) -> bool:
    """Whether the value stands somewhere below a node as it is; numbers and texts could by chance."""
    if not isinstance(value, (Mapping, list, tuple)) or not value:
        return False
    if node == value and type(node) is type(value):
        return True
    items = node.values() if isinstance(node, Mapping) else node if isinstance(node, (list, tuple)) else ()
    return any(_equals(item, value) for item in items)


def _holds(node: Any, value: Any) -> bool:
    """Whether the value stands below a node as it is, or its entries do beside others."""
    if node == value and type(node) is type(value):
        return True
    if isinstance(node, Mapping):
        if isinstance(value, Mapping) and value and all(key in node and node[key] == value[key] for key in value):
            return True
        return any(_holds(item, value) for item in node.values())
    if isinstance(node, (list, tuple)):
        inside = isinstance(value, (list, tuple)) and len(value) and _part_of(list(node), list(value))
        return inside or any(_holds(item, value) for item in node)
    return False


def _part_of(whole: Sequence[Any], part: Sequence[Any]) -> bool:
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def _types(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every ``type`` of the tree with its key path."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            at = f"{path}.{key}" if path else str(key)
            if key == "type" and path:
                yield at, value
            else:
                yield from _types(value, at)
    elif isinstance(node, (list, tuple)):
        for i, item in enumerate(node):
            yield from _types(item, f"{path}.{i}")


def _problem(cfg: Mapping[str, Any], path: str, message: str) -> Problem:
    return Problem(path, message, str(origin_of(cfg, path) or ""))


def _short(value: Any) -> str:
    text = repr(dict(value) if isinstance(value, Mapping) else value)
    return text if len(text) <= 60 else text[:57] + "..."
