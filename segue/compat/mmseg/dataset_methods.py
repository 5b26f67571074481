"""What user code finds in every dataset by the names of mmseg, over one of Segue's, and in datasets of datasets."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, ClassVar

from segue.compat.mmengine.registry import DATASETS
from segue.compat.mmengine.structures import from_segue
from segue.compat.mmseg.old_datasets import EvaluatedAsOld
from segue.compat.mmseg.old_metas import old_sample
from segue.compat.overrides import overridden
from segue.types import SegSample


class OldName:
    """``CLASSES`` or ``PALETTE`` of 0.x, of a dataset and of its class; a dataset may have its own."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __get__(self, dataset: Any, cls: Any) -> Any:
        info = cls.METAINFO if dataset is None and hasattr(cls, "METAINFO") else getattr(dataset, "metainfo", {})
        return info.get(self.key)


class Given:
    """An argument of mmseg's that Segue keeps elsewhere; a dataset may set its own."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __get__(self, dataset: Any, cls: Any) -> Any:
        return None if dataset is None else attrgetter(self.where)(dataset)


class Infos:
    """``img_infos`` of 0.x: the names of each image's files, below their folders; a dataset may set its own."""

    def __get__(self, dataset: Any, cls: Any) -> Any:
        if dataset is None:
            return None
        dataset.full_init()
        listed = dataset.data_list
        return [x["img_info"] if "img_info" in x else info_of(x, dataset.data_prefix) for x in listed]


def info_of(item: Mapping[str, Any], folders: Mapping[str, Any]) -> dict[str, Any]:
    """The names of an image's files, below their folders, as 0.x kept them."""
    labels = item.get("seg_map_path")
    ann = {"seg_map": os.path.relpath(labels, folders.get("seg_map_path") or ".")} if labels else {}
    return {"filename": os.path.relpath(item["img_path"], folders.get("img_path") or "."), "ann": ann}


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

    _fully_initialized = False

    def full_init(self: Any) -> None:
        """Find the files of all datasets."""
        super().full_init()  # type: ignore[misc]
        self._fully_initialized = True

    @property
    def _metainfo(self: Any) -> Any:
        return self.metainfo

    @property
    def cumulative_sizes(self: Any) -> list[int]:
        """The numbers of samples up to the end of each dataset."""
        self.full_init()
        return list(self._ends)

    @property
    def num_samples(self: Any) -> int:
        """The number of samples."""
        return len(self)

    def get_subset(self, indices: Any) -> Any:
        """Refused: a part of a dataset of datasets is asked of the datasets themselves."""
        raise NotImplementedError(f"{type(self).__name__}: take parts of its datasets, by their argument indices")

    get_subset_ = get_subset

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
    filter_cfg: Any = Given("filter")
    backend_args: Any = Given("options.backend_args")
    img_infos: Any = Infos()
    _listed: bool = False

    @property
    def metainfo(self: Any) -> dict[str, Any]:
        """``classes`` (a list where a list was given), ``palette``, ``label_map`` and whatever else METAINFO holds."""
        found: dict[str, Any] = super().metainfo  # type: ignore[misc]
        if self._listed and found["classes"] is not None:
            found["classes"] = list(found["classes"])
        return found

    @property
    def _metainfo(self) -> dict[str, Any]:
        return self.metainfo

    @property
    def _fully_initialized(self: Any) -> bool:
        ready: bool = self._ready
        return ready

    @_fully_initialized.setter
    def _fully_initialized(self: Any, value: bool) -> None:
        self._ready = value

    def get_data_info(self: Any, index: int) -> Any:
        """What the pipeline starts from; ``sample_idx`` is the sample's number."""
        info = super().get_data_info(index)  # type: ignore[misc]
        info["sample_idx"] = index if index >= 0 else len(self) + index
        return info

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
        self._listed = isinstance(self.METAINFO.get("classes") if given is None else given, (list, str))
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
