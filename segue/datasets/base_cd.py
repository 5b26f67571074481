"""BaseCDDataset: two images of a place at different times, and a label map of what changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.scan import files_with_suffix, read_split
from segue.errors import InputError
from segue.types import Sample


class BaseCDDataset(BaseSegDataset):
    """Samples with ``img_path``, ``img_path2`` and ``seg_map_path``.

    With ``ann_file`` its lines are stems, or file names with a suffix, which both images then have. Without, all files
    below ``img_path`` that end with ``img_suffix`` are taken. The second image has the stem of the first.

    Args:
        ann_file: see `BaseSegDataset`, as all that is not explained here.
        img_suffix: end of the names of the first images; None takes the class's.
        img_suffix2: end of the names of the second images; None takes the class's.
        seg_map_suffix: end of the label map names; None takes the class's.
        metainfo: ``classes`` and ``palette``.
        data_root: folder that relative paths start from.
        data_prefix: ``img_path``, ``img_path2`` and ``seg_map_path``, folders.
        filter: kept for `filter_data` of subclasses.
        indices: use only these samples.
        serialize_data: accepted for mmseg configs.
        pipeline: transforms of a sample.
        test_mode: a sample that the pipeline drops is an error.
        lazy_init: look for the files at first use.
        max_refetch: replacements tried for a dropped sample.
        ignore_index: value of unlabeled pixels in the files.
        reduce_zero_label: 0 in the files means unlabeled.
        backend_args: only the local disk.
        label_map: {value in the file: class id}.
    """

    IMG_SUFFIX2: ClassVar[str] = ".jpg"

    def __init__(
        self,
        ann_file: str | None = "",
        img_suffix: str | None = None,
        img_suffix2: str | None = None,
        seg_map_suffix: str | None = None,
        metainfo: Mapping[str, Any] | None = None,
        data_root: str | None = None,
        data_prefix: Mapping[str, str | None] | None = None,
        filter: Mapping[str, Any] | None = None,
        indices: int | Sequence[int] | None = None,
        serialize_data: bool = True,
        pipeline: Sequence[Callable[[Sample], Any]] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
        ignore_index: int | None = None,
        reduce_zero_label: bool | None = None,
        backend_args: Mapping[str, Any] | None = None,
        label_map: Mapping[int, int] | None = None,
    ) -> None:
        self.img_suffix2 = self.IMG_SUFFIX2 if img_suffix2 is None else img_suffix2
        super().__init__(
            ann_file=ann_file,
            img_suffix=img_suffix,
            seg_map_suffix=seg_map_suffix,
            metainfo=metainfo,
            data_root=data_root,
            data_prefix={"img_path": "", "img_path2": "", "seg_map_path": ""} if data_prefix is None else data_prefix,
            filter=filter,
            indices=indices,
            serialize_data=serialize_data,
            pipeline=pipeline,
            test_mode=test_mode,
            lazy_init=lazy_init,
            max_refetch=max_refetch,
            ignore_index=ignore_index,
            reduce_zero_label=reduce_zero_label,
            backend_args=backend_args,
            label_map=label_map,
        )

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
        if not self.ann_file or os.path.isdir(self.ann_file):
            found = files_with_suffix(folder, self.img_suffix, "images")
            return [(name[: len(name) - len(self.img_suffix)], self.img_suffix, self.img_suffix2) for name in found]
        names = []
        for line in read_split(self.ann_file):
            stem, suffix = os.path.splitext(line)
            names.append((stem, suffix, suffix) if suffix else (line, self.img_suffix, self.img_suffix2))
        return names
