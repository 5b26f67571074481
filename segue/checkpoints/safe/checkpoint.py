"""What a file of weights holds, whoever wrote it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from torch import Tensor

Format = Literal["safetensors", "segue", "lightning", "mmengine", "mmcv", "weights"]


@dataclass(repr=False)
class Checkpoint:
    """What a file holds.

    Attributes:
        state_dict: the weights, on the device asked for; tensors that shared memory in the file share it here.
        meta: what the writer noted (epoch, iteration, config text, classes ...), with its own keys.
        optimizer: the optimizer's state; of several, the list as a dict by position.
        schedulers: the states of the learning-rate schedulers.
        message_hub: mmengine's training log.
        raw: the whole file as plain data; objects of foreign classes are ``StandIn``.
        format: who wrote it. ``segue`` is safetensors with Segue's notes in the header.
        no_config: why a folder's ``config.json`` gives no config, where that is so.
    """

    state_dict: dict[str, Tensor]
    meta: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] | None = None
    schedulers: Any = None
    message_hub: Any = None
    raw: dict[str, Any] = field(default_factory=dict)
    format: Format = "weights"
    no_config: str | None = None

    def __repr__(self) -> str:
        return f"Checkpoint(format={self.format!r}, {len(self.state_dict)} tensors)"

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Class names, wherever the writer put them; None where what stands there are none."""
        found = self.dataset_meta("classes", "CLASSES")
        named = isinstance(found, (list, tuple)) and all(isinstance(name, (str, int)) for name in found)
        return tuple(str(name).encode("utf-8", "backslashreplace").decode() for name in found) if named else None

    @property
    def palette(self) -> list[list[int]] | None:
        """One RGB color per class; None where what stands there are none."""
        found = self.dataset_meta("palette", "PALETTE")
        if isinstance(found, np.ndarray):
            found = found.tolist()
        try:
            colors = [[int(v) for v in color] for color in found] if isinstance(found, (list, tuple)) else []
        except (TypeError, ValueError, OverflowError):
            return None
        return colors if colors and all(len(c) == 3 and min(c) >= 0 and max(c) <= 255 for c in colors) else None

    @property
    def config(self) -> str | None:
        """The text of the config that the weights were trained with."""
        return self.note("cfg", "config")

    def note(self, *keys: str) -> str | None:
        """The first of ``keys`` in ``meta`` that is text with something in it."""
        found = (self.meta.get(key) for key in keys)
        return next((text for text in found if isinstance(text, str) and text.strip()), None)

    def dataset_meta(self, *keys: str) -> Any:
        """The first of ``keys`` in mmengine's ``dataset_meta`` or in ``meta`` itself."""
        nested = self.meta.get("dataset_meta")
        for source in (nested, self.meta):
            if isinstance(source, dict):
                for key in keys:
                    if source.get(key) is not None:
                        return source[key]
        return None

    def summary(self) -> dict[str, Any]:
        """The facts that ``segue weights inspect`` prints, as JSON-able values."""
        tensors = self.state_dict.values()
        progress = {key: self.meta[key] for key in ("epoch", "iter") if isinstance(self.meta.get(key), int)}
        return {
            "format": self.format,
            "tensors": len(self.state_dict),
            "parameters": sum(t.numel() for t in tensors),
            "bytes": sum(t.numel() * t.element_size() for t in tensors),
            "dtypes": sorted({str(t.dtype).removeprefix("torch.") for t in tensors}),
            **progress,
            "classes": list(self.classes) if self.classes else None,
            "experiment": self.note("experiment_name", "exp_name"),
            "has_config": self.config is not None,
            "has_optimizer": self.optimizer is not None,
            "keys": list(self.state_dict)[:8],
        }
