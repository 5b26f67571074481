"""A trained model with everything that an image needs on its way through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from segue.errors import ConfigError, DataError, InputError, Problem, SegueError
from segue.images.read import write_png
from segue.inference.crf import CRF
from segue.inference.depth import DepthPrediction
from segue.inference.inputs import Expected, as_image, fitted, name_of, picture_of
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
        masks: np.ndarray = self.labels == np.arange(len(self.classes))[:, None, None]
        return masks

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
        self._expected = Expected.of(model, self._read)

    def predict(
        self,
        images: Any,
        *,
        batch_size: int = 1,
        tta: bool = False,
        rgb: bool | None = None,
        crf: CRF | None = None,
    ) -> Any:
        """Segment one image, or each of a list.

        Args:
            images: a path; an array (H, W, C) or (H, W) whose values are on the scale of the model's files (0 to 255 of
                8-bit ones); a Pillow image; or a list of these.
            batch_size: images that go through the network together, where their sizes are equal.
            tta: average over the views that the config's ``tta_pipeline`` makes of each image.
            rgb: whether arrays are RGB, as ``np.array`` of a Pillow image is, and not BGR, as ``cv2.imread`` gives
                them. Not said, they are taken for BGR, with a warning.
            crf: what refines the probabilities, `segue.inference.crf.CRF`.

        Returns:
            A ``Prediction``, or a list of them for a list; of a multilabel model ``MultilabelPrediction``,
            of a depth model ``DepthPrediction``.

        Raises:
            DataError: an image that cannot be read, or that the network cannot take at this size.
            InputError: an array whose channels or values the model cannot take.
        """
        if isinstance(images, (list, tuple)):
            return list(self.stream(images, batch_size=batch_size, tta=tta, rgb=rgb, crf=crf))
        return next(self.stream([images], tta=tta, rgb=rgb, crf=crf))

    def stream(
        self,
        images: Sequence[Any],
        *,
        batch_size: int = 1,
        tta: bool = False,
        rgb: bool | None = None,
        crf: CRF | None = None,
    ) -> Iterator[Any]:
        """As ``predict`` of a list, one result at a time, so that memory does not grow with the list."""
        for result in self.attempts(images, batch_size=batch_size, tta=tta, rgb=rgb, crf=crf):
            if isinstance(result, SegueError):
                raise result
            yield result

    def attempts(
        self,
        images: Sequence[Any],
        *,
        batch_size: int = 1,
        tta: bool = False,
        rgb: bool | None = None,
        crf: CRF | None = None,
    ) -> Iterator[Any]:
        """As ``stream``, with the error in place of the result of an image that cannot be segmented."""
        if batch_size < 1:
            raise InputError(f"batch_size={batch_size}; it must be at least 1")
        if tta and self._views is None:
            self._views = image_pipeline(self.cfg, tta=True)[1]
        steps = self._views if tta and self._views is not None else self._pipeline
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            loaded = [self._attempt(image, steps, rgb) for image in batch]
            good = [one for one in loaded if not isinstance(one, SegueError)]
            found = iter(self._segmented(good, crf))
            yield from (one if isinstance(one, SegueError) else next(found) for one in loaded)

    def _segmented(self, loaded: list[_Loaded], crf: CRF | None) -> list[Any]:
        """A result, or an error, of each; where a batch fails, each image is tried by itself."""
        if not loaded:
            return []
        packed = [one.packed for one in loaded]
        batch = {"inputs": [p["inputs"] for p in packed], "data_samples": [p["data_samples"] for p in packed]}
        refine = None if crf is None else lambda index, shares: crf(shares[0], loaded[index].picture)[None]
        try:
            with torch.inference_mode():
                found = label_maps(self.model, batch, refine)
        except (SegueError, RuntimeError, ValueError) as error:
            if len(loaded) > 1:
                return [result for one in loaded for result in self._segmented([one], crf)]
            return [error if isinstance(error, SegueError) else _refused(loaded[0], error)]
        return [self._result(one, labels.cpu().numpy()) for one, labels in zip(loaded, found, strict=True)]

    def _result(self, one: _Loaded, result: np.ndarray) -> Any:
        if predicts_depth(self.model):
            return DepthPrediction(result.astype(np.float32), one.picture, one.path)
        if is_multilabel(self.model):
            return MultilabelPrediction(result, self.classes, self.palette, one.picture, one.path)
        return Prediction(result, self.classes, self.palette, one.picture, one.path)

    def _attempt(self, image: Any, steps: Sequence[Any], rgb: bool | None) -> _Loaded | SegueError:
        try:
            return self._load(image, steps, rgb)
        except SegueError as error:
            return error

    def _load(self, image: Any, steps: Sequence[Any], rgb: bool | None) -> _Loaded:
        """An image through the pipeline."""
        path = None
        if isinstance(image, (str, Path)):
            path = Path(image)
            array = fitted(self._read({"img_path": str(path)})["img"], self._expected, str(path))
        elif isinstance(image, np.ndarray) or hasattr(image, "convert"):
            array = as_image(image, self._expected, rgb)
        else:
            raise InputError(f"predict takes a path, an array, a Pillow image or a list of these, not {type(image)}")
        array = np.ascontiguousarray(array)
        sample = {"img": array, "img_shape": array.shape[:2], "ori_shape": array.shape[:2]}
        if path is not None:
            sample["img_path"] = str(path)
        for step in steps:
            sample = step(sample)
        return _Loaded(name_of(image), picture_of(array, self._expected.eight_bits), path, sample)


@dataclass
class _Loaded:
    """An image on its way into the network."""

    name: str
    picture: np.ndarray
    path: Path | None
    packed: dict[str, Any]


def _refused(one: _Loaded, error: Exception) -> DataError:
    """What a network's own error says about an image."""
    height, width = one.picture.shape[:2]
    said = str(error).strip().partition("\n")[0]
    if "allocate memory" in said or "out of memory" in said.lower():
        advice = "there is not enough memory for it at once; cut it into tiles, or set model.test_cfg to mode='slide'"
    else:
        advice = "the model cannot take an image of this size; enlarge or pad it"
    refused = DataError(f"{one.name}: {width} x {height} pixels: {advice} ({said})")
    refused.__cause__ = error
    return refused


