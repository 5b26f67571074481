"""What a dataset's file says, and the loaders, pipelines and evaluators made of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Size = tuple[int, int]
Step = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Data:
    """A dataset as recipes use it. Crops are (height, width), scales (long, short) as ``Resize`` reads them.

    Attributes:
        type, root: the dataset class and its folder.
        num_classes: classes that a model predicts.
        crop: the training crop where a name gives none.
        scale: the size that training resizes around, by factors of 0.5 to 2; testing resizes to it.
        wide_scale: whether ``scale`` follows the crop instead: its short side, and four times that.
        scales: other scales, by the crops they are used with.
        test_scale: where testing resizes to another size.
        train, val, test: arguments of the splits beside type and root; ``test`` only where it is not ``val``.
        joined: arguments of splits that are trained on together, instead of ``train``.
        reduce_zero_label: as ``LoadAnnotations`` takes it; None where the annotations need no word about it.
        metainfo: makes the ``metainfo`` of every split, where classes are chosen from those of the class.
        pictures: pictures of three channels in one image.
        batch, workers: images per GPU and loader processes where a name gives none.
        iters: the length of training where a name gives none.
        rate, weight_decay: of SGD, where the method does not decide.
        repeat: how often an epoch repeats the images.
        pad: whether crops of small images are padded in the pipeline.
        slide: whether crops are also the windows of testing.
        metric: the headline of ``IoUMetric``.
        tta: whether the reference offers test-time augmentation.
        train_steps, test_steps, tta_steps, evaluator: pipelines (by crop) and evaluator that are not the usual ones.
    """

    type: str
    root: str
    num_classes: int
    crop: Size
    scale: Size = (2048, 1024)
    wide_scale: bool = False
    scales: Mapping[Size, Size] = field(default_factory=dict)
    test_scale: Size | None = None
    train: Mapping[str, Any] = field(default_factory=dict)
    val: Mapping[str, Any] = field(default_factory=dict)
    test: Mapping[str, Any] | None = None
    joined: tuple[Mapping[str, Any], ...] = ()
    reduce_zero_label: bool | None = None
    metainfo: Callable[[], Mapping[str, Any]] | None = None
    pictures: int = 1
    batch: int = 4
    workers: int = 4
    iters: int = 80_000
    rate: float = 0.01
    weight_decay: float = 0.0005
    repeat: int = 0
    pad: bool = False
    slide: bool = False
    metric: str = "mIoU"
    tta: bool = True
    train_steps: Callable[[Size], list[Step]] | None = None
    test_steps: Callable[[Size], list[Step]] | None = None
    tta_steps: Callable[[], list[Step]] | None = None
    evaluator: Mapping[str, Any] | None = None


def folders(img_path: str, seg_map_path: str, **more: Any) -> dict[str, Any]:
    """A split: its folders of images and label maps."""
    return dict(data_prefix=dict(img_path=img_path, seg_map_path=seg_map_path), **more)


def load_labels(data: Data) -> Step:
    """The step that reads label maps."""
    if data.reduce_zero_label is None:
        return dict(type="LoadAnnotations")
    return dict(type="LoadAnnotations", reduce_zero_label=data.reduce_zero_label)


def random_resize(scale: Size) -> Step:
    """Resize around a size, by a random factor."""
    return dict(type="RandomResize", scale=scale, ratio_range=(0.5, 2.0), keep_ratio=True)


def shortest_edges(sides: list[int], longest: int) -> Step:
    """Resize the short side to one of ``sides``."""
    return dict(type="RandomChoiceResize", scales=sides, resize_type="ResizeShortestEdge", max_size=longest)


def training_scale(data: Data, crop: Size) -> Size:
    """The size that training resizes around."""
    return (4 * min(crop), min(crop)) if data.wide_scale else data.scales.get(crop, data.scale)


def train_pipeline(data: Data, crop: Size, resize: Step | None = None) -> list[Step]:
    """Read, resize, crop, flip, distort colors, pack; ``resize`` replaces the usual resizing."""
    if data.train_steps is not None:
        return data.train_steps(crop)
    return [
        dict(type="LoadImageFromFile"),
        load_labels(data),
        resize or random_resize(training_scale(data, crop)),
        dict(type="RandomCrop", crop_size=crop, cat_max_ratio=0.75),
        dict(type="RandomFlip", prob=0.5),
        dict(type="PhotoMetricDistortion"),
        *([dict(type="Pad", size=crop)] if data.pad else []),
        dict(type="PackSegInputs"),
    ]


def test_pipeline(data: Data, crop: Size, resize: list[Step] | None = None) -> list[Step]:
    """Read, resize the image (not the labels), pack; ``resize`` replaces the usual resizing."""
    if data.test_steps is not None:
        return data.test_steps(crop)
    scale = data.test_scale or training_scale(data, crop)
    return [
        dict(type="LoadImageFromFile"),
        *(resize or [dict(type="Resize", scale=scale, keep_ratio=True)]),
        load_labels(data),  # after the resizing, so that labels keep their size
        dict(type="PackSegInputs"),
    ]


def tta_pipeline(data: Data) -> list[Step]:
    """Six sizes, each also flipped."""
    if data.tta_steps is not None:
        return data.tta_steps()
    flip = dict(type="RandomFlip", direction="horizontal")
    return [
        dict(type="LoadImageFromFile", backend_args=None),
        dict(
            type="TestTimeAug",
            transforms=[
                [dict(type="Resize", scale_factor=r, keep_ratio=True) for r in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)],
                [dict(flip, prob=0.0), dict(flip, prob=1.0)],
                [dict(type="LoadAnnotations")],
                [dict(type="PackSegInputs")],
            ],
        ),
    ]


def train_dataset(data: Data, pipeline: list[Step]) -> dict[str, Any]:
    """The training split, joined or repeated where the dataset asks for it."""
    whole: dict[str, Any]
    if data.joined:
        whole = dict(type="ConcatDataset", datasets=[split(data, part, pipeline) for part in data.joined])
    else:
        whole = split(data, data.train, pipeline)
    return dict(type="RepeatDataset", times=data.repeat, dataset=whole) if data.repeat else whole


def split(data: Data, arguments: Mapping[str, Any], pipeline: list[Step]) -> dict[str, Any]:
    """One split of the dataset."""
    whole = dict(type=data.type, data_root=data.root, **copy.deepcopy(dict(arguments)))
    if data.metainfo is not None:
        whole["metainfo"] = data.metainfo()
    return dict(whole, pipeline=copy.deepcopy(pipeline))


def train_loader(dataset: dict[str, Any], batch: int, workers: int) -> dict[str, Any]:
    """An endless, shuffled loader."""
    return dict(
        batch_size=batch,
        num_workers=workers,
        persistent_workers=True,
        sampler=dict(type="InfiniteSampler", shuffle=True),
        dataset=dataset,
    )


def test_loader(dataset: dict[str, Any]) -> dict[str, Any]:
    """Images one by one, in order."""
    return dict(
        batch_size=1,
        num_workers=4,
        persistent_workers=True,
        sampler=dict(type="DefaultSampler", shuffle=False),
        dataset=dataset,
    )


def evaluator(data: Data) -> dict[str, Any]:
    """The metric of validation and test."""
    return dict(data.evaluator or dict(type="IoUMetric", iou_metrics=[data.metric]))
