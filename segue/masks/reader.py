"""What a format of label maps offers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

from segue.images.read import Array
from segue.masks.names import Names


class MaskReader:
    """Label maps of one format.

    A subclass has ``suffixes`` if there is one file per image, found by its name; otherwise `place` finds it.

    Attributes:
        format: its name in configs.
        suffixes: ends of the files' names.
        named: whether annotations carry names of classes, so that ids come from `Names`; else values, as in pictures.
        lists_images: whether the annotations say which images there are.
        root: the file or folder that the annotations are in.
        names: the classes; for formats of values they are not needed.
    """

    format: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()
    named: ClassVar[bool] = True
    lists_images: ClassVar[bool] = False

    def __init__(self, root: str, names: Names | None = None) -> None:
        self.root = root
        self._names = names

    @property
    def names(self) -> Names:
        """The classes, which a format of names cannot do without."""
        assert self._names is not None, f"{self.format}: read before the classes were settled"
        return self._names

    @property
    def settings(self) -> str:
        """What else decides on the pixels: part of the key under which counted pixels are kept."""
        mine = {key: value for key, value in sorted(vars(self).items()) if isinstance(value, (int, float, str))}
        return f"{self.format} {mine} {self._names}"

    def listed(self) -> Sequence[str] | None:
        """The images that the annotations speak of, relative to the folder of images; None if they name none."""
        return None

    def chosen(self, names: Sequence[str]) -> Sequence[str] | None:
        """Those of the images, relative to their folder, that the annotations speak of under names of their own; None
        where `listed` says it, or nothing does.
        """
        return None

    def pictures(self, names: Sequence[str]) -> Sequence[str]:
        """Those of the files in the folder of images that are no masks themselves."""
        return names

    def place(self, image: str) -> str:
        """Where the label map of an image is, for formats without ``suffixes``; the name is relative to the images."""
        raise NotImplementedError

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids, or values of a format that is not ``named``.

        Args:
            place: file, or what `place` said.
            image: path of the image, for formats that do not know its size.
        """
        raise NotImplementedError

    def files(self, place: str, image: str) -> tuple[str, ...]:
        """The files that a label map is made from, those that exist."""
        return (place,) if os.path.exists(place) else ()

    @classmethod
    def labels_in(cls, paths: Sequence[str]) -> tuple[str, ...]:
        """Names of the classes in annotation files, without background, in the order that their ids shall have."""
        raise NotImplementedError

    def __deepcopy__(self, memo: dict[int, Any]) -> MaskReader:
        return self
