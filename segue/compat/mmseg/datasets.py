"""mmseg's dataset classes for user code: pipelines as dicts, METAINFO, and CLASSES and PALETTE of 0.x."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch.utils.data import Dataset

from segue.compat.mmcv.transforms import Compose
from segue.compat.mmengine.registry import DATASETS
from segue.compat.mmengine.structures import from_segue
from segue.compat.mmseg.old_datasets import EvaluatedAsOld
from segue.compat.overrides import Guarded, overridden
from segue.datasets.base_seg import BaseSegDataset as House
from segue.datasets.collate import collate as pseudo_collate
from segue.datasets.concat import ConcatDataset
from segue.datasets.options import DatasetOptions
from segue.datasets.repeat import RepeatDataset
from segue.masks.labels import IGNORE
from segue.types import SegSample


class OldName:
    """``CLASSES`` or ``PALETTE`` of 0.x, of a dataset and of its class; a dataset may have its own."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __get__(self, dataset: Any, cls: Any) -> Any:
        info = cls.METAINFO if dataset is None and hasattr(cls, "METAINFO") else getattr(dataset, "metainfo", {})
        return info.get(self.key)


class Items(EvaluatedAsOld):
    """What user code finds in every dataset, those of datasets included."""

    CLASSES: Any = OldName("classes")
    PALETTE: Any = OldName("palette")

    def __getitem__(self: Any, index: Any) -> Any:
        """A sample, packed as a `SegDataSample`, until Segue's loader takes it."""
        sample = super().__getitem__(index)  # type: ignore[misc]
        if isinstance(sample, dict) and isinstance(sample.get("data_samples"), SegSample):
            sample["data_samples"] = from_segue(sample["data_samples"])
        return sample


class OfDatasets(Items):
    """A dataset of datasets: those that it is given as dicts are built as user code would build them."""

    @staticmethod
    def prebuilt(given: dict[str, Any]) -> dict[str, Any]:
        """The arguments, with datasets."""
        from segue.config.builder.register import registered

        def built(part: Any) -> Any:  # the user's own classes are left to the builder, which knows how to call them
            mine = isinstance(part, Mapping) and part.get("type") in registered
            return DATASETS.build(part) if isinstance(part, Mapping) and not mine else part

        for key in given.keys() & {"dataset", "datasets"}:
            several = isinstance(given[key], (list, tuple))
            given[key] = [built(part) for part in given[key]] if several else built(given[key])
        return given


class DatasetMethods(Items):
    """What mmseg calls on a dataset, over one of Segue's."""

    METAINFO: ClassVar[Mapping[str, Any]]
    data_list: Sequence[dict[str, Any]]
    _listed: bool = False

    @property
    def metainfo(self: Any) -> dict[str, Any]:
        """``classes`` (a list where a list was given), ``palette``, ``label_map`` and whatever else METAINFO holds."""
        found: dict[str, Any] = super().metainfo  # type: ignore[misc]
        if self._listed and found["classes"] is not None:
            found["classes"] = list(found["classes"])
        return found

    @classmethod
    def get_label_map(cls, new_classes: Any = None) -> dict[int, int] | None:
        """Ids of METAINFO's classes to those of ``new_classes``, 255 where one is left out; None if nothing changes."""
        old = cls.METAINFO.get("classes")
        if new_classes is None or old is None or list(new_classes) == list(old):
            return None
        new = list(new_classes)
        return {i: new.index(name) if name in new else 255 for i, name in enumerate(old)}

    def _set_classes(self: Any, metainfo: Any, ignore_index: int, label_map: Any) -> None:
        super()._set_classes(metainfo, ignore_index, label_map)  # type: ignore[misc]
        given = (metainfo or {}).get("classes")
        self._listed = isinstance(self.METAINFO.get("classes") if given is None else given, list)
        if overridden(self, "get_label_map"):
            self.label_map = self.get_label_map((metainfo or {}).get("classes"))

    def get_subset_(self: Any, indices: Any) -> None:
        """Keep the first ``indices`` samples, or the last if it is negative, or those that it lists."""
        self.full_init()
        count = len(self.data_list)
        if isinstance(indices, int):
            indices = range(count)[:indices] if indices >= 0 else range(count)[indices:]
        self.data_list = [self.data_list[i] for i in indices]

    def get_subset(self: Any, indices: Any) -> Any:
        """A copy with these samples only."""
        found = copy.copy(self)
        found.get_subset_(indices)
        return found


