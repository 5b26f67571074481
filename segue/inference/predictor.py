"""A trained model with everything that an image needs on its way through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from segue.errors import ConfigError, DataError, InputError, Problem
from segue.images.read import IMAGE_SUFFIXES, write_png
from segue.inference.depth import DepthPrediction
from segue.inference.multilabel import MultilabelPrediction
from segue.inference.segment import is_multilabel, label_maps, predicts_depth
from segue.inference.views import tta_pipeline, without_annotations

BACKGROUNDS = ("background", "_background_", "bg")


@dataclass
class Prediction:
    """The labels of one image.

    Attributes:
        labels: (H, W) int64, class ids, at the image's own size.
        classes: name of each id.
        palette: [red, green, blue] of each id.
        image: (H, W, 3) uint8, RGB.
        path: the file it was read from, if any.
    """

    labels: np.ndarray
    classes: tuple[str, ...]
    palette: list[list[int]]
    image: np.ndarray
    path: Path | None = None

    def overlay(self, alpha: float = 0.5) -> np.ndarray:
        """The image, tinted by class: (H, W, 3) uint8, RGB. A class named background stays as it is."""
        from segue.report.draw import overlay

        untouched = [i for i, name in enumerate(self.classes) if name.lower() in BACKGROUNDS]
        return overlay(self.image, self.labels, self.palette, alpha, skip=untouched)

    @property
    def masks(self) -> np.ndarray:
        """(K, H, W) bool, where each class is."""
        return self.labels == np.arange(len(self.classes))[:, None, None]

    def save(self, folder: str | Path, name: str | None = None) -> tuple[Path, Path]:
        """Write ``NAME.png`` (labels, 8 or 16 bits) and ``NAME_overlay.png`` into ``folder``; returns both paths."""
        folder = Path(folder)
        name = name or (self.path.stem if self.path else "image")
        labels = self.labels.astype(np.uint8 if len(self.classes) <= 256 else np.uint16)
        paths = folder / f"{name}.png", folder / f"{name}_overlay.png"
        write_png(paths[0], labels)
        write_png(paths[1], self.overlay()[..., ::-1])
        return paths

    def shares(self) -> dict[str, float]:
        """Share of the image's pixels that each class covers, largest first; classes that do not occur are left out."""
        counts = np.bincount(self.labels.ravel(), minlength=len(self.classes)) / self.labels.size
        return {self.classes[i]: float(counts[i]) for i in np.argsort(-counts, kind="stable") if counts[i] > 0}


class Predictor:
    """What ``segue.load`` returns: a segmentor with its pipeline, class names and colors.

    Attributes:
        model: the segmentor, in evaluation mode.
        cfg: its config.
        classes, palette: of the data it was trained on.
    """

    def __init__(
        self, model: nn.Module, cfg: Mapping[str, Any], classes: Sequence[str], palette: Sequence[Sequence[int]]
    ) -> None:
        if len(classes) != model.num_classes:
            raise ConfigError(
                f"the model has num_classes={model.num_classes}, but there are {len(classes)} class names: "
                f"{', '.join(classes[:5])}{' ...' if len(classes) > 5 else ''}"
            )
        self.model = model.eval()
        self.cfg = cfg
        self.classes = tuple(classes)
        self.palette = [list(color) for color in palette]
        self._read, self._pipeline = image_pipeline(cfg)
        self._views: list[Any] | None = None

    def predict(self, images: Any, *, batch_size: int = 1, tta: bool = False) -> Any:
        """Segment one image, or each of a list.

        Args:
            images: a path; an array (H, W, 3) or (H, W), BGR as ``cv2.imread`` gives it; a Pillow image; or a list of
                these.
            batch_size: images that go through the network together, where their sizes are equal.
            tta: average over the views that the config's ``tta_pipeline`` makes of each image.

        Returns:
            A ``Prediction``, or a list of them for a list; of a multilabel model ``MultilabelPrediction``,
            of a depth model ``DepthPrediction``.

        Raises:
            DataError: an image that cannot be read.
        """
        if isinstance(images, (list, tuple)):
            return list(self.stream(images, batch_size=batch_size, tta=tta))
        return next(self.stream([images], tta=tta))

    def stream(self, images: Sequence[Any], *, batch_size: int = 1, tta: bool = False) -> Iterator[Any]:
        """As ``predict`` of a list, one result at a time, so that memory does not grow with the list."""
        if batch_size < 1:
            raise InputError(f"batch_size={batch_size}; it must be at least 1")
        if tta and self._views is None:
            self._views = image_pipeline(self.cfg, tta=True)[1]
        steps = self._views if tta and self._views is not None else self._pipeline
        for start in range(0, len(images), batch_size):
            loaded = [self._load(image, steps) for image in images[start : start + batch_size]]
            packed = [pack for _, _, pack in loaded]
            batch = {"inputs": [p["inputs"] for p in packed], "data_samples": [p["data_samples"] for p in packed]}
            with torch.inference_mode():
                found = label_maps(self.model, batch)
            for (picture, path, _), labels in zip(loaded, found, strict=True):
                result = labels.cpu().numpy()
                if predicts_depth(self.model):
                    yield DepthPrediction(result.astype(np.float32), picture, path)
                elif is_multilabel(self.model):
                    yield MultilabelPrediction(result, self.classes, self.palette, picture, path)
                else:
                    yield Prediction(result, self.classes, self.palette, picture, path)

    def _load(self, image: Any, steps: Sequence[Any]) -> tuple[np.ndarray, Path | None, dict[str, Any]]:
        """An image as RGB picture, path and packed sample."""
        path = None
        if isinstance(image, (str, Path)):
            path = Path(image)
            array = self._read({"img_path": str(path)})["img"]
        elif isinstance(image, np.ndarray):
            array = image
        elif hasattr(image, "convert"):  # a Pillow image
            array = np.asarray(image.convert("RGB"))[..., ::-1]
        else:
            raise InputError(f"predict takes a path, an array, a Pillow image or a list of these, not {type(image)}")
        if array.ndim == 2:
            array = np.repeat(array[..., None], 3, axis=2)
        if array.ndim != 3 or array.size == 0:
            raise InputError(f"an image must be (H, W) or (H, W, C) and not empty; this array is {array.shape}")
        array = np.ascontiguousarray(array)
        sample = {"img": array, "img_shape": array.shape[:2], "ori_shape": array.shape[:2]}
        if path is not None:
            sample["img_path"] = str(path)
        for step in steps:
            sample = step(sample)
        return _picture(array), path, sample


