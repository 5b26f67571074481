"""SegLocalVisualizer and visualizer backends: labels over images, written as files."""

from __future__ import annotations

import logging
import os
import sys
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from torch import Tensor

from segue.compat.mmengine.notebook import in_notebook, shown_in_notebook
from segue.compat.mmengine.registry import VISBACKENDS
from segue.compat.mmengine.structures import SegDataSample
from segue.compat.overrides import Guarded
from segue.datasets.palette import generate_palette
from segue.masks.labels import IGNORE
from segue.report.places import inside
from segue.training import trackers


def has_display() -> bool:
    """Whether windows can be opened."""
    return bool(os.environ.get("DISPLAY")) or not sys.platform.startswith("linux")


class BaseVisBackend(Guarded, metaclass=ABCMeta):
    """Where pictures and numbers go; subclasses override what they can take."""

    takes_config = True
    stands_for: ClassVar = ("visualizers", "BaseVisBackend")

    def __init__(self, save_dir: str) -> None:
        self._save_dir = save_dir
        self._env_initialized = False

    @property
    @abstractmethod
    def experiment(self) -> Any:
        """The object that does the work."""

    def _init_env(self) -> None:
        """Prepare what the backend needs."""

    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Take the config."""

    def add_graph(self, model: Any, data_batch: Any, **kwargs: Any) -> None:
        """Take the model."""

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """Take a picture (H, W, 3) RGB."""

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Take a number."""

    def add_scalars(
        self, scalar_dict: dict[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """Take several numbers."""

    def close(self) -> None:
        """Finish."""


def force_init_env(method: Any) -> Any:
    """A decorator that calls ``_init_env`` before the first use."""

    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not getattr(self, "_env_initialized", False):
            self._env_initialized = True
            self._init_env()
        return method(self, *args, **kwargs)

    return wrapper


class LocalVisBackend(trackers.LocalVisBackend, BaseVisBackend):
    """Pictures and numbers in a folder."""

    stands_for: ClassVar = ("visualizers", "LocalVisBackend")


class Visualizer(Guarded):
    """Holds an image and hands it to its backends."""

    takes_config = True
    stands_for: ClassVar = ("visualizers", "Visualizer")
    _instances: dict[str, Any] = {}  # noqa: RUF012  # one per name, as in mmengine

    def __init__(
        self,
        name: str = "visualizer",
        image: Any = None,
        vis_backends: Any = None,
        save_dir: str | None = None,
        **_: Any,
    ) -> None:
        self.name = name
        self.dataset_meta: dict[str, Any] | None = None
        self._image = image
        self._vis_backends: dict[str, Any] = {}
        for node in vis_backends or ([{"type": "LocalVisBackend"}] if save_dir else []):
            if isinstance(node, Mapping):
                node = {"save_dir": str(Path(save_dir) / "vis_data") if save_dir else "vis_data", **node}
                node = VISBACKENDS.build(node)
            self._vis_backends[type(node).__name__] = node

    @classmethod
    def get_instance(cls, name: str, **kwargs: Any) -> Any:
        """The visualizer of a name, made at the first call."""
        if name not in cls._instances:
            cls._instances[name] = cls(name=name, **kwargs)
        return cls._instances[name]

    @classmethod
    def get_current_instance(cls) -> Any:
        """The visualizer made last."""
        return list(cls._instances.values())[-1] if cls._instances else cls.get_instance("visualizer")

    def set_image(self, image: np.ndarray) -> None:
        """Take an image (H, W, 3) RGB."""
        self._image = image

    def get_image(self) -> np.ndarray:
        """The image as it is drawn."""
        return self._image

    def get_backend(self, name: str) -> Any:
        """The backend of a class name."""
        return self._vis_backends[name]

    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Pass the config on."""
        for backend in self._vis_backends.values():
            backend.add_config(config, **kwargs)

    def add_graph(self, model: Any, data_batch: Any, **kwargs: Any) -> None:
        """Hand a model to the backends."""
        for backend in self._vis_backends.values():
            backend.add_graph(model, data_batch, **kwargs)

    def add_image(self, name: str, image: np.ndarray, step: int = 0) -> None:
        """Pass a picture on."""
        for backend in self._vis_backends.values():
            backend.add_image(name, image, step)

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Pass a number on."""
        for backend in self._vis_backends.values():
            backend.add_scalar(name, value, step, **kwargs)

    def add_scalars(self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None) -> None:
        """Pass several numbers on."""
        for backend in self._vis_backends.values():
            backend.add_scalars(scalar_dict, step, file_path)

    def close(self) -> None:
        """Close the backends."""
        for backend in self._vis_backends.values():
            backend.close()

    def show(self, drawn_img: Any = None, win_name: str = "image", wait_time: float = 0, **kwargs: Any) -> None:
        """The picture in the cell of a notebook, else in a window; where there is neither, one line says so."""
        picture = self._image if drawn_img is None else drawn_img
        if shown_in_notebook(picture):
            return
        said = f"{win_name}: there is no display, so the picture is not shown; out_file writes it"
        if not has_display():
            logging.getLogger("segue").warning(said)
            return
        try:
            cv2.imshow(win_name, picture[..., ::-1])
            cv2.waitKey(int(wait_time * 1000))
        except cv2.error:  # a build without windows
            logging.getLogger("segue").warning(said)


class SegLocalVisualizer(Visualizer):
    """Draws label maps over images; ``dataset_meta`` gives names and colors."""

    stands_for: ClassVar = ("visualizers", "SegLocalVisualizer")

    def __init__(
        self,
        name: str = "visualizer",
        image: Any = None,
        vis_backends: Any = None,
        save_dir: str | None = None,
        classes: Sequence[str] | None = None,
        palette: Any = None,
        dataset_name: str | None = None,
        alpha: float = 0.8,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, image, vis_backends, save_dir, **kwargs)
        self.alpha = alpha
        if classes is not None or palette is not None or dataset_name is not None:
            self.set_dataset_meta(classes, palette, dataset_name)

    def set_dataset_meta(
        self, classes: Sequence[str] | None = None, palette: Any = None, dataset_name: str | None = None
    ) -> None:
        """Names and colors, given or of a dataset's name."""
        from segue.compat.mmseg.names import get_classes, get_palette

        if classes is None:
            classes = get_classes(dataset_name or "cityscapes")
        if palette is None:
            palette = get_palette(dataset_name) if dataset_name else generate_palette(classes)
        if len(classes) != len(palette):
            raise AssertionError(f"{len(classes)} classes, but {len(palette)} colors")
        self.dataset_meta = {"classes": tuple(classes), "palette": palette}

    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: SegDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        step: int = 0,
        with_labels: bool = True,
        **kwargs: Any,
    ) -> None:
        """Draw true and predicted labels over ``image`` (H, W, 3) RGB, side by side if there are both.

        Depths are drawn in colors below the image, (2H, W, 3) each.
        """
        panels = []
        for wanted, field in ((draw_gt, "gt_depth_map"), (draw_pred, "pred_depth_map")):
            if wanted and data_sample is not None and field in data_sample:
                panels.append(self._draw_depth_map(image, getattr(data_sample, field)))
        for wanted, field in ((draw_gt, "gt_sem_seg"), (draw_pred, "pred_sem_seg")):
            if not wanted or data_sample is None or field not in data_sample:
                continue
            if self.dataset_meta is None:
                raise AssertionError("class information is not provided: set dataset_meta, or call set_dataset_meta")
            panels.append(self._draw_sem_seg(image, getattr(data_sample, field), with_labels))
        tall = max((len(panel) for panel in panels), default=0)
        panels = [np.pad(panel, ((0, tall - len(panel)), (0, 0), (0, 0))) for panel in panels]
        drawn = np.concatenate(panels, axis=1) if panels else image
        self.set_image(drawn)
        if show and (out_file is None or in_notebook() or has_display()):
            self.show(drawn, name, wait_time)
        if out_file is not None:
            Path(out_file).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(out_file), drawn[..., ::-1])
        else:
            self.add_image(name, drawn, step)

    def _draw_sem_seg(self, image: np.ndarray, sem_seg: Any, with_labels: bool) -> np.ndarray:
        """The image blended with the colors of its labels, with the names of the larger regions."""
        meta = self.dataset_meta or {}  # mmseg's browser gives METAINFO, which has neither where a config names classes
        data = sem_seg.data
        labels = (data.cpu().numpy() if isinstance(data, Tensor) else np.asarray(data)).squeeze()
        classes = meta.get("classes")
        if classes is None:
            classes = [str(label) for label in range(int(labels.max(initial=0, where=labels != IGNORE)) + 1)]
        given = meta.get("palette")
        palette = np.asarray(generate_palette(classes) if given is None else given, np.uint8)
        known = labels < len(classes)
        colors = np.zeros((*labels.shape, 3), np.uint8)
        colors[known] = palette[labels[known]]
        blended = image.astype(np.float32) * (1 - self.alpha) + colors.astype(np.float32) * self.alpha
        drawn = np.ascontiguousarray(blended.astype(np.uint8))
        if with_labels:
            for label in np.unique(labels[known]):
                self._name(drawn, labels == label, str(classes[label]))
        return drawn

    @staticmethod
    def _draw_depth_map(image: np.ndarray, depth_map: Any) -> np.ndarray:
        """The image, and below it the colors of its depths between the least and the greatest."""
        data = depth_map.data
        depths = (data.detach().cpu().numpy() if isinstance(data, Tensor) else np.asarray(data)).squeeze().astype(float)
        known = depths[np.isfinite(depths)]
        low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
        grey = np.nan_to_num((depths - low) / max(high - low, 1e-12), posinf=1.0).clip(0, 1) * 255
        colors = cv2.applyColorMap(grey.astype(np.uint8), cv2.COLORMAP_JET)[..., ::-1]
        return np.concatenate([image, colors], axis=0)

    @staticmethod
    def _name(drawn: np.ndarray, mask: np.ndarray, text: str) -> None:
        """Write a name into the largest part of a mask."""
        scale = max(drawn.shape[0], drawn.shape[1]) / 2000 + 0.25
        size, base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
        center = inside(mask, (size[0], size[1] + 2 * base))
        if center is None:
            return
        x, y = center
        at = (max(x - size[0] // 2, 0), max(y + size[1] // 2, size[1]))
        cv2.rectangle(drawn, (at[0], at[1] - size[1] - base), (at[0] + size[0], at[1] + base), (0, 0, 0), -1)
        cv2.putText(drawn, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 1, cv2.LINE_AA)
