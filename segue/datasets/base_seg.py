"""BaseSegDataset: images and label maps in two folders, paired by name."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from torch.utils.data import Dataset

from segue.datasets.mask_files import format_by_suffix, open_masks, pictures_in, pictures_of, places_of
from segue.datasets.metainfo import resolve_metainfo
from segue.datasets.options import USUAL, DatasetOptions, shared
from segue.datasets.probe import probe_binary_labels
from segue.datasets.sample_table import tabulated
from segue.datasets.scan import files_with_suffix, join_all, read_split, some_of, walk_files
from segue.datasets.split_files import pairs_hint, stems_of_list
from segue.errors import DataError, InputError
from segue.masks.labels import IGNORE, check_label_map
from segue.masks.names import Names
from segue.masks.path import MaskPath
from segue.masks.reader import MaskReader
from segue.packs import Pack, PackRoot
from segue.transforms.arguments import local_files_only
from segue.transforms.compose import Compose
from segue.types import Sample


class BaseSegDataset(Dataset[Any]):
    """Images with one label map each.

    With ``ann_file`` its lines are stems: ``img_path/<stem><img_suffix>`` with ``seg_map_path/<stem><seg_map_suffix>``.
    Without, all files below ``img_path`` that end with ``img_suffix`` are taken, sorted by path.

    A subclass sets ``METAINFO = dict(classes=..., palette=...)`` and, where they differ from the base,
    ``IMG_SUFFIX``, ``SEG_MAP_SUFFIX``, ``REDUCE_ZERO_LABEL`` and ``IGNORE_INDEX``.

    Samples carry ``ignore_index`` 255 where there is no label, whatever value the files use, so that heads, losses and
    metrics need no setting. Only datasets of more than 255 classes carry their own value.

    Args:
        ann_file: text file of stems; empty for all files.
        img_suffix: end of the image names; None takes the class's.
        seg_map_suffix: end of the label map names; None takes the class's.
        metainfo: ``classes`` (names or a text file of them) chooses and orders classes; ``palette`` their colours.
        data_root: folder that relative paths start from.
        data_prefix: ``img_path`` and ``seg_map_path``, folders.
        filter: kept for `filter_data` of subclasses.
        options: see `DatasetOptions`; its fields may be given as keywords, too. ``mask_format`` is seen by default from
            ``seg_map_suffix`` (.json ...) or from a file in the place of the folder ``seg_map_path``.
        img_suffix2: of datasets of two images a sample: end of the second ones' names; None takes the class's.
    """

    METAINFO: ClassVar[Mapping[str, Any]] = {}
    IMG_SUFFIX: ClassVar[str] = ".jpg"
    SEG_MAP_SUFFIX: ClassVar[str] = ".png"
    REDUCE_ZERO_LABEL: ClassVar[bool] = False
    IGNORE_INDEX: ClassVar[int] = IGNORE
    #: Of datasets of two images a sample (`BaseCDDataset`): the end of the second ones' names.
    IMG_SUFFIX2: ClassVar[str | None] = None
    #: Options that say nothing about datasets of this kind, so they are refused.
    UNFIT: ClassVar[Sequence[str]] = ()

    @shared
    def __init__(
        self,
        ann_file: str | None = "",
        img_suffix: str | None = None,
        seg_map_suffix: str | None = None,
        metainfo: Mapping[str, Any] | None = None,
        data_root: str | None = None,
        data_prefix: Mapping[str, str | None] | None = None,
        filter: Mapping[str, Any] | None = None,
        options: DatasetOptions = USUAL,
        img_suffix2: str | None = None,
    ) -> None:
        name = type(self).__name__
        local_files_only(self, backend_args=options.backend_args)
        if unfit := [key for key in self.UNFIT if getattr(options, key) is not None]:
            raise InputError(f"{name}: {unfit[0]} has no meaning for a dataset of this kind; leave it out")
        if self.IMG_SUFFIX2 is None and img_suffix2 is not None:
            raise InputError(f"{name}: a sample has one image; img_suffix2 is for BaseCDDataset and its kin")
        self.options = options
        self.img_suffix2 = self.IMG_SUFFIX2 if img_suffix2 is None else img_suffix2
        self.img_suffix = self.IMG_SUFFIX if img_suffix is None else img_suffix
        self.seg_map_suffix = self.SEG_MAP_SUFFIX if seg_map_suffix is None else seg_map_suffix
        zero, void = options.reduce_zero_label, options.ignore_index
        self.reduce_zero_label = self.REDUCE_ZERO_LABEL if zero is None else zero
        self.data_root = data_root
        keys = ("img_path", "seg_map_path") if self.img_suffix2 is None else ("img_path", "img_path2", "seg_map_path")
        prefix = dict.fromkeys(keys, "") if data_prefix is None else data_prefix
        self.data_prefix = {key: self._join(value) for key, value in prefix.items() if value is not None}
        self.ann_file = self._join(ann_file) if ann_file else ""
        self.filter = filter
        self.indices = options.indices
        self.test_mode = options.test_mode
        self.max_refetch = options.max_refetch
        self.serialize_data = options.serialize_data
        self.mask_format = options.mask_format
        self.pack = None if options.pack is None else PackRoot(Pack(options.pack), data_root or "")
        self.mask_reader: MaskReader | None = None
        self.void_given = void is not None
        self._set_classes(metainfo, self.IGNORE_INDEX if void is None else void, options.label_map)
        if self.test_mode and self._meta.classes is None:
            raise InputError(f"{name}: needs classes to test: metainfo=dict(classes=('road', ...))")
        self.pipeline = Compose(options.pipeline)
        self.data_list: Sequence[dict[str, Any]] = []
        self._ready = False
        if not options.lazy_init:
            self.full_init()

    def _set_classes(
        self, metainfo: Mapping[str, Any] | None, ignore_index: int, label_map: Mapping[int, int] | None
    ) -> None:
        """Settle class names, and which values of the files mean what."""
        name = type(self).__name__
        classes = resolve_metainfo(name, self.METAINFO, metainfo).classes
        many = classes is not None and len(classes) > IGNORE
        if many and 0 <= ignore_index < len(classes or ()):
            raise InputError(
                f"{name}: ignore_index={ignore_index} is one of the {len(classes or ())} classes; choose another value"
            )
        self.void = ignore_index
        self.ignore_index = ignore_index if many else IGNORE
        self._meta = resolve_metainfo(name, self.METAINFO, metainfo, self.ignore_index)
        if label_map is not None and self._meta.label_map is not None:
            raise InputError(f"{name}: label_map and a choice of classes in metainfo cannot be combined")
        num_classes = None if self._meta.classes is None else len(self._meta.classes)
        self.label_map = (
            self._meta.label_map if label_map is None else check_label_map(label_map, num_classes, self.ignore_index)
        )

    @property
    def num_classes(self) -> int | None:
        """Number of classes, if they are named."""
        return None if self._meta.classes is None else len(self._meta.classes)

    @property
    def metainfo(self) -> dict[str, Any]:
        """``classes``, ``palette``, ``label_map``, ``reduce_zero_label`` and whatever else METAINFO holds."""
        return {
            **copy.deepcopy(self._meta.more),
            "classes": self._meta.classes,
            "palette": copy.deepcopy(self._meta.palette),
            "label_map": None if self.label_map is None else dict(self.label_map),
            "reduce_zero_label": self.reduce_zero_label,
        }

    def full_init(self) -> None:
        """Find the files, once; everything that is wrong with them is reported here, before any training."""
        if self._ready:
            return
        self._open_masks()
        self.data_list = self.load_data_list()
        self.data_list = self._chosen(self.filter_data())
        if not self.data_list:
            raise DataError(f"{type(self).__name__}: no samples are left after filtering")
        if self.serialize_data:
            self.data_list = tabulated(self.data_list)
        if self._reads_masks():
            self.probe()
        self._ready = True

    def probe(self) -> None:
        """Look for mistakes that no label map shows by itself."""
        if self.num_classes == 2:
            probe_binary_labels(self.get_data_info(i) for i in range(len(self.data_list)))

    def load_data_list(self) -> list[dict[str, Any]]:
        """One dict per sample with ``img_path`` and, if there is a folder of label maps, ``seg_map_path``.

        Override it for another layout; other keys are passed on to the pipeline.
        """
        images = self.data_prefix.get("img_path", "")
        masks = self.data_prefix.get("seg_map_path")
        if self.ann_file and not os.path.isdir(self.ann_file):
            lines, there = read_split(self.ann_file), set(walk_files(images))
            stems = stems_of_list(lines, there, self.img_suffix)
            what = f"images of {self.ann_file}{pairs_hint(lines)}"
            self._require(images, [stem + self.img_suffix for stem in stems], what, there)
        elif self.mask_reader is not None and self.mask_reader.lists_images:
            return self._placed(images, pictures_of(self.mask_reader, pictures_in(images), images))
        else:
            names = files_with_suffix(images, self.img_suffix, "images")
            stems = [name[: len(name) - len(self.img_suffix)] for name in names]
        pictures = join_all(images, stems, self.img_suffix)
        if masks is None:
            return [{"img_path": picture} for picture in pictures]
        if self.mask_reader is not None and not self.mask_reader.suffixes:
            return self._placed(images, [stem + self.img_suffix for stem in stems])
        if self._reads_masks():
            self._require(masks, [stem + self.seg_map_suffix for stem in stems], "label maps")
        maps = join_all(masks, stems, self.seg_map_suffix)
        return [
            {"img_path": picture, "seg_map_path": label_map} for picture, label_map in zip(pictures, maps, strict=True)
        ]

    def filter_data(self) -> Sequence[dict[str, Any]]:
        """The samples to keep; all of them unless a subclass says otherwise."""
        return self.data_list

    def get_data_info(self, index: int) -> Sample:
        """What the pipeline starts from: paths, and how to read the labels."""
        info = dict(self.data_list[index])
        if self.mask_reader is not None and "seg_map_path" in info:
            info["seg_map_path"] = self.mask_path(info["seg_map_path"], info["img_path"])
        return {
            **info,
            "label_map": self.label_map,
            "reduce_zero_label": self.reduce_zero_label,
            "num_classes": self.num_classes,
            "void": self.void,
            "ignore_index": self.ignore_index,
            "seg_fields": [],
            **({} if self.pack is None else {"pack": self.pack}),
        }

    def mask_path(self, place: str, image: str) -> str:
        """The path of a label map as whoever reads it needs it."""
        return place if self.mask_reader is None else MaskPath(place, image, self.mask_reader)

    def __len__(self) -> int:
        self.full_init()
        return len(self.data_list)

    def __getitem__(self, index: int) -> Any:
        self.full_init()
        if not -len(self.data_list) <= index < len(self.data_list):
            raise IndexError(f"{type(self).__name__} has {len(self.data_list)} samples, no sample {index}")
        for _ in range(self.max_refetch + 1):
            sample = self.prepare_data(index)
            if sample is not None:
                return sample
            if self.test_mode:
                raise DataError(f"{self.data_list[index].get('img_path')}: dropped by the pipeline, in a test")
            index = self._rand_another()
        raise DataError(f"{type(self).__name__}: the pipeline dropped {self.max_refetch + 1} samples in a row")

    def prepare_data(self, index: int) -> Any:
        """A sample after the pipeline, or None if that drops it."""
        return self.pipeline(self.get_data_info(index))

    def _rand_another(self) -> int:
        """The sample that stands in for one that was dropped."""
        return int(np.random.randint(len(self.data_list)))

    def _join(self, path: str) -> str:
        if self.data_root and path == ".":
            return self.data_root
        return os.path.join(self.data_root, path) if self.data_root else path

    def _reads_masks(self) -> bool:
        """Whether the pipeline will want label maps; a dataset for prediction only has none.

        Its folder of label maps may then be one that a config inherited, and that is not there. Steps of the user's
        own may read labels under any name, and so may who reads samples without a pipeline.
        """
        if "seg_map_path" not in self.data_prefix:
            return False
        steps = list(self.pipeline.transforms)
        steps += [inner for step in steps for view in getattr(step, "views", ()) for inner in view.transforms]
        if any("Load" in (name := type(step).__name__) and "Annotation" in name for step in steps):
            return True
        own = not steps or any(not type(step).__module__.startswith("segue.") for step in steps)
        return own and not self.test_mode

    def _open_masks(self) -> None:
        """Find out who reads the label maps, if they are no pictures."""
        masks = self.data_prefix.get("seg_map_path")
        mask_format = self.mask_format
        if masks is None or not self._reads_masks():
            return
        if mask_format is None:
            mask_format = format_by_suffix(masks, self.seg_map_suffix)
        if mask_format is None:
            return
        names, chosen = None, self._meta.classes
        if chosen is not None:
            left_out = frozenset(self.METAINFO.get("classes") or ()) - set(chosen)
            palette = tuple((color[0], color[1], color[2]) for color in self._meta.palette)
            names = Names(chosen, self.void, left_out, palette=palette)
        given = self.label_map is not None and self._meta.label_map is None
        self.mask_reader = open_masks(type(self).__name__, mask_format, masks, names, label_map=given)
        if self.mask_reader is not None and self.mask_reader.named:  # it gives ids of the classes in use
            self.label_map, self.reduce_zero_label = None, False

    def _placed(self, folder: str, images: Sequence[str]) -> list[dict[str, Any]]:
        """Samples of a format that finds the label maps by itself."""
        assert self.mask_reader is not None
        places = places_of(self.mask_reader, images)
        return [
            {"img_path": os.path.join(folder, image), "seg_map_path": place}
            for image, place in zip(images, places, strict=True)
        ]

    def _require(self, folder: str, names: Sequence[str], what: str, there: set[str] | None = None) -> None:
        there = set(walk_files(folder)) if there is None else there
        absent = [name for name in names if name not in there and os.path.normpath(name) not in there]
        if absent:
            raise DataError(
                f"{folder}: {len(absent)} of {len(names)} {what} are missing: {some_of(absent)}; the folder has "
                f"{len(there)} files{', such as ' + some_of(sorted(there), 2) if there else ''}"
            )

    def _chosen(self, data: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        if self.indices is None:
            return data
        if isinstance(self.indices, int):
            return data[: self.indices] if self.indices >= 0 else data[self.indices :]
        wrong = [index for index in self.indices if not -len(data) <= index < len(data)]
        if wrong:
            raise InputError(
                f"{type(self).__name__}: indices {some_of([str(i) for i in wrong])}: only {len(data)} samples"
            )
        return [data[index] for index in self.indices]
