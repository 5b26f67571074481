"""Published copies of checkpoints, as ``CheckpointHook(published_keys=...)`` asks for: ``NAME-HASH.pth``.

The name ends in the first eight digits of the file's SHA-256; the file holds the keys that are asked for and no more.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from segue.checkpoints import read
from segue.system.replaced import replaced

KEYS = ("state_dict", "meta")


def published_keys(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """The keys as a tuple.

    Raises:
        ValueError: another key, or no weights.
    """
    keys = (given,) if isinstance(given, str) else tuple(given or ())
    for key in keys:
        if key not in KEYS:
            text = "optimizers and schedules stay in iter_N.ckpt"
            raise ValueError(f"published_keys may hold {' and '.join(KEYS)}, not {key!r}; {text}")
    if keys and "state_dict" not in keys:
        raise ValueError("published_keys without 'state_dict' would publish no weights")
    return keys


def publish(stem: Path, keys: Sequence[str], weights: Mapping[str, Tensor], notes: Mapping[str, Any]) -> Path:
    """Write ``STEM-HASH.pth`` with ``keys``; older ones of this stem give way."""
    content = {"state_dict": {name: tensor.cpu() for name, tensor in weights.items()}, "meta": dict(notes)}
    draft = stem.with_name(f"{stem.name}.pth.publishing")
    with replaced(draft) as part:
        torch.save({key: content[key] for key in keys}, part)
    digest = hashlib.sha256(draft.read_bytes()).hexdigest()
    path = stem.with_name(f"{stem.name}-{digest[:8]}.pth")
    os.replace(draft, path)
    return path


def publish_run(
    folder: Path,
    keys: Sequence[str],
    last: tuple[str, Mapping[str, Tensor], Mapping[str, Any]] | None,
    best: Sequence[str],
) -> list[Path]:
    """Publish what a finished run keeps.

    Args:
        folder: of its checkpoints.
        keys: of `published_keys`.
        last: name, weights and notes of the last checkpoint; None where none is kept.
        best: names of the files of best weights there.
    """
    made = [publish(folder / last[0], keys, last[1], last[2])] if last else []
    for name in best:
        found = read(folder / name)
        notes = {"dataset_meta": {"classes": list(found.classes or ()), "palette": found.palette}, "cfg": found.config}
        made.append(publish(folder / Path(name).stem, keys, found.state_dict, notes))
    return made
