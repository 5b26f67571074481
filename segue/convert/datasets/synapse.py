"""Synapse (BTCV): 30 abdominal CT scans, sliced; eight organs, after TransUNet (https://arxiv.org/abs/2102.04306)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import cv2
import numpy as np

from segue.convert.dataset import Converter, Plan
from segue.convert.members import Member
from segue.convert.pictures import Array, png
from segue.errors import DataError
from segue.images.volumes import channels_first, read_volume

#: TransUNet's splits, where train.txt and val.txt are not there.
SPLITS = {
    "train": (5, 6, 7, 9, 10, 21, 23, 24, 26, 27, 28, 30, 31, 33, 34, 37, 39, 40),
    "val": (1, 2, 3, 4, 8, 22, 25, 29, 32, 35, 36, 38),
}
#: Organ of a label; the organs that are not listed become background.
IDS = {8: 1, 4: 2, 3: 3, 2: 4, 6: 5, 11: 6, 1: 7, 7: 8}
_LOW, _HIGH = -125, 275  # Hounsfield units that are shown


def plan(plan: Plan) -> None:
    """A picture and a label map for each slice."""
    scans = plan.by_name(plan.find("scans", "img/img*.nii"), lambda member: member.stem[len("img") :])
    labels = plan.by_name(plan.find("labels", "label/label*.nii"), lambda member: member.stem[len("label") :])
    splits = {f"{n:04}": split for split, numbers in SPLITS.items() for n in numbers if f"{n:04}" in scans}
    lists = [(split, plan.find(f"{split}.txt", f"{split}.txt", optional=True)) for split in ("train", "val")]
    if any(found for _, found in lists):
        splits = {}
        for split, found in lists:
            for listing in found:
                for name in re.findall(r"\d{4}", listing.text()):
                    plan.listed(scans, name, listing)
                    splits[name] = split
    plan.expect(30, len(splits), "scans")
    left_out = sorted(key for key in scans if key not in splits)
    if left_out:
        plan.notes.append(f"scans of neither split are left out: {', '.join(left_out)}")
    used, labeled = ({key: found[key] for key in splits if key in found} for found in (scans, labels))
    for key, scan, label in plan.pairs(used, labeled, "label"):
        split = splits[key]
        plan.files(f"img_dir/{split}/case{key}", partial(_pictures, f"img_dir/{split}/case{key}", scan))
        plan.files(f"ann_dir/{split}/case{key}", partial(_labels, f"ann_dir/{split}/case{key}", label))


def _slices(member: Member) -> Array:
    """(slices, X, Y), as published: the first axis of the file runs down, the second from right to left."""
    with member.local() as path:
        volume = channels_first(read_volume(path), "nifti", member.where)
    if len(volume) != 1:
        raise DataError(f"{member.where}: a scan has one channel, this one has {len(volume)}")
    turned: Array = volume[0].transpose(0, 2, 1)[..., ::-1]
    return turned


def _pictures(name: str, member: Member) -> Iterator[tuple[str, bytes]]:
    gray = (np.clip(_slices(member), _LOW, _HIGH) - _LOW) / (_HIGH - _LOW) * 255
    for number, part in enumerate(gray.astype(np.uint8)):
        yield f"{name}_slice{number:03}.jpg", cv2.imencode(".jpg", np.ascontiguousarray(part))[1].tobytes()


def _labels(name: str, member: Member) -> Iterator[tuple[str, bytes]]:
    stored = _slices(member)
    organs = np.zeros(stored.shape, np.uint8)
    for value, organ in IDS.items():
        organs[stored == value] = organ
    for number, part in enumerate(organs):
        yield f"{name}_slice{number:03}.png", png(part)


CONVERTER = Converter(
    title="Synapse",
    dataset="SynapseDataset",
    page="https://www.synapse.org/Synapse:syn3193805",
    download="RawData.zip (Training), and train.txt and val.txt if not by TransUNet's split",
    layout="img/img0001.nii.gz, label/label0001.nii.gz ...",
    makes="{img_dir,ann_dir}/{train,val}: case0005_slice000 ..., 18 and 12 scans, labels 0..8",
    folder="synapse",
    plan=plan,
    also=("BTCV",),
)
