"""Which files ``segue pack`` packs, and the settings with which a config then uses the pack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from segue.config.builder.plan import Planner, make
from segue.config.nodes import dataset_nodes
from segue.datasets.base_seg import BaseSegDataset
from segue.doctor.layout import recognize, sources_of_layout
from segue.doctor.rules import Rules
from segue.errors import ConfigError, InputError, Problem
from segue.packs.read import name_below
from segue.packs.write import IMAGE, LABELS, PackSource, write_pack
from segue.system.bars import bar
from segue.system.shown import escape

_READING = ("color_type", "imdecode_backend")


@dataclass
class Part:
    """The files of one data root, which go into one pack.

    Attributes:
        root: names in the pack start from here.
        keys: the datasets of the config that they belong to.
        files: images and label maps.
    """

    root: str
    keys: list[str] = field(default_factory=list)
    files: list[PackSource] = field(default_factory=list)

    def add(self, image: str, label_map: str | None) -> None:
        """One sample."""
        self.files.append(PackSource(image, name_below(self.root, image), IMAGE))
        if label_map is not None:
            self.files.append(PackSource(label_map, name_below(self.root, label_map), LABELS))


@dataclass(frozen=True)
class Made:
    """A pack, and the datasets of the config that can use it (none for a folder)."""

    folder: str
    keys: tuple[str, ...]


def pack_config(
    cfg: Mapping[str, Any], out: str | Path, splits: Sequence[str], workers: int | None, console: Console
) -> list[Made]:
    """Pack the datasets of a config; one pack per data root.

    Raises:
        ConfigError: a dataset cannot be built or packed.
        DataError, InputError: see `write_pack`.
    """
    parts: dict[str, Part] = {}
    reading: dict[tuple[str, ...], str] = {}
    for key, leaf in _leaves(cfg, splits):
        reading.setdefault(_reading(leaf, key), key)
        dataset = _built(cfg, key, leaf)
        part = parts.setdefault(dataset.data_root or "", Part(dataset.data_root or ""))
        part.keys.append(key)
        for index in range(len(dataset)):
            info = dataset.get_data_info(index)
            if type(info.get("seg_map_path") or "") is not str:
                message = "its masks are annotations, not pictures; convert them first (segue convert masks)"
                raise ConfigError(Problem(key, message))
            part.add(info["img_path"], info.get("seg_map_path"))
    if not parts:
        raise ConfigError(f"the config has no dataset for {', '.join(splits)}")
    if len(reading) > 1:
        keys = " and ".join(reading.values())
        raise ConfigError(f"{keys} decode their images in different ways; pack them apart, with --splits")
    return _written(list(parts.values()), Path(out), next(iter(reading)), workers, console)


def pack_folder(folder: str | Path, out: str | Path, workers: int | None, console: Console) -> list[Made]:
    """Pack a folder of images and masks."""
    layout = recognize(folder)
    part = Part(str(layout.root))
    for source in sources_of_layout(layout, Rules(None, 255, 255, False, None)):
        for image, label_map in source.pairs:
            if type(label_map or "") is not str:
                raise InputError(f"{folder}: masks that are annotations cannot be packed; see segue convert masks")
            part.add(image, label_map)
    return _written([part], Path(out), ("color", "cv2"), workers, console)


def _leaves(cfg: Mapping[str, Any], splits: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for split in splits:
        node = (cfg.get(f"{split}_dataloader") or {}).get("dataset")
        if node:
            yield from dataset_nodes(node, f"{split}_dataloader.dataset")


def _reading(leaf: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """How the pipeline of a dataset decodes images."""
    steps = [step for step in leaf.get("pipeline") or () if step.get("type") == "LoadImageFromFile"]
    if not steps:
        raise ConfigError(Problem(key, "its pipeline has no LoadImageFromFile; only what that reads can be packed"))
    return tuple(str(steps[0].get(name, usual)) for name, usual in zip(_READING, ("color", "cv2"), strict=True))


def _built(cfg: Mapping[str, Any], key: str, leaf: Mapping[str, Any]) -> BaseSegDataset:
    node = {name: value for name, value in leaf.items() if name != "pack"}
    planner = Planner(cfg)
    plan = planner.component({**node, "pipeline": []}, "datasets", key)
    if not planner.problems:
        planner.component({**node, "pipeline": [], "pack": ""}, "datasets", key)  # whether it takes one
    if planner.problems:
        raise ConfigError(planner.problems)
    dataset = make(plan)
    if not isinstance(dataset, BaseSegDataset):
        raise ConfigError(Problem(key, f"{type(dataset).__name__} cannot be packed"))
    return dataset


def _written(
    parts: Sequence[Part], out: Path, reading: tuple[str, ...], workers: int | None, console: Console
) -> list[Made]:
    made = []
    for number, part in enumerate(parts):
        folder = out if len(parts) == 1 else out / f"{number}_{Path(part.root).name or 'data'}"
        with bar(console) as progress:
            task = progress.add_task(f"Packing {escape(part.root or 'files')}", total=len(part.files))

            def advance(done: int, total: int, progress: Progress = progress, task: Any = task) -> None:
                progress.update(task, completed=done, total=total)

            color_type, backend = reading
            packed = write_pack(
                part.files, folder, color_type=color_type, backend=backend, workers=workers, progress=advance
            )
        console.print(
            f"{escape(folder)}: {packed.pictures} pictures, {packed.bytes / 1e9:.2f} GB in {packed.shards} files, "
            f"{packed.written} of them written now",
            highlight=False,
            soft_wrap=True,
        )
        made.append(Made(str(folder), tuple(part.keys)))
    return made
