"""mmcv.visualization: named colours, and boxes over pictures."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segue.compat.mmcv.images import imread, imshow


class Color(Enum):
    """Colours as (blue, green, red)."""

    red = (0, 0, 255)
    green = (0, 255, 0)
    blue = (255, 0, 0)
    cyan = (255, 255, 0)
    yellow = (0, 255, 255)
    magenta = (255, 0, 255)
    white = (255, 255, 255)
    black = (0, 0, 0)


def color_val(color: Any) -> tuple[int, ...]:
    """A colour by name, as a `Color`, a gray value, or (blue, green, red) as a tuple or an array."""
    if isinstance(color, str):
        if color not in Color.__members__:
            raise KeyError(f"{color!r} is no colour; there are {', '.join(Color.__members__)}")
        return Color[color].value
    if isinstance(color, Color):
        return color.value
    given = (color,) * 3 if isinstance(color, int) else color
    if not isinstance(given, (tuple, np.ndarray)):
        raise TypeError(f"Invalid type for color: {type(color)}")
    values = tuple(int(value) for value in given)
    if len(values) != 3 or not all(0 <= value <= 255 for value in values):
        raise AssertionError(f"three values in 0..255 are expected, not {color!r}")
    return values


def _finish(image: Any, show: bool, win_name: str, wait_time: int, out_file: Any) -> Any:
    if show:
        imshow(image, win_name, wait_time)
    if out_file is not None:
        Path(out_file).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(out_file), image)
    return image


def imshow_bboxes(
    img: Any,
    bboxes: Any,
    colors: Any = "green",
    top_k: int = -1,
    thickness: int = 1,
    show: bool = True,
    win_name: str = "",
    wait_time: int = 0,
    out_file: Any = None,
) -> Any:
    """Draw boxes (N, 4), or a list of such with a colour each, into a copy of a picture, which is returned."""
    image = np.ascontiguousarray(np.array(imread(img)))
    groups = [bboxes] if isinstance(bboxes, np.ndarray) else list(bboxes)
    single = isinstance(colors, (str, int, Color, tuple, np.ndarray))
    chosen = [colors] * len(groups) if single else list(colors)
    if len(chosen) != len(groups):
        raise AssertionError(f"{len(groups)} groups of boxes, but {len(chosen)} colours")
    for group, color in zip(groups, chosen, strict=True):
        rows = np.asarray(group).astype(np.int32)
        for x1, y1, x2, y2, *_ in rows[: top_k if top_k > 0 else len(rows)].tolist():
            cv2.rectangle(image, (x1, y1), (x2, y2), color_val(color), thickness)
    return _finish(image, show, win_name, wait_time, out_file)


def imshow_det_bboxes(
    img: Any,
    bboxes: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str] | None = None,
    score_thr: float = 0,
    bbox_color: Any = "green",
    text_color: Any = "green",
    thickness: int = 1,
    font_scale: float = 0.5,
    show: bool = True,
    win_name: str = "",
    wait_time: int = 0,
    out_file: Any = None,
) -> Any:
    """Draw boxes (N, 4), or (N, 5) with scores, and the names of their labels (N,) into a copy, which is returned."""
    if bboxes.ndim != 2 or labels.shape != (len(bboxes),) or bboxes.shape[1] not in (4, 5):
        raise AssertionError(f"boxes (N, 4 or 5) and labels (N,) are expected, not {bboxes.shape} and {labels.shape}")
    image = np.ascontiguousarray(np.array(imread(img)))
    if score_thr > 0:
        if bboxes.shape[1] != 5:
            raise AssertionError("score_thr needs boxes (N, 5) with scores")
        better = bboxes[:, 4] > score_thr
        bboxes, labels = bboxes[better], labels[better]
    for box, label in zip(bboxes, labels.tolist(), strict=True):
        x1, y1, x2, y2 = (int(value) for value in box[:4])
        cv2.rectangle(image, (x1, y1), (x2, y2), color_val(bbox_color), thickness)
        text = class_names[label] if class_names is not None else f"cls {label}"
        text += f"|{box[4]:.02f}" if len(box) > 4 else ""
        cv2.putText(image, text, (x1, y1 - 2), cv2.FONT_HERSHEY_COMPLEX, font_scale, color_val(text_color))
    return _finish(image, show, win_name, wait_time, out_file)
