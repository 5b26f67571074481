"""Labels made visible: overlays with class outlines, legends, panels side by side.

All images are (H, W, 3) uint8 RGB; labels are (H, W) integers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from segue.errors import InputError

Picture: TypeAlias = NDArray[Any]  # (H, W, 3) uint8, RGB
Color: TypeAlias = Sequence[int]  # red, green, blue in 0..255

#: Okabe and Ito's colours, which people with any colour vision tell apart; the order keeps neighbours far apart.
OKABE_ITO = ((0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0), (240, 228, 66))

PAPER, INK, QUIET = (255, 255, 255), (28, 32, 38), (104, 112, 122)


def _checked(labels: NDArray[Any], palette: Sequence[Color], ignore_index: int) -> None:
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"labels must be (H, W) integers, not {labels.dtype} of shape {labels.shape}")
    known = labels[labels != ignore_index]
    if known.size and (known.min() < 0 or known.max() >= len(palette)):
        worst = int(known.max()) if known.max() >= len(palette) else int(known.min())
        raise InputError(f"label {worst} has no color: the palette is for labels 0..{len(palette) - 1}")


def colorize(labels: NDArray[Any], palette: Sequence[Color], ignore_index: int = 255) -> Picture:
    """Each label as its color; ``ignore_index`` is black."""
    _checked(labels, palette, ignore_index)
    table = np.zeros((len(palette) + 1, 3), np.uint8)
    table[:-1] = np.asarray(palette, np.uint8).reshape(-1, 3)
    picture: Picture = table[np.where(labels == ignore_index, len(palette), labels)]
    return picture


def overlay(
    image: Picture,
    labels: NDArray[Any],
    palette: Sequence[Color],
    alpha: float = 0.4,
    *,
    skip: Collection[int] = (),
    ignore_index: int = 255,
    outline: int | None = None,
) -> Picture:
    """Tint each class over the image and draw its outline in the full color.

    Args:
        image: (H, W, 3) uint8.
        labels: (H, W), the same size.
        palette: a color for each class.
        alpha: strength of the tint, 0 (image only) to 1 (labels only).
        skip: classes that stay untouched, such as a background.
        ignore_index: a label without a class; stays untouched.
        outline: thickness in pixels; 0 for none; chosen from the image's size when None.

    Returns:
        (H, W, 3) uint8.
    """
    if image.shape[:2] != labels.shape:
        raise InputError(f"image of {image.shape[:2]} pixels (H, W) with labels of {labels.shape}: sizes must be equal")
    flat = colorize(labels, palette, ignore_index)
    drawn = ~np.isin(labels, [*skip, ignore_index])
    mixed = (1 - alpha) * image.astype(np.float32) + alpha * flat
    picture: Picture = np.where(drawn[..., None], np.round(mixed), image).astype(np.uint8)
    thickness = max(1, round(min(labels.shape) / 320)) if outline is None else outline
    if thickness > 0:
        edge = _inner_edge(labels, thickness) & drawn
        picture[edge] = flat[edge]
    return picture


def _inner_edge(labels: NDArray[Any], thickness: int) -> NDArray[np.bool_]:
    """Pixels within ``thickness`` of another label (city blocks); the image's frame is no edge."""
    edge = np.zeros(labels.shape, bool)
    for shift in range(1, thickness + 1):
        if shift < labels.shape[0]:
            differ = labels[shift:] != labels[:-shift]
            edge[shift:] |= differ
            edge[:-shift] |= differ
        if shift < labels.shape[1]:
            differ = labels[:, shift:] != labels[:, :-shift]
            edge[:, shift:] |= differ
            edge[:, :-shift] |= differ
    return edge


def enlarge(image: Picture, labels: Sequence[NDArray[Any]], least: int) -> tuple[Picture, list[NDArray[Any]]]:
    """Enlarge a small image and its label maps by a whole number until the shorter side has about ``least`` pixels."""
    factor = max(1, round(least / min(image.shape[:2])))
    if factor == 1:
        return image, list(labels)
    height, width = image.shape[0] * factor, image.shape[1] * factor
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    return large, [_enlarge_labels(map_, (width, height)) for map_ in labels]


