"""Test-time augmentation: the views of an image that ``tta_pipeline`` makes, whose predictions are averaged.

`segue.inference.segment.label_maps` averages wherever a pipeline gives several views; here configs are turned to it.
They are asked for the size that they train at, too.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from segue.config.nodes import dataset_nodes
from segue.errors import ConfigError, Problem

_ANNOTATIONS = ("LoadAnnotations", "LoadDepthAnnotation", "LoadBiomedicalAnnotation")


def tta_pipeline(cfg: Mapping[str, Any]) -> Any:
    """The config's ``tta_pipeline``.

    Raises:
        ConfigError: there is none, or ``tta_model`` merges views in another way than by mean probabilities.
    """
    pipeline = cfg.get("tta_pipeline")
    if not pipeline:
        example = "dict(type='TestTimeAug', transforms=[[dict(type='RandomFlip', prob=0.), dict(type='RandomFlip', ..."
        raise ConfigError(
            Problem("tta_pipeline", f"the config has none, so there are no views to average; add one with {example}")
        )
    merge = str((cfg.get("tta_model") or {}).get("type", "SegTTAModel")).rpartition(".")[2]
    if merge != "SegTTAModel":
        raise ConfigError(Problem("tta_model.type", f"views are merged as SegTTAModel does, there is no {merge!r}"))
    return pipeline


def with_views(cfg: Any) -> Any:
    """A copy of a config whose test datasets use its ``tta_pipeline``."""
    pipeline = tta_pipeline(cfg)
    changed = copy.deepcopy(cfg)
    for _, dataset in dataset_nodes(changed["test_dataloader"]["dataset"], "test_dataloader.dataset"):
        dataset["pipeline"] = copy.deepcopy(pipeline)
    return changed


def without_annotations(steps: Sequence[Any]) -> list[Any]:
    """A pipeline, of any depth, without the steps that load annotations and without lists that they leave empty."""
    kept: list[Any] = []
    for step in steps:
        if isinstance(step, Mapping):
            if str(step.get("type", "")).rpartition(".")[2].startswith(_ANNOTATIONS):
                continue
            inner = step.get("transforms")
            if isinstance(inner, (list, tuple)) and step.get("type") != "Albu":
                step = {**step, "transforms": without_annotations(inner)}
            kept.append(step)
        elif isinstance(step, (list, tuple)):
            rest = without_annotations(step)
            if rest:
                kept.append(rest)
        else:
            kept.append(step)
    return kept


def crop_of(cfg: Mapping[str, Any]) -> tuple[int, int]:
    """(H, W) of the crops that a config trains on; 512 x 512 where it does not say."""
    crop = cfg.get("crop_size")
    if isinstance(crop, int):
        return (crop, crop)
    return (int(crop[0]), int(crop[1])) if isinstance(crop, (list, tuple)) and len(crop) == 2 else (512, 512)
