"""Reading, resizing and cropping in one go: the window is drawn first, and only what it shows is decoded and resized.

A training pipeline begins with LoadImageFromFile, LoadAnnotations, mostly a resizing transform, and RandomCrop. None of
them changes what the next one draws at random, but for the labels that RandomCrop looks at. So `LoadWindow` lets them
draw in their order, with the labels but without the image, and then makes the crop: the same random numbers, the same
labels, and an image that differs by one gray level at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from segue.images.window import Window
from segue.transforms.arguments import image_of
from segue.transforms.fields import maps, pictures
from segue.transforms.load_annotations import LoadAnnotations
from segue.transforms.load_image_from_file import LoadImageFromFile
from segue.transforms.random_choice_resize import RandomChoiceResize
from segue.transforms.random_crop import RandomCrop
from segue.transforms.random_resize import RandomResize
from segue.transforms.resize import Resize
from segue.transforms.resize_shortest_edge import ResizeShortestEdge
from segue.transforms.resize_window import resized_image, resized_labels, window_within
from segue.types import Sample

Resizing: TypeAlias = Resize | ResizeShortestEdge | RandomResize | RandomChoiceResize
_RESIZING = (Resize, ResizeShortestEdge, RandomResize, RandomChoiceResize)


class LoadWindow:
    """What the first steps of a pipeline do, in one go.

    Args:
        load: the first step.
        annotate: the second.
        resize: the third, if there is one.
        crop: the last.
    """

    def __init__(
        self, load: LoadImageFromFile, annotate: LoadAnnotations, resize: Resizing | None, crop: RandomCrop
    ) -> None:
        self.load, self.annotate, self.resize, self.crop = load, annotate, resize, crop
        self._resize: Resize | None = resize if resize is None or isinstance(resize, Resize) else _inner(resize)
        #: How many steps these are.
        self.count = 3 if resize is None else 4

    @classmethod
    def of(cls, steps: Sequence[Any]) -> LoadWindow | None:
        """The first steps of a pipeline, if they are those; a class derived from one may do anything, so it is not."""
        kinds = [type(step) for step in steps[:4]]
        if kinds[:2] != [LoadImageFromFile, LoadAnnotations]:
            return None
        if kinds[2:3] == [RandomCrop]:
            return cls(steps[0], steps[1], None, steps[2])
        if kinds[2:3] and kinds[2] in _RESIZING and kinds[3:4] == [RandomCrop]:
            return cls(steps[0], steps[1], steps[2], steps[3])
        return None

    def attempt(self, sample: Sample) -> Sample | None:
        """The sample after these steps, or None if they have to be taken one by one; ``sample`` is left as it was.

        So whatever is wrong with a file is reported by the step that finds it.
        """
        if not self._applies(sample):
            return None
        before = np.random.get_state()
        try:
            return self._run({**sample, "seg_fields": list(sample.get("seg_fields", ()))})
        except Exception:  # whatever it is, the steps say it better
            np.random.set_state(before)
            return None

    def _applies(self, sample: Sample) -> bool:
        usual = self._resize is None or (self._resize.backend == "cv2" and self._resize.interpolation == "bilinear")
        others = pictures(sample) or any(True for _ in maps(sample)) or sample.get("stack_files") is not None
        return usual and not self.load.whole and not others

    def _run(self, sample: Sample) -> Sample:
        image = self.load.open(sample)
        sample["img_shape"] = sample["ori_shape"] = size = image.size
        labels = self.annotate.open(sample)
        if self.resize is not None:
            size = self.resize.settle(sample, size)
        seen: dict[str, Any] = {}

        def labels_of(window: Window) -> Any:
            seen["labels"], seen["window"] = resized_labels(labels, size, window_within(window, size)), window
            return seen["labels"]

        window = self.crop.choose(size, labels_of, sample)
        if seen.get("window") != window:
            labels_of(window)
        sample["gt_seg_map"] = seen["labels"]
        if "gt_seg_map" not in sample["seg_fields"]:
            sample["seg_fields"].append("gt_seg_map")
        sample["img"] = resized_image(image, size, window_within(window, size))
        image_of(self._resize or self.crop, sample)
        sample["img_shape"] = sample["img"].shape[:2]
        return sample


def _inner(resize: ResizeShortestEdge | RandomResize | RandomChoiceResize) -> Resize:
    """What does the work in the end."""
    inner = resize.resize
    return inner if isinstance(inner, Resize) else inner.resize
