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
from segue.datasets.scan import join_all, some_of, walk_files
from segue.datasets.split_files import images_of_split
from segue.datasets.suffixes import ends_in, stems_by_end, strip_end
from segue.errors import DataError, InputError, LabelError
from segue.images.read import IMAGE_SUFFIXES
from segue.masks.documents import annotation_files
from segue.masks.formats import READERS, labels_of, reader_of, split_format
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
        image_suffix: what the names of images end with, such as ``.jpg`` or ``_0000.png``; None for any.
        mask_suffix: what those of masks end with, such as ``_mask.png``; with it both may lie in one folder.
        options: see `DatasetOptions`; ``mask_format`` is seen by default from the names and contents of the masks.
            They are read at once if the classes are not given; then 255 is unlabeled only where that is plain from the
            values or ``ignore_index`` says so: 0, 128 and 255 are three classes.
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
        image_suffix: str | None = None,
        mask_suffix: str | None = None,
        options: DatasetOptions = USUAL,
    ) -> None:
        self.notes: list[str] = []
        self.split = None if split is None else os.path.join(data_root or "", split)
        self.suffixes = image_suffix, mask_suffix
        root = data_root or ""
        mask_format = options.mask_format
        if mask_format is None and masks is not None:
            mask_format = format_of_folder(os.path.join(root, masks), os.path.join(root, images))
            if mask_format is not None:
                self._note(f"the masks are of the format {mask_format}")
        same = masks is not None and os.path.normpath(images) == os.path.normpath(masks)
        if same and mask_format is None and mask_suffix is None:
            raise InputError(
                f"FolderDataset: images and masks are both in {images!r}: name what the masks end with"
                f"{_suffix_advice(os.path.join(root, images))}"
            )
        self._mask_suffix = mask_suffix
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
            count = (
                max([target for target in options.label_map.values() if target not in (void, IGNORE)], default=-1) + 1
            )
            return tuple(f"class_{index}" for index in range(count)), None
        if masks is None:
            return None, None
        name = "index" if mask_format is None else split_format(mask_format)[0]
        reader = READERS.get(name)
        paths = masks_of_all_splits(root, masks, IMAGE_SUFFIXES if reader is None else suffixes_of(reader))
        if reader is not None and reader.named:
            assert mask_format is not None
            names = with_background(labels_of(reader, paths, mask_format))
            self._note(f"{len(names)} classes found in {len(paths)} files: {some_of(names, 8)}")
            return names, None
        if self._mask_suffix is not None:
            paths = [path for path in paths if strip_end(path, self._mask_suffix) is not None]
        if mask_format is not None:
            valued = reader_of(mask_format, os.path.join(root, masks))
            paths = paths if valued is None else [MaskPath(path, "", valued) for path in paths]
        if not paths:
            raise DataError(f"{os.path.join(root, masks)}: no masks ({', '.join(IMAGE_SUFFIXES)}) to find classes in")
        found = find_classes(paths, options.ignore_index, bool(options.reduce_zero_label))
        if len(found.names) > IGNORE:
            raise LabelError(
                f"{masks}: {len(found.names)} values are too many to number by themselves; name the classes"
            )
        self._note(
            f"{len(found.names)} classes found in {found.files} masks: {some_of(found.names, 8)}"
            + (f"; label_map={found.label_map}" if found.label_map else "")
        )
        if found.question:
            self._note(found.question)
        return found.names, found.label_map

    def load_data_list(self) -> list[dict[str, Any]]:
        """Pair images and masks by name; problems of the pairing are DataErrors that name the files."""
        folder = self.data_prefix["img_path"]
        images = pictures(folder, "images")
        if self.mask_reader is not None:
            images = self._of_annotations(images, folder)
        masks = self.data_prefix.get("seg_map_path")
        end, other = self.suffixes
        shared = masks is not None and os.path.normpath(masks) == os.path.normpath(folder)
        if end is not None or (shared and other is not None):
            images = list(stems_by_end(images, end, other if shared else None, folder, "image").values())
        given: dict[str, str] = {}
        count = len(images)
        if self.split is not None:
            listed = images_of_split(images, self.split, folder, self.data_root or "", self.suffixes[0])
            images = [one.image for one in listed]
            given = {one.image: one.mask for one in listed if one.mask is not None}
        if masks is None or not (self._reads_masks() or os.path.isdir(masks)):
            return [{"img_path": os.path.join(folder, name)} for name in images]
        reader = self.mask_reader
        if reader is not None and not reader.suffixes:
            return self._placed(folder, images)
        names = pictures(masks, "masks", IMAGE_SUFFIXES if reader is None else reader.suffixes)
        if given and self.mask_reader is None:
            return self._given(folder, masks, images, given)
        pairing = pair_by_stem(images, names, folder, masks, self.suffixes, max(0, count - len(images)))
        if pairing.mask_affix != Affix() or pairing.image_affix != Affix():
            self._note(f"images are named {pairing.image_affix}, their masks {pairing.mask_affix}")
        if pairing.unused_masks and self.split is None:
            self._note(f"{len(pairing.unused_masks)} masks belong to no image: {some_of(pairing.unused_masks)}")
        images = join_all(folder, [image for image, _ in pairing.pairs])
        maps = join_all(masks, [mask for _, mask in pairing.pairs])
        return [{"img_path": image, "seg_map_path": label_map} for image, label_map in zip(images, maps, strict=True)]

    def _given(self, folder: str, masks: str, images: Sequence[str], given: Mapping[str, str]) -> list[dict[str, Any]]:
        """The pairs that a split file lists; masks are named from ``data_root``, or from their folder."""
        pairs, absent = [], []
        for image in images:
            mask = given.get(image, "")
            places = [os.path.join(self.data_root or "", mask), os.path.join(masks, mask)]
            places.append(os.path.join(masks, os.path.basename(mask)))
            found = next((place for place in places if mask and os.path.isfile(place)), None)
            if found is None:
                absent.append(f"{image}: {mask or 'no mask'}")
            else:
                pairs.append({"img_path": os.path.join(folder, image), "seg_map_path": os.path.normpath(found)})
        if absent:
            raise DataError(f"{self.split}: {len(absent)} of {len(images)} masks are not there: {some_of(absent)}")
        return pairs

    def _of_annotations(self, images: Sequence[str], folder: str) -> list[str]:
        """The images that the annotations are about."""
        assert self.mask_reader is not None
        chosen = pictures_of(self.mask_reader, images, folder)
        if self.mask_reader.lists_images and len(chosen) < len(images):
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
    """The images that a text file lists, in its order (`segue.datasets.split_files`)."""
    return [listed.image for listed in images_of_split(images, split, folder)]


def _suffix_advice(folder: str) -> str:
    ends = ends_in([name for name in walk_files(folder) if name.lower().endswith(IMAGE_SUFFIXES)])
    image, mask = ends or (".jpg", "_mask.png")
    return f"{', such as' if ends is None else ':'} image_suffix={image!r}, mask_suffix={mask!r}"
