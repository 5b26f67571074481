"""A model that sees tiles: its pipeline without what changes sizes, at the scene's own resolution."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from segue.errors import InputError
from segue.images.read import Array
from segue.inference.logits import Logits
from segue.inference.predictor import Predictor, through
from segue.inference.scenes.blend import held_bytes
from segue.inference.segment import is_multilabel, logits_of, predicts_depth

#: steps that give an image another size, which a scene keeps
SIZING = ("Resize", "ResizeShortestEdge", "ResizeToMultiple", "Pad", "CenterCrop")
#: steps that look at one pixel at a time
POINTWISE = ("Normalize", "SegRescale", "RGB2Gray", "AdjustGamma", "PackSegInputs", "ImageToTensor", "ToTensor")
_log = logging.getLogger("segue")


class Network:
    """What turns tiles into logits.

    Attributes:
        classes, palette: of the model.
        read: the step that reads its images.
        expected: what its images are like.
        fill: (C,) value of pixels without data: the mean, which is 0 after normalization.

    Raises:
        InputError: the model does not decide for one class per pixel, or predicts in a way of its own.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.model, self.classes, self.palette = predictor.model, predictor.classes, predictor.palette
        kind = type(self.model).__name__
        if getattr(self.model, "label_maps", None) is not None:
            raise InputError(f"{kind} predicts in its own way, which gives no logits to join tiles by: no scenes")
        if predicts_depth(self.model) or is_multilabel(self.model):
            raise InputError(f"{kind}: scenes are for models that give each pixel one class, not several or a depth")
        self.read, self.expected, steps = predictor.read, predictor.expected, predictor.steps
        self._steps = [step for step in steps if type(step).__name__ not in SIZING]
        self.said = self._remarks(steps)
        self.fill = self._mean()
        self._config = [predictor.cfg.get(key) for key in ("model", "test_pipeline", "test_dataloader")]

    def say(self) -> None:
        """Log what is not done as in the pipeline."""
        for line in self.said:
            _log.warning("%s", line)

    def digest(self) -> str:
        """SHA-256 of weights, model and pipeline."""
        found = hashlib.sha256()
        model, pipeline, loader = self._config
        dataset = (loader or {}).get("dataset") or {}
        parts = [model, pipeline, dataset.get("pipeline") if hasattr(dataset, "get") else None, self.classes]
        found.update(json.dumps(parts, default=str, sort_keys=True).encode())
        for name, value in sorted(self.model.state_dict().items()):
            found.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            found.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        return found.hexdigest()

    def warm(self, size: tuple[int, int], batch: int) -> tuple[int, int]:
        """Predict once, since the first pass through a model is only watched (`segue.inference.quick`).

        Returns:
            (bytes in memory of a tile's logits, number of logits of a pixel).
        """
        tile = np.zeros((*size, self.expected.channels), np.uint8) + self.fill.astype(np.uint8)
        found = self.logits([tile] * batch)[0]
        return held_bytes(found), found.classes

    def logits(self, tiles: Sequence[Array]) -> list[Logits]:
        """Logits (K, h, w) of tiles (h, w, C) of one size."""
        packed = [self._packed(tile) for tile in tiles]
        with torch.inference_mode():
            return logits_of(self.model, [p["inputs"] for p in packed], [p["data_samples"] for p in packed])

    def _packed(self, tile: Array) -> dict[str, Any]:
        sample = through(self._steps, tile)
        inputs = sample["inputs"]
        if isinstance(inputs, (list, tuple)) or tuple(inputs.shape[-2:]) != tile.shape[:2]:
            raise InputError("the test pipeline makes several views of an image, or another size, which tiles forbid")
        return sample

    def _mean(self) -> np.ndarray:
        """Per channel, in the order in which images are read."""
        count = self.expected.channels
        prepare = self.model.data_preprocessor
        mean, swapped = np.zeros(count, np.float32), False
        for step in self._steps:
            if type(step).__name__ == "Normalize":
                mean, swapped = np.asarray(step.mean, np.float32), step.to_rgb
        own = getattr(prepare, "mean", None)
        if own is not None and own.numel():
            mean, swapped = own.cpu().numpy().reshape(-1), getattr(prepare, "swap", False)
        mean = np.broadcast_to(mean, (count,)) if mean.size in (1, count) else np.zeros(count, np.float32)
        return mean[::-1] if swapped and count == 3 else mean

    @staticmethod
    def _remarks(steps: Sequence[Any]) -> list[str]:
        names = [type(step).__name__ for step in steps]
        found = []
        if sizing := [name for name in names if name in SIZING]:
            found.append(
                f"the test pipeline's {', '.join(sizing)} is left out: tiles are seen at the scene's own resolution"
            )
        if others := [name for name in names if name not in SIZING + POINTWISE]:
            found.append(f"the test pipeline's {', '.join(others)} sees one tile at a time, not the scene")
        return found
