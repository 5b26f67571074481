"""The first batches of a run as one picture: what augmentation makes of the images, with labels over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from segue.datasets.palette import generate_palette
from segue.report.draw import INK, PAPER, overlay
from segue.system.replaced import replaced

#: Pictures at most, pixels of a picture's longer side, and pictures in a row.
MOST, SIDE, ROW = 8, 320, 4
_GAP, _LINE = 8, 16
_VOID = (255, 0, 255)


def draw_batches(
    path: Path, batches: Sequence[Mapping[str, Any]], metainfo: Mapping[str, Any], void: int = 255
) -> Path:
    """Draw the images of batches in rows; of each the image alone above and its labels over it below.

    Args:
        path: of the PNG.
        batches: as the loader gives them.
        metainfo: ``classes`` and ``palette`` of the dataset.
        void: the label that is ignored, hatched in magenta.
    """
    classes = list(metainfo.get("classes") or ())
    palette = [tuple(color) for color in metainfo.get("palette") or generate_palette(classes)]
    tiles: list[Image.Image] = []
    for batch in batches:
        for at, sample in enumerate(batch["data_samples"]):
            if len(tiles) < MOST:
                tiles.append(_tile(batch["inputs"][at], sample, classes, palette, void))
    height, width = max(t.height for t in tiles), max(t.width for t in tiles)
    columns = min(ROW, len(tiles))
    rows = -(-len(tiles) // columns)
    size = (columns * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP)
    sheet = Image.new("RGB", size, PAPER)
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (_GAP + i % columns * (width + _GAP), _GAP + i // columns * (height + _GAP)))
    with replaced(path) as part, part.open("wb") as file:
        sheet.save(file, format="PNG")
    return path


def _tile(inputs: Any, sample: Any, classes: Sequence[str], palette: Sequence[Any], void: int) -> Image.Image:
    image = picture(inputs[0] if isinstance(inputs, (list, tuple)) else inputs)
    factor = SIDE / max(image.shape[:2])
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST)
    image = image if image.ndim == 3 else image[..., None].repeat(3, 2)
    labels, panels, names = sample.gt_sem_seg, [image], ""
    if labels is not None:
        below, names = _labeled(image, labels, classes, palette, void)
        panels.append(below)
    drawn = np.concatenate(panels, axis=0)
    width = max(drawn.shape[1], SIDE)
    tile = Image.new("RGB", (width, drawn.shape[0] + 2 * _LINE), PAPER)
    tile.paste(Image.fromarray(drawn), (0, 2 * _LINE))
    brush = ImageDraw.Draw(tile)
    shown = str(sample.meta.get("img_path") or "").replace("\\", "/").rsplit("/", 1)[-1]
    for row, text in enumerate((shown, names)):
        brush.text((0, row * _LINE), _fitting(brush, text, width), fill=INK)
    return tile


def _fitting(brush: ImageDraw.ImageDraw, text: str, width: int) -> str:
    text = text.encode("ascii", "replace").decode("ascii")  # which the built-in font has
    while len(text) > 4 and brush.textlength(text) > width:
        text = text[:-4] + "..."
    return text


def _labeled(
    image: NDArray[Any], labels: Tensor, classes: Sequence[str], palette: Sequence[Any], void: int
) -> tuple[NDArray[Any], str]:
    """The image under its labels, and what is there in words."""
    array = labels.detach().cpu().numpy()
    if array.ndim == 3:  # a map per class; where several are, the last is seen
        flat = np.full(array.shape[1:], -1)
        for index, part in enumerate(array):
            flat[part == 1] = index
        flat[(array == 255).any(0)] = void
    else:
        flat = array.astype(np.int64)
    small = cv2.resize(flat.astype(np.int32), image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    known = np.where((small >= 0) & (small < len(palette)) & (small != void), small, -1)
    drawn = overlay(image, known, palette, 0.55, ignore_index=-1)
    rows, columns = np.indices(small.shape)
    stripes = (small == void) & ((rows + columns) // 3 % 3 == 0)
    drawn[stripes] = _VOID
    values, counts = np.unique(flat, return_counts=True)
    words = []
    for i in np.argsort(-counts):
        value, share = int(values[i]), counts[i] / flat.size
        name = "void" if value == void else classes[value] if 0 <= value < len(classes) else str(value)
        words.append(f"{name} {share:.0%}")
    return drawn, ", ".join(words)


def picture(tensor: Tensor) -> NDArray[Any]:
    """(H, W, 3) uint8 RGB of an image of any number of bands: the first three, stretched where they are no bytes."""
    array = tensor.detach().cpu().float().numpy()
    bands = array[:3][::-1] if array.shape[0] >= 3 else np.repeat(array[:1], 3, axis=0)
    bands = np.nan_to_num(bands, nan=0.0, posinf=0.0, neginf=0.0)
    small = tensor.is_floating_point() and bands.max() <= 2
    if bands.min() < 0 or bands.max() > 255 or small:
        low, high = np.percentile(bands, (1, 99))
        bands = np.clip((bands - low) / max(high - low, 1e-9), 0, 1) * 255
    return np.ascontiguousarray(bands.transpose(1, 2, 0).clip(0, 255).astype(np.uint8))
