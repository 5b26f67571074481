"""What is asked of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from segue.errors import InputError, nearest
from segue.inference.crf import CRF
from segue.inference.scenes.tiles import BLENDS

#: what is written of each pixel besides its label
EXTRAS = ("probabilities", "confidence")


@dataclass(frozen=True)
class Settings:
    """How a scene is predicted, and what is written.

    Args:
        tile: side of the square that the network sees at once, in pixels.
        overlap: of two neighbouring tiles.
        blend: ``gaussian``: every tile that reaches a pixel counts, its middle most; ``mean``: all count the same;
            ``centre``: the tile whose middle is nearest decides.
        bands: of the file, from 1, in the order red, green, blue ... of the model's training images; by default all
            but transparency.
        value_range: values that are mapped to 0 and 255, for a model of 8-bit images.
        save: ``probabilities``, ``confidence``: written besides labels.
        batch_size: tiles that go through the network together.
        block: side of a block, in strides of tiles; by default as many as keep logits below half a gigabyte, 8 at most.
        tta: average over the views that the config's ``tta_pipeline`` makes of each tile.
        crf: what refines the probabilities of each tile, before tiles are joined.

    Raises:
        InputError: what cannot be.
    """

    tile: int = 1024
    overlap: int = 128
    blend: str = "gaussian"
    bands: Sequence[int] | None = None
    value_range: Sequence[float] | None = None
    save: Sequence[str] = ()
    batch_size: int = 1
    block: int | None = None
    tta: bool = False
    crf: CRF | None = None

    def __post_init__(self) -> None:
        if self.tile < 1:
            raise InputError(f"tile={self.tile}: the side of a tile in pixels must be at least 1")
        if not 0 <= self.overlap <= self.tile // 2:
            raise InputError(f"overlap={self.overlap}: it must be from 0 to half of tile={self.tile}")
        if self.blend not in BLENDS:
            raise InputError(f"blend={self.blend!r}{nearest(self.blend, BLENDS)}")
        for name in self.save:
            if name not in EXTRAS:
                raise InputError(f"save={name!r} of a scene{nearest(name, EXTRAS)}")
        for name, value in (("batch_size", self.batch_size), ("block", self.block)):
            if value is not None and value < 1:
                raise InputError(f"{name}={value}; it must be at least 1")
        if self.bands is not None and (not self.bands or min(self.bands) < 1):
            raise InputError(f"bands={list(self.bands)}: bands are counted from 1")
        limits = self.value_range
        if limits is not None and (len(limits) != 2 or not limits[0] < limits[1]):
            raise InputError(f"value_range={list(limits)}: two numbers are expected, the smaller first")

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is written; labels come last, since they say that a block is done."""
        return (*(name for name in EXTRAS if name in self.save), "labels")
