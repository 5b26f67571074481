"""A trained model with everything that an image needs on its way through it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segue.errors import ConfigError, DataError, InputError, Problem, SegueError
from segue.inference.crf import CRF
from segue.inference.depth import DepthPrediction
from segue.inference.flow import ahead, in_groups
from segue.inference.inputs import Expected, array_of, as_image, decoded, fitted, name_of, picture_of
from segue.inference.multilabel import MultilabelPrediction
from segue.inference.prediction import Prediction
from segue.inference.probabilities import Probabilities
from segue.inference.segment import Seen, is_multilabel, padded_shape, predicts_depth, seen_in
from segue.inference.sources import Item, is_many, is_video, items_of, video_of
from segue.inference.views import tta_pipeline, without_annotations
from segue.inference.way import Way, going
from segue.system.cores import in_parallel, usable_cores

__all__ = ["Prediction", "Predictor", "image_pipeline"]


class Predictor:
    """What ``segue.load`` returns: a segmentor with its pipeline, class names and colors.

    Attributes:
        model: the segmentor, in evaluation mode.
        cfg: its config.
        classes, palette: of the data it was trained on.
        way: how the network is run.
        read, steps: the step that reads an image, and those that follow it.
        expected: what the images are like.
    """

    def __init__(
        self,
        model: nn.Module,
        cfg: Mapping[str, Any],
        classes: Sequence[str],
        palette: Sequence[Sequence[int]],
        way: Way | None = None,
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
        self.way = way or Way()
        self.way.check(model)
        self.read, self.steps = image_pipeline(cfg)
        self._views: list[Any] | None = None
        self.expected = Expected.of(model, self.read)

    def predict(
        self,
        images: Any,
        *,
        batch_size: int = 1,
        tta: bool = False,
        rgb: bool | None = None,
        crf: CRF | None = None,
        keep_logits: bool = True,
        recursive: bool = False,
        frames: int | None = None,
    ) -> Any:
        """Segment one image, or each of several.

        Args:
            images: one image: a path; the bytes of an image file, or a file opened in binary mode; an array (H, W, C)
                or (H, W), or a tensor (C, H, W) or (H, W), whose values are on the scale of the model's files (0 to
                255 of 8-bit ones); a Pillow image. Or several: a list or generator of these; a folder; a pattern such
                as ``photos/**/*.jpg``; a video file; a tensor (B, C, H, W).
            batch_size: images that go through the network together, where padding makes their sizes equal.
            tta: average over the views that the config's ``tta_pipeline`` makes of each image.
            rgb: whether arrays and tensors are RGB, as ``np.array`` of a Pillow image is, and not BGR, as
                ``cv2.imread`` gives them. Not said, arrays are taken for BGR, with a warning, and tensors for RGB.
            crf: what refines the probabilities, `segue.inference.crf.CRF`.
            keep_logits: keep what probabilities can be made of; of many classes and images, this takes memory.
            recursive: of a folder, take the images below it, too.
            frames: most frames of each video.

        Returns:
            A ``Prediction``, or a list of them for several images; of a multilabel model ``MultilabelPrediction``,
            of a depth model ``DepthPrediction``.

        Raises:
            DataError: an image that cannot be read, or that the network cannot take at this size.
            InputError: an array whose channels or values the model cannot take.
        """
        listed = images if isinstance(images, (list, tuple)) else [images]
        if any(is_video(one) and not video_of(one).ends for one in listed):
            raise InputError(
                "predict takes a path, an array, a Pillow image or a list of these; a camera or stream does not end: "
                "use Predictor.stream"
            )
        found = self.stream(
            images,
            batch_size=batch_size,
            tta=tta,
            rgb=rgb,
            crf=crf,
            keep_logits=keep_logits,
            recursive=recursive,
            frames=frames,
        )
        return list(found) if is_many(images) else next(found)

    def stream(
        self,
        images: Any,
        *,
        batch_size: int = 1,
        tta: bool = False,
        rgb: bool | None = None,
        crf: CRF | None = None,
        keep_logits: bool = True,
        recursive: bool = False,
        frames: int | None = None,
    ) -> Iterator[Any]:
        """As ``predict`` of several images, also of a camera (its index) or a stream (its address), one result at a
        time: memory does not grow with their number. Images are read in a thread, a few ahead.
        """
        attempts = self.attempts(
            images,
            batch_size=batch_size,
            tta=tta,
            rgb=rgb,
            crf=crf,
            keep_logits=keep_logits,
            recursive=recursive,
            frames=frames,
        )
        for result in attempts:
            if isinstance(result, SegueError):
                raise result
            yield result

    def attempts(
        self,
        images: Any,
        *,
        batch_size: int = 1,
        tta: bool = False,
        rgb: bool | None = None,
        crf: CRF | None = None,
        keep_logits: bool = True,
        recursive: bool = False,
        frames: int | None = None,
    ) -> Generator[Any, None, None]:
        """As ``stream``, with the error in place of the result of an image that cannot be segmented."""
        if batch_size < 1:
            raise InputError(f"batch_size={batch_size}; it must be at least 1")
        if tta and self._views is None:
            self._views = image_pipeline(self.cfg, tta=True)[1]
        steps = self._views if tta and self._views is not None else self.steps

        def load(item: Item) -> _Loaded | SegueError:
            return self._attempt(item, steps, rgb)

        def work(group: Sequence[_Loaded | SegueError]) -> list[Any]:
            good = [one for one in group if not isinstance(one, SegueError)]
            return self._segmented(good, crf, keep_logits) if good else list(group)

        items = items_of(images, recursive=recursive, frames=frames)
        if not is_many(images):
            yield from in_groups(map(load, items), batch_size, self._key, work)
            return
        read = in_parallel(load, items, self._readers(images, steps))
        with closing(ahead(read, max(2, batch_size))) as loaded:  # whatever happens, its thread ends
            yield from in_groups(loaded, batch_size, self._key, work)

    def _readers(self, images: Any, steps: Sequence[Any]) -> int:
        """Threads that read: several where an accelerator waits for them, for steps that are known to allow it."""
        held = next(chain(self.model.parameters(), self.model.buffers()), None)
        on_device = held is not None and held.device.type != "cpu"
        own = all(type(step).__module__.startswith("segue.transforms.") for step in [self.read, *steps])
        return min(4, usable_cores()) if on_device and own and not is_video(images) else 1

    def _key(self, one: _Loaded | SegueError) -> Any:
        """What images must agree in to be one batch: the shapes of their views once they are padded."""
        if isinstance(one, SegueError):
            return None
        inputs = one.packed["inputs"]
        views = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        if not all(isinstance(view, Tensor) for view in views):
            return "whatever a pipeline of the user's gives"
        return tuple(padded_shape(self.model, view) for view in views)

    def _segmented(self, loaded: Sequence[_Loaded], crf: CRF | None, keep_logits: bool) -> list[Any]:
        """A result, or an error, of each; where a batch fails, each image is tried by itself."""
        packed = [one.packed for one in loaded]
        batch = {"inputs": [p["inputs"] for p in packed], "data_samples": [p["data_samples"] for p in packed]}
        refine = None if crf is None else lambda index, shares: crf(shares[0], loaded[index].picture)[None]
        try:
            with torch.inference_mode(), going(self.way):
                found = seen_in(self.model, batch, refine)
        except (SegueError, RuntimeError, ValueError) as error:
            if len(loaded) > 1:
                return [result for one in loaded for result in self._segmented([one], crf, keep_logits)]
            return [_named(loaded[0], error) if isinstance(error, SegueError) else _refused(loaded[0], error)]
        return [self._result(one, seen, keep_logits) for one, seen in zip(loaded, found, strict=True)]

    def _result(self, one: _Loaded, seen: Seen, keep_logits: bool) -> Any:
        labels = seen.labels.cpu().numpy()
        if predicts_depth(self.model):
            return DepthPrediction(labels.astype(np.float32), one.picture, one.path, one.name)
        if is_multilabel(self.model):
            return MultilabelPrediction(labels, self.classes, self.palette, one.picture, one.path, one.name)
        behind = seen.views if seen.shares is None else seen.shares
        logits = None
        if keep_logits and behind is not None:
            single = not isinstance(behind, Tensor) and behind[0].classes == 1
            logits = Probabilities(behind, len(self.classes), single)
        return Prediction(labels, self.classes, self.palette, one.picture, one.path, one.name, logits)

    def _attempt(self, item: Item, steps: Sequence[Any], rgb: bool | None) -> _Loaded | SegueError:
        if item.error is not None:
            return item.error
        try:
            return self._load(item, steps, rgb if item.rgb is None else item.rgb)
        except (InputError, DataError) as error:
            unnamed = not isinstance(item.image, (str, Path)) and item.name != "image"
            return type(error)(f"{item.name}: {error}") if unnamed and item.name not in str(error) else error
        except SegueError as error:
            return error

    def _load(self, item: Item, steps: Sequence[Any], rgb: bool | None) -> _Loaded:
        """An image through the pipeline."""
        path, image = None, item.image
        if hasattr(image, "read") and not hasattr(image, "convert"):
            image = image.read()
        if isinstance(image, (str, Path)):
            path = Path(image)
            array = fitted(self.read({"img_path": str(path)})["img"], self.expected, str(path))
        elif isinstance(image, (bytes, bytearray, memoryview)):
            array = fitted(decoded(bytes(image), self.read, item.name), self.expected, item.name)
        elif isinstance(image, Tensor):
            array = as_image(array_of(image), self.expected, True if rgb is None else rgb)
        elif isinstance(image, np.ndarray) or hasattr(image, "convert"):
            array = as_image(image, self.expected, rgb)
        else:
            raise InputError(f"predict takes a path, an array, a Pillow image or a list of these, not {type(image)}")
        array = np.ascontiguousarray(array)
        sample = through(steps, array, path)
        title = str(path) if path is not None else item.name if item.name != "image" else name_of(image)
        return _Loaded(item.name, title, picture_of(array, self.expected.eight_bits), path, sample)


@dataclass
class _Loaded:
    """An image on its way into the network."""

    name: str
    title: str
    picture: np.ndarray
    path: Path | None
    packed: dict[str, Any]


def _named(one: _Loaded, error: SegueError) -> SegueError:
    """An error that says of which image it is."""
    plain = type(error) in (InputError, DataError) and one.title not in str(error)
    return type(error)(f"{one.title}: {error}") if plain else error


def of_memory(said: str) -> bool:
    """Whether torch's message is that memory does not suffice."""
    return "allocate memory" in said or "out of memory" in said.lower()


