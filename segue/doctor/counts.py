"""Pixels per class and image of a dataset, counted once: what class weights and rare-class sampling start from."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from rich.console import Console

from segue.doctor.facts import label_pixels
from segue.doctor.rules import Rules, pairs_of
from segue.errors import DataError, LabelError
from segue.images.read import Array
from segue.masks.decode import read_mask
from segue.masks.path import MaskPath
from segue.masks.stacks import StackFiles
from segue.system.bars import shown
from segue.system.cache import cache
from segue.system.cores import default_workers, in_parallel
from segue.system.replaced import replaced

#: A mask and what its values mean; or one of several masks, and all of them.
Work: TypeAlias = tuple[str, Rules | StackFiles]


@dataclass(frozen=True)
class LabelCounts:
    """Labeled pixels by class and sample; ignored pixels count nowhere.

    Attributes:
        num_classes: C.
        starts: (N + 1,) where the entries of each sample begin.
        classes, pixels: (M,) an entry per class that a sample has.
    """

    num_classes: int
    starts: Array
    classes: Array
    pixels: Array

    def per_class(self) -> Array:
        """(C,) pixels of each class."""
        return np.bincount(self.classes, self.pixels, self.num_classes).astype(np.int64)

    def with_class(self) -> Array:
        """(C,) labeled pixels of the samples that have the class."""
        sizes = np.add.reduceat(np.append(self.pixels, 0), self.starts[:-1]) * (np.diff(self.starts) > 0)
        owner = np.repeat(np.arange(len(sizes)), np.diff(self.starts))
        return np.bincount(self.classes, sizes[owner], self.num_classes).astype(np.int64)

    def samples_of(self, class_id: int, min_pixels: int) -> Array:
        """The samples with more than ``min_pixels`` of a class; with any of it where none has so many."""
        owner = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        has = self.classes == class_id
        enough = has & (self.pixels > min_pixels)
        samples: Array = owner[enough if enough.any() else has]
        return samples


def cache_folder() -> Path:
    """Where counts are kept between runs."""
    return cache("counts")


def count_labels(dataset: Any, num_classes: int, console: Console | None = None) -> LabelCounts:
    """Read every mask of a dataset once; again only when one has changed (path, size or time), or how it is read.

    Args:
        dataset: with ``get_data_info``, as Segue's datasets and their wrappers have.
        num_classes: C.
        console: shows a progress bar if it is a terminal.

    Raises:
        DataError: it has no mask files.
        LabelError: a value that is no class.
    """
    if not hasattr(dataset, "get_data_info"):
        raise DataError(f"{type(dataset).__name__}: cannot count labels, since it has no get_data_info(index)")
    infos = [_work(dataset.get_data_info(i)) for i in range(len(dataset))]
    different = list(dict.fromkeys(infos))
    rows = _cached(different, num_classes, console)
    position = {info: i for i, info in enumerate(different)}
    chosen = [position[info] for info in infos]
    lengths = np.diff(rows.starts)[chosen]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    entries = [np.arange(rows.starts[i], rows.starts[i + 1]) for i in chosen]
    taken = np.concatenate(entries) if entries else np.zeros(0, np.int64)
    return LabelCounts(num_classes, starts, rows.classes[taken], rows.pixels[taken])


def _work(info: Mapping[str, Any]) -> Work:
    path = info.get("seg_map_path")
    if not path:
        raise DataError(f"{info.get('img_path', 'a sample')}: has no mask to count labels in")
    if info.get("stack_files") is not None:
        return str(path), info["stack_files"]
    rules = Rules(
        None,
        info.get("void", 255),
        info.get("ignore_index", 255),
        bool(info.get("reduce_zero_label")),
        pairs_of(info.get("label_map")),
    )
    return path, rules


def _cached(work: list[Work], num_classes: int, console: Console | None) -> LabelCounts:
    digest = hashlib.blake2b(f"1 {num_classes}".encode(), digest_size=16)
    for path, rules in work:
        files: tuple[str, ...] = (path,)
        if isinstance(rules, StackFiles):
            files = tuple(one for one in rules.files if one)
            digest.update(repr(rules).encode())  # there may be no file at all
        if isinstance(path, MaskPath):
            files = path.files
            digest.update(repr((os.path.abspath(path), path.reader.settings)).encode())
        for name in files:
            try:
                stat = os.stat(name)
            except OSError as error:
                raise DataError(f"{name}: cannot be read: {error.strerror or error}") from error
            digest.update(repr((os.path.abspath(name), stat.st_size, stat.st_mtime_ns, rules)).encode())
    file = cache_folder() / f"{digest.hexdigest()}.npz"
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            return LabelCounts(num_classes, kept["starts"], kept["classes"], kept["pixels"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        pass  # not there, or cut off while it was written
    counts = _counted(work, num_classes, console)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replaced(file) as part, part.open("wb") as new:
            np.savez(new, starts=counts.starts, classes=counts.classes, pixels=counts.pixels)
    except OSError:
        pass  # a full or read-only home costs time, not the run
    return counts


def _counted(work: list[Work], num_classes: int, console: Console | None) -> LabelCounts:
    def count(item: Work) -> dict[int, int]:
        path, rules = item
        if isinstance(rules, StackFiles):
            pixels = (rules.read(num_classes, (1, 1)) == 1).sum(axis=(0, 1))
            return {k: int(n) for k, n in enumerate(pixels) if n}
        values = label_pixels(read_mask(path))
        found: dict[int, int] = {}
        for value, new in rules.ids(values).items():
            if new == rules.ignore_index:
                continue
            if not 0 <= new < num_classes:
                raise LabelError(
                    f"{path}: value {value} ({values[value]} pixels) is none of the {num_classes} classes; segue check "
                    "CONFIG says what mends it"
                )
            found[new] = found.get(new, 0) + values[value]
        return found

    rows = list(shown(in_parallel(count, work, default_workers()), len(work), "counting labels", console))
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    classes = np.array([key for row in rows for key in row], np.int64)
    pixels = np.array([value for row in rows for value in row.values()], np.int64)
    return LabelCounts(num_classes, starts, classes, pixels)
