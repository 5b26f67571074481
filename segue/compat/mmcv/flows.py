"""mmcv.video of optical flow: (H, W, 2) float32, how far each pixel moves right and down."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.compat.mmengine.small_functions import dequantize, quantize
from segue.errors import DataError

Array = NDArray[Any]
_MAGIC = b"PIEH"


def flow_from_bytes(content: bytes) -> Array:
    """The contents of a ``.flo`` file."""
    if content[:4] != _MAGIC or len(content) < 12:
        raise DataError("no .flo file: it does not begin with PIEH")
    width, height = (int(v) for v in np.frombuffer(content[4:12], "<i4"))
    size = width * height * 2
    if width < 1 or height < 1 or len(content) - 12 < size * 4:
        raise DataError(f"a .flo file of {width} x {height} has {len(content) - 12} bytes of {size * 4}")
    return np.frombuffer(content, "<f4", size, 12).reshape(height, width, 2).astype(np.float32)


def sparse_flow_from_bytes(content: bytes) -> tuple[Array, Array]:
    """KITTI's PNG of 16 bits to the flow and to where it is known, (H, W)."""
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    if image is None:
        raise DataError("no PNG that can be decoded")
    stored = image[..., ::-1].astype(np.float32)
    return (stored[..., :2] - 2**15) / 64, stored[..., 2]


def flowread(flow_or_path: Any, quantize: bool = False, concat_axis: int = 0, *args: Any, **kwargs: Any) -> Array:
    """Read a ``.flo`` file, or with ``quantize`` a picture of both parts; arrays pass through.

    Further arguments are those of `dequantize_flow`.
    """
    if isinstance(flow_or_path, np.ndarray):
        if flow_or_path.ndim != 3 or flow_or_path.shape[-1] != 2:
            raise ValueError(f"Invalid flow with shape {flow_or_path.shape}")
        return flow_or_path
    data = Path(flow_or_path).read_bytes()
    if not quantize:
        return flow_from_bytes(data)
    if concat_axis not in (0, 1):
        raise AssertionError(f"concat_axis={concat_axis}: 0 or 1")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 2 or image.shape[concat_axis] % 2:
        raise DataError(f"{flow_or_path}: a gray picture of two equal parts is expected")
    dx, dy = np.split(image, 2, axis=concat_axis)
    return dequantize_flow(dx, dy, *args, **kwargs)


def flowwrite(
    flow: Array, filename: Any, quantize: bool = False, concat_axis: int = 0, *args: Any, **kwargs: Any
) -> None:
    """Write a ``.flo`` file, or with ``quantize`` a picture (of 8 bits, with loss).

    Further arguments are those of `quantize_flow`.
    """
    Path(filename).parent.mkdir(parents=True, exist_ok=True)
    if not quantize:
        size = np.array([flow.shape[1], flow.shape[0]], "<i4").tobytes()
        Path(filename).write_bytes(_MAGIC + size + flow.astype("<f4").tobytes())
        return
    if concat_axis not in (0, 1):
        raise AssertionError(f"concat_axis={concat_axis}: 0 or 1")
    cv2.imwrite(str(filename), np.concatenate(quantize_flow(flow, *args, **kwargs), axis=concat_axis))


def quantize_flow(flow: Array, max_val: float = 0.02, norm: bool = True) -> tuple[Array, Array]:
    """Both parts as uint8, of -max_val..max_val of the picture's sides (``norm``), or pixels."""
    parts = [flow[..., 0], flow[..., 1]]
    if norm:
        parts = [parts[0] / flow.shape[1], parts[1] / flow.shape[0]]
    first, second = (quantize(part, -max_val, max_val, 255, np.uint8) for part in parts)
    return first, second


def dequantize_flow(dx: Array, dy: Array, max_val: float = 0.02, denorm: bool = True) -> Array:
    """Undo `quantize_flow`, but for the loss."""
    if dx.shape != dy.shape or dx.ndim != 2:
        raise AssertionError(f"two parts (H, W) of one size are expected, not {dx.shape} and {dy.shape}")
    parts = [dequantize(part, -max_val, max_val, 255) for part in (dx, dy)]
    if denorm:
        parts = [parts[0] * dx.shape[1], parts[1] * dx.shape[0]]
    return np.dstack(parts)