def _refused(one: _Loaded, error: Exception) -> DataError:
    """What a network's own error says about an image."""
    height, width = one.picture.shape[:2]
    said = str(error).strip().partition("\n")[0]
    if of_memory(said):
        advice = "there is not enough memory for it at once; cut it into tiles, or set model.test_cfg to mode='slide'"
    else:
        advice = "the model cannot take an image of this size; enlarge or pad it"
    refused = DataError(f"{one.title}: {width} x {height} pixels: {advice} ({said})")
    refused.__cause__ = error
    return refused


def through(steps: Sequence[Any], image: np.ndarray, path: str | Path | None = None) -> dict[str, Any]:
    """An image (H, W, C) through the steps of a pipeline that follow its reading."""
    size = image.shape[:2]
    sample: dict[str, Any] = {"img": np.ascontiguousarray(image), "img_shape": size, "ori_shape": size}
    if path is not None:
        sample["img_path"] = str(path)
    for step in steps:
        sample = step(sample)
    return sample


def image_pipeline(cfg: Mapping[str, Any], tta: bool = False) -> tuple[Any, list[Any]]:
    """The step that reads an image, and those after it that do not concern annotations, of a config's test pipeline.

    It is ``test_pipeline``, or else the test or validation dataset's; with ``tta`` it is ``tta_pipeline``.

    Raises:
        ConfigError: there is none, or it does not begin by reading an image.
    """
    from segue.config.builder.plan import Planner

    if tta:
        tta_pipeline(cfg)  # complains if there is none
    path, node = pipeline_node(cfg, tta)
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


def pipeline_node(cfg: Mapping[str, Any], tta: bool = False) -> tuple[str, Any]:
    """Key path and steps of the pipeline that `image_pipeline` takes; None for the steps where there is none."""
    from segue.config.nodes import dataset_nodes

    found = [(key, cfg.get(key)) for key in (["tta_pipeline"] if tta else ["test_pipeline"])]
    for split in () if tta else ("test", "val"):
        loader = cfg.get(f"{split}_dataloader") or {}
        datasets = dataset_nodes(loader.get("dataset"), f"{split}_dataloader.dataset")
        found += [(f"{key}.pipeline", dataset.get("pipeline")) for key, dataset in datasets]
    return next(((path, node) for path, node in found if node), ("", None))
