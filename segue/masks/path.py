"""MaskPath: the name of a label map that is no picture file, and who reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from segue.masks.reader import MaskReader


class MaskPath(str):
    """A name for messages, such as ``instances.json#000012.jpg``, that `segue.masks.decode.read_mask` can read.

    So whoever gets a mask's path (training, evaluation, checks, counting) reads every format by the same call. It
    leaves its reader behind when it goes to another process, where it is only a name: readers hold whole files.

    Attributes:
        image: path of the image that the label map belongs to.
        reader: the format.
    """

    image: str
    reader: MaskReader

    def __new__(cls, place: str, image: str, reader: MaskReader) -> MaskPath:
        """A name with who reads it."""
        path = super().__new__(cls, place)
        path.image = image
        path.reader = reader
        return path

    def read(self) -> NDArray[Any]:
        """(H, W) class ids or values, uint8 or int32."""
        mask = self.reader.read(str(self), self.image)
        return mask if mask.dtype == np.uint8 else mask.astype(np.int32, copy=False)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the label map is made from."""
        return self.reader.files(str(self), self.image)

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)

    def __deepcopy__(self, memo: dict[int, Any]) -> MaskPath:
        return self
