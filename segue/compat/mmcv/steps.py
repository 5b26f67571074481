"""Segue's transforms with the methods that mmcv's and mmseg's call on themselves, so that a subclass may override them.

A class that overrides nothing of it runs as Segue's own does. Where a step draws random numbers in methods of its own,
it draws the same ones in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from segue.compat.mmcv.printed import BESIDE, printed
from segue.compat.mmengine.structures import from_segue
from segue.compat.overrides import overridden
from segue.images.read import Array
from segue.transforms.arguments import image_of, label_map_of
from segue.transforms.fields import maps, pictures
from segue.transforms.pad import pad_array
from segue.transforms.random_flip import flip_array
from segue.transforms.resize import resize_array
from segue.types import SegSample


class Step:
    """``transform(results)``, which a call runs: the class of Segue does the work."""

    takes_config = True

    def _remember(self, given: Mapping[str, Any]) -> None:
        """Keep what user code reads back under mmseg's names."""
        beside = BESIDE.get(self.stands_for[1])  # type: ignore[attr-defined]
        for key, value in (beside(self, given) if beside else {}).items():
            setattr(self, key, value)

    def __repr__(self) -> str:
        return printed(self) or super().__repr__()

    def __call__(self, results: Any) -> Any:
        """Apply the step."""
        return self.transform(results)

    def transform(self, results: Any) -> Any:
        """The step itself."""
        return super().__call__(results)  # type: ignore[misc]


class Packing(Step):
    """PackSegInputs: the sample is a SegDataSample, until Segue's loader takes it."""

    def transform(self, results: Any) -> Any:
        """The packed sample."""
        packed = super().transform(results)
        if isinstance(packed.get("data_samples"), SegSample):
            packed["data_samples"] = from_segue(packed["data_samples"])
        return packed


class SeveralViews(Step):
    """TestTimeAug: so are the samples of the views."""

    def transform(self, results: Any) -> Any:
        """Lists under every key."""
        views = super().transform(results)
        packed = [from_segue(s) if isinstance(s, SegSample) else s for s in views.get("data_samples", ())]
        return {**views, "data_samples": packed} if packed else views


class Annotating(Step):
    """LoadAnnotations."""

    def transform(self, results: Any) -> Any:
        """Add the label map."""
        self._load_seg_map(results)
        return results

    def _load_seg_map(self, results: Any) -> None:
        super().transform(results)


class Cropping(Step):
    """RandomCrop: the place is (top, bottom, left, right)."""

    choose: Any

    def crop_bbox(self, results: Any) -> tuple[int, int, int, int]:
        """Draw the place."""
        labels = label_map_of(results)
        size = image_of(self, results).shape[:2]
        rows, columns = self.choose(size, None if labels is None else labels.__getitem__, results)
        return rows.start, rows.stop, columns.start, columns.stop

    def crop(self, img: Array, crop_bbox: Sequence[int]) -> Array:
        """An image or map at that place."""
        top, bottom, left, right = crop_bbox
        return img[top:bottom, left:right]

    def transform(self, results: Any) -> Any:
        """Crop the image and its maps."""
        if not overridden(self, "crop", "crop_bbox"):
            return super().transform(results)
        image_of(self, results)
        place = self.crop_bbox(results)
        for key in pictures(results):
            results[key] = self.crop(results[key], place)
        for key, values, _ in maps(results):
            results[key] = self.crop(values, place)
        results["img_shape"] = results["img"].shape[:2]
        return results


