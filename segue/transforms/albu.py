"""Albu: transforms of the package albumentations (extra ``albu``)."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from segue.errors import InputError, MissingExtraError
from segue.images.read import Array
from segue.transforms.arguments import image_of, refuse
from segue.transforms.fields import maps, pictures
from segue.types import Sample


class Albu:
    """Apply transforms of albumentations to the image and its maps.

    ``img2`` gets the same draws as ``img`` (the reference leaves it as it is, so that flips pull the two apart). Images
    of three bands are turned to RGB and back. The package's own generator is seeded from numpy's at every call.

    Takes uint8 or float32, of as many bands as the transforms inside. Float images above 1 are taken as 0..255 and
    handed over as 0..1, which is what albumentations expects (the reference hands them over as they are, and most
    transforms then cut them off at 1).

    Args:
        transforms: dicts of a class name in albumentations (``type``) and its arguments; some hold ``transforms`` too.
            ``type='albumentations.HorizontalFlip'`` as a step of its own is such a list of one.
        keymap: {key of the sample: name of a target}; None means ``img`` as image and all maps as masks.
        update_pad_shape: record ``pad_shape``.
    """

    DTYPES = ("uint8", "float32")
    INSTEAD = "convert it where it is loaded (to_float32=True)"

    def __init__(
        self,
        transforms: Sequence[Mapping[str, Any]],
        keymap: Mapping[str, str] | None = None,
        update_pad_shape: bool = False,
    ) -> None:
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would look for a newer version on the network
        try:
            import albumentations
        except ImportError as error:
            raise MissingExtraError("albumentations", "albu", "the transform Albu") from error
        if not isinstance(transforms, Sequence) or isinstance(transforms, str):
            raise refuse(self, "transforms", "a list of dicts", transforms)
        self._package = albumentations
        self._steps = [self._built(step) for step in transforms]
        self._pipelines: dict[tuple[tuple[str, str], ...], Any] = {}
        self.keymap = None if keymap is None else dict(keymap)
        if self.keymap is not None and "image" not in self.keymap.values():
            raise refuse(self, "keymap", "{key of the sample: target}, with one 'image' among the targets", keymap)
        self.update_pad_shape = update_pad_shape

    def _built(self, step: Any) -> Any:
        if not isinstance(step, Mapping) or not isinstance(step.get("type"), str):
            raise refuse(self, "transforms", "a list of dicts with a 'type'", step)
        target: Any = getattr(self._package, step["type"].removeprefix("albumentations."), None)
        own = inspect.isclass(target) and str(target.__module__).startswith("albumentations.")
        if not own or not any("__call__" in vars(base) for base in target.__mro__):
            raise refuse(self, "transforms", f"classes of albumentations {self._package.__version__}", step["type"])
        arguments = {key: value for key, value in step.items() if key != "type"}
        if "transforms" in arguments:
            arguments["transforms"] = [self._built(inner) for inner in arguments["transforms"]]
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message=".*not valid for transform.*")  # it would drop them
                return target(**arguments)
        except (TypeError, ValueError, UserWarning) as error:
            said = " ".join(line.strip() for line in str(error).splitlines() if "further information" not in line)
            raise InputError(f"Albu: {step['type']} of albumentations refuses {arguments}: {said}") from error

    def __call__(self, sample: Sample) -> Sample:
        """Draw a seed, apply."""
        images = {key: image_of(self, sample, key) for key in pictures(sample)}
        if not images:
            image_of(self, sample)
        scale = _scale(images)
        values = {key: _handed_over(image, scale) for key, image in images.items()}
        values.update({key: array for key, array, _ in maps(sample)})
        names = self._names(values)
        pipeline = self._pipeline(names)
        pipeline.set_random_seed(int(np.random.randint(2**31)))
        try:
            result = pipeline(**{names[key]: value for key, value in values.items() if key in names})
        except (TypeError, ValueError) as error:
            kinds = ", ".join(f"{key} {value.dtype} {value.shape}" for key, value in values.items())
            raise InputError(f"Albu: albumentations refuses {kinds}: {error}") from error
        for key in names:
            array = result[names[key]]
            sample[key] = _taken_back(array, images[key], scale) if key in images else array
        sample["img_shape"] = sample["img"].shape[:2]
        if self.update_pad_shape:
            sample["pad_shape"] = sample["img"].shape
        return sample

    def _names(self, values: Mapping[str, Array]) -> dict[str, str]:
        if self.keymap is not None:
            return {key: name for key, name in self.keymap.items() if key in values}
        usual = {"img": "image", "gt_seg_map": "mask"}
        return {key: usual.get(key, key) for key in values}

    def _pipeline(self, names: Mapping[str, str]) -> Any:
        """One per set of entries; more targets than image and mask must be declared."""
        known = tuple(sorted(names.items()))
        if known not in self._pipelines:
            more = {
                name: "image" if key in ("img", "img2") else "mask"
                for key, name in names.items()
                if name not in ("image", "mask")
            }
            self._pipelines[known] = self._package.Compose(self._steps, additional_targets=more)
        return self._pipelines[known]


def _scale(images: Mapping[str, Array]) -> float:
    """What float images are divided by."""
    floats = [image for image in images.values() if image.dtype == np.float32]
    low, high = min([float(i.min()) for i in floats] or [0.0]), max([float(i.max()) for i in floats] or [0.0])
    if low < 0 or high > 255:
        raise InputError(
            f"Albu: albumentations takes floats in 0..1 or 0..255, this image has {low:g}..{high:g}; put Rerange before"
        )
    return 255.0 if high > 1 else 1.0


def _handed_over(image: Array, scale: float) -> Array:
    image = image / np.float32(scale) if image.dtype == np.float32 else image
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.ndim == 3 and image.shape[2] == 3 else image


def _taken_back(array: Array, before: Array, scale: float) -> Array:
    if array.ndim == 3 and array.shape[2] == 3 and before.ndim == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2BGR)
    if array.ndim == 2 and before.ndim == 3:
        array = array[:, :, None]
    return array * np.float32(scale) if array.dtype == np.float32 else array
