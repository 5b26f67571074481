"""One mask picture per object: a folder of them for every image, or files named after the image.

Two layouts: ``ID/images/ID.png`` with ``ID/masks/*.png``, as in the Data Science Bowl 2018, and ``name.png`` with
``name_*.png`` in the folder of masks or beside it. Whatever is not 0 is the object.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cached_property

from segue.errors import DataError, LabelError
from segue.images.read import IMAGE_SUFFIXES, Array
from segue.masks.decode import read_mask
from segue.masks.names import Names
from segue.masks.reader import MaskReader
from segue.masks.size import image_size


class InstancesReader(MaskReader):
    """Objects of one class, or of the class whose name is part of the file's name: ``street_car_2.png``.

    Args:
        root: folder of the masks; in the first layout the folder of the folders.
        names: classes.
    """

    format = "instances"

    def __init__(self, root: str, names: Names | None = None) -> None:
        super().__init__(root, names)
        self._stems: set[str] = set()  # of the images, to tell a_1_2.png of a_1.png from one of a.png

    def pictures(self, names: Sequence[str]) -> Sequence[str]:
        """Images without the masks beside them."""
        if any(_of_folders(name) for name in names):
            return [name for name in names if _of_folders(name)]
        stems = {os.path.splitext(name)[0] for name in names}
        return [name for name in names if not any(start in stems for start in _starts(os.path.splitext(name)[0]))]

    def place(self, image: str) -> str:
        """Folder of the masks, or what their names begin with, followed by an asterisk."""
        if _of_folders(image):
            return os.path.join(self.root, os.path.dirname(os.path.dirname(image)), "masks")
        stem = os.path.join(self.root, os.path.splitext(image)[0])
        self._stems.add(stem)
        return stem + "_*"

    def files(self, place: str, image: str) -> tuple[str, ...]:
        """The masks of an image, sorted by name."""
        if not place.endswith("_*"):
            return tuple(_pictures(place))
        mine = place.removesuffix("_*")
        beginning = [path for path in self._in_folder.get(os.path.dirname(mine), ()) if path.startswith(mine + "_")]
        return tuple(path for path in beginning if self._nearest(path) in (mine, None))

    def _nearest(self, path: str) -> str | None:
        """The longest name of an image that a mask's name begins with."""
        stem = os.path.splitext(path)[0]
        return max((start for start in [*_starts(stem), stem] if start in self._stems), key=len, default=None)

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids; of overlapping objects the one whose file comes later is on top."""
        paths = self.files(place, image)
        if not paths and not os.path.isdir(place):
            raise DataError(f"{place}: no masks of {image} there")
        size = image_size(image)
        mask = self.names.blank(size)
        for path in paths:
            covered = read_mask(path) > 0
            if covered.shape != size:
                raise LabelError(
                    f"{path}: the mask is {covered.shape[1]} x {covered.shape[0]} pixels, its image {image} "
                    f"{size[1]} x {size[0]}"
                )
            mask[covered] = self._class_of(path, os.path.splitext(os.path.basename(image))[0])
        return mask

    def _class_of(self, path: str, stem: str) -> int:
        objects = self.names.objects
        if len(objects) == 1:
            return self.names.classes.index(objects[0])
        rest = os.path.splitext(os.path.basename(path))[0].removeprefix(stem)
        words = {word.lower() for word in re.split(r"[_\-. ]+", rest)}
        found = [name for name in objects if name.lower() in words]
        if len(found) != 1:
            raise LabelError(
                f"{path}: its name must have one of the classes {', '.join(objects[:8])} between _, - or ., as in "
                f"{stem}_{objects[0]}_1.png"
            )
        return self.names.classes.index(found[0])

    @cached_property
    def _in_folder(self) -> dict[str, list[str]]:
        """The pictures of every folder below the root, listed once."""
        return {folder: _pictures(folder) for folder, _, _ in os.walk(self.root)}

    @classmethod
    def labels_in(cls, paths: Sequence[str]) -> tuple[str, ...]:
        """The objects have no names."""
        return ("foreground",)


def _of_folders(image: str) -> bool:
    """Whether it lies as in ``ID/images/ID.png``."""
    parts = os.path.normpath(image).split(os.sep)
    return len(parts) > 2 and parts[-2] == "images"


def _starts(stem: str) -> list[str]:
    """Whatever a name has before one of its underscores."""
    folder, name = os.path.split(stem)
    return [os.path.join(folder, name[: match.start()]) for match in re.finditer("_", name) if match.start()]


def _pictures(folder: str) -> list[str]:
    if not os.path.isdir(folder):
        return []
    names = (name for name in sorted(os.listdir(folder)) if name[0] != "." and name.lower().endswith(IMAGE_SUFFIXES))
    return [os.path.join(folder, name) for name in names]
