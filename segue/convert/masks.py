"""Label maps of any format that Segue reads to index PNGs, or to COCO or labelme files."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from segue.convert.annotations import WRITERS, LabelMap
from segue.datasets.folder import FolderDataset
from segue.datasets.metainfo import read_names
from segue.datasets.options import DatasetOptions
from segue.doctor.annotated import find_annotations
from segue.doctor.guess import Part
from segue.doctor.layout import recognize
from segue.errors import DataError, InputError
from segue.images.limits import check_file
from segue.masks.labels import IGNORE
from segue.masks.size import image_size
from segue.system.bars import shown
from segue.system.cores import default_workers, in_parallel
from segue.system.near import near_path
from segue.system.replaced import clear_leftovers, replaced
from segue.transforms.load_annotations import LoadAnnotations

#: Value of unlabeled pixels where there are more classes than a byte holds.
DEEP_IGNORE = 65535


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        out: the folder.
        count: label maps.
        classes: names.
        lines: the datasets, as lines of a config.
    """

    out: Path
    count: int
    classes: tuple[str, ...]
    lines: list[str]


def convert_masks(
    source: str | Path,
    out: str | Path,
    *,
    mask_format: str | Mapping[str, Any] | None = None,
    classes: Sequence[str] | str | None = None,
    palette: Sequence[Sequence[int]] | None = None,
    images: str | None = None,
    masks: str | None = None,
    to: str = "index",
    workers: int | None = None,
    replace: bool = False,
    console: Console | None = None,
) -> Converted:
    """Write the label maps of a folder, or of one file of annotations, to a new folder.

    Args:
        source: folder of images and masks in any layout that ``segue check`` recognizes, or a COCO or GeoJSON file.
        out: a folder that does not exist or is empty; it appears only when everything is written.
        mask_format: of the source; by default it is recognized.
        classes: names; a text file with one per line, or a classes.json as this function writes it. By default those
            that the annotations name.
        palette: RGB color of each class.
        images, masks: folders, relative to ``source``, if they are not recognized; beside a file the folder of its
            images.
        to: ``index`` PNG, ``palette`` PNG, ``coco`` or ``labelme``.
        workers: files at once; one per core by default.
        replace: if ``out`` is there, put the files in it, in place of those of the same name.
        console: shows progress if it is a terminal.

    Raises:
        InputError: arguments that do not fit, or ``out`` has files.
        DataError: whatever is wrong with the annotations; nothing is left behind.
    """
    if to not in WRITERS:
        raise InputError(f"--to {to}: possible are {', '.join(WRITERS)}")
    source, out = Path(source), Path(out)
    into = replace and out.is_dir()
    if not into and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: is there already; name a new folder, or move it away")
    names, colors = _classes(classes)
    parts, root = _parts(source, images, masks, mask_format)
    datasets = [_dataset(root, part, names, palette or colors, mask_format) for part in parts]
    known = datasets[0].metainfo["classes"]
    if any(dataset.metainfo["classes"] != known for dataset in datasets):
        listed = "; ".join(
            f"{p.split}: {', '.join(d.metainfo['classes'])}" for p, d in zip(parts, datasets, strict=True)
        )
        raise DataError(f"{source}: the splits have different classes, so ids would differ; name them all. {listed}")
    several = len({(part.images, part.masks) for part in parts}) > 1
    done: set[str] = set()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(out.parent, out.name)
        with tempfile.TemporaryDirectory(dir=out) if into else replaced(out, folder=True) as new:
            for part, dataset in zip(parts, datasets, strict=True):
                below = Path(new, part.split if several else "")
                done |= _write(dataset, below, to, workers, console, part.split)
            _write_classes(Path(new), datasets[0])
            for file in [path for path in Path(new).rglob("*") if path.is_file()] if into else []:
                target = out / file.relative_to(new)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, target)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}") from error
    lines = [_line(root, part, out / (part.split if several else ""), datasets[0], to) for part in parts]
    return Converted(out, len(done), known, lines)


def convert_polygons(root: str | Path, out: str | Path | None = None, console: Console | None = None) -> Converted:
    """Write the masks of a folder with ``images/``, ``buildings/`` and ``roads/``, as `PolygonsReader` reads them.

    Classes are 0 background, 1 building, 2 road, drawn in that order. ``out`` is ``root/masks`` unless given; masks
    that are there are replaced.
    """
    if not Path(root, "images").is_dir():
        raise DataError(f"{root}/images: no such folder; the images are expected there, beside buildings/ and roads/")
    target = Path(root) / "masks" if out is None else Path(out)
    classes = ("background", "building", "road")
    return convert_masks(root, target, mask_format="polygons", classes=classes, replace=True, console=console)


