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
from segue.compat.mmseg.old_metas import old_sample
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
    old_format: Any = None  # of a dataset that `build_dataset` made of a dict of 0.x

    def __getitem__(self: Any, index: Any) -> Any:
        """A sample, packed as a `SegDataSample`, until Segue's loader takes it."""
        sample = super().__getitem__(index)  # type: ignore[misc]
        if isinstance(sample, dict) and isinstance(sample.get("data_samples"), SegSample):
            sample["data_samples"] = from_segue(sample["data_samples"])
        return sample if self.old_format is None else old_sample(sample)


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


__all__ = ["ConcatDataset", "Dataset", "RepeatDataset", "pseudo_collate"]
