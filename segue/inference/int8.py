"""From a predictor, images and labels to an int8 file with what it loses."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from segue.config.nodes import dataset_nodes
from segue.doctor.rules import Rules
from segue.doctor.sources import built_with, rules_of
from segue.errors import InputError, SegueError
from segue.export.make import Exported, Options
from segue.export.quantized import UNKNOWN, Calibration, Truth
from segue.export.quantized import export_int8 as export_rounded
from segue.inference.exported import check_describable, facts_of, generated_cases, own_size, user_case
from segue.inference.inputs import find_images
from segue.inference.predictor import Predictor
from segue.masks.decode import read_mask
from segue.masks.labels import label_counts

MOST = 64  # images that ranges are measured on, and as many that the loss is measured on
LOSS = {True: 0.5, False: 1.0}  # points of mIoU with labels, percent of pixels without


def export_int8(
    predictor: Predictor,
    target: str,
    out: str | Path,
    *,
    calibrate: Sequence[str | Path],
    images: Sequence[str | Path] = (),
    labels: str | Path | None = None,
    most: float | None = None,
    size: tuple[int, int] | None = None,
    options: Options | None = None,
) -> Exported:
    """Write an int8 file and keep it under its name only if it loses little.

    Args:
        predictor: the model with its pipeline, on the processor.
        target: ``onnx`` or ``openvino``.
        out: the file.
        calibrate: files and folders whose images set the ranges of the model's values; the first 64 are taken.
        images: files and folders to measure the loss on; by default those of ``calibrate``.
        labels: folder with a label map for each of these, of the same stem or the name that the config's test dataset
            gives it, whose values mean what they mean there (`label_files`).
        most: largest loss: points of mIoU with ``labels`` (0.5), else percent of the pixels (1).
        size, options: of `segue.inference.exported.export`.

    Raises:
        InputError, MissingExtraError: it cannot be exported.
    """
    check_describable(predictor.model)
    if not calibrate:
        raise InputError("--int8 needs --calibrate IMAGES: the ranges of a model's values are measured on them")
    most = LOSS[labels is not None] if most is None else most
    if not 0 <= most <= 100:
        raise InputError(f"--max-loss {most:g}: from 0 to 100")
    feeds = {path: user_case(predictor, path) for path in find_images(calibrate)[:MOST]}
    seen = find_images(images)[:MOST] if images else list(feeds)
    cases = [feeds[path] if path in feeds else user_case(predictor, path) for path in seen]
    maps = None if labels is None else label_files(predictor, Path(labels))
    truths = [Truth(case, None if maps is None else maps.read(path, (case.images.shape[-2], case.images.shape[-1])))
              for case, path in zip(cases, seen, strict=True)]  # fmt: skip
    size = own_size(predictor, cases) if size is None else size
    generated = generated_cases(predictor, size)
    how = Calibration(list(feeds.values()), truths, most)
    return export_rounded(predictor.model, target, Path(out), generated, facts_of(predictor), options or Options(), how)


@dataclass(frozen=True)
class LabelFiles:
    """Label maps of images, whose values are read as those of the config's test dataset are.

    Attributes:
        folder: where they lie.
        rules: what their values mean.
        ends: of the names of an image and its label map, as the dataset has them.
    """

    folder: Path
    rules: Rules
    ends: tuple[str, str] = ("", "")

    def read(self, image: Path, size: tuple[int, int]) -> np.ndarray:
        """The label map of an image at the size of the network's input, (H, W) class ids, UNKNOWN where there is none.

        Raises:
            InputError: there is none, or a value that is no class.
        """
        file = self._file(image)
        values = read_mask(file)
        counts = label_counts(values)
        ids, count = self.rules.ids(counts), self.rules.num_classes or 2
        if wrong := self.rules.wrong(counts):
            void = ", ".join(map(str, sorted({self.rules.void, self.rules.ignore_index})))
            raise InputError(f"{file}: labels {wrong[:5]}, but the classes are 0 to {count - 1} ({void}: no label)")
        known = {value: UNKNOWN if new == self.rules.ignore_index else new for value, new in ids.items()}
        own, places = np.unique(values, return_inverse=True)
        found = np.array([known[int(value)] for value in own], np.int16)[places.reshape(values.shape)]
        return cv2.resize(found, size[::-1], interpolation=cv2.INTER_NEAREST).astype(np.int32)

    def _file(self, image: Path) -> Path:
        start, end = self.ends
        named = self.folder / (image.name.removesuffix(start) + end)
        if end and image.name.endswith(start) and named.is_file():
            return named
        found = sorted(path for path in self.folder.glob("*") if path.stem == image.stem and path.is_file())
        if not found:
            also = f" or {named.name}" if end and image.name.endswith(start) and named.stem != image.stem else ""
            raise InputError(f"--labels {self.folder}: no label map for {image.name}, that is {image.stem}.png{also}")
        return found[0]


def label_files(predictor: Predictor, folder: Path) -> LabelFiles:
    """Those in a folder, by the rules of the config's test dataset: CamVid's 11, ADE20K's 0 and the like have no label.

    A config without one, as a model's weights alone may bring, leaves class ids, with 255 for no label.
    """
    names = tuple(predictor.classes) if len(predictor.classes) > 1 else ("background", *predictor.classes)
    plain = Rules(names)
    for split in ("test", "val"):
        key = f"{split}_dataloader.dataset"
        for place, _ in dataset_nodes((predictor.cfg.get(f"{split}_dataloader") or {}).get("dataset"), key):
            try:
                dataset = built_with(predictor.cfg, place, {})
            except SegueError as error:  # one that looks into its files, which are elsewhere, or a class that is
                logging.getLogger("segue").warning(
                    "--labels: read as class ids, 255 for no label: the rules of %s cannot be had (%s)", place, error
                )
                return LabelFiles(folder, plain)
            rules = replace(rules_of(dataset), classes=names)
            return LabelFiles(
                folder, rules, (getattr(dataset, "img_suffix", ""), getattr(dataset, "seg_map_suffix", ""))
            )
    return LabelFiles(folder, plain)
