"""CenterCrop: a window in the middle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from segue.transforms.arguments import image_of, int_pair
from segue.transforms.fields import maps, pictures
from segue.transforms.pad import Pad
from segue.types import Sample


@dataclass(frozen=True, kw_only=True)
class _Padding:
    """``pad_cfg``: see `Pad`."""

    type: Literal["Pad"] = "Pad"
    pad_val: float | Mapping[str, float | Sequence[float]] = 0
    padding_mode: str = "constant"


class CenterCrop:
    """Crop the middle of the image and its maps; records ``img_shape`` and ``pad_shape``.

    Takes any number of bands and any dtype.

    Args:
        crop_size: (W, H), or one number for both.
        auto_pad: pad a smaller image at the bottom and the right first; else it keeps its size in that direction.
        pad: ``pad_val`` and ``padding_mode`` of that (``pad_cfg`` in a config).
        clip_object_border: accepted for mmseg configs; it concerns boxes, which Segue has none of.
    """

    def __init__(
        self,
        crop_size: int | Sequence[int],
        auto_pad: bool = False,
        pad: _Padding | None = None,
        clip_object_border: bool = True,
    ) -> None:
        self.crop_size = int_pair(self, "crop_size", crop_size, "(W, H)")
        self.clip_object_border = clip_object_border
        pad = pad or _Padding()
        self.pad = Pad(self.crop_size, pad_val=pad.pad_val, padding_mode=pad.padding_mode) if auto_pad else None

    def __call__(self, sample: Sample) -> Sample:
        """Pad if asked to, and crop."""
        image_of(self, sample)
        if self.pad is not None:
            sample = self.pad(sample)
        height, width = sample["img"].shape[:2]
        down, across = min(self.crop_size[1], height), min(self.crop_size[0], width)
        top, left = round((height - down) / 2), round((width - across) / 2)
        window = slice(top, top + down), slice(left, left + across)
        for key in (*pictures(sample), *(name for name, _, _ in maps(sample))):
            sample[key] = sample[key][window]
        sample["img_shape"] = sample["pad_shape"] = sample["img"].shape[:2]
        return sample