def flow_warp(img: Array, flow: Array, filling_value: int = 0, interpolate_mode: str = "nearest") -> Array:
    """What a picture looks like where the flow leads: ``out[y, x] = img[y + flow_y, x + flow_x]``.

    Args:
        img: (H, W, C).
        flow: (H, W, 2).
        filling_value: where it leads out of the picture.
        interpolate_mode: ``nearest`` or ``bilinear``.
    """
    if interpolate_mode not in ("nearest", "bilinear"):
        raise NotImplementedError(f"interpolate_mode={interpolate_mode!r}: 'nearest' or 'bilinear'")
    height, width = img.shape[:2]
    if flow.shape != (height, width, 2):
        raise AssertionError(f"a flow of {(height, width, 2)} is expected, not {flow.shape}")
    y, x = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    y, x = y + flow[..., 1], x + flow[..., 0]
    out = np.full(img.shape, filling_value, img.dtype)
    known = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    y, x = y[known], x[known]
    if interpolate_mode == "nearest":
        out[known] = img[np.round(y).astype(int), np.round(x).astype(int)]
        return out
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = (y - top)[:, None], (x - left)[:, None]
    pixels = img.astype(np.float64)
    upper = pixels[top, left] * (1 - across) + pixels[top, right] * across
    lower = pixels[bottom, left] * (1 - across) + pixels[bottom, right] * across
    out[known] = (upper * (1 - down) + lower * down).astype(img.dtype)
    return out


def make_color_wheel(bins: Sequence[int] | None = None) -> Array:
    """Colours (N, 3) from 0 to 1 in a circle, red over yellow, green, cyan, blue and magenta, as Middlebury's.

    ``bins``: how many there are in each of the six parts.
    """
    counts = [15, 6, 4, 11, 13, 6] if bins is None else list(bins)
    if len(counts) != 6:
        raise AssertionError(f"six numbers are expected, not {len(counts)}")
    corners = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [1, 0, 0]], np.float32)
    parts = []
    for start, end, count in zip(corners[:-1], corners[1:], counts, strict=True):
        t = (np.arange(count) / count)[:, None]
        parts.append(start + (end - start) * t)
    return np.concatenate(parts).astype(np.float32)


def flow2rgb(flow: Array, color_wheel: Array | None = None, unknown_thr: float = 1e6) -> Array:
    """A flow as colours (H, W, 3) from 0 to 1: the direction as hue, the length as strength; the unknown is black."""
    if flow.ndim != 3 or flow.shape[-1] != 2:
        raise AssertionError(f"(H, W, 2) is expected, not {flow.shape}")
    wheel = make_color_wheel() if color_wheel is None else color_wheel
    unknown = ~np.isfinite(flow).all(-1) | (np.abs(np.nan_to_num(flow)) > unknown_thr).any(-1)
    dx, dy = (np.where(unknown, 0, flow[..., index]) for index in (0, 1))
    length = np.hypot(dx, dy)
    if (length > np.finfo(float).eps).any():
        longest = length.max()
        dx, dy, length = dx / longest, dy / longest, length / longest
    place = (np.arctan2(-dy, -dx) / np.pi + 1) / 2 * (len(wheel) - 1)
    left = np.floor(place).astype(int)
    part = (place - left)[..., None]
    colors = (1 - part) * wheel[left] + part * wheel[(left + 1) % len(wheel)]
    colors = 1 - np.minimum(length, 1)[..., None] * (1 - colors)
    colors[unknown] = 0
    return colors.astype(np.float32)


def flowshow(flow: Any, win_name: str = "", wait_time: int = 0) -> None:
    """Show a flow in a window, where there is a display."""
    from segue.compat.mmcv.images import imshow

    imshow(flow2rgb(flowread(flow))[..., ::-1], win_name, wait_time)
