"""ResizeShortestEdge: the test scale of detectron2's models."""

from __future__ import annotations

from collections.abc import Sequence

from segue.transforms.arguments import image_of, int_pair, is_int, refuse
from segue.transforms.resize import Resize
from segue.types import Sample, Size


class ResizeShortestEdge:
    """Resize so that the short side has a given length, unless the long side would exceed ``max_size``.

    Takes what `Resize` takes.

    Args:
        scale: pixels of the short side; of a pair the smaller number counts.
        max_size: most pixels of the long side.
    """

    def __init__(self, scale: int | Sequence[int], max_size: int) -> None:
        self._pair = int_pair(self, "scale", scale, "(W, H)")
        self.scale = scale
        if not is_int(max_size) or max_size < 1:
            raise refuse(self, "max_size", "a positive integer", max_size)
        self.max_size = max_size
        self.resize = Resize(self._pair, keep_ratio=True)

    def __call__(self, sample: Sample) -> Sample:
        """Resize by the short side."""
        return self.resize_to(sample, self._pair)

    def resize_to(self, sample: Sample, scale: tuple[int, int]) -> Sample:
        """Resize as if ``scale`` were the constructor's."""
        return self.resize.resize_to(sample, self._fitted(image_of(self, sample).shape[:2], scale))

    def settle(self, sample: Sample, size: Size) -> Size:
        """See `Resize.settle`."""
        return self.settle_to(sample, size, self._pair)

    def settle_to(self, sample: Sample, size: Size, scale: tuple[int, int]) -> Size:
        """See `Resize.settle_to`."""
        return self.resize.settle_to(sample, size, self._fitted(size, scale))

    def _fitted(self, size: Size, scale: tuple[int, int]) -> tuple[int, int]:
        """(W, H) of an image of ``size`` (H, W)."""
        height, width = size
        factor = min(scale) / min(height, width)
        target = height * factor, width * factor
        if max(target) > self.max_size:
            shrink = self.max_size / max(target)
            target = target[0] * shrink, target[1] * shrink
        return int(target[1] + 0.5), int(target[0] + 0.5)