class Flipping(Step):
    """RandomFlip."""

    directions: Sequence[str]
    swap_seg_labels: Any
    _limits: Array
    _swapped: Any

    def _choose_direction(self) -> str | None:
        drawn = int(np.searchsorted(self._limits, np.random.random_sample(), side="right"))
        return self.directions[drawn] if drawn < len(self.directions) else None

    def _flip_seg_map(self, seg_map: Array, direction: str) -> Array:
        return self._swapped(flip_array(seg_map, direction))

    def _flip(self, results: Any) -> None:
        direction = results["flip_direction"]
        for key in pictures(results):
            results[key] = flip_array(results[key], direction)
        for key, values, _ in maps(results):
            labels = key == "gt_seg_map" or key in results.get("seg_fields", ())
            results[key] = self._flip_seg_map(values, direction) if labels else flip_array(values, direction)
        results["swap_seg_labels"] = self.swap_seg_labels

    def _flip_on_direction(self, results: Any) -> None:
        direction = self._choose_direction()
        results["flip"], results["flip_direction"] = direction is not None, direction
        if direction is not None:
            self._flip(results)

    def transform(self, results: Any) -> Any:
        """Draw a direction or none, and flip."""
        if not overridden(self, "_choose_direction", "_flip_seg_map", "_flip", "_flip_on_direction"):
            return super().transform(results)
        image_of(self, results)
        self._flip_on_direction(results)
        return results


class Resizing(Step):
    """Resize."""

    scale: Any
    scale_factor: Any
    interpolation: str
    backend: str
    settle_to: Any
    _target: Any

    def _resize_img(self, results: Any) -> None:
        size = self.settle_to(results, image_of(self, results).shape[:2], results["scale"])
        for key in pictures(results):
            results[key] = resize_array(image_of(self, results, key), size, self.interpolation, self.backend)

    def _resize_seg(self, results: Any) -> None:
        for key, values, _ in maps(results):
            backend = self.backend if values.dtype == np.uint8 and values.ndim == 2 else "cv2"
            results[key] = resize_array(values, self._target(values.shape[:2], results["scale"]), "nearest", backend)

    def _resize_bboxes(self, results: Any) -> None:
        """Nothing: there are no boxes, but a subclass may have some."""

    def _resize_keypoints(self, results: Any) -> None:
        """Nothing, likewise."""

    def transform(self, results: Any) -> Any:
        """Resize the image and its maps."""
        if not overridden(self, "_resize_img", "_resize_seg", "_resize_bboxes", "_resize_keypoints"):
            return super().transform(results)
        self.settle_to(results, image_of(self, results).shape[:2], self.scale)  # records `scale`
        self._resize_img(results)
        self._resize_bboxes(results)
        self._resize_seg(results)
        self._resize_keypoints(results)
        return results


class Padding(Step):
    """Pad."""

    size: Any
    size_divisor: Any
    label_fill: int
    padding_mode: str

    def _pad_img(self, results: Any) -> None:
        only = {key: value for key, value in results.items() if key in ("img", "img2")}
        results.update(super().transform(only))

    def _pad_seg(self, results: Any) -> None:
        for key, values, empty in maps(results, self.label_fill):
            results[key] = pad_array(values, results["pad_shape"][:2], empty, self.padding_mode)

    def transform(self, results: Any) -> Any:
        """Pad the image and its maps."""
        if not overridden(self, "_pad_img", "_pad_seg"):
            return super().transform(results)
        self._pad_img(results)
        self._pad_seg(results)
        return results


class ResizingAtRandom(Step):
    """RandomResize: what ``_random_scale`` draws, (W, H)."""

    scales: Sequence[tuple[int, int]]
    ratio_range: Any
    resize: Any

    @staticmethod
    def _random_sample(scales: Sequence[tuple[int, int]]) -> tuple[int, int]:
        widths, heights = zip(*scales, strict=True)
        width = np.random.randint(min(widths), max(widths) + 1)
        return width, np.random.randint(min(heights), max(heights) + 1)

    @staticmethod
    def _random_sample_ratio(scale: tuple[int, int], ratio_range: tuple[float, float]) -> tuple[int, int]:
        low, high = ratio_range
        ratio = np.random.random_sample() * (high - low) + low
        return max(int(scale[0] * ratio), 1), max(int(scale[1] * ratio), 1)

    def _random_scale(self) -> tuple[int, int]:
        if len(self.scales) == 1:
            return self._random_sample_ratio(self.scales[0], self.ratio_range)
        return self._random_sample(self.scales)

    def transform(self, results: Any) -> Any:
        """Draw a scale and resize to it."""
        return self.resize.resize_to(results, self._random_scale())


