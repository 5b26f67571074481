"""MultiScaleFlipAug: the views of older test pipelines; `TestTimeAug` is the general way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from segue.transforms.arguments import is_real, refuse
from segue.transforms.compose import Compose, Transform
from segue.transforms.random_flip import RandomFlip
from segue.transforms.resize import Resize
from segue.transforms.test_time_aug import TestTimeAug
from segue.types import Sample


@dataclass(frozen=True, kw_only=True)
class _Resizing:
    """``resize_cfg``: see `Resize`."""

    type: Literal["Resize"] = "Resize"
    keep_ratio: bool = True
    backend: str = "cv2"
    interpolation: str = "bilinear"


class MultiScaleFlipAug:
    """Every scale, not flipped and then flipped each way, followed by ``transforms``; a list under every key.

    Takes what `Resize` takes.

    Args:
        transforms: what follows in every view; the last packs.
        scales: (W, H), or a list of such pairs.
        scale_factor: instead, a factor or a list of them.
        allow_flip: flip too.
        flip_direction: ``horizontal``, ``vertical`` or ``diagonal``, or a list of them.
        resize: ``keep_ratio`` (true by default), ``backend`` and ``interpolation`` (``resize_cfg`` in a config).
    """

    def __init__(
        self,
        transforms: Sequence[Transform],
        scales: Sequence[int | Sequence[int]] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        allow_flip: bool = False,
        flip_direction: str | Sequence[str] = "horizontal",
        resize: _Resizing | None = None,
    ) -> None:
        if scales is not None and scale_factor is not None:
            raise refuse(self, "scale_factor", "None where scales are given", scale_factor)
        how = resize or _Resizing()
        options = {"keep_ratio": how.keep_ratio, "backend": how.backend, "interpolation": how.interpolation}
        if scales is not None:
            pairs: Any = [scales] if is_real(scales[0]) else scales
            resizes = [Resize(pair, None, **options) for pair in pairs]  # type: ignore[arg-type]
        else:
            factors: Any = scale_factor if isinstance(scale_factor, Sequence) else [scale_factor or 1.0]
            resizes = [Resize(None, factor, **options) for factor in factors]  # type: ignore[arg-type]
        directions = [flip_direction] if isinstance(flip_direction, str) else list(flip_direction)
        flips = [RandomFlip(1.0, direction) for direction in directions] if allow_flip else []
        self.views = TestTimeAug([resizes, [RandomFlip(0.0), *flips], [Compose(transforms)]])

    def __call__(self, sample: Sample) -> dict[str, list[Any]]:
        """One entry per view under every key."""
        return self.views(sample)
