"""RandomChoiceResize: one scale of a list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.transforms.arguments import int_pair, one_of, refuse
from segue.transforms.resize import Resize
from segue.transforms.resize_shortest_edge import ResizeShortestEdge
from segue.types import Sample, Size


class RandomChoiceResize:
    """Resize to a scale drawn from a list, all equally likely. Takes what the resizing class takes.

    Args:
        scales: (W, H) pairs or integers.
        resize_type: ``Resize``, or ``ResizeShortestEdge`` which also needs ``max_size``.
        keep_ratio: see `Resize`, as ``clip_object_border``, ``backend`` and ``interpolation``.
        clip_object_border: accepted for mmseg configs, without effect.
        backend: ``cv2`` or ``pillow``.
        interpolation: of the image.
        max_size: see `ResizeShortestEdge`.
    """

    def __init__(
        self,
        scales: Sequence[int | Sequence[int]],
        resize_type: str = "Resize",
        keep_ratio: bool = False,
        clip_object_border: bool = True,
        backend: str = "cv2",
        interpolation: str = "bilinear",
        max_size: int | None = None,
    ) -> None:
        if not isinstance(scales, Sequence) or not scales:
            raise refuse(self, "scales", "a list of scales", scales)
        self.scales = [int_pair(self, f"scales[{i}]", scale, "(W, H)") for i, scale in enumerate(scales)]
        one_of(self, "resize_type", resize_type, ("Resize", "ResizeShortestEdge"))
        self.resize: Resize | ResizeShortestEdge
        if resize_type == "ResizeShortestEdge":
            if max_size is None:
                raise refuse(self, "max_size", "given with resize_type='ResizeShortestEdge'", None)
            self.resize = ResizeShortestEdge(self.scales[0], max_size)
        elif max_size is not None:
            raise refuse(self, "max_size", "left out unless resize_type='ResizeShortestEdge'", max_size)
        else:
            self.resize = Resize(self.scales[0], None, keep_ratio, clip_object_border, backend, interpolation)

    def __call__(self, sample: Sample) -> Sample:
        """Draw a scale and resize to it; records ``scale_idx``."""
        return self.resize.resize_to(sample, self._draw(sample))

    def settle(self, sample: Sample, size: Size) -> Size:
        """Draw a scale; see `Resize.settle`."""
        return self.resize.settle_to(sample, size, self._draw(sample))

    def _draw(self, sample: Sample) -> tuple[int, int]:
        index = int(np.random.randint(len(self.scales)))
        sample["scale_idx"] = index
        return self.scales[index]