class ResizingByChoice(Step):
    """RandomChoiceResize: what ``_random_select`` draws, ((W, H), its index)."""

    scales: Sequence[tuple[int, int]]
    resize: Any

    def _random_select(self) -> tuple[tuple[int, int], int]:
        index = int(np.random.randint(len(self.scales)))
        return self.scales[index], index

    def transform(self, results: Any) -> Any:
        """Draw a scale and resize to it."""
        scale, results["scale_idx"] = self._random_select()
        return self.resize.resize_to(results, scale)


class Distorting(Step):
    """PhotoMetricDistortion: each method takes an image, and draws whether and how far it changes it."""

    brightness_delta: int
    contrast_low: float
    contrast_high: float
    saturation_low: float
    saturation_high: float
    hue_delta: int

    def convert(self, img: Array, alpha: float = 1, beta: float = 0) -> Array:
        """``img * alpha + beta``, uint8."""
        changed: Array = np.clip(img.astype(np.float32) * alpha + beta, 0, 255).astype(np.uint8)
        return changed

    def brightness(self, img: Array) -> Array:
        """Add something."""
        if np.random.randint(2):
            return self.convert(img, beta=np.random.uniform(-self.brightness_delta, self.brightness_delta))
        return img

    def contrast(self, img: Array) -> Array:
        """Multiply by something."""
        if np.random.randint(2):
            return self.convert(img, alpha=np.random.uniform(self.contrast_low, self.contrast_high))
        return img

    def saturation(self, img: Array) -> Array:
        """Multiply the saturation."""
        if np.random.randint(2):
            hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV)
            alpha = np.random.uniform(self.saturation_low, self.saturation_high)
            hsv[:, :, 1] = self.convert(hsv[:, :, 1], alpha=alpha)
            return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
        return img

    def hue(self, img: Array) -> Array:
        """Turn the hue."""
        if np.random.randint(2):
            hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV)
            hsv[:, :, 0] = (hsv[:, :, 0].astype(int) + np.random.randint(-self.hue_delta, self.hue_delta)) % 180
            return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
        return img

    def transform(self, results: Any) -> Any:
        """Distort ``img``."""
        if not overridden(self, "convert", "brightness", "contrast", "saturation", "hue"):
            return super().transform(results)
        image = self.brightness(image_of(self, results))
        early = np.random.randint(2) == 1
        image = self.contrast(image) if early else image
        image = self.hue(self.saturation(image))
        results["img"] = image if early else self.contrast(image)
        return results


class Rotating(Step):
    """RandomRotate: ``generate_degree`` gives whether, and how far."""

    prob: float
    degree: tuple[float, float]

    def generate_degree(self) -> tuple[bool, float]:
        """Draw both."""
        return bool(np.random.rand() < self.prob), float(np.random.uniform(*self.degree))

    def transform(self, results: Any) -> Any:
        """Rotate the image and its maps."""
        image_of(self, results)
        rotate, degrees = self.generate_degree()
        return self.rotated(results, degrees) if rotate else results  # type: ignore[attr-defined]


#: by the name of the class in mmseg
BY_NAME: dict[str, type[Step]] = {
    "PackSegInputs": Packing,
    "LoadAnnotations": Annotating,
    "RandomCrop": Cropping,
    "RandomFlip": Flipping,
    "Resize": Resizing,
    "Pad": Padding,
    "RandomResize": ResizingAtRandom,
    "RandomChoiceResize": ResizingByChoice,
    "PhotoMetricDistortion": Distorting,
    "RandomRotate": Rotating,
    "TestTimeAug": SeveralViews,
    "MultiScaleFlipAug": SeveralViews,
}
