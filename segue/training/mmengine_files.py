"""The names that mmengine gives to checkpoints, beside Segue's, so that the next script or notebook cell finds them.

``iter_N.pth`` is another name of ``iter_N.ckpt`` and takes no room of its own; where a config leaves the optimizer out
(``save_optimizer=False``) it holds the weights. ``last_checkpoint`` is a text with the path of the newest one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from segue.system.replaced import replaced

NOTE = "last_checkpoint"


def also_pth(checkpoint: Path) -> None:
    """Make ``NAME.pth`` another name of ``NAME.ckpt``; nothing where the file system has neither kind of link."""
    with suppress(OSError), replaced(checkpoint.with_suffix(".pth")) as part:
        part.unlink()
        try:
            os.link(checkpoint, part)
        except OSError:
            part.symlink_to(checkpoint.name)


def write_pth(path: Path, weights: Mapping[str, Any], notes: Mapping[str, Any]) -> None:
    """Weights as mmengine writes them: ``state_dict``, and ``meta`` with the config, classes and iteration."""
    with replaced(path) as part:
        torch.save({"meta": dict(notes), "state_dict": dict(weights)}, part)


def drop_pth(checkpoint: Path) -> None:
    """Delete ``NAME.pth`` with the checkpoint ``NAME.ckpt`` or ``NAME.safetensors``, before that one is deleted."""
    named = checkpoint.with_suffix(".pth")
    own = checkpoint.suffix == ".safetensors" or (checkpoint.exists() and named.exists() and named.samefile(checkpoint))
    if own:
        named.unlink(missing_ok=True)


def note_last(folder: Path, newest: Path) -> None:
    """Write ``last_checkpoint``."""
    with replaced(folder / NOTE) as part:
        part.write_text(str(newest), encoding="utf-8")