def image_pipeline(cfg: Mapping[str, Any], tta: bool = False) -> tuple[Any, list[Any]]:
    """The step that reads an image, and those after it that do not concern annotations, of a config's test pipeline.

    It is ``test_pipeline``, or else the test or validation dataset's; with ``tta`` it is ``tta_pipeline``.

    Raises:
        ConfigError: there is none, or it does not begin by reading an image.
    """
    from segue.config.builder.plan import Planner

    if tta:
        tta_pipeline(cfg)  # complains if there is none
    paths = ("test_pipeline", "test_dataloader.dataset.pipeline", "val_dataloader.dataset.pipeline")
    for path in ("tta_pipeline",) if tta else paths:
        node: Any = cfg
        for key in path.split("."):
            node = node.get(key) if hasattr(node, "get") else None
        if node:
            break
    else:
        raise ConfigError(Problem("test_pipeline", "the config has none, nor a test_dataloader with a pipeline"))
    planner = Planner(cfg)
    plans = [planner.component(step, "transforms", f"{path}.{i}") for i, step in enumerate(without_annotations(node))]
    first = str(node[0].get("type", "")).rpartition(".")[2]
    if not first.startswith("LoadImage"):
        planner.problem(f"{path}.0", f"a test pipeline begins with LoadImageFromFile, not {first}")
    if planner.problems:
        raise ConfigError(planner.problems)
    read, *rest = (plan.make() for plan in plans)
    return read, rest


def find_images(paths: Sequence[str | Path]) -> list[Path]:
    """The image files that paths name; of a folder, all in it, sorted.

    Raises:
        DataError: a path that does not exist, or a folder without images.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
            if not inside:
                raise DataError(f"{path}: no images there ({', '.join(IMAGE_SUFFIXES)})")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise DataError(f"{path}: no such file or folder")
    return found


def _picture(array: np.ndarray) -> np.ndarray:
    """A BGR array of any depth as (H, W, 3) uint8 RGB, for drawing on."""
    picture = array[..., :3] if array.shape[2] >= 3 else np.repeat(array[..., :1], 3, axis=2)
    if picture.dtype != np.uint8:
        low, high = float(picture.min()), float(picture.max())
        picture = ((picture.astype(np.float32) - low) * (255.0 / max(high - low, 1e-6))).astype(np.uint8)
    return np.ascontiguousarray(picture[..., ::-1])


def unique_names(files: Sequence[Path]) -> list[str]:
    """The stem of each file; with as many parent folders as it takes to tell files of one stem apart."""
    stems = [file.stem for file in files]
    if len(set(stems)) == len(stems):
        return stems
    names = ["/".join((*file.parts[-2:-1], file.stem)) for file in files]
    if len(set(names)) == len(names):
        return names
    return [f"{i:06d}_{stem}" for i, stem in enumerate(stems)]
