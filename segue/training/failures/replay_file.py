"""A training step as a file: weights, optimizer and batch as tensors, the rest as JSON; nothing in it is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segue.checkpoints import save_weights
from segue.checkpoints.safe.reader import read
from segue.errors import CheckpointError
from segue.types import SegSample

_SAMPLE = ("gt_sem_seg", "gt_edge_map", "gt_depth_map")
FORMAT = 1


@dataclass
class Step:
    """One step, as it was before the optimizer moved.

    Attributes:
        config: the run's config as text.
        iteration: counted from 1.
        seed, rank: what its random numbers came from.
        precision: Lightning's name of it.
        scale: fp16's loss scale.
        said: where the values were not finite, as the run has said it.
        values: the losses by name, as text: JSON has no NaN.
        weights: by key; statistics of normalizations are those after the step's own forward pass.
        optimizer: its state dict.
        batch: as the loader gave it.
    """

    config: str
    iteration: int
    seed: int
    rank: int = 0
    precision: str = "32-true"
    scale: float = 1.0
    said: str = ""
    values: dict[str, str] = field(default_factory=dict)
    weights: dict[str, Tensor] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    batch: dict[str, Any] = field(default_factory=dict)


def write_step(path: Path, step: Step) -> Path:
    """Write it, complete or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    tensors = {f"weights.{key}": value for key, value in step.weights.items()}
    shallow = {k: v for k, v in vars(step).items() if k not in ("weights", "optimizer", "batch")}
    trees = {name: _plain(getattr(step, name), name, tensors) for name in ("optimizer", "batch")}
    return save_weights(path, tensors, {"replay": FORMAT, "step": {**shallow, **trees}})


def read_step(path: str | Path) -> Step:
    """The step of a file.

    Raises:
        CheckpointError: it is missing, damaged, or no file of a step.
    """
    found = read(Path(path))
    notes = found.meta if isinstance(found.meta, Mapping) else {}
    given = notes.get("step")
    if notes.get("replay") != FORMAT or not isinstance(given, Mapping):
        raise CheckpointError(f"{path}: is no step to replay; a run writes replay_iter_N.safetensors when it fails")
    tensors = found.state_dict
    try:
        known = {name: given[name] for name in asdict(Step("", 0, 0)) if name in given}
        known["weights"] = {k.removeprefix("weights."): v for k, v in tensors.items() if k.startswith("weights.")}
        known |= {name: _whole(given[name], tensors) for name in ("optimizer", "batch")}
        return Step(**known)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path}: its description of the step is damaged ({error})") from error


def _plain(value: Any, at: str, tensors: dict[str, Tensor]) -> Any:
    """A value as JSON; tensors go into ``tensors`` under their place, what has no form becomes its type's name."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        value = torch.from_numpy(np.ascontiguousarray(value))
    if isinstance(value, Tensor):
        tensors[at] = value.detach().cpu()
        return {"tensor": at}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"number": repr(value)} if isinstance(value, float) and value - value != 0 else value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, SegSample):
        parts = {name: _plain(getattr(value, name), f"{at}.{name}", tensors) for name in _SAMPLE}
        return {"sample": {"meta": _plain(value.meta, f"{at}.meta", tensors), **parts}}
    if isinstance(value, Mapping):
        return {"pairs": [[_plain(k, "", {}), _plain(v, f"{at}.{k}", tensors)] for k, v in value.items()]}
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_plain(part, f"{at}.{i}", tensors) for i, part in enumerate(value)]}
    return {"left_out": type(value).__name__}


def _whole(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Undo `_plain`."""
    if not isinstance(value, Mapping):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "number":
        return float(content)
    if kind == "sample":
        return SegSample(**{name: _whole(part, tensors) for name, part in content.items()})
    if kind == "pairs":
        return {_whole(key, tensors): _whole(part, tensors) for key, part in content}
    if kind in ("list", "tuple"):
        parts = [_whole(part, tensors) for part in content]
        return parts if kind == "list" else tuple(parts)
    return None
