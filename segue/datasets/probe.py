"""A look at the masks of a binary dataset before training.

In masks of 0 and 255 the 255 reads as "ignore", so each file is valid for itself and training would only ever see class
0. The mistake shows in the whole: not one mask has a pixel of class 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from segue.errors import LabelError
from segue.masks.decode import read_mask
from segue.masks.labels import label_counts, remap_labels
from segue.types import Sample


def probe_binary_labels(infos: Iterable[Sample]) -> None:
    """Raise LabelError if no mask of a two-class dataset has class 1 and the reason is plain.

    Usually the first mask or two decide; all are read only where the dataset is indeed suspicious.

    Args:
        infos: what ``get_data_info`` gives for every sample.
    """
    before: Counter[int] = Counter()
    settings: Sample = {}
    files = 0
    for info in infos:
        settings = settings or info
        files += 1
        mask = read_mask(info["seg_map_path"])
        before.update(label_counts(mask))
        after = remap_labels(
            mask,
            void=info["void"],
            ignore_index=info["ignore_index"],
            reduce_zero_label=info["reduce_zero_label"],
            label_map=info["label_map"],
        )
        if set(label_counts(after)) - {0, info["ignore_index"]}:
            return  # class 1, or a value that LoadAnnotations will refuse with its own message
    first = settings["seg_map_path"]
    values = ", ".join(f"{value} ({count} pixels)" for value, count in sorted(before.items()))
    if set(before) == {0, 255} and not settings["label_map"]:
        raise LabelError(
            f"{first} and all other masks ({files}) hold only {values}, and 255 means ignore: class 1 would never "
            "be seen. For masks of 0 and 255 set label_map={0: 0, 255: 1} on the dataset"
            + (" and reduce_zero_label=False" if settings["reduce_zero_label"] else "")
        )
    if settings["reduce_zero_label"] and max(before) <= 1:
        raise LabelError(
            f"{first} and all other masks ({files}) hold only {values}, and reduce_zero_label=True turns 0 into "
            "ignore and 1 into class 0: class 1 would never be seen. Set reduce_zero_label=False on the dataset"
        )
