"""``model.show_result`` of mmseg 0.x."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segue.compat.mmengine.visualization import SegLocalVisualizer
from segue.datasets.palette import generate_palette
from segue.images.read import read_image


def drawn_result(
    model: Any,
    img: Any,
    result: Any,
    palette: Any = None,
    win_name: str = "",
    show: bool = False,
    wait_time: float = 0,
    out_file: str | None = None,
    opacity: float = 0.5,
) -> np.ndarray:
    """``model.show_result`` of 0.x: the image (H, W, 3) BGR, with the colors of ``result[0]`` over it."""
    if not 0 < opacity <= 1:
        raise AssertionError(f"opacity={opacity}: above 0, and at most 1")
    picture = read_image(img) if isinstance(img, (str, Path)) else np.asarray(img)
    labels = np.asarray(result[0])
    meta = getattr(model, "dataset_meta", None) or {}
    colors = palette if palette is not None else getattr(model, "PALETTE", None) or meta.get("palette")
    if colors is None:
        colors = generate_palette([f"class_{i}" for i in range(model.num_classes)])
    table = np.zeros((max(len(colors), int(labels.max(initial=0)) + 1), 3), np.float32)
    table[: len(colors)] = np.asarray(colors, np.float32)[:, ::-1]
    drawn: np.ndarray = (picture * (1 - opacity) + table[labels] * opacity).astype(np.uint8)
    if show:
        SegLocalVisualizer().show(np.ascontiguousarray(drawn[..., ::-1]), win_name, wait_time)
    if out_file is not None:
        Path(out_file).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(out_file), drawn)
    return drawn
