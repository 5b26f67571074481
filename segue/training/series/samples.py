"""The training images of a config, by names that do not depend on where the data lies, with the classes in them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console

from segue.config.builder.find import find
from segue.config.builder.plan import Planner, make
from segue.config.builder.signature import signature
from segue.config.nodes import dataset_nodes
from segue.config.trust import rights_of
from segue.doctor.counts import count_labels
from segue.errors import ConfigError, DataError, InputError
from segue.images.read import Array


@dataclass
class Leaf:
    """A dataset inside the wrappers.

    Attributes:
        key: where the config describes it.
        names: of its samples, in their order.
        positions: what ``indices`` calls each of them.
    """

    key: str
    names: list[str]
    positions: list[int]


@dataclass
class Samples:
    """All of them.

    Attributes:
        leaves: the datasets.
        classes: names; empty where labels have none, as depths.
        pixels: by name, (C,) labeled pixels of each class.
        groups: by name, what the dataset says it belongs to; absent where it says nothing.
    """

    leaves: list[Leaf]
    classes: tuple[str, ...]
    pixels: dict[str, Array] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Of all images, sorted, each once."""
        return sorted(self.pixels)

    def digest(self) -> str:
        """SHA-256 of names and labeled pixels."""
        found = hashlib.sha256()
        for name in self.names:
            found.update(f"{name}\0{self.pixels[name].tolist()}\0".encode("utf-8", "surrogateescape"))
        return found.hexdigest()


def samples_of(cfg: Mapping[str, Any], keys: Sequence[str], console: Console | None = None) -> Samples:
    """Read the names and count the labels of datasets; counts are kept (`segue.doctor.counts`).

    A sample whose dataset gives it a ``group`` (any text, by ``get_data_info``) stays with the others of that group.

    Args:
        cfg: a config.
        keys: of its sections with a dataset, such as ``train_dataloader``.
        console: shows a bar while labels are counted.

    Raises:
        InputError: a dataset that takes no ``indices``, or does not tell its files.
        ConfigError, DataError, LabelError: it cannot be built, or its labels cannot be read.
    """
    found = [pair for key in keys for pair in dataset_nodes(cfg[key]["dataset"], f"{key}.dataset")]
    built = []
    for key, node in found:
        _check_indices(cfg, key, node)
        planner = Planner(cfg)
        plan = planner.component(node, "datasets", key)
        if planner.problems:
            raise ConfigError(planner.problems)
        dataset = make(plan)
        if hasattr(dataset, "full_init"):
            dataset.full_init()
        if not hasattr(dataset, "get_data_info"):
            raise InputError(f"{key}: {type(dataset).__name__} has no get_data_info, by which folds tell images apart")
        built.append(dataset)
    infos = [[dataset.get_data_info(i) for i in range(len(dataset))] for dataset in built]
    paths = [
        [os.path.abspath(str(_path(info, key))) for info in some] for some, (key, _) in zip(infos, found, strict=True)
    ]
    root = _root([path for some in paths for path in some])
    labeled = any(info.get("seg_map_path") for some in infos for info in some)  # depths have scenes, and no classes
    classes = tuple(str(name) for name in built[0].metainfo.get("classes") or ()) if built and labeled else ()
    samples = Samples([], classes)
    for (key, node), dataset, some, own in zip(found, built, infos, paths, strict=True):
        names = [os.path.relpath(path, root).replace(os.sep, "/") for path in own]
        samples.leaves.append(Leaf(key, names, _positions(node.get("indices"), len(names))))
        rows = _rows(dataset, len(classes), console)
        for name, row, info in zip(names, rows, some, strict=True):
            samples.pixels[name] = samples.pixels.get(name, np.zeros(len(classes), np.int64)) + row
            if info.get("group") is not None:
                samples.groups[name] = str(info["group"])
    if not samples.pixels:
        raise DataError(f"{', '.join(keys)}: there are no images to divide")
    return samples


def _path(info: Mapping[str, Any], key: str) -> str:
    path = info.get("img_path")
    if not path:
        raise InputError(f"{key}: a sample has no img_path, by which folds tell images apart")
    return str(path)


def _root(paths: Sequence[str]) -> str:
    """The folder below which all files lie."""
    folders = {os.path.dirname(path) for path in paths}
    return os.path.commonpath(folders) if folders else ""


def _check_indices(cfg: Mapping[str, Any], key: str, node: Mapping[str, Any]) -> None:
    try:
        known, any_ = signature(find("datasets", str(node.get("type")), rights_of(cfg)))
    except LookupError:
        return  # the builder says what there is
    if "indices" not in known and not any_:
        raise InputError(f"{key}: {node.get('type')} takes no indices, by which a fold chooses its images")


def _positions(given: Any, count: int) -> list[int]:
    """What ``indices`` calls the samples that are left after ``indices`` as the config has it."""
    if isinstance(given, (list, tuple)):
        return [int(index) for index in given]
    if isinstance(given, int) and given < 0:
        return list(range(-count, 0))
    return list(range(count))


def _rows(dataset: Any, classes: int, console: Console | None) -> list[Array]:
    """(C,) labeled pixels of each sample; of data without classes nothing."""
    if not classes:
        return [np.zeros(0, np.int64)] * len(dataset)
    counts = count_labels(dataset, classes, console)
    rows = []
    for low, high in zip(counts.starts[:-1], counts.starts[1:], strict=True):
        rows.append(np.bincount(counts.classes[low:high], counts.pixels[low:high], classes).astype(np.int64))
    return rows
