"""What `docs/formats.md` says that each reader gives of the samples of a file."""

from __future__ import annotations

import numpy as np

from tests.images.variants.variant import Array, Variant, turned

_GRAY = np.array([0.114, 0.587, 0.299])  # of blue, green, red: BT.601
MOST = np.iinfo(np.int32).max


def is_picture(variant: Variant) -> bool:
    """Whether it has colours, or grays, of up to 16 bits."""
    samples = variant.samples
    deep = samples.dtype.kind != "u" or variant.bits > 16
    return not deep and variant.mode != "bands" and (variant.mode != "cmyk" or variant.bits == 8)


def seen(variant: Variant) -> Array:
    """(H, W) or (H, W, 3) BGR uint8 of a picture, not turned."""
    samples, bits = variant.samples, variant.bits
    if variant.mode == "palette":
        assert variant.palette is not None
        return variant.palette[samples[:, :, 0], ::-1]
    if variant.mode == "cmyk":
        inks = 255 - samples.astype(float)
        return np.rint(inks[:, :, 2::-1] * inks[:, :, 3:] / 255).astype(np.uint8)
    bands = samples[:, :, : samples.shape[2] - variant.alpha].astype(int)
    top = (1 << bits) - 1
    bands = top - bands if variant.mode == "white" else bands
    bands = bands * (255 // top) if bits < 8 else bands >> (bits - 8)
    return (bands[:, :, 0] if bands.shape[2] == 1 else bands[:, :, ::-1]).astype(np.uint8)


def image(variant: Variant, color_type: str) -> Array | None:
    """What `read_image` gives; None where it must refuse."""
    if variant.damaged or variant.foreign:
        return None
    if variant.suffix == ".npy":
        return _numpy(variant, color_type)
    if color_type == "unchanged":
        return unchanged(variant)
    if not is_picture(variant):
        return None
    pixels = seen(variant)
    if not color_type.endswith("_ignore_orientation"):
        pixels = turned(pixels, variant.orientation)
    if color_type.startswith("grayscale"):
        return pixels if pixels.ndim == 2 else np.rint(pixels @ _GRAY).astype(np.uint8)
    return np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels


def unchanged(variant: Variant) -> Array:
    """What ``unchanged`` gives of a whole file."""
    samples = variant.samples
    if variant.mode in ("palette", "cmyk") and is_picture(variant):
        pixels = seen(variant)
        return pixels if variant.clear is None else np.dstack([pixels, variant.clear])
    if variant.mode in ("bands", "cmyk"):
        return samples
    if variant.bits < 8:
        samples = samples * np.uint8(255 // ((1 << variant.bits) - 1))
        samples = 255 - samples if variant.suffix == ".pbm" else samples
    if samples.shape[2] == 1:
        return samples[:, :, 0]
    if samples.shape[2] == 2:
        return samples[:, :, [0, 0, 0, 1]]
    pixels = samples[:, :, [2, 1, 0, 3][: samples.shape[2]]]
    return pixels if variant.clear is None else np.dstack([pixels, variant.clear])


def _numpy(variant: Variant, color_type: str) -> Array | None:
    plane = variant.samples[:, :, 0]
    if color_type == "unchanged":
        return plane
    if plane.dtype != np.uint8:
        return None
    return plane if color_type.startswith("grayscale") else np.repeat(variant.samples, 3, axis=2)


def mask(variant: Variant) -> Array | None:
    """(H, W) uint8 or int32 that `read_mask` gives; None where it must refuse."""
    if variant.damaged or variant.foreign:
        return None
    if variant.pages > 1:
        return None
    if variant.labels is not None:
        return variant.labels
    samples = variant.samples
    if variant.mode in ("cmyk", "bands"):
        return None
    colors = samples[:, :, : samples.shape[2] - variant.alpha]
    if not (colors == colors[:, :, :1]).all():
        return None
    plane = colors[:, :, 0]
    if plane.dtype.kind == "f" and not (np.isfinite(plane).all() and (plane == np.floor(plane)).all()):
        return None
    if float(plane.max()) > MOST or float(plane.min()) < -MOST - 1:
        return None
    return plane if plane.dtype == np.uint8 else plane.astype(np.int32)


def tolerance(variant: Variant, color_type: str) -> int:
    """How far pixels may be off: formats without RGB, the rounding of 16 bits to 8, and of gray from colours."""
    halved = variant.bits == 16 and color_type.split()[0] != "unchanged" and not color_type.startswith("mask")
    mixed = color_type.startswith("grayscale") and variant.mode in ("rgb", "palette", "cmyk")
    return variant.near + (2 if mixed else int(halved))
