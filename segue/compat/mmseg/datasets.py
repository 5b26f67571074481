"""mmseg's dataset classes for user code: pipelines as dicts, METAINFO, and CLASSES and PALETTE of 0.x."""

from __future__ import annotations

import json
import os
from typing import Any

from torch.utils.data import Dataset

from segue.compat.mmcv.transforms import Compose
from segue.compat.mmseg.dataset_methods import DatasetMethods
from segue.compat.overrides import Guarded
from segue.datasets.base_seg import BaseSegDataset as House
from segue.datasets.collate import collate as pseudo_collate
from segue.datasets.options import DatasetOptions
from segue.masks.labels import IGNORE


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


def __getattr__(name: str) -> Any:
    """The datasets of datasets: the same classes that a registry gives."""
    if name not in ("ClassBalancedDataset", "ConcatDataset", "RepeatDataset"):
        raise AttributeError(name)
    from segue.compat.components import component

    return component(name, ("datasets",))


__all__ = ["ClassBalancedDataset", "ConcatDataset", "Dataset", "RepeatDataset", "pseudo_collate"]  # noqa: F822
