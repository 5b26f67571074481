"""mmseg's dataset classes for user code: pipelines as dicts, METAINFO, and CLASSES and PALETTE of 0.x."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils.data import Dataset

from segue.compat.mmcv.transforms import Compose
from segue.compat.mmengine.registry import DATASETS
from segue.compat.mmseg.dataset_methods import DatasetMethods
from segue.compat.overrides import Guarded
from segue.config.v0 import migrate_dataset
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

    def get_gt_seg_maps(self, efficient_test: bool = False) -> Any:
        """Label maps one after the other, as the files have them (0.x)."""
        from segue.masks.decode import read_mask

        return (read_mask(self.get_data_info(i)["seg_map_path"]) for i in range(len(self)))


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


def build_dataset(cfg: Any, default_args: Mapping[str, Any] | None = None) -> Any:
    """The dataset of a dict, or of a list of dicts, of 0.x or 1.x."""
    from segue.config.awaited import settle
    from segue.config.builder.register import registered

    if default_args and isinstance(cfg, Mapping):
        cfg = {**cfg, **default_args}
    old = ("img_dir", "ann_dir", "split", "classes")
    text = repr(cfg)
    if isinstance(cfg, Sequence) or any(f"'{key}'" in text for key in old) or "'DefaultFormatBundle'" in text:
        cfg = migrate_dataset(cfg, train="'DefaultFormatBundle'" in text)
    kind = cfg.get("type")
    if isinstance(kind, str):
        settle(kind)
    if isinstance(kind, str) and kind in registered:
        return registered[kind](**{k: v for k, v in cfg.items() if k not in ("type", "_scope_")})
    return DATASETS.build(cfg)


def build_dataloader(dataset: Any, *args: Any, **kwargs: Any) -> Any:
    """0.x's: Segue makes its loaders itself."""
    raise ImportError("build_dataloader: Segue makes the loaders itself; pass the datasets to train_segmentor, or use "
                      "segue.train(cfg)")  # fmt: skip


def __getattr__(name: str) -> Any:
    """The datasets of datasets: the same classes that a registry gives."""
    if name not in ("ClassBalancedDataset", "ConcatDataset", "RepeatDataset"):
        raise AttributeError(name)
    from segue.compat.components import component

    return component(name, ("datasets",))


__all__ = ["ClassBalancedDataset", "ConcatDataset", "Dataset", "RepeatDataset", "pseudo_collate"]  # noqa: F822
