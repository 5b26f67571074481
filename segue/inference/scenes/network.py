"""A model that sees tiles: its pipeline without what changes sizes, at the scene's own resolution."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from segue.errors import DataError, InputError, SegueError
from segue.images.read import Array
from segue.inference.crf import CRF
from segue.inference.ensemble import members_of
from segue.inference.inputs import picture_of
from segue.inference.logits import Held, Logits
from segue.inference.predictor import Predictor, image_pipeline, of_memory, through
from segue.inference.scenes.blend import held_bytes
from segue.inference.segment import gives_labels, is_multilabel, mean_probabilities, predicts_depth, views_of
from segue.inference.way import going

#: steps that give an image another size, which a scene keeps
SIZING = ("Resize", "ResizeShortestEdge", "ResizeToMultiple", "Pad", "CenterCrop")
#: steps that look at one pixel at a time
POINTWISE = ("Normalize", "SegRescale", "RGB2Gray", "AdjustGamma", "PackSegInputs", "ImageToTensor", "ToTensor")
_log = logging.getLogger("segue")


class Network:
    """What turns tiles into logits.

    Args:
        predictor: the model, its pipeline and how it is run.
        tta: see each tile in the views that the config's ``tta_pipeline`` makes of it.
        crf: what refines the probabilities of each tile.

    Attributes:
        classes, palette: of the model.
        read: the step that reads its images.
        expected: what its images are like.
        fill: (C,) value of pixels without data: the mean, which is 0 after normalization.

    Raises:
        InputError: the model does not decide for one class per pixel, or predicts in a way of its own; a view of the
            ``tta_pipeline`` has a size that does not follow from the tile's.
        ConfigError: there is no ``tta_pipeline``.
    """

    def __init__(self, predictor: Predictor, tta: bool = False, crf: CRF | None = None) -> None:
        self.model, self.classes, self.palette = predictor.model, predictor.classes, predictor.palette
        kind = type(self.model).__name__
        if getattr(self.model, "label_maps", None) is not None:
            raise InputError(f"{kind} predicts in its own way, which gives no logits to join tiles by: no scenes")
        if predicts_depth(self.model) or is_multilabel(self.model):
            raise InputError(f"{kind}: scenes are for models that give each pixel one class, not several or a depth")
        self.read, self.expected, steps = predictor.read, predictor.expected, predictor.steps
        self.way, self.tta, self.crf = predictor.way, tta, crf
        self.said = self._remarks(steps)
        self.fill = self._mean(steps)
        if tta:
            steps = image_pipeline(predictor.cfg, tta=True)[1]
            _check_views(steps)
        self._steps = [step for step in steps if type(step).__name__ not in SIZING]
        keys = ("model", "test_pipeline", "test_dataloader", *(["tta_pipeline"] if tta else []))
        self._config = [predictor.cfg.get(key) for key in keys]

    def check_saved(self, kinds: Sequence[str]) -> None:
        """Raise InputError where some rasters, or the CRF, need probabilities that the model does not give."""
        if gives_labels(self.model) and (self.crf is not None or set(kinds) & {"probabilities", "confidence"}):
            raise InputError(
                "the file was exported with --labels-out and gives no probabilities: save labels alone, without --crf"
            )

    def __getstate__(self) -> dict[str, Any]:
        """For a process of Ray: what was compiled stays here."""
        return vars(self) | {"way": replace(self.way, _compiled={})}

    def say(self) -> None:
        """Log what is not done as in the pipeline."""
        for line in self.said:
            _log.warning("%s", line)

    def digest(self) -> str:
        """SHA-256 of weights, model, pipeline and how the network is run."""
        found = hashlib.sha256()
        model, pipeline, loader, *views = self._config
        dataset = (loader or {}).get("dataset") or {}
        parts = [model, pipeline, dataset.get("pipeline") if hasattr(dataset, "get") else None, self.classes, *views]
        parts.append([self.way.precision, self.way.compiled, self.way.windows])
        parts += [getattr(member, "certificate", {}).get("seal") for member in members_of(self.model)]  # of exports
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
        found = self.views([tile] * batch)[0]
        return sum(held_bytes(view) for view in found), found[0].classes

    def views(self, tiles: Sequence[Array]) -> list[list[Logits]]:
        """Logits (K, h, w) of every view of tiles (h, w, C) of one size; the CRF leaves one.

        Raises:
            DataError: the network does not take tiles of this size, or there is not enough memory.
        """
        packed = [self._packed(tile) for tile in tiles]
        try:
            with torch.inference_mode(), going(self.way):
                found = views_of(self.model, [p["inputs"] for p in packed], [p["data_samples"] for p in packed])
                if self.crf is None:
                    return found
                return [[self._refined(self.crf, views, tile)] for views, tile in zip(found, tiles, strict=True)]
        except SegueError:
            raise
        except (RuntimeError, ValueError) as error:
            raise _refused(tiles, error) from error

    def _refined(self, crf: CRF, views: Sequence[Logits], tile: Array) -> Logits:
        """Logits whose probabilities are those that the CRF makes of the views' mean.

        They are float16, with the largest at 0, near which float16 tells all but equal classes apart.
        """
        shares = torch.cat([part for _, part in mean_probabilities(self.model, views)], dim=1)
        shares = crf(shares, picture_of(tile, self.expected.eight_bits)).clamp_(1e-6, 1 - 1e-6)
        logits = shares.logit() if len(shares) == 1 else shares.log().sub_(shares.amax(0).log())
        return Held(logits.half())

    def _packed(self, tile: Array) -> dict[str, Any]:
        sample = through(self._steps, tile)
        inputs = sample["inputs"]
        if self.tta:
            return sample
        if isinstance(inputs, (list, tuple)) or tuple(inputs.shape[-2:]) != tile.shape[:2]:
            raise InputError("the test pipeline makes several views of an image, or another size, which tiles forbid")
        return sample

    def _mean(self, steps: Sequence[Any]) -> np.ndarray:
        """Per channel, in the order in which images are read."""
        count = self.expected.channels
        prepare = self.model.data_preprocessor
        mean, swapped = np.zeros(count, np.float32), False
        for step in steps:
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


def _check_views(steps: Sequence[Any]) -> None:
    """Refuse views whose size does not follow from that of the tile."""
    for step in steps:
        for view in getattr(step, "views", []):
            for inner in view.transforms:
                name = type(inner).__name__
                if name in SIZING and (name != "Resize" or inner.scale is not None):
                    raise InputError(
                        f"tta_pipeline: {name} gives a view a size of its own, which tiles forbid; views of scenes are "
                        "made by Resize(scale_factor=...) and RandomFlip"
                    )


def _refused(tiles: Sequence[Array], error: Exception) -> DataError:
    """What a network's own error says about tiles."""
    said = str(error).strip().partition("\n")[0]
    height, width = tiles[0].shape[:2]
    full = of_memory(said)
    advice = "not enough memory; take a smaller tile or batch" if full else "the model cannot take tiles of this size"
    return DataError(
        f"{len(tiles)} tile{'s' if len(tiles) > 1 else ''} of {width} x {height} pixels: {advice} ({said})"
    )
