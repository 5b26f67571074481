"""The one place where a config gets ready for use: opened, translated from 0.x, with its user code and its labels."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from segue.checkpoints.downloads.fetch import fetch
from segue.checkpoints.folder import config_text
from segue.checkpoints.hub.address import is_hub
from segue.config import Config
from segue.config.builder.register import import_custom
from segue.config.labels import apply_labels
from segue.config.load import EXTENSIONS
from segue.config.sections import shape_problems, unread
from segue.config.trust import Rights, rights_of, screen
from segue.config.v0 import translate
from segue.errors import ConfigError, Problem
from segue.recipes.catalogue import near_recipe
from segue.recipes.compose import compose, looks_like_name
from segue.system.near import near_path


def read_config(
    config: str | Path | Config | Mapping[str, Any],
    options: Sequence[str] = (),
    *,
    trust: bool = False,
    wrong: list[Problem] | None = None,
) -> Config:
    """A config from a file, the name of a recipe, a mapping, or as it is.

    ``options`` are ``key=value`` texts as after ``--cfg-options``.

    A config of mmseg 0.x becomes one of 1.x (`segue.config.v0`). With ``trust`` it may name anything that can be
    imported, and a .py file that is more than data is executed; both are said.

    Values of a wrong kind go into ``wrong``, where it is given, and their sections are left out, so that whoever goes
    on can find what else is wrong; otherwise they are raised.

    Raises:
        ConfigError: no such file, or what is wrong in it, such as names that it may not use (`segue.config.trust`).
    """
    if isinstance(config, Config):
        cfg = config.copy()
    elif isinstance(config, Mapping):
        cfg = Config(config)
    else:
        cfg = open_config(config, trust=trust)
    rights = Rights.TRUSTED if trust else rights_of(cfg)
    if rights is Rights.INSIDE and (problems := screen(cfg, rights)):
        raise ConfigError(problems)  # before the options are merged: those are the user's own
    use_project(config, cfg, rights)
    cfg = translate(cfg, options).with_rights(rights)
    problems = screen(cfg, rights) if rights is Rights.NAMED else []
    shapes = shape_problems(cfg)
    if problems or (shapes and wrong is None):
        raise ConfigError(problems + shapes)
    if wrong is not None:
        wrong += shapes
        for section in {problem.key.partition(".")[0] for problem in shapes}:
            cfg.pop(section, None)
    for line in unread(cfg):
        logging.getLogger("segue").warning(line)
    if cfg.get("custom_imports"):
        from segue.compat import install

        install()  # the user's modules may have been written for mmseg
    import_custom(cfg)
    return cast(Config, apply_labels(cfg))


def use_project(given: Any, cfg: Config, rights: Rights) -> None:
    """Use the project whose copy of mmseg lies above the config's file; a file or recipe elsewhere ends that."""
    if rights is Rights.INSIDE or (cfg.filename is None and not isinstance(given, (str, Path))):
        return
    if "segue.compat.forks.overlay" in sys.modules or (cfg.filename is not None and beside_copy(cfg.filename)):
        from segue.compat.forks.project import use

        use(cfg.filename)


def beside_copy(file: str | Path) -> bool:
    """Whether a folder above a file holds a package mmseg; `segue.reference.copies` looks closer."""
    return any((folder / "mmseg" / "__init__.py").is_file() for folder in Path(file).resolve().parents)


def open_config(source: str | Path, *, trust: bool = False) -> Config:
    """The config of a file, of a recipe's name, or of a model at a hub, as it is written there.

    Raises:
        ConfigError: neither; or what is wrong in it.
    """
    if is_hub(source):
        return Config.inside(config_text(fetch(source)), str(source))
    path = Path(source)
    if path.suffix in EXTENSIONS:
        return Config.fromfile(path, trust=trust)
    if looks_like_name(path) and len(path.parts) == 1 and not path.exists():
        return compose(str(path))
    suffixes, missing = ", ".join(EXTENSIONS), "" if path.exists() else "no such file or folder; "
    near = "" if path.exists() else near_config(source)
    raise ConfigError(f"{path}: {missing}a config is a file that ends with {suffixes}, or the name of a recipe{near}")


def near_config(source: str | Path) -> str:
    """``; did you mean 'X'?`` of a file, folder or recipe, or nothing."""
    found = near_path(source, EXTENSIONS)
    return found or (near_recipe(str(source)) if len(Path(source).parts) == 1 else "")
