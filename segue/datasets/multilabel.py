"""MultilabelDataset: images whose pixels may have several classes at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.find_stacks import FoundStacks, find_stacks, folders_of_other_splits
from segue.datasets.folder import of_split, pictures
from segue.datasets.metainfo import read_names
from segue.datasets.options import USUAL, DatasetOptions, shared
from segue.datasets.scan import some_of
from segue.errors import DataError, InputError, LabelError
from segue.masks.labels import IGNORE
from segue.masks.stacks import StackFiles, Storage, check_stack_map, read_channels

_STORAGE: dict[str, Storage] = {"folders": "classes", "suffixes": "classes", "channels": "channels", "bits": "bits"}


class MultilabelDataset(BaseSegDataset):
    """Images, and for each a mask per class, which may overlap; for ``labels = dict(kind='multilabel')``.

    ``dict(type='MultilabelDataset', data_root='data/mine', images='images/train', masks='masks/train')`` is complete
    where the masks are ``masks/train/<class>/<image>.png`` or ``masks/train/<image>_<class>.png``: 0 is no, 1 and 255
    are yes. A file with a channel per class (PNG, TIFF or .npy, (H, W, K)), or whose bits are the classes, needs
    ``classes``. Samples carry ``gt_seg_map`` (H, W, K) of 0, 1, and 255 for unknown.

    Args:
        data_root: folder that relative paths start from.
        images: folder of images.
        masks: folder of masks; None for images without.
        classes: names in the order of the ids, or a text file with one per line. None takes ``classes.txt`` in
            ``data_root`` if there is one, and else the names of the folders or endings in all splits, sorted.
        palette: RGB colours of the classes.
        layout: ``folders``, ``suffixes``, ``channels`` or ``bits``; None finds out, but for ``bits``.
        missing: what it means that an image lacks the mask of a class: ``error``; ``absent``: no pixel has the class;
            ``ignore``: nobody has looked, and the class is neither trained nor measured there.
        split: text file of the names to use, without or with suffix, one per line.
        options: see `DatasetOptions`, with another meaning of two: ``ignore_index`` is the value of unknown pixels
            (None: there are none), ``label_map`` {value in a class's mask: 0, 1, or 255 for unknown}.
    """

    MULTILABEL: ClassVar[bool] = True
    UNFIT = ("reduce_zero_label", "mask_format", "pack")

    @shared
    def __init__(
        self,
        data_root: str | None = None,
        images: str = "images",
        masks: str | None = "masks",
        classes: Sequence[str] | str | None = None,
        palette: Sequence[Sequence[int]] | None = None,
        layout: str | None = None,
        missing: Literal["error", "absent", "ignore"] = "error",
        split: str | None = None,
        options: DatasetOptions = USUAL,
    ) -> None:
        if missing not in ("error", "absent", "ignore"):
            raise InputError(f"MultilabelDataset: missing must be 'error', 'absent' or 'ignore', got {missing!r}")
        root = data_root or ""
        self.layout = layout
        self.missing = missing
        self.split = None if split is None else os.path.join(root, split)
        self.stack_void = options.ignore_index
        self.unused: list[str] = []
        self.stack_map = None if options.label_map is None else check_stack_map(options.label_map)
        if self.stack_map and layout == "bits":
            raise InputError("MultilabelDataset: layout='bits' has no values to map; leave out label_map")
        super().__init__(
            metainfo={"classes": self._named(root, images, masks, classes), "palette": palette},
            data_root=data_root,
            data_prefix={"img_path": images, "seg_map_path": masks},
            options=replace(options, ignore_index=None, label_map=None),
        )

    @property
    def metainfo(self) -> dict[str, Any]:
        """As of any dataset, and ``multilabel``."""
        return {**super().metainfo, "multilabel": True}

    def _named(
        self, root: str, images: str, masks: str | None, classes: Sequence[str] | str | None
    ) -> Sequence[str] | None:
        """The names, from whatever is given."""
        listed = os.path.join(root, classes if isinstance(classes, str) else "classes.txt")
        if isinstance(classes, str) or (classes is None and os.path.isfile(listed)):
            return read_names(listed)
        if classes is not None or masks is None:
            return classes
        stems = stems_of(pictures(os.path.join(root, images), "images"))
        found = find_stacks(os.path.join(root, masks), stems, None, self.layout)
        if found.classes is None and found.layout == "channels":
            path = next(iter(found.files.values()))[""]
            return tuple(f"class_{i}" for i in range(read_channels(path).shape[2]))
        if found.classes is None:
            raise InputError("MultilabelDataset: bits do not tell how many classes there are; name them in classes")
        others: set[str] = set()
        for near_images, near_masks in folders_of_other_splits(root, images, masks):
            try:
                stems = stems_of(pictures(near_images, "images"))
                others.update(find_stacks(near_masks, stems, None, found.layout).classes or ())
            except DataError:
                continue  # the dataset of that split says what is wrong there
        return sorted(others.union(found.classes))

    def load_data_list(self) -> list[dict[str, Any]]:
        """One dict per image with its `StackFiles`; a class without a file is a DataError, unless ``missing`` says
        what that means.
        """
        folder, masks = self.data_prefix["img_path"], self.data_prefix.get("seg_map_path")
        if masks is None or not (self._reads_masks() or os.path.isdir(masks)):
            return [{"img_path": os.path.join(folder, name)} for name in self.image_names()]
        pairs = self.stacks()
        lacking = [
            f"{os.path.relpath(image, folder)} ({name})"
            for image, files in pairs
            for name, path in zip(self._meta.classes or (), files.files, strict=False)
            if path is None
        ]
        if lacking and self.missing == "error":
            raise DataError(
                f"{masks}: {len(lacking)} masks of {len(pairs)} images are missing: {some_of(lacking)}. If no pixel "
                "there has the class, set missing='absent' on the dataset; if nobody has looked, missing='ignore'"
            )
        return [
            {"img_path": image, "seg_map_path": files.shown or masks, "stack_files": files} for image, files in pairs
        ]

    def get_cat_ids(self, index: int) -> list[int]:
        """The classes of a sample, read from its masks."""
        files: StackFiles = self.get_data_info(index)["stack_files"]
        stack = files.read(self.num_classes or 0, (1, 1))
        return [int(k) for k in (stack == 1).any(axis=(0, 1)).nonzero()[0]]

    def image_names(self) -> list[str]:
        """The images, relative to their folder."""
        folder = self.data_prefix["img_path"]
        images = pictures(folder, "images")
        return images if self.split is None else of_split(images, self.split, folder)

    def stacks(self) -> list[tuple[str, StackFiles]]:
        """Each image with the files of its masks, whatever is missing among them."""
        folder, images = self.data_prefix["img_path"], self.image_names()
        found = find_stacks(self.data_prefix["seg_map_path"], stems_of(images), self._meta.classes, self.layout)
        self.unused = found.unused
        stems = zip(images, stems_of(images), strict=True)
        return [(os.path.join(folder, name), self._files(found, stem)) for name, stem in stems]

    def _files(self, found: FoundStacks, stem: str) -> StackFiles:
        own = found.files.get(stem, {})
        absent = IGNORE if self.missing == "ignore" else 0
        rules = (self.stack_void, self.stack_map, absent)
        storage = _STORAGE[found.layout]
        if own and storage != "classes":
            return StackFiles((own[""],), storage, *rules)
        return StackFiles(tuple(own.get(name) for name in self._meta.classes or ()), "classes", *rules)

    def probe(self) -> None:
        """Refuse masks of 0 and 255 where 255 is said to be unknown: each is valid for itself, and no class is seen."""
        if self.stack_void != IGNORE:
            return
        for info in self.data_list:
            files: StackFiles = info["stack_files"]
            size = None if any(files.files) else (1, 1)
            if (files.read(self.num_classes or 0, size) == 1).any():
                return
        raise LabelError(
            f"{self.data_list[0]['seg_map_path']} and all other masks ({len(self.data_list)} images): with "
            "ignore_index=255 no pixel has a class. If 255 means yes, leave ignore_index out"
        )


def stems_of(names: Sequence[str]) -> list[str]:
    """Names without their suffixes."""
    return [os.path.splitext(name)[0] for name in names]
