"""Folders whose labels are no pictures: files of annotations beside the images, in another folder, or one for all."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from segue.datasets.pairs import closest_pairing
from segue.datasets.scan import walk_files
from segue.errors import SegueError
from segue.images.read import IMAGE_SUFFIXES
from segue.masks.documents import annotation_files, inside, read_json
from segue.masks.formats import READERS, SUFFIXES, recognize
from segue.masks.listed import ListedReader

_SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"}
_SPLITS |= {"test": "test", "testing": "test"}


def find_annotations(root: Path) -> list[tuple[str, str, str, str]]:
    """(split, images, masks, format) for each split of a folder, relative to it; nothing if none is recognized."""
    names = walk_files(root)
    images: defaultdict[str, list[str]] = defaultdict(list)
    files: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        lower = name.lower()
        if lower.endswith(IMAGE_SUFFIXES):
            images[os.path.dirname(name)].append(os.path.basename(name))
        elif annotation_files([lower], SUFFIXES):
            files[os.path.dirname(name)].append(os.path.basename(name))
    by_split: defaultdict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for images_at, masks, name in _candidates(root, images, files):
        by_split[split_of(masks) or split_of(images_at) or "all"].append((images_at or ".", masks or ".", name))
    found = {split: (split, *_joined(candidates)) for split, candidates in by_split.items()}
    if "all" in found and len(found) > 1:
        del found["all"]
    return list(found.values())


def _joined(candidates: Sequence[tuple[str, str, str]]) -> tuple[str, str, str]:
    """The folders above those of several cities or patients, where there is one pair of them; else the first."""
    first = candidates[0]
    if len(candidates) == 1 or {name for *_, name in candidates} != {first[2]} or READERS[first[2]].lists_images:
        return first
    above = {(os.path.dirname(images) or ".", os.path.dirname(masks) or ".") for images, masks, _ in candidates}
    same = all(os.path.basename(images) == os.path.basename(masks) for images, masks, _ in candidates)
    return (*above.pop(), first[2]) if same and len(above) == 1 else first


def split_of(path: str) -> str | None:
    """The split that a folder or the name of a file speaks of, as ``instances_train2017.json`` does."""
    for part in Path(path).parts:
        for word in re.split(r"[_\-. ]+", part.lower()):
            if word.rstrip("0123456789") in _SPLITS:
                return _SPLITS[word.rstrip("0123456789")]
    return None


def _candidates(
    root: Path, images: dict[str, list[str]], files: dict[str, list[str]]
) -> Iterator[tuple[str, str, str]]:
    """(folder of images, masks, format)."""
    for folder, names in sorted(files.items()):
        for masks, name in _formats(root, folder, names):
            if name == "coco":
                chosen = _listed_in(root, masks, images)
            elif READERS[name].lists_images:
                chosen = _named_in(root, masks, name, images)
            elif name == "supervisely":
                chosen = _same_stems(folder, [file.removesuffix(".json") for file in names], images)
                chosen = chosen or _same_stems(folder, names, images)
            elif name == "geojson" and masks != folder:
                chosen = _rasters(folder, images)
            elif name == "polygons":
                chosen = _same_stems(folder, names, images)
                masks = os.path.dirname(folder)  # one folder of files for each class
            else:
                chosen = _same_stems(folder, names, images)
            if chosen is not None:
                yield chosen, masks, name
    if any(os.path.basename(folder) == "masks" for folder in images):
        parents = {os.path.dirname(folder) for folder in images if os.path.basename(folder) == "masks"}
        above = {os.path.dirname(parent) for parent in parents if parent and os.path.join(parent, "images") in images}
        for folder in sorted(above):
            yield folder, folder, "instances"


def _formats(root: Path, folder: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(masks, format) of a folder of annotation files: each file for itself if it is about several images."""
    place = str(root / folder)
    try:
        name = recognize(place, list(names))
    except SegueError:
        name = None
    if name is not None and (name == "geojson" or READERS[name].lists_images):
        alone = len(names) == 1 or name != "geojson"
        for file in sorted(names):
            try:
                if recognize(os.path.join(place, file), []) == name and (alone or split_of(file)):
                    yield os.path.join(folder, file), name
            except SegueError:
                continue
        if alone:
            return
    if name is not None:
        yield folder, name


def _listed_in(root: Path, file: str, images: dict[str, list[str]]) -> str | None:
    """The folder with most of the images that a COCO file lists."""
    try:
        wanted = {inside(entry.get("file_name"), file) for entry in read_json(root / file)["images"]}
    except (SegueError, AttributeError):
        return None
    below = {os.path.join(folder, name) for folder, names in images.items() for name in names}
    tops = {str(top) for folder in images for top in (Path(folder), *Path(folder).parents) if str(top) != "."}
    counts = {top: sum(os.path.normpath(os.path.join(top, name)) in below for name in wanted) for top in {"", *tops}}
    best = max(sorted(counts), key=lambda top: (counts[top], split_of(top) == split_of(file)))
    return best if counts[best] and 2 * counts[best] >= len(wanted) else None


def _named_in(root: Path, file: str, name: str, images: dict[str, list[str]]) -> str | None:
    """The folder with most of the images that a file names in its own way, by the last parts of their paths."""
    reader = READERS[name]
    assert issubclass(reader, ListedReader)
    try:
        wanted = {entry.name.rsplit("/", 1)[-1] for entry in reader.entries(str(root / file))}
    except SegueError:
        return None
    wanted |= {name[9:] for name in wanted if len(name) > 9 and name[8] == "-"}
    counts = {at: len(wanted & set(names)) for at, names in images.items()}
    whole = {top: sum(n for at, n in counts.items() if Path(at).is_relative_to(top)) for top in _tops(images)}
    best = max(sorted(whole), key=lambda top: (whole[top], len(Path(top).parts)), default=None)
    return best if best is not None and whole[best] else None


def _tops(images: dict[str, list[str]]) -> set[str]:
    return {str(top) for folder in images for top in (Path(folder), *Path(folder).parents)}


def _rasters(folder: str, images: dict[str, list[str]]) -> str | None:
    """The folder of GeoTIFFs that is nearest to a file of polygons: its own, or the only other."""
    with_rasters = [at for at, names in images.items() if any(n.lower().endswith((".tif", ".tiff")) for n in names)]
    if folder in with_rasters:
        return folder
    split = split_of(folder)
    fitting = [at for at in with_rasters if split is None or split_of(at) == split]
    return fitting[0] if len(fitting) == 1 else None


def _same_stems(folder: str, names: Sequence[str], images: dict[str, list[str]]) -> str | None:
    """The folder whose images are called like the files; the files' own before others."""
    stems = {os.path.splitext(name)[0]: name for name in names}
    best: tuple[int, bool] = (0, False)
    chosen: str | None = None
    for at, pictures in sorted(images.items()):
        pairing = closest_pairing({os.path.splitext(name)[0]: name for name in pictures}, stems, share=0.5)
        rank = (len(pairing.pairs), at == folder)
        if split_of(at) == split_of(folder) and 2 * len(pairing.pairs) >= len(names) and rank > best:
            best, chosen = rank, at
    return chosen
