"""RandomResize: a random scale, then Resize."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.transforms.arguments import int_pair, is_int, one_of, real_pair, refuse
from segue.transforms.resize import Resize
from segue.types import Sample, Size


class RandomResize:
    """Resize to a randomly drawn scale. Takes what `Resize` takes.

    Args:
        scale: (W, H), which is multiplied by a ratio drawn from ``ratio_range``; or two such pairs, between which width
            and height are drawn independently.
        ratio_range: (low, high) of the uniform ratio; needed if ``scale`` is one pair.
        resize_type: only ``Resize``.
        keep_ratio: see `Resize`, as all that follow.
        clip_object_border: accepted for mmseg configs, without effect.
        backend: ``cv2`` or ``pillow``.
        interpolation: of the image.
    """

    def __init__(
        self,
        scale: Sequence[int | Sequence[int]],
        ratio_range: Sequence[float] | None = None,
        resize_type: str = "Resize",
        keep_ratio: bool = False,
        clip_object_border: bool = True,
        backend: str = "cv2",
        interpolation: str = "bilinear",
    ) -> None:
        one_of(self, "resize_type", resize_type, ("Resize",))
        self.scales: tuple[tuple[int, int], ...]
        if isinstance(scale, Sequence) and len(scale) == 2 and all(is_int(value) for value in scale):
            self.scales = (int_pair(self, "scale", scale, "(W, H)"),)
            if ratio_range is None:
                raise refuse(self, "ratio_range", "(low, high) since scale is one pair", None)
        elif isinstance(scale, Sequence) and len(scale) == 2:
            first, second = (int_pair(self, "scale", pair, "(W, H)") for pair in scale)
            self.scales = (first, second)
        else:
            raise refuse(self, "scale", "one pair (W, H) or two pairs", scale)
        self.ratio_range = None if ratio_range is None else real_pair(self, "ratio_range", ratio_range)
        if self.ratio_range is not None and self.ratio_range[0] <= 0:
            raise refuse(self, "ratio_range", "positive", ratio_range)
        self.resize = Resize(self.scales[0], None, keep_ratio, clip_object_border, backend, interpolation)

    def __call__(self, sample: Sample) -> Sample:
        """Draw a scale and resize to it."""
        return self.resize.resize_to(sample, self._draw())

    def settle(self, sample: Sample, size: Size) -> Size:
        """Draw a scale; see `Resize.settle`."""
        return self.resize.settle_to(sample, size, self._draw())

    def _draw(self) -> tuple[int, int]:
        if len(self.scales) == 1:
            assert self.ratio_range is not None
            low, high = self.ratio_range
            ratio = np.random.random_sample() * (high - low) + low
            width, height = self.scales[0]
            return max(int(width * ratio), 1), max(int(height * ratio), 1)
        widths, heights = zip(*self.scales, strict=True)
        width = np.random.randint(min(widths), max(widths) + 1)
        return width, np.random.randint(min(heights), max(heights) + 1)
