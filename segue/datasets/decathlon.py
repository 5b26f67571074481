"""Medical Segmentation Decathlon: ten tasks of volumes, each described by a dataset.json.

http://medicaldecathlon.com
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.options import USUAL, DatasetOptions, shared
from segue.datasets.scan import some_of
from segue.errors import DataError, InputError
from segue.images.limits import check_file


class DecathlonDataset(BaseSegDataset):
    """The ``training`` list of dataset.json, or its ``test`` list in test mode, which has no labels.

    Classes are the file's ``labels`` in the order of their ids, unless ``metainfo`` chooses among them; the file's
    other entries (``modality`` ...) are part of `metainfo`.

    Args:
        ann_file: dataset.json.
        metainfo: ``classes`` and ``palette``.
        data_root: folder that the paths start from.
        options: see `DatasetOptions`; dataset.json is read at once in any case, since it names the classes.
    """

    UNFIT = ("mask_format", "pack")

    @shared
    def __init__(
        self,
        ann_file: str = "dataset.json",
        metainfo: Mapping[str, Any] | None = None,
        data_root: str | None = None,
        options: DatasetOptions = USUAL,
    ) -> None:
        if not ann_file:
            raise InputError("DecathlonDataset: ann_file is missing; name the task's dataset.json")
        path = Path(data_root or "") / ann_file
        self._description = _read(path)
        labels = self._description["labels"]
        more = {key: value for key, value in self._description.items() if key not in ("training", "test", "labels")}
        self.METAINFO = {**more, "classes": [labels[key] for key in sorted(labels, key=int)]}  # type: ignore[misc]
        super().__init__(
            ann_file=ann_file,
            metainfo=metainfo,
            data_root=data_root,
            data_prefix={"img_path": "", "seg_map_path": ""},
            options=options,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """The listed files, which must exist."""
        entries = self._description["test" if self.test_mode else "training"]
        data = []
        for entry in entries:
            names = {"img_path": entry["image"], "seg_map_path": entry["label"]} if isinstance(entry, dict) else entry
            paths = names if isinstance(names, dict) else {"img_path": names}
            data.append({key: self._join(os.path.normpath(name)) for key, name in paths.items()})
        absent = [path for info in data for path in info.values() if not os.path.isfile(path)]
        if absent:
            raise DataError(f"{self.ann_file}: {len(absent)} of its files are missing: {some_of(absent)}")
        return data

    def _reads_masks(self) -> bool:
        return False  # not as pictures


def _read(path: Path) -> dict[str, Any]:
    check_file(path)
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: the file does not exist; it is the dataset.json of a task") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a JSON file: {error}") from error
    lacking = [key for key in ("labels", "training", "test") if not isinstance(content, dict) or key not in content]
    if lacking:
        raise DataError(f"{path}: lacks {', '.join(lacking)}; a Decathlon dataset.json has labels, training and test")
    return content