class BaseSegDataset(Guarded, DatasetMethods, House):
    """Images and label maps, with mmseg's constructor; ``load_data_list`` and ``get_data_info`` may be overridden."""

    takes_config = True
    stands_for = ("datasets", "BaseSegDataset")

    def __init__(
        self,
        ann_file: str = "",
        img_suffix: str | None = None,
        seg_map_suffix: str | None = None,
        metainfo: Any = None,
        data_root: str | None = None,
        data_prefix: Any = None,
        filter_cfg: Any = None,
        indices: Any = None,
        serialize_data: bool = True,
        pipeline: Any = (),
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
        ignore_index: int = 255,
        reduce_zero_label: bool | None = None,
        backend_args: Any = None,
        label_map: Any = None,
        mask_format: Any = None,
        pack: str | None = None,
    ) -> None:
        self.backend_args, self.filter_cfg, self.serialize_data = backend_args, filter_cfg, serialize_data
        super().__init__(
            ann_file=ann_file,
            img_suffix=img_suffix,
            seg_map_suffix=seg_map_suffix,
            metainfo=metainfo,
            data_root=data_root,
            data_prefix={"img_path": "", "seg_map_path": ""} if data_prefix is None else data_prefix,
            filter=filter_cfg,
            options=DatasetOptions(
                indices=indices,
                serialize_data=serialize_data,
                pipeline=Compose(pipeline).transforms,
                test_mode=test_mode,
                lazy_init=lazy_init,
                max_refetch=max_refetch,
                ignore_index=ignore_index,
                reduce_zero_label=reduce_zero_label,
                backend_args=backend_args,
                label_map=label_map,
                mask_format=mask_format,
                pack=pack,
            ),
        )
        self.void_given = ignore_index != IGNORE  # 255 is what everybody has who says nothing

    @property
    def _metainfo(self) -> dict[str, Any]:
        return self.metainfo

    @property
    def _fully_initialized(self) -> bool:
        return self._ready

    @_fully_initialized.setter
    def _fully_initialized(self, value: bool) -> None:
        self._ready = value


class BaseDataset(BaseSegDataset):
    """mmengine's: ``load_data_list`` reads ``dict(metainfo=..., data_list=[...])`` from ``ann_file``, a JSON file."""

    stands_for = ("datasets", "BaseDataset")

    def load_data_list(self) -> list[dict[str, Any]]:
        """What `parse_data_info` makes of each item of the file."""
        if not self.ann_file.endswith(".json"):
            return super().load_data_list()
        with open(self.ann_file, "rb") as file:
            content = json.load(file)
        found: list[dict[str, Any]] = []
        for raw in content["data_list"]:
            item = self.parse_data_info(raw)
            found += item if isinstance(item, (list, tuple)) else [item]
        return found

    def parse_data_info(self, raw_data_info: dict[str, Any]) -> Any:
        """One sample, or a list of them, with paths below the folders of ``data_prefix``."""
        for key, folder in self.data_prefix.items():
            if key in raw_data_info:
                raw_data_info[key] = os.path.join(folder, raw_data_info[key])
        return raw_data_info


class CustomDataset(BaseSegDataset):
    """0.x's: class attributes CLASSES and PALETTE, arguments ``img_dir``, ``ann_dir``, ``split``."""

    stands_for = ("datasets", "CustomDataset")
    CLASSES: Any = None
    PALETTE: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = {"classes": cls.CLASSES, "palette": cls.PALETTE}
        cls.METAINFO = {key: value for key, value in declared.items() if value is not None}

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

    @property
    def img_infos(self) -> list[dict[str, Any]]:
        """One dict per image, as 0.x kept them."""
        found = []
        for item in self.data_list:
            ann = {"seg_map": os.path.relpath(item["seg_map_path"], self.ann_dir)} if "seg_map_path" in item else {}
            found.append({"filename": os.path.relpath(item["img_path"], self.img_dir or "."), "ann": ann})
        return found


class FileClient:
    """What 0.x datasets ask of their file client: the local disk."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def exists(self, path: Any) -> bool:
        """Whether a path exists."""
        return os.path.exists(path)

    isdir = staticmethod(os.path.isdir)
    isfile = staticmethod(os.path.isfile)

    def get(self, path: Any) -> bytes:
        """The content of a file."""
        with open(path, "rb") as stream:
            return stream.read()

    def get_text(self, path: Any, encoding: str = "utf-8") -> str:
        """The text of a file."""
        return self.get(path).decode(encoding)

    def join_path(self, path: Any, *paths: Any) -> str:
        """A joined path."""
        return os.path.join(path, *paths)


def old_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a 1.x dataset's dict by the names that subclasses of CustomDataset take."""
    given = dict(given)
    prefix = given.pop("data_prefix", None) or {}
    metainfo = given.pop("metainfo", None) or {}
    old = {"img_dir": prefix.get("img_path"), "ann_dir": prefix.get("seg_map_path")}
    old["split"] = given.pop("ann_file", None)
    old |= {"classes": metainfo.get("classes"), "palette": metainfo.get("palette")}
    return {**{key: value for key, value in old.items() if value is not None}, **given}


__all__ = ["ConcatDataset", "Dataset", "RepeatDataset", "pseudo_collate"]
