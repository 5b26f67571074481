"""Notes and samples as mmseg 0.x names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn


def old_meta(meta: Mapping[str, Any]) -> dict[str, Any]:
    """The notes of an image as 0.x has them."""
    made = dict(meta)
    for key in ("ori_shape", "img_shape", "pad_shape"):
        if key in made:
            made[key] = (*tuple(made[key])[:2], 3)
    path = made.get("img_path")
    made |= {"filename": path, "ori_filename": None if path is None else str(path).replace("\\", "/").split("/")[-1]}
    factor = np.atleast_1d(np.asarray(made.get("scale_factor", 1.0), np.float32))
    made["scale_factor"] = np.resize(factor, 4)
    made["flip"], made["flip_direction"] = bool(made.get("flip")), made.get("flip_direction") or "horizontal"
    return made


def norm_of(preprocessor: nn.Module | None) -> dict[str, Any]:
    """``img_norm_cfg`` of 0.x: what the model's preprocessor does, which the pipeline did there."""
    inner = getattr(preprocessor, "own", preprocessor)
    found = {name: getattr(inner, name, None) for name in ("mean", "std")}
    made: dict[str, Any] = {
        name: None if value is None else np.asarray(value.detach().cpu().numpy().ravel(), np.float32)
        for name, value in found.items()
    }
    return {**made, "to_rgb": bool(getattr(inner, "swap", getattr(inner, "channel_conversion", False)))}


def old_sample(sample: Any) -> Any:
    """A sample that is not packed, by the names of 0.x too: ``filename``, ``gt_semantic_seg``."""
    if not isinstance(sample, dict) or "img" not in sample:
        return sample
    made = {**sample, **old_meta(sample)}
    if "gt_seg_map" in sample:
        made.setdefault("gt_semantic_seg", sample["gt_seg_map"])
    return made
