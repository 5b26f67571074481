"""What a training with frozen weights made, in a file of its own; and whole weights of such a file, adapters merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from segue.checkpoints import Checkpoint, fetch, load_weights, read, save_weights
from segue.checkpoints.fingerprint import fingerprint
from segue.checkpoints.notes import fitting_notes
from segue.checkpoints.trained import NOTE, Base, Start
from segue.checkpoints.weights import COMPUTED
from segue.config import Config
from segue.config.builder.build import build_model
from segue.config.builder.pretrained import pretrained_sources
from segue.config.nodes import dicts_in
from segue.errors import CheckpointError, InputError
from segue.layers.lora import merge
from segue.recipes.open import read_config


@dataclass(frozen=True)
class Parted:
    """A file that was written; ``str()`` tells what it holds.

    Attributes:
        path: of the file.
        tensors, parameters: that it holds.
        left_out: tensors of the base that it does not hold.
        merged: layers whose adapters were added to their weights.
    """

    path: Path
    tensors: int
    parameters: int
    left_out: int = 0
    merged: int = 0

    def __str__(self) -> str:
        said = f"{self.path}: {self.tensors} tensors, {self.parameters:,} values"
        if self.left_out:
            said += f"; {self.left_out} tensors of the base are left out, and must be there to load it"
        return said + (f"; adapters of {self.merged} layers are merged" if self.merged else "")


def part(source: str | Path, out: str | Path, cfg: Config | None = None) -> Parted:
    """Write what was trained: every tensor of ``source`` that is not as in the files that its training started from.

    Args:
        source: weights of a training with a frozen backbone or adapters.
        out: the file to write, ``NAME.safetensors``.
        cfg: of the model; None: the config that the file holds.

    Raises:
        CheckpointError: the file does not fit the config, or the weights to start from are not here.
        InputError: nothing is as it was, so there is no base.
    """
    held, cfg = _read(source, cfg)
    if Base.of(held.meta):
        raise InputError(f"{source}: holds only what was trained already")
    model = build_model(cfg)
    starts = [Start("", str(cfg["load_from"]))] if cfg.get("load_from") else []
    starts = starts or [Start(s.module, s.checkpoint, s.prefix) for s in pretrained_sources(cfg)]
    known = {key for key, value in model.named_parameters() if not value.requires_grad}
    for start in starts:
        report = load_weights(model.get_submodule(start.module), start.checkpoint, prefix=start.prefix)
        known |= {f"{start.module}.{key}".lstrip(".") for key in report.loaded}
    before = {key: value.clone() for key, value in model.state_dict().items()}
    _load(model, held, source)
    after = model.state_dict()
    same = [
        key for key in after if key in known and not key.endswith(COMPUTED) and torch.equal(before[key], after[key])
    ]
    if not same:
        named = (
            ", ".join(start.checkpoint for start in starts) or "nothing: it has no load_from, pretrained or init_cfg"
        )
        raise InputError(f"{source}: no weight is as it was at the start of its training; the config names {named}")
    left = {*same, *(key for key in after if key.endswith("relative_position_index"))}  # which follows from a size
    kept = {key: value for key, value in after.items() if key not in left}
    base = Base(fingerprint({key: after[key] for key in same}), len(same), tuple(starts))
    path = save_weights(out, kept, {**_notes(held, cfg), NOTE: base.note()})
    return Parted(path, len(kept), sum(value.numel() for value in kept.values()), left_out=len(same))


def merge_file(source: str | Path, out: str | Path, cfg: Config | None = None) -> Parted:
    """Write the whole weights, with adapters added to the weights beside them and a config without ``lora``.

    Args:
        source: weights with adapters, or what `part` wrote, whose base must be here.
        out: the file to write, ``NAME.safetensors``.
        cfg: of the model; None: the config that the file holds.

    Raises:
        CheckpointError: the file does not fit the config, or its base is not here.
        InputError: there are neither adapters nor weights that were left out.
    """
    held, cfg = _read(source, cfg)
    model = build_model(cfg)
    _load(model, held, source)
    base = Base.of(held.meta)
    merged = merge(model)
    if not merged and base is None:
        raise InputError(f"{source}: has no adapters to merge, and is whole already")
    state = model.state_dict()
    plain = cfg.copy()
    for node in list(dicts_in(plain.get("model"))):
        if isinstance(node.get("lora"), Mapping):
            del node["lora"]
    path = save_weights(out, state, _notes(held, plain))
    return Parted(path, len(state), sum(value.numel() for value in state.values()), merged=merged)


def _read(source: str | Path, cfg: Config | None) -> tuple[Checkpoint, Config]:
    held = read(fetch(source))
    if cfg is None and held.config is None:
        raise CheckpointError(f"{source}: holds no config; name that of the model by --config")
    return held, read_config(Config.inside(held.config or "", source)) if cfg is None else cfg


def _load(model: nn.Module, held: Checkpoint, source: str | Path) -> None:
    report = load_weights(model, held)
    if not report.complete or report.new:
        raise CheckpointError(f"{source} does not fit the model of the config. {report}")


def _notes(held: Checkpoint, cfg: Config) -> dict[str, Any]:
    """The file's notes, with the config as it is now."""
    own = ("format", "config", "cfg", NOTE)
    found, _ = fitting_notes({key: value for key, value in held.meta.items() if key not in own})
    return {**found, "cfg": cfg.pretty_text}
