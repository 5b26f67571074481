"""NYU Depth v2: rooms with a depth for every pixel. The classes are kinds of rooms, one per image.

https://cs.nyu.edu/~silberman/datasets/nyu_depth_v2.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.options import USUAL, DatasetOptions, shared

# fmt: off
CLASSES = (
    "printer_room", "bathroom", "living_room", "study", "conference_room", "study_room", "kitchen", "home_office",
    "bedroom", "dinette", "playroom", "indoor_balcony", "laundry_room", "basement", "excercise_room", "foyer",
    "home_storage", "cafe", "furniture_store", "office_kitchen", "student_lounge", "dining_room", "reception_room",
    "computer_lab", "classroom", "office", "bookstore",
)
# fmt: on


class NYUDataset(BaseSegDataset):
    """Images with ``depth_map_path`` and ``category_id``: the room that the file name begins with, or -1.

    Args:
        data_prefix: ``img_path`` and ``depth_map_path``, folders.
        img_suffix: end of the image names.
        depth_map_suffix: end of the depth map names.
        ann_file: see `BaseSegDataset`.
        metainfo: ``classes`` chooses among the rooms.
        data_root: folder that relative paths start from.
        options: see `DatasetOptions`.
    """

    METAINFO: ClassVar = {"classes": CLASSES}
    UNFIT = ("label_map", "mask_format", "pack")

    @shared
    def __init__(
        self,
        data_prefix: Mapping[str, str | None] | None = None,
        img_suffix: str = ".jpg",
        depth_map_suffix: str = ".png",
        ann_file: str | None = "",
        metainfo: Mapping[str, Any] | None = None,
        data_root: str | None = None,
        options: DatasetOptions = USUAL,
    ) -> None:
        super().__init__(
            ann_file=ann_file,
            img_suffix=img_suffix,
            seg_map_suffix=depth_map_suffix,
            metainfo=metainfo,
            data_root=data_root,
            data_prefix={"img_path": "images", "depth_map_path": "annotations"} if data_prefix is None else data_prefix,
            options=options,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Images with their depth maps, which must all exist."""
        data = super().load_data_list()
        depths, images = self.data_prefix.get("depth_map_path"), self.data_prefix.get("img_path", "")
        for info in data:
            info["category_id"] = self._category(info["img_path"])
        if depths is None:
            return data
        names = [os.path.relpath(info["img_path"], images or ".") for info in data]
        maps = [name[: len(name) - len(self.img_suffix)] + self.seg_map_suffix for name in names]
        self._require(depths, maps, "depth maps")
        for info, name in zip(data, maps, strict=True):
            info["depth_map_path"] = os.path.join(depths, name)
        return data

    def _category(self, path: str) -> int:
        room = re.match(r"(.*?)_?\d", os.path.basename(path))
        classes = self._meta.classes or ()
        return classes.index(room[1]) if room and room[1] in classes else -1