def image_pipeline(cfg: Mapping[str, Any], tta: bool = False) -> tuple[Any, list[Any]]:
    """The step that reads an image, and those after it that do not concern annotations, of a config's test pipeline.

    It is ``test_pipeline``, or else the test or validation dataset's; with ``tta`` it is ``tta_pipeline``.

    Raises:
        ConfigError: there is none, or it does not begin by reading an image.
    """
    from segue.config.builder.plan import Planner
    from segue.config.nodes import dataset_nodes

    if tta:
        tta_pipeline(cfg)  # complains if there is none
    found = [(key, cfg.get(key)) for key in (["tta_pipeline"] if tta else ["test_pipeline"])]
    for split in () if tta else ("test", "val"):
        loader = cfg.get(f"{split}_dataloader") or {}
        datasets = dataset_nodes(loader.get("dataset"), f"{split}_dataloader.dataset")
        found += [(f"{key}.pipeline", dataset.get("pipeline")) for key, dataset in datasets]
    path, node = next(((path, node) for path, node in found if node), ("", None))
    if node is None:
        raise ConfigError(Problem("test_pipeline", "the config has none, nor a test_dataloader with a pipeline"))
    planner = Planner(cfg)
    plans = [planner.component(step, "transforms", f"{path}.{i}") for i, step in enumerate(without_annotations(node))]
    first = str(node[0].get("type", "")).rpartition(".")[2]
    if not first.startswith(("LoadImage", "LoadSingleRSImage")):
        planner.problem(f"{path}.0", f"a test pipeline begins with LoadImageFromFile, not {first}")
    if planner.problems:
        raise ConfigError(planner.problems)
    read, *rest = (plan.make() for plan in plans)
    return read, rest
