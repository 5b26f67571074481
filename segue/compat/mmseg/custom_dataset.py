"""CustomDataset of mmseg 0.x: its arguments, and the methods of which subclasses there override some."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from segue.compat.mmseg.dataset_methods import info_of
from segue.compat.mmseg.datasets import BaseSegDataset, FileClient
from segue.compat.mmseg.old_results import plain
from segue.compat.overrides import overridden

#: those that stand between a sample's number and the pipeline
PREPARE = ("get_ann_info", "pre_pipeline", "prepare_train_img", "prepare_test_img")


class CustomDataset(BaseSegDataset):
    """0.x's: class attributes CLASSES and PALETTE, arguments ``img_dir``, ``ann_dir``, ``split``."""

    stands_for = ("datasets", "CustomDataset")
    CLASSES: Any = None
    PALETTE: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = {"classes": cls.CLASSES, "palette": cls.PALETTE}
        cls.METAINFO = {key: value for key, value in declared.items() if value is not None}

    @staticmethod
    def old_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a 1.x dataset's dict by the names that subclasses of CustomDataset take."""
        given = dict(given)
        prefix = given.pop("data_prefix", None) or {}
        metainfo = given.pop("metainfo", None) or {}
        old = {"img_dir": prefix.get("img_path"), "ann_dir": prefix.get("seg_map_path")}
        old["split"] = given.pop("ann_file", None)
        old |= {"classes": metainfo.get("classes"), "palette": metainfo.get("palette")}
        return {**{key: value for key, value in old.items() if value is not None}, **given}

    def __init__(
        self,
        pipeline: Any = (),
        img_dir: str | None = None,
        img_suffix: str = ".jpg",
        ann_dir: str | None = None,
        seg_map_suffix: str = ".png",
        split: str | None = None,
        data_root: str | None = None,
        test_mode: bool = False,
        ignore_index: int = 255,
        reduce_zero_label: bool = False,
        classes: Any = None,
        palette: Any = None,
        gt_seg_map_loader_cfg: Any = None,
        file_client_args: Any = None,
        **newer: Any,
    ) -> None:
        self.file_client = FileClient()
        metainfo = {k: v for k, v in (("classes", classes), ("palette", palette)) if v is not None}
        super().__init__(
            ann_file=split or "",
            img_suffix=img_suffix,
            seg_map_suffix=seg_map_suffix,
            metainfo=metainfo or None,
            data_root=data_root,
            data_prefix={"img_path": img_dir or "", "seg_map_path": ann_dir},
            pipeline=pipeline,
            test_mode=test_mode,
            ignore_index=ignore_index,
            reduce_zero_label=reduce_zero_label,
            **newer,
        )
        self.CLASSES, self.PALETTE = self.metainfo["classes"], self.metainfo["palette"]

    @property
    def img_dir(self) -> str:
        """Folder of the images."""
        return self.data_prefix.get("img_path", "")

    @property
    def ann_dir(self) -> str | None:
        """Folder of the label maps."""
        return self.data_prefix.get("seg_map_path")

    @property
    def split(self) -> str | None:
        """The file of stems."""
        return self.ann_file or None

    def load_annotations(
        self, img_dir: Any, img_suffix: str, ann_dir: Any, seg_map_suffix: str, split: Any
    ) -> list[dict[str, Any]]:
        """One dict per image: ``filename``, and ``ann`` with ``seg_map``, below the folders."""
        return [info_of(item, self.data_prefix) for item in super().load_data_list()]

    def load_data_list(self) -> list[dict[str, Any]]:
        """The samples; those of a subclass's `load_annotations`, with what else it says of them in ``img_info``."""
        if not overridden(self, "load_annotations"):
            return super().load_data_list()
        given = (self.img_dir, self.img_suffix, self.ann_dir, self.seg_map_suffix, self.split)
        found = []
        for info in self.load_annotations(*given):
            item = {"img_path": os.path.join(self.img_dir or "", info["filename"]), "img_info": info}
            if (info.get("ann") or {}).get("seg_map"):
                item["seg_map_path"] = os.path.join(self.ann_dir or "", info["ann"]["seg_map"])
            found.append(item)
        return found

    def get_ann_info(self, idx: int) -> dict[str, Any]:
        """What 0.x knew of the labels of an image."""
        found: dict[str, Any] = self.img_infos[idx].get("ann") or {}
        return found

    def pre_pipeline(self, results: dict[str, Any]) -> None:
        """Add where files lie."""
        results.update(seg_fields=[], img_prefix=self.img_dir, seg_prefix=self.ann_dir)

    def prepare_train_img(self, idx: int) -> Any:
        """A sample after the pipeline."""
        results = {"img_info": self.img_infos[idx], "ann_info": self.get_ann_info(idx)}
        self.pre_pipeline(results)
        return self.pipeline(results)

    def prepare_test_img(self, idx: int) -> Any:
        """A sample after the pipeline, of a test."""
        results = {"img_info": self.img_infos[idx]}
        self.pre_pipeline(results)
        return self.pipeline(results)

    def prepare_data(self, index: int) -> Any:
        """A sample after the pipeline, by way of those methods of 0.x, if a subclass overrides one of them."""
        if not overridden(self, *PREPARE):
            return super().prepare_data(index)
        if not isinstance(self.pipeline, FromOld):
            self.pipeline: Any = FromOld(self, self.pipeline)
        self.pipeline.index = index
        return self.prepare_test_img(index) if self.test_mode else self.prepare_train_img(index)


class FromOld:
    """A pipeline that is given what 0.x gave (``img_info``, ``img_prefix`` ...), beside which Segue's notes are put."""

    def __init__(self, dataset: CustomDataset, steps: Any) -> None:
        self.dataset, self.steps, self.index = dataset, steps, 0

    @property
    def transforms(self) -> Any:
        """The steps."""
        return self.steps.transforms

    def __call__(self, results: Mapping[str, Any]) -> Any:
        """The sample after all steps."""
        notes = self.dataset.get_data_info(self.index)
        image = (results.get("img_info") or {}).get("filename")
        if image is not None:
            notes["img_path"] = os.path.join(results.get("img_prefix") or "", image)
        labels = (results.get("ann_info") or {}).get("seg_map")
        if labels is not None:
            notes["seg_map_path"] = os.path.join(results.get("seg_prefix") or "", labels)
        return self.steps({**notes, **plain(results)})
