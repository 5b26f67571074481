"""The one place where training meets the other rooms: building the parts of a run, and images to label maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import ConfigError
from segue.types import SegSample, Targets


class Metric(Protocol):
    """What evaluation needs of a metric."""

    def reset(self) -> None:
        """Forget all images."""

    def update(self, pred: Tensor, label: Tensor | None, meta: Mapping[str, Any] | None = None) -> None:
        """Count one image: labels (H, W) predicted and true."""

    def compute(self) -> Mapping[str, float]:
        """Values by name."""
        ...

    def table(self) -> list[dict[str, str | float]]:
        """One row per class."""
        ...

    def state(self) -> Tensor:
        """Sums that add up across processes."""
        ...

    def load(self, state: Tensor) -> None:
        """Continue from sums."""


def collate_lists(samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Packed samples to lists, so that sizes may differ."""
    from segue.datasets.collate import collate

    return collate(samples)  # type: ignore[arg-type]


def build_parts(cfg: Mapping[str, Any], split: str) -> Parts:
    """Build what ``split`` (``train``, ``val`` or ``test``) needs; training also validates if the config can.

    Raises:
        ConfigError: with the problems of all parts at once.
    """
    from segue.config import build

    wanted = ["train", "val"] if split == "train" else [split]
    wanted = [s for s in wanted if cfg.get(f"{s}_dataloader") and (s == "train" or cfg.get(f"{s}_evaluator"))]
    paths = {"model": "models"}
    for name in wanted:
        paths[f"{name}_dataloader.dataset"] = "datasets"
        if name != "train":
            paths[f"{name}_evaluator"] = "metrics"
    problems = build.check(cfg, paths)
    if problems:
        raise ConfigError(problems)
    parts = Parts(build.build_model(cfg))
    for name in wanted:
        dataset = build.build_dataset(cfg, f"{name}_dataloader.dataset")
        if name == "train":
            parts.train_data = dataset
            continue
        parts.val_data = dataset
        parts.metrics = build.build_metric(cfg, f"{name}_evaluator")
        for metric in parts.metrics:
            metric.set_dataset(dataset.metainfo)
    return parts


@dataclass
class Parts:
    """What a run is made of."""

    model: nn.Module
    train_data: Any = None
    val_data: Any = None
    metrics: list[Any] = field(default_factory=list)
    collate: Callable[[Sequence[Any]], dict[str, Any]] = collate_lists


def targets_of(samples: Sequence[SegSample], device: torch.device) -> Targets:
    """The annotations of a batch, stacked, on ``device``."""
    from segue.models.seg_data_preprocessor import stack_targets

    return stack_targets(samples, device)


def label_maps(model: Any, batch: Mapping[str, Any]) -> list[Tensor]:
    """Predicted label maps (H, W) int64 of a batch, each at its image's original size.

    Images of one size go through the network together.
    """
    images, samples = batch["inputs"], batch["data_samples"]
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, image in enumerate(images):
        groups.setdefault(tuple(image.shape), []).append(index)
    found: dict[int, Tensor] = {}
    for indices in groups.values():
        part = {"inputs": [images[i] for i in indices], "data_samples": [samples[i] for i in indices]}
        inputs, padded = model.data_preprocessor(part, training=False)
        logits = whole_or_slide(model, inputs)
        for index, own, sample in zip(indices, logits, padded, strict=True):
            found[index] = to_labels(model, own[None], sample)
    return [found[index] for index in range(len(images))]


def whole_or_slide(model: Any, inputs: Tensor) -> Tensor:
    """Logits (B, classes, H, W) at input size, the image seen as ``test_cfg`` says."""
    if model.test.mode == "whole":
        return model.encode_decode(inputs)
    from segue.inference import slide

    return slide(model, inputs)


def to_labels(model: Any, logits: Tensor, sample: SegSample) -> Tensor:
    """Logits (1, classes, H, W) of a padded image to the label map (H, W) of the original."""
    left, right, top, bottom = sample.meta.get("padding_size", (0, 0, 0, 0))
    height, width = logits.shape[-2:]
    logits = logits[..., top : height - bottom, left : width - right]
    if sample.meta.get("flip"):
        axis = {"horizontal": (3,), "vertical": (2,)}.get(sample.meta.get("flip_direction", "horizontal"), (2, 3))
        logits = logits.flip(axis)
    size = tuple(sample.meta.get("ori_shape", logits.shape[-2:]))[:2]
    if tuple(logits.shape[-2:]) != size:
        logits = F.interpolate(logits, size=size, mode="bilinear", align_corners=model.align_corners)
    if logits.shape[1] == 1:
        return (logits[0, 0].sigmoid() > getattr(model.head, "threshold", 0.5)).long()
    return logits[0].argmax(dim=0)


def load_initial_weights(model: nn.Module, source: Any) -> None:
    """Load the weights at a path, URL or alias into ``model``; keys that do not fit are reported."""
    from segue.checkpoints import load_weights

    load_weights(model, source)


def save_weights(path: Any, state: dict[str, Tensor], notes: dict[str, Any]) -> None:
    """Write weights with their notes (config text, classes, palette ...) as safetensors."""
    from segue.checkpoints import save_weights as save

    save(path, state, notes)
