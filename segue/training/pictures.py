"""Pictures of a validation or test: labels over images, as ``SegVisualizationHook`` asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from lightning.pytorch import Callback
from numpy.typing import NDArray
from torch import Tensor

from segue.datasets.palette import generate_palette
from segue.errors import DataError
from segue.images.read import read_image
from segue.report.draw import overlay
from segue.training.backends import picture_folder
from segue.training.guarded import Guard
from segue.training.hooks import Drawing
from segue.training.run_settings import VISUALIZERS, read_visualizer
from segue.training.trackers import LocalVisBackend
from segue.training.translate import type_name
from segue.training.user_views import offered
from segue.types import SegSample


class Pictures(Callback):
    """Draws true and predicted labels side by side and gives them to the backends, as ``val_NAME`` or ``test_NAME``.

    A visualizer of the user's own draws in Segue's place. Only the first process draws, from its share of the images.
    """

    def __init__(
        self,
        drawing: Drawing,
        backends: Sequence[Any],
        cfg: Mapping[str, Any],
        folder: Path,
        metainfo: Mapping[str, Any],
        say: Callable[[str], None] = print,
    ) -> None:
        self.drawing, self.cfg, self.folder, self.say = drawing, cfg, folder, say
        self.guard = Guard(say)
        self.backends = list(backends) or [LocalVisBackend(str(picture_folder(cfg, folder)))]
        node: Mapping[str, Any] = cfg.get("visualizer") or {}
        read_visualizer(node)
        self.alpha = float(node.get("alpha", 0.8))
        classes = list(metainfo.get("classes") or ())
        palette = node.get("palette") or metainfo.get("palette") or generate_palette(classes)
        self.metainfo: dict[str, list[Any]] = {"classes": classes, "palette": list(palette)}
        self._own: Any = None
        if type_name(node, "visualizer", "SegLocalVisualizer") not in VISUALIZERS and (views := offered()) is not None:
            self._own = views.visualizer(folder, self.metainfo, node, self.backends)
        self._count = 0

    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Of a training's validation."""
        if self.drawing.in_training:
            self.draw(trainer, pl_module, batch, batch_idx, "val")

    def on_test_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Of a test."""
        self.draw(trainer, pl_module, batch, batch_idx, "test")

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Say where they are."""
        if self._count:
            self.say(f"{self._count} pictures were drawn to {picture_folder(self.cfg, self.folder)}")

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """Say where they are."""
        self.on_fit_end(trainer, pl_module)

    def draw(self, trainer: Any, task: Any, batch: Any, batch_idx: int, mode: str) -> None:
        """One batch, if it is its turn."""
        if not trainer.is_global_zero or (batch_idx + 1) % self.drawing.interval:
            return
        step = 0 if mode == "test" else task.iteration
        counted = batch.get("counted") or [True] * len(task.predicted)
        for at, (sample, predicted) in enumerate(task.predicted):
            if counted[at]:
                image = picture_of(sample.meta, predicted, batch, at)
                name = f"{mode}_{Path(str(sample.meta.get('img_path', at))).name}"
                self._one(name, image, sample, predicted, step)

    def _one(self, name: str, image: NDArray[Any], sample: SegSample, predicted: Tensor, step: int) -> None:
        shown = {"draw_gt": self.drawing.truth, "draw_pred": self.drawing.predicted}
        views = offered()
        if self._own is not None and views is not None:
            data_sample, window = views.sample(sample, predicted), {"show": self.drawing.show}
            wait = {"wait_time": self.drawing.wait_time, "step": step}
            self._own.add_datasample(name, image, data_sample=data_sample, **shown, **window, **wait)
            return
        truth = sample.gt_depth_map if predicted.is_floating_point() else sample.gt_sem_seg
        panels = [self._panel(image, truth)] if truth is not None and shown["draw_gt"] else []
        panels += [self._panel(image, predicted)] if shown["draw_pred"] else []
        drawn = np.concatenate(panels, axis=1) if panels else image
        if self.drawing.show and show_in_window(drawn, name, self.drawing.wait_time):
            return
        for backend in self.backends:
            self.guard.call(backend, "add_image", name, drawn, step)
        self._count += 1

    def _panel(self, image: NDArray[Any], labels: Tensor) -> NDArray[Any]:
        """Labels (H, W), a map per class (K, H, W), or depths (H, W), over the image."""
        array = labels.detach().cpu().numpy()
        if array.dtype.kind == "f":
            array = array.reshape(array.shape[-2:])
            low, high = float(array.min()), float(array.max())
            scaled = (255 * (array - low) / max(high - low, 1e-9)).astype(np.uint8)
            return np.ascontiguousarray(cv2.applyColorMap(scaled, cv2.COLORMAP_VIRIDIS)[..., ::-1])
        palette = [tuple(color) for color in self.metainfo["palette"]]
        image = _fitted(image, (array.shape[-2], array.shape[-1]))
        if array.ndim == 3 and array.shape[0] > 1:
            for index, part in enumerate(array):  # several classes may be at one place
                inside = np.where(part == 1, index, 255).astype(np.int64)
                image = overlay(image, inside, palette, self.alpha / 2)
            return image
        flat = array.reshape(array.shape[-2:]).astype(np.int64)
        known = np.where((flat >= 0) & (flat < len(palette)), flat, -1)
        return overlay(image, known, palette, self.alpha, ignore_index=-1, outline=0)


def picture_of(meta: Mapping[str, Any], predicted: Tensor, batch: Any, at: int) -> NDArray[Any]:
    """The image (H, W, 3) uint8 RGB of a sample: its file, else what the model was given of it."""
    size = (int(predicted.shape[-2]), int(predicted.shape[-1]))
    path = meta.get("img_path")
    if path is not None and Path(str(path)).is_file():
        try:
            return _fitted(np.ascontiguousarray(read_image(str(path))[..., ::-1]), size)
        except DataError:  # bands that are no colors
            pass
    inputs = batch["inputs"][at]
    first = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
    array = first.detach().cpu().float().numpy()[:3]
    array = np.repeat(array[:1], 3, axis=0) if array.shape[0] < 3 else array
    if array.min() < 0 or array.max() > 255:
        array = 255 * (array - array.min()) / max(float(np.ptp(array)), 1e-9)
    return _fitted(np.ascontiguousarray(array.transpose(1, 2, 0)[..., ::-1]).astype(np.uint8), size)


def _fitted(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    return image if image.shape[:2] == size else cv2.resize(image, size[::-1])


def show_in_window(picture: NDArray[Any], name: str, wait_time: float) -> bool:
    """Open a window; False where there is no display, or an OpenCV without windows."""
    try:
        cv2.imshow(name, np.ascontiguousarray(picture[..., ::-1]))
        cv2.waitKey(int(wait_time * 1000))
    except cv2.error:
        return False
    return True
