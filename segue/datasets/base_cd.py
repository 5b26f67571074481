"""BaseCDDataset: two images of a place at different times, and a label map of what changed."""

from __future__ import annotations

import os
from typing import Any

from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.scan import files_with_suffix, read_split
from segue.errors import InputError


class BaseCDDataset(BaseSegDataset):
    """Samples with ``img_path``, ``img_path2`` and ``seg_map_path``.

    With ``ann_file`` its lines are stems, or file names with a suffix, which both images then have. Without, all files
    below ``img_path`` that end with ``img_suffix`` are taken. The second image has the stem of the first.

    Takes the arguments of `BaseSegDataset` but ``mask_format`` and ``pack``; ``img_suffix`` is the end of the first
    images' names, ``img_suffix2`` that of the second ones', and ``data_prefix`` also has ``img_path2``.
    """

    IMG_SUFFIX2 = ".jpg"
    UNFIT = ("mask_format", "pack")

    def load_data_list(self) -> list[dict[str, Any]]:
        """One dict per pair; images or label maps that are missing are named."""
        folders = {key: self.data_prefix.get(key) for key in ("img_path", "img_path2", "seg_map_path")}
        if folders["img_path"] is None or folders["img_path2"] is None:
            raise InputError(
                f"{type(self).__name__}: data_prefix needs img_path and img_path2, the folders of the two images"
            )
        names = self._names(folders["img_path"])
        files = {"img_path": [stem + first for stem, first, _ in names]}
        files["img_path2"] = [stem + second for stem, _, second in names]
        if folders["seg_map_path"] is not None:
            files["seg_map_path"] = [stem + self.seg_map_suffix for stem, _, _ in names]
        what = {"img_path": "first images", "img_path2": "second images", "seg_map_path": "label maps"}
        for key, listed in files.items():
            if key != "seg_map_path" or self._reads_masks():
                self._require(str(folders[key]), listed, what[key])
        keys = list(files)
        return [
            {key: os.path.join(str(folders[key]), name) for key, name in zip(keys, row, strict=True)}
            for row in zip(*files.values(), strict=True)
        ]

    def _names(self, folder: str) -> list[tuple[str, str, str]]:
        """(stem, suffix of the first image, suffix of the second)."""
        second = self.img_suffix2 or ""
        if not self.ann_file or os.path.isdir(self.ann_file):
            found = files_with_suffix(folder, self.img_suffix, "images")
            return [(name[: len(name) - len(self.img_suffix)], self.img_suffix, second) for name in found]
        names = []
        for line in read_split(self.ann_file):
            stem, suffix = os.path.splitext(line)
            names.append((stem, suffix, suffix) if suffix else (line, self.img_suffix, second))
        return names