def _parts(
    source: Path, images: str | None, masks: str | None, mask_format: str | Mapping[str, Any] | None
) -> tuple[list[Part], Path]:
    """The splits of a source, and the folder that their paths start from."""
    if source.is_file():
        root = source.parent
        if images is not None:
            return [Part("all", os.path.relpath(images, root), source.name)], root
        for folder in (root, root.parent):
            file = os.path.relpath(source, folder)
            found = [Part(split, at, name, None, kind) for split, at, name, kind in find_annotations(folder)]
            if mine := [part for part in found if os.path.normpath(part.masks) == os.path.normpath(file)]:
                return mine, folder
        raise InputError(f"{source}: where are its images? Name their folder: --images FOLDER")
    if not source.exists():
        raise InputError(f"{source}: no such file or folder{near_path(source)}")
    if mask_format is not None and images is None and masks is None:
        found = [Part(split, at, name, None, kind) for split, at, name, kind in find_annotations(source)]
        wanted = mask_format if isinstance(mask_format, str) else mask_format.get("type")
        if mine := [part for part in found if part.format == wanted]:
            return mine, source
        if wanted == "instances":
            return [Part("all", ".", ".")], source  # masks beside their images, which nothing but the format tells
    return recognize(source, images, masks).parts, source


def _dataset(
    root: Path,
    part: Part,
    classes: Sequence[str] | None,
    palette: Sequence[Sequence[int]] | None,
    mask_format: str | Mapping[str, Any] | None,
) -> FolderDataset:
    dataset = FolderDataset(
        str(root),
        part.images,
        part.masks,
        classes=classes,
        palette=palette,
        split=part.listed,
        image_suffix=part.image_suffix,
        mask_suffix=part.mask_suffix,
        options=DatasetOptions(
            pipeline=[LoadAnnotations()],
            mask_format=mask_format or part.mask_format,
            ignore_index=DEEP_IGNORE if classes is not None and len(classes) > IGNORE else None,
        ),
    )
    assert dataset.num_classes is not None
    return dataset


def _write(
    dataset: FolderDataset, folder: Path, to: str, workers: int | None, console: Console | None, split: str
) -> set[str]:
    """Write the label maps of a dataset below a folder; the images that they are of."""
    writer = WRITERS[to](folder, dataset.metainfo, dataset.ignore_index)
    images = dataset.data_prefix["img_path"]

    def convert(index: int) -> str:
        info = dataset.get_data_info(index)
        name = os.path.relpath(info["img_path"], images)
        sample = LoadAnnotations()({**info, "ori_shape": image_size(info["img_path"])})
        writer.add(LabelMap(name, sample["gt_seg_map"]))
        path: str = info["img_path"]
        return path

    work = in_parallel(convert, range(len(dataset)), workers or default_workers())
    done = set(shown(work, len(dataset), f"converting {split}", console))
    writer.close()
    return done


def _classes(given: Sequence[str] | str | None) -> tuple[Sequence[str] | None, Sequence[Sequence[int]] | None]:
    """Names, and colors if a classes.json has them."""
    if not isinstance(given, str):
        return given, None
    if not given.endswith(".json"):
        return read_names(given), None
    check_file(given)
    try:
        data = json.loads(Path(given).read_text(encoding="utf-8"))
        return [str(name) for name in data["classes"]], data.get("palette")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{given}: cannot read class names: {error!r}; it holds {{'classes': [...]}}") from error


def _write_classes(folder: Path, dataset: FolderDataset) -> None:
    content = {
        "classes": list(dataset.metainfo["classes"]),
        "palette": dataset.metainfo["palette"],
        "ignore_index": dataset.ignore_index,
    }
    (folder / "classes.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _line(root: Path, part: Part, out: Path, dataset: FolderDataset, to: str) -> str:
    """The dataset of the written label maps."""
    arguments: dict[str, Any] = {
        "type": "FolderDataset",
        "images": os.path.abspath(root / part.images),
        "masks": os.path.abspath(out / "annotations.json" if to == "coco" else out),
        "classes": list(dataset.metainfo["classes"]),
    }
    if part.listed:
        arguments["split"] = os.path.abspath(root / part.listed)
    if dataset.ignore_index != IGNORE:
        arguments["ignore_index"] = dataset.ignore_index
    text = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return f"{part.split}: dict({text})"
