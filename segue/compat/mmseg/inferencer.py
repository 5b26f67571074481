"""MMSegInferencer: files, arrays, lists and folders to label maps and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from rich.progress import track

from segue.compat.mmengine.visualization import SegLocalVisualizer
from segue.compat.mmseg.apis import config_of_1x, init_model, packed
from segue.compat.mmseg.names import get_classes, get_palette
from segue.compat.refusals import entrance
from segue.datasets.palette import generate_palette
from segue.images.read import read_image, write_png
from segue.inference.flow import ahead, in_groups
from segue.inference.inputs import find_images
from segue.inference.predictor import image_pipeline
from segue.inference.segment import padded_shape
from segue.recipes.catalogue import published_weights

FORWARD, VISUALIZE, POSTPROCESS = (
    {"mode", "out_dir"},
    {"show", "wait_time", "img_out_dir", "opacity", "return_vis", "with_labels"},
    {"pred_out_dir", "return_datasample", "return_datasamples"},
)


class MMSegInferencer:
    """Predicts and draws.

    Args:
        model: a config file, or a weights file that Segue wrote, which holds its config.
        weights: a checkpoint; of a model that is given by name, the published one by default.
        classes, palette, dataset_name: names and colors of the pictures; by default those of the checkpoint.
        device: by default a GPU where there is one.
        scope: accepted.
    """

    @entrance
    def __init__(
        self,
        model: Any,
        weights: Any = None,
        classes: Any = None,
        palette: Any = None,
        dataset_name: str | None = None,
        device: Any = None,
        scope: str = "mmseg",
    ) -> None:
        place = device or ("cuda" if torch.cuda.is_available() else "cpu")
        if weights is None and isinstance(model, str) and not Path(model).exists():
            weights = published_weights(model)  # as mmseg: the name of a model means its trained weights, too
        self.model = init_model(model, weights, place)
        self.cfg = self.model.cfg
        self.num_visualized_imgs = self.num_pred_imgs = 0
        count = self.model.num_classes
        known = getattr(self.model, "dataset_meta", None) or {}
        if classes is None:
            classes = get_classes(dataset_name) if dataset_name else known.get("classes")
        if classes is None:
            classes = get_classes("cityscapes") if count == 19 else [f"class_{i}" for i in range(count)]
        if palette is None:
            palette = get_palette(dataset_name) if dataset_name else known.get("palette")
        if palette is None or len(palette) != len(classes):
            palette = generate_palette(classes)
        self.visualizer = SegLocalVisualizer(classes=classes, palette=palette)

    def __call__(
        self,
        inputs: Any,
        return_datasamples: bool = False,
        batch_size: int = 1,
        return_vis: bool = False,
        show: bool = False,
        wait_time: float = 0,
        out_dir: str = "",
        img_out_dir: str = "vis",
        pred_out_dir: str = "pred",
        **kwargs: Any,
    ) -> Any:
        """Predict.

        Args:
            inputs: a file, a folder, an array BGR (H, W, 3), or a list of files and arrays.
            return_datasamples: SegDataSample instead of arrays.
            batch_size: images that go through the network together, where padding makes their sizes equal.
            return_vis: return the pictures, too.
            show: open windows.
            wait_time: seconds that a window stays.
            out_dir: where files are written; nothing is written without.
            img_out_dir: folder of pictures in it; empty for none.
            pred_out_dir: folder of label maps in it; empty for none.
            kwargs: ``opacity`` (0.8) and ``with_labels`` (True).

        Returns:
            a dict of ``predictions`` and ``visualization``, lists where there are several inputs; with
            ``return_datasamples`` the sample, or a list of them.
        """
        unknown = set(kwargs) - FORWARD - VISUALIZE - POSTPROCESS
        if unknown:
            known = sorted(FORWARD | VISUALIZE | POSTPROCESS)
            raise ValueError(f"unknown argument {sorted(unknown)[0]!r} for `__call__`; there are {', '.join(known)}")
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size}; it must be at least 1")
        images = self._list(inputs)
        draw = return_vis or show or bool(out_dir and img_out_dir)
        found: list[Any] = []
        pictures: list[Any] = []
        samples = self._samples(images, batch_size)
        for image, sample in track(samples, "predicting", total=len(images), transient=True, disable=len(images) < 2):
            if draw:
                picture = self._draw(image, sample, kwargs, show, wait_time)
                if out_dir and img_out_dir:
                    self._write_picture(image, picture, Path(out_dir) / img_out_dir)
                if return_vis:
                    pictures.append(picture)
                self.num_visualized_imgs += 1
            labels = sample.pred_sem_seg.data[0].cpu().numpy()
            if out_dir and pred_out_dir:
                target = Path(out_dir) / pred_out_dir / f"{self.num_pred_imgs:08d}_pred.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                write_png(target, labels.astype(np.uint8 if labels.max(initial=0) < 256 else np.uint16))
                self.num_pred_imgs += 1
            found.append(sample if return_datasamples else labels)
        single = len(found) == 1
        if return_datasamples:
            return found[0] if single else found
        return {
            "predictions": found[0] if single else found,
            "visualization": pictures[0] if single and pictures else pictures,
        }

    def _samples(self, images: Sequence[Any], batch_size: int) -> Iterator[tuple[Any, Any]]:
        """Each image with its SegDataSample, in order; a thread reads ahead, as for `segue.inference.predictor`."""
        pipeline = image_pipeline(config_of_1x(self.model))

        def load(image: Any) -> tuple[Any, dict[str, Any]]:
            return image, packed(self.model, [image], pipeline)

        def key(one: tuple[Any, dict[str, Any]]) -> Any:
            inputs = one[1]["inputs"][0]
            return padded_shape(self.model, inputs) if isinstance(inputs, torch.Tensor) else None

        def work(group: Sequence[tuple[Any, dict[str, Any]]]) -> list[tuple[Any, Any]]:
            batch = {name: [packs[name][0] for _, packs in group] for name in ("inputs", "data_samples")}
            with torch.no_grad():
                found = self.model.test_step(batch)
            return [(image, sample) for (image, _), sample in zip(group, found, strict=True)]

        with closing(ahead(map(load, images), max(2, batch_size))) as loaded:
            yield from in_groups(loaded, batch_size, key, work)

    def _list(self, inputs: Any) -> list[Any]:
        if isinstance(inputs, (list, tuple)):
            return list(inputs)
        if isinstance(inputs, (str, Path)) and Path(inputs).is_dir():
            return [str(path) for path in find_images([inputs])]
        return [inputs]

    def _draw(self, image: Any, sample: Any, how: Mapping[str, Any], show: bool, wait_time: float) -> np.ndarray:
        array = image if isinstance(image, np.ndarray) else read_image(image)
        self.visualizer.alpha = how.get("opacity", 0.8)
        self.visualizer.add_datasample(
            "result",
            np.ascontiguousarray(array[..., ::-1]),
            sample,
            draw_gt=False,
            show=show,
            wait_time=wait_time,
            with_labels=how.get("with_labels", True),
        )
        return self.visualizer.get_image()

    def _write_picture(self, image: Any, picture: np.ndarray, folder: Path) -> None:
        name = f"{self.num_visualized_imgs:08d}_vis.jpg" if isinstance(image, np.ndarray) else Path(image).name
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), picture[..., ::-1])

    @staticmethod
    def list_models(scope: str | None = None, patterns: str = ".*") -> Sequence[str]:
        """Names of models; Segue's own list is `segue.recipes`."""
        raise ImportError("MMSegInferencer.list_models: give a config file; Segue's own names are in segue.recipes")
