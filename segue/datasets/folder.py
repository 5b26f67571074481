"""FolderDataset: a folder of images and a folder of masks, and nothing else to write."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.find_classes import find_classes, masks_of_all_splits
from segue.datasets.mask_files import format_of_folder, pictures_of, suffixes_of
from segue.datasets.metainfo import read_names
from segue.datasets.options import USUAL, DatasetOptions, shared
from segue.datasets.pairs import Affix, pair_by_stem
from segue.datasets.scan import join_all, read_split, some_of, walk_files
from segue.errors import DataError, InputError, LabelError
from segue.images.read import IMAGE_SUFFIXES
from segue.masks.documents import annotation_files
from segue.masks.formats import READERS, reader_of, split_format
from segue.masks.labels import IGNORE
from segue.masks.names import with_background
from segue.masks.path import MaskPath

_log = logging.getLogger("segue")


class FolderDataset(BaseSegDataset):
    """Images and masks of any usual format, paired by name.

    ``dict(type='FolderDataset', data_root='data/mine', images='images/train', masks='masks/train')`` is complete.
    `notes` says what was found out: the affix of the names, the classes, masks that belong to no image.

    Args:
        data_root: folder that relative paths start from.
        images: folder of images.
        masks: folder of masks, which may be that of the images for annotations beside them; or one file with the
            annotations of all images, such as COCO's or GeoJSON. None for images without.
        classes: names, or a text file with one per line. None takes ``classes.txt`` in ``data_root`` if there is one,
            and else the values found in the masks of all splits (train, val ... of the same layout).
        palette: RGB colours of the classes.
        split: text file of the names to use, without or with suffix, one per line.
        options: see `DatasetOptions`; ``mask_format`` is seen by default from the names and contents of the masks.
            They are read at once if the classes are not given.
    """

    @shared
    def __init__(
        self,
        data_root: str | None = None,
        images: str = "images",
        masks: str | None = "masks",
        classes: Sequence[str] | str | None = None,
        palette: Sequence[Sequence[int]] | None = None,
        split: str | None = None,
        options: DatasetOptions = USUAL,
    ) -> None:
        self.notes: list[str] = []
        self.split = None if split is None else os.path.join(data_root or "", split)
        root = data_root or ""
        mask_format = options.mask_format
        if mask_format is None and masks is not None:
            mask_format = format_of_folder(os.path.join(root, masks), os.path.join(root, images))
            if mask_format is not None:
                self._note(f"the masks are of the format {mask_format}")
        same = masks is not None and os.path.normpath(images) == os.path.normpath(masks)
        if same and mask_format is None:
            raise InputError(f"FolderDataset: images and masks must be different folders, both are {images!r}")
        names, found_map = self._classes(root, masks, mask_format, classes, options)
        label_map = found_map if options.label_map is None else options.label_map
        super().__init__(
            metainfo={"classes": names, "palette": palette},
            data_root=data_root,
            data_prefix={"img_path": images, "seg_map_path": masks},
            options=replace(options, label_map=label_map, mask_format=mask_format),
        )

    def _classes(
        self,
        root: str,
        masks: str | None,
        mask_format: str | Mapping[str, Any] | None,
        classes: Sequence[str] | str | None,
        options: DatasetOptions,
    ) -> tuple[Sequence[str] | None, dict[int, int] | None]:
        """Names and label map, from whatever is given."""
        listed = os.path.join(root, "classes.txt")
        if isinstance(classes, str):
            return read_names(os.path.join(root, classes)), None
        if classes is not None:
            return classes, None
        if os.path.isfile(listed):
            self._note(f"class names are taken from {listed}")
            names = read_names(listed)
            named = mask_format is not None and split_format(mask_format)[0] in READERS
            return with_background(names) if named else names, None
        void = IGNORE if options.ignore_index is None else options.ignore_index
        if options.label_map is not None:
            count = max([target for target in options.label_map.values() if target != void], default=-1) + 1
            return tuple(f"class_{index}" for index in range(count)), None
        if masks is None:
            return None, None
        name = "index" if mask_format is None else split_format(mask_format)[0]
        reader = READERS.get(name)
        paths = masks_of_all_splits(root, masks, IMAGE_SUFFIXES if reader is None else suffixes_of(reader))
        if reader is not None and reader.named:
            names = with_background(reader.labels_in(paths))
            self._note(f"{len(names)} classes found in {len(paths)} files: {some_of(names, 8)}")
            return names, None
        if mask_format is not None:
            valued = reader_of(mask_format, os.path.join(root, masks))
            paths = paths if valued is None else [MaskPath(path, "", valued) for path in paths]
        if not paths:
            raise DataError(f"{os.path.join(root, masks)}: no masks ({', '.join(IMAGE_SUFFIXES)}) to find classes in")
        found = find_classes(paths, void, bool(options.reduce_zero_label))
        if len(found.names) > IGNORE:
            raise LabelError(
                f"{masks}: {len(found.names)} values are too many to number by themselves; name the classes"
            )
        self._note(
            f"{len(found.names)} classes found in {found.files} masks: {some_of(found.names, 8)}"
            + (f"; label_map={found.label_map}" if found.label_map else "")
        )
        return found.names, found.label_map

    def load_data_list(self) -> list[dict[str, Any]]:
        """Pair images and masks by name; problems of the pairing are DataErrors that name the files."""
        folder = self.data_prefix["img_path"]
        images = pictures(folder, "images")
        if self.mask_reader is not None:
            images = self._of_annotations(images, folder)
        if self.split is not None:
            images = of_split(images, self.split, folder)
        masks = self.data_prefix.get("seg_map_path")
        if masks is None or (self.test_mode and not self._reads_masks() and not os.path.isdir(masks)):
            return [{"img_path": os.path.join(folder, name)} for name in images]
        reader = self.mask_reader
        if reader is not None and not reader.suffixes:
            return self._placed(folder, images)
        names = pictures(masks, "masks", IMAGE_SUFFIXES if reader is None else reader.suffixes)
        pairing = pair_by_stem(images, names, folder, masks)
        if pairing.mask_affix != Affix() or pairing.image_affix != Affix():
            self._note(f"images are named {pairing.image_affix}, their masks {pairing.mask_affix}")
        if pairing.unused_masks and self.split is None:
            self._note(f"{len(pairing.unused_masks)} masks belong to no image: {some_of(pairing.unused_masks)}")
        images = join_all(folder, [image for image, _ in pairing.pairs])
        maps = join_all(masks, [mask for _, mask in pairing.pairs])
        return [{"img_path": image, "seg_map_path": label_map} for image, label_map in zip(images, maps, strict=True)]

    def _of_annotations(self, images: Sequence[str], folder: str) -> list[str]:
        """The images that the annotations are about."""
        assert self.mask_reader is not None
        chosen = pictures_of(self.mask_reader, images, folder)
        if self.mask_reader.listed() is not None and len(chosen) < len(images):
            self._note(f"{len(images) - len(chosen)} images are not in {self.mask_reader.root}, so they are not used")
        return chosen

    def _note(self, text: str) -> None:
        self.notes.append(text)
        _log.info("%s: %s", self.__class__.__name__, text)


def pictures(folder: str, what: str, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> list[str]:
    """The images or masks below a folder, by their suffixes; none at all is a DataError."""
    names = walk_files(folder)
    pictures = annotation_files(names, suffixes)
    if not pictures:
        there = f"it has {some_of(names)}" if names else "it is empty"
        raise DataError(f"{folder}: no {what} ({', '.join(suffixes)}) in the folder; {there}")
    return pictures


def of_split(images: Sequence[str], split: str, folder: str) -> list[str]:
    """The images that a text file lists, in its order, with or without suffix."""
    by_name = {key: name for name in images for key in (name, os.path.splitext(name)[0])}
    wanted = [os.path.normpath(line) for line in read_split(split)]
    absent = [name for name in wanted if name not in by_name]
    if absent:
        raise DataError(f"{split}: {len(absent)} of {len(wanted)} names are not in {folder}: {some_of(absent)}")
    return [by_name[name] for name in wanted]
