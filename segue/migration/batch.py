"""A generated batch: image and mask files where a config's dataset looks for them, through the config's own pipeline.

Runs in a process of its own, where nothing else is done; see `segue.migration.work`.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from segue.config.builder.build import build_dataset
from segue.datasets.base_seg import BaseSegDataset
from segue.errors import ConfigError
from segue.transforms.compose import taken
from segue.types import SegSample

COUNT, SIDE = 2, 64
#: where datasets of 1.x and 0.x write their files' places
PLACES = ("data_root", "img_dir", "ann_dir", "data_prefix")


@dataclass
class Generated:
    """Packed samples of a split; whether they came through the config's dataset and pipeline, and if not, why."""

    packs: list[dict[str, Any]]
    proven: bool = True
    reason: str = ""
    classes: list[str] = field(default_factory=list)
    dataset: str = ""


def scene(size: int = SIDE, seed: int = 0, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """A picture (H, W, 3) uint8 of rectangles on noise, and its labels (H, W) below ``classes``."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((size, size), np.int64)
    for _ in range(24):
        top, left = rng.integers(0, size, 2)
        height, width = rng.integers(size // 8, size // 2, 2)
        labels[top : top + height, left : left + width] = rng.integers(0, max(classes, 1))
    colors = rng.integers(20, 235, (max(classes, 1), 3))
    image = colors[labels] + rng.normal(0, 12, (size, size, 3))
    return np.clip(image, 0, 255).astype(np.uint8), labels


class Files:
    """Writes what datasets ask for below one folder, and nothing outside it.

    While it is entered, every dataset of Segue (and so of the user's that derive from it) that looks for its files
    finds generated ones: the class's own suffixes, folders and split file are used.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._original: Any = None

    def __enter__(self) -> Files:
        self._original = original = BaseSegDataset.full_init

        def full_init(dataset: Any) -> None:
            if not dataset._ready:
                self.make(dataset)
            original(dataset)
            self.fill(dataset)

        BaseSegDataset.full_init = full_init  # type: ignore[method-assign, assignment]
        return self

    def __exit__(self, *exception: Any) -> None:
        BaseSegDataset.full_init = self._original  # type: ignore[method-assign]

    def inside(self, path: str) -> str:
        """The path itself, where it lies in the folder, else one of the same name that does."""
        if os.path.abspath(path).startswith(f"{self.root}{os.sep}"):
            return path
        return str(self.root / "elsewhere" / path.strip("./\\").replace(":", ""))

    def make(self, dataset: Any) -> None:
        """Images, masks and the list of stems of one dataset."""
        dataset.data_prefix = {key: self.inside(str(path)) for key, path in dataset.data_prefix.items()}
        names = [f"generated_{i}" for i in range(COUNT)]
        for key, folder in dataset.data_prefix.items():
            for i, name in enumerate(names):
                suffix = dataset.img_suffix if key.startswith("img") else dataset.seg_map_suffix
                self.write(f"{folder}/{name}{suffix}", key, dataset, i)
        if dataset.ann_file:
            dataset.ann_file = self.inside(dataset.ann_file)
            if Path(dataset.ann_file).suffix in (".txt", ".lst", ""):
                os.makedirs(os.path.dirname(dataset.ann_file), exist_ok=True)
                Path(dataset.ann_file).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")

    def fill(self, dataset: Any) -> None:
        """Write the files that the dataset lists and that are not there."""
        for i, item in enumerate(dataset.data_list):
            for key, path in item.items():
                if "_path" in key and isinstance(path, str) and not os.path.exists(path):
                    item[key] = self.inside(path)
                    self.write(item[key], key, dataset, i)

    def write(self, path: str, key: str, dataset: Any, seed: int) -> None:
        """One file: a mask, a depth map or an image, as the key says."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        values = raw_values(dataset)
        image, labels = scene(seed=seed, classes=len(values))
        array = image
        if "seg" in key or "ann" in key:
            array = np.asarray(values, np.uint8 if max(values) < 256 else np.uint16)[labels]
        elif "depth" in key:
            array = (1000 + 500 * labels).astype(np.uint16)
        if path.endswith(".npy"):
            np.save(path, array)
        else:
            suffix = Path(path).suffix if Path(path).suffix.lower() in (".png", ".tif", ".tiff", ".bmp") else ".png"
            done, data = cv2.imencode(suffix, array)  # a PNG under the name of a JPEG is read all the same
            if done:
                Path(path).write_bytes(data.tobytes())


def raw_values(dataset: Any) -> list[int]:
    """The values of mask files that become the dataset's classes 0, 1 ..."""
    count = dataset.num_classes or 2
    if dataset.label_map:
        chosen = {int(new): int(old) for old, new in dataset.label_map.items() if 0 <= int(new) < count}
        return [chosen[new] for new in sorted(chosen)] or [0]
    values = [value + bool(dataset.reduce_zero_label) for value in range(count + 1)]
    return [value for value in values if value != dataset.void][:count]


def generated(cfg: Mapping[str, Any], split: str, folder: Path, classes: int) -> Generated:
    """Packed samples of a split of the config; where its dataset or pipeline cannot be fed, samples made directly."""
    section = f"{split}_dataloader"
    if not isinstance((cfg.get(section) or {}).get("dataset"), Mapping):
        return Generated(direct(cfg, classes), False, f"the config has no {section}")
    changed = copy.deepcopy(cfg)
    placed(changed[section]["dataset"], folder)
    name = str(changed[section]["dataset"].get("type"))
    try:
        with Files(folder):
            dataset = build_dataset(changed, f"{section}.dataset")
            packs = [taken(dataset[i]) for i in range(min(COUNT, len(dataset)))]
        names = (getattr(dataset, "metainfo", None) or {}).get("classes") or ()
    except ConfigError as error:
        if (missing := missing_file(error)) is None:  # not for want of data
            raise
        return Generated(direct(cfg, classes), False, f"{type(missing).__name__}: {missing}", dataset=name)
    except Exception as error:
        return Generated(direct(cfg, classes), False, f"{type(error).__name__}: {error}", dataset=name)
    return Generated((packs * COUNT)[:COUNT], True, "", [str(c) for c in names], name)


def missing_file(error: BaseException | None) -> FileNotFoundError | None:
    """The file, such as a list of the project's own form, for want of which a class of the user's cannot be made."""
    while error is not None and not isinstance(error, FileNotFoundError):
        error = error.__cause__
    return error


def placed(node: Any, folder: Path) -> None:
    """Let every dataset below a node look for its files in the folder."""
    if isinstance(node, (list, tuple)):
        for item in node:
            placed(item, folder)
    if not isinstance(node, Mapping):
        return
    if any(key in node for key in (*PLACES, "ann_file", "split")):
        node["data_root"] = str(folder)  # type: ignore[index]
        for key in (*PLACES[1:3], "ann_file", "split"):
            if isinstance(node.get(key), str):
                node[key] = relative(node[key])  # type: ignore[index]
        prefix = node.get("data_prefix")
        if isinstance(prefix, Mapping):
            for key, path in prefix.items():
                if isinstance(path, str):
                    prefix[key] = relative(path)  # type: ignore[index]
    for key in ("dataset", "datasets"):
        placed(node.get(key), folder)


def relative(path: str) -> str:
    """A path below the data root, whatever it was."""
    return "/".join(
        part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..") and ":" not in part
    )


def direct(cfg: Mapping[str, Any], classes: int) -> list[dict[str, Any]]:
    """Packed samples without dataset and pipeline: as many channels as the model's normalization has."""
    model = cfg["model"]
    mean = (model.get("data_preprocessor") or cfg.get("data_preprocessor") or {}).get("mean")
    channels = len(mean) if mean else int((model.get("backbone") or {}).get("in_channels", 3))
    packs = []
    for i in range(COUNT):
        image, labels = scene(seed=i, classes=classes)
        planes = torch.from_numpy(image).permute(2, 0, 1).repeat(-(-channels // 3), 1, 1)[:channels]
        sample = SegSample(meta={"img_path": f"generated_{i}"}, gt_sem_seg=torch.from_numpy(labels))
        packs.append({"inputs": planes.contiguous(), "data_samples": sample})
    return packs


def resized(packs: list[dict[str, Any]], side: int, *, labels: bool) -> dict[str, Any]:
    """A batch of the packed samples at ``side`` x ``side`` pixels, the nearest pixel taken."""
    inputs, samples = [], []
    for pack in packs:
        image, sample = pack["inputs"], pack["data_samples"]
        if isinstance(image, (list, tuple)):
            image, sample = image[0], sample[0]
        meta = {**sample.meta, "ori_shape": (side, side), "img_shape": (side, side), "pad_shape": (side, side)}
        maps = {}
        for name in ("gt_sem_seg", "gt_edge_map", "gt_depth_map"):
            value = getattr(sample, name)
            maps[name] = None if value is None or not labels else _nearest(value[None], side)[0]
        new = copy.copy(sample)
        new.meta = {**meta, "flip": False}
        for name, value in maps.items():
            setattr(new, name, value)
        inputs.append(_nearest(image, side))
        samples.append(new)
    return {"inputs": inputs, "data_samples": samples}


def _nearest(image: torch.Tensor, side: int) -> torch.Tensor:
    """(C, H, W) to (C, side, side), of the same type."""
    return F.interpolate(image[None].double(), size=(side, side), mode="nearest")[0].to(image.dtype)
