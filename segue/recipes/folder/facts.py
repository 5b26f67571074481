"""What the rules read: a few numbers about a folder and the machine, from a report of the label doctor."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from segue.doctor.doctor import Report
from segue.doctor.guess import Part
from segue.doctor.pictures import Pictures, look_at
from segue.doctor.stack_folders import MULTILABEL
from segue.errors import DataError, InputError
from segue.recipes.folder.splitting import Splitting, divide
from segue.system.cores import usable_cores

_TRAIN = ("train", "all")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A folder, and the machine that trains.

    Attributes:
        train, val: how many images of each; ``same`` if these are the same.
        classes: names.
        pixels, masks: per class, its pixels and the masks that have it, in the labels of training.
        pictures: sizes, bands and statistics of some images.
        multilabel: whether a pixel may have several classes.
        seen_from_above: whether the labels are of maps: GeoTIFF, GeoJSON.
        cores: of the processor.
        gpu: memory of one GPU in GiB; None: it is trained on the CPU.
    """

    train: int
    val: int
    same: bool
    classes: tuple[str, ...]
    pixels: tuple[int, ...]
    masks: tuple[int, ...]
    pictures: Pictures
    multilabel: bool = False
    seen_from_above: bool = False
    cores: int = 1
    gpu: float | None = None

    @property
    def present(self) -> list[int]:
        """The classes that have pixels."""
        return [i for i, count in enumerate(self.pixels) if count]

    @property
    def imbalance(self) -> float:
        """How many times the most frequent class has the pixels of the rarest that occurs."""
        counts = [self.pixels[i] for i in self.present]
        return max(counts) / min(counts) if counts else 1.0


@dataclass(frozen=True)
class Data:
    """What a folder's datasets are.

    Attributes:
        report: with a part of the layout for each of ``train`` and ``val``.
        facts: for the rules.
        splitting: lines to write into files, where there was no split; what is said of it.
    """

    report: Report
    facts: Facts
    splitting: Splitting


def data_of(report: Report, lists: Path, gpu: float | None) -> Data:
    """The data of a folder as it is trained on: its splits, or new ones that are listed in files.

    Args:
        report: of `segue.doctor.check_folder`, without errors.
        lists: a path without ending; ``LISTS_train.txt`` and ``LISTS_val.txt`` will hold names.
        gpu: see `Facts`.

    Raises:
        InputError: no training images; no class, or one only; images of different kinds.
    """
    layout = report.layout
    assert layout is not None
    report = _named(report)
    splits = [part.split for part in layout.parts]
    trains = [i for i, split in enumerate(splits) if split in _TRAIN] or [0]
    checks = [i for i, split in enumerate(splits) if split == "val"]
    checks = checks or [i for i, split in enumerate(splits) if split == "test"]
    checks = [i for i in checks if i not in trains and report.sources[i].pairs]
    labeled = [pair for i in trains for pair in report.sources[i].pairs if pair[1] is not None]
    if not labeled:
        raise DataError(f"{layout.root}: no image with labels to train on; segue check {layout.root} says more")
    classes, pixels, masks = _classes(report, trains)
    images = [image for image, _ in labeled]
    splitting = Splitting()
    if checks:
        said = "" if splits[checks[0]] == "val" else "There is no validation split; the test split is taken for it."
        splitting = Splitting(said=said)
        val = sum(len(report.sources[i].pairs) for i in checks)
        report = _with_parts(report, [(i, replace(layout.parts[i], split="train")) for i in trains]
                             + [(i, replace(layout.parts[i], split="val")) for i in checks])  # fmt: skip
    else:
        folders = {i: str(layout.root / layout.parts[i].images) for i in trains}
        names = [os.path.relpath(image, folders[i]) for i in trains for image, _ in report.sources[i].pairs]
        splitting = divide(names, lists) if len(trains) == 1 else Splitting(said=_SEVERAL)
        val = len(splitting.val) or len(images)
        first = layout.parts[trains[0]]
        parts = [(i, replace(layout.parts[i], split="train")) for i in trains]
        if splitting.val:
            one, two = (os.path.abspath(path) for path in splitting.files)
            parts = [(trains[0], replace(first, split="train", listed=one))]
            parts += [(trains[0], replace(first, split="val", listed=two))]
        report = _with_parts(report, parts)
    facts = Facts(
        train=len(splitting.train) or len(images),
        val=val,
        same=not checks and not splitting.val,
        classes=classes,
        pixels=pixels,
        masks=masks,
        pictures=look_at(images),
        multilabel=any(part.mask_format == MULTILABEL for part in layout.parts),
        seen_from_above=any(part.format == "geojson" for part in layout.parts),
        cores=usable_cores(),
        gpu=gpu,
    )
    return Data(report, facts, splitting)


_SEVERAL = "The training images lie in several folders and there is no validation split: it measures what was trained."


def _with_parts(report: Report, parts: Sequence[tuple[int, Part]]) -> Report:
    """The report of other parts, each of which is one of its own, by number, or a share of it."""
    assert report.layout is not None
    order = [i for i, _ in parts]
    return replace(
        report,
        sources=[report.sources[i] for i in order],
        tallies=[report.tallies[i] for i in order],
        mended=[report.mended[i] for i in order],
        layout=replace(report.layout, parts=[part for _, part in parts]),
    )


def _named(report: Report) -> Report:
    """The report with names for classes that nobody has named, so that no dataset has to look for them again."""
    if all(rules.classes is not None for rules in report.mended):
        return report
    first: dict[int, int] = {}
    for tally, rules in zip(report.tallies, report.mended, strict=True):
        for value, new in sorted(rules.ids(tally.pixels).items()):
            if rules.classes is None and new != rules.ignore_index and new >= 0:
                first.setdefault(new, value)
    names = tuple(f"class_{first.get(i, i)}" for i in range(max(first, default=-1) + 1))
    if set(first) == {0, 1} and first[0] == 0 and first[1] in (1, 255):
        names = ("background", "foreground")
    mended = [replace(rules, classes=names) if rules.classes is None else rules for rules in report.mended]
    return replace(report, mended=mended)


def _classes(report: Report, trains: Sequence[int]) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
    """Names, pixels and masks of the classes in the training data, as the proposed settings read them."""
    rows = [report.classes(i) for i in trains]
    names = tuple(str(row["name"]) for row in rows[0])
    pixels = tuple(sum(int(str(part[i]["pixels"])) for part in rows) for i in range(len(names)))
    masks = tuple(sum(int(str(part[i]["images"])) for part in rows) for i in range(len(names)))
    several = any(source.stacks for source in report.sources)
    there = [name for name, count in zip(names, pixels, strict=True) if count]
    if not there or (len(there) < 2 and not several):
        assert report.layout is not None
        root = report.layout.root
        raise InputError(
            f"{root}: the masks have one class only ({', '.join(there) or 'none'}), of which nothing can be learned. "
            f"Are they read as they are meant? segue check {root} --html check.html shows them"
        )
    return names, pixels, masks