def _enlarge_labels(labels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """To (W, H), smooth borders instead of stairs: each class is resized and blurred by itself, the strongest wins."""
    blur = 0.6 * size[0] / labels.shape[1]
    best = np.full(size[::-1], -1.0, np.float32)
    result = np.zeros(size[::-1], labels.dtype)
    for label in np.unique(labels):
        share = cv2.resize((labels == label).astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        share = cv2.GaussianBlur(share, (0, 0), blur)
        result[share > best] = label
        best = np.maximum(best, share)
    return result


def _text_width(font: Any, text: str) -> float:
    return float(font.getlength(text))


def legend(classes: Sequence[str], palette: Sequence[Color], width: int, size: int = 15) -> Picture:
    """A strip of swatches with class names, ``width`` pixels wide, in as many rows as they need."""
    font = ImageFont.load_default(size=size)
    swatch, gap, row = size, size * 0.5, size * 1.9
    places: list[tuple[float, float]] = []
    x = y = 0.0
    for name in classes:
        need = swatch + gap + _text_width(font, name)
        if x > 0 and x + need > width:
            x, y = 0.0, y + row
        places.append((x, y))
        x += need + gap * 3
    strip = Image.new("RGB", (width, round(y + row)), PAPER)
    pen = ImageDraw.Draw(strip)
    for (left, top), name, color in zip(places, classes, palette, strict=False):
        strip.paste(_swatch(color, swatch), (round(left), round(top + (row - swatch) / 2)))
        pen.text((left + swatch + gap, top + row / 2), name, INK, font, anchor="lm")
    return np.asarray(strip)


def _swatch(color: Color, size: int) -> Image.Image:
    """A square with round corners, drawn large and reduced: Pillow's own corners are jagged."""
    large = Image.new("RGB", (size * 4, size * 4), PAPER)
    ImageDraw.Draw(large).rounded_rectangle((0, 0, size * 4 - 1, size * 4 - 1), size, tuple(color))
    return large.resize((size, size), Image.Resampling.LANCZOS)


def panels(pictures: Sequence[Picture], captions: Sequence[str], size: int = 15) -> Picture:
    """Pictures of equal height side by side on white, each under its caption."""
    if len({picture.shape[0] for picture in pictures}) != 1 or len(pictures) != len(captions):
        heights = [picture.shape[0] for picture in pictures]
        raise InputError(f"panels need equal heights and a caption each: heights {heights}, {len(captions)} captions")
    font = ImageFont.load_default(size=size)
    margin, head = size, round(size * 1.8)
    width = sum(picture.shape[1] for picture in pictures) + margin * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, pictures[0].shape[0] + head), PAPER)
    pen = ImageDraw.Draw(sheet)
    left = 0
    for picture, caption in zip(pictures, captions, strict=True):
        pen.text((left, head * 0.42), caption, QUIET, font, anchor="lm")
        sheet.paste(Image.fromarray(np.ascontiguousarray(picture)), (left, head))
        left += picture.shape[1] + margin
    return np.asarray(sheet)


def sheet(
    image: Picture,
    maps: Sequence[tuple[str, NDArray[Any]]],
    classes: Sequence[str],
    palette: Sequence[Color],
    *,
    alpha: float = 0.4,
    skip: Collection[int] = (),
    ignore_index: int = 255,
    least: int = 480,
) -> Picture:
    """The whole figure: the image, one overlay for each named label map, and the legend underneath."""
    large, enlarged = enlarge(image, [labels for _, labels in maps], least)
    size = max(14, round(large.shape[0] / 32))
    overlays = [overlay(large, m, palette, alpha, skip=skip, ignore_index=ignore_index) for m in enlarged]
    row = panels([large, *overlays], ["image", *(name for name, _ in maps)], size)
    shown = [index for index in range(len(classes)) if index not in skip]
    strip = legend([classes[i] for i in shown], [palette[i] for i in shown], row.shape[1] - 2 * size, size)
    body = np.concatenate([row, np.full((size // 2, row.shape[1], 3), 255, np.uint8)])
    strip = cv2.copyMakeBorder(strip, 0, 0, 0, 2 * size, cv2.BORDER_CONSTANT, value=PAPER)
    whole = np.concatenate([body, strip])
    return cv2.copyMakeBorder(whole, size, size // 2, size, size, cv2.BORDER_CONSTANT, value=PAPER)


def save_picture(path: Path, picture: Picture) -> None:
    """Write a PNG, or a JPEG where the name ends so (at full color resolution, so that outlines stay crisp)."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"quality": 90, "subsampling": 0} if path.suffix.lower() in (".jpg", ".jpeg") else {}
    Image.fromarray(np.ascontiguousarray(picture)).save(path, **options)
