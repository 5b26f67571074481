"""From a predictor, images and labels to an int8 file with what it loses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from segue.errors import InputError
from segue.export.make import Case, Exported, Options
from segue.export.quantized import Calibration, Truth
from segue.export.quantized import export_int8 as export_rounded
from segue.inference.exported import check_describable, facts_of, generated_cases, own_size, user_case
from segue.inference.inputs import find_images
from segue.inference.predictor import Predictor
from segue.masks.decode import read_mask
from segue.masks.labels import IGNORE

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
        labels: folder with a label map of class ids for each of these, of the same stem; 255 has no label.
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
    truths = [Truth(case, None if labels is None else label_map(predictor, case, path, Path(labels)))
              for case, path in zip(cases, seen, strict=True)]  # fmt: skip
    size = own_size(predictor, cases) if size is None else size
    generated = generated_cases(predictor, size)
    how = Calibration(list(feeds.values()), truths, most)
    return export_rounded(predictor.model, target, Path(out), generated, facts_of(predictor), options or Options(), how)


def label_map(predictor: Predictor, case: Case, image: Path, folder: Path) -> np.ndarray:
    """The label map of an image at the size of the network's input, (H, W).

    Raises:
        InputError: there is none, or it has another size or other ids.
    """
    found = sorted(path for path in folder.glob("*") if path.stem == image.stem and path.is_file())
    if not found:
        raise InputError(f"--labels {folder}: no label map for {image.name}, that is {image.stem}.png")
    labels = read_mask(found[0]).astype(np.int32)
    count = max(len(predictor.classes), 2)
    if wrong := sorted(set(np.unique(labels[labels != IGNORE]).tolist()) - set(range(count))):
        raise InputError(f"{found[0]}: labels {wrong[:5]}, but the model has classes 0 to {count - 1} (255: no label)")
    height, width = case.images.shape[-2:]
    return cv2.resize(labels.astype(np.uint16), (width, height), interpolation=cv2.INTER_NEAREST).astype(np.int32)
