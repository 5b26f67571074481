"""Every geometric transform moves a stack (H, W, K) with its image. Oracle: an image that shows its own labels.

Each class is a large rectangle and one band of a float image, so after any move the band, cut at half, is the class's
map but for pixels at borders, which are interpolated in the image and not in the labels.
"""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from segue.config.builder.plan import Planner, make
from segue.errors import InputError
from segue.masks.stacks import StackFiles
from segue.models.seg_data_preprocessor import SegDataPreProcessor, stack_targets
from segue.transforms.generate_edge import GenerateEdge
from segue.transforms.pack_seg_inputs import PackSegInputs
from segue.transforms.random_crop import RandomCrop
from segue.transforms.random_flip import RandomFlip

K = 6  # more than OpenCV pads, flips or warps at once


def sample() -> dict[str, Any]:
    stack = np.zeros((60, 80, K), np.uint8)
    for k in range(K):
        stack[4 * k : 30 + 5 * k, 6 * k : 40 + 7 * k, k] = 1
    image = stack.astype(np.float32) * 200
    shape = {"img_shape": (60, 80), "ori_shape": (60, 80)}
    return {"img": image, "gt_seg_map": stack, "stack_files": StackFiles(()), "seg_fields": ["gt_seg_map"], **shape}


STEPS: list[dict[str, Any]] = [
    {"type": "Resize", "scale": (100, 50)},
    {"type": "RandomResize", "scale": (120, 90), "ratio_range": (0.5, 1.5), "keep_ratio": True},
    {"type": "RandomChoiceResize", "scales": [(40, 30), (160, 120)]},
    {"type": "ResizeShortestEdge", "scale": 45, "max_size": 200},
    {"type": "RandomCrop", "crop_size": (40, 50), "cat_max_ratio": 0.75},
    {"type": "CenterCrop", "crop_size": (50, 40)},
    {"type": "RandomFlip", "prob": 1.0, "direction": ["horizontal", "vertical", "diagonal"]},
    {"type": "Pad", "size": (96, 72)},
    {"type": "RandomRotate", "prob": 1.0, "degree": 30.0, "auto_bound": True},
    {"type": "RandomRotFlip", "rotate_prob": 0.5, "flip_prob": 1.0},
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step["type"])
def test_image_and_stack_move_together(step: dict[str, Any]) -> None:
    planner = Planner({})
    transform = make(planner.component(step, "transforms", "step"))
    for seed in range(3):
        random.seed(seed)
        np.random.seed(seed)
        moved = transform(sample())
        labels, image = moved["gt_seg_map"], moved["img"]
        assert labels.shape == image.shape and labels.dtype == np.uint8
        assert set(np.unique(labels)) <= {0, 1, 255} and labels.any(axis=(0, 1)).all()
        known = labels != 255
        inside = cv2.erode(np.ascontiguousarray(known[..., 0]).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        agree = ((image > 100) == (labels == 1))[inside]
        assert agree.mean() > 0.98, (step, seed)
        assert np.array_equal(known.all(axis=2), known.any(axis=2))  # what is uncovered is unknown for all classes


def test_a_crop_is_drawn_again_while_one_class_fills_it() -> None:
    stack = np.zeros((4, 4, 2), np.uint8)
    crop = RandomCrop((4, 4), cat_max_ratio=0.75)
    assert not crop._varied(stack, 255)  # only pixels without a class
    stack[:2, :, 0] = 1
    assert crop._varied(stack, 255)  # 8 of the class and 8 of none
    stack[:3, :, 1], stack[3:] = 1, 255
    assert crop._varied(stack, 255)  # 8 and 12
    stack[..., 0] = 0
    assert not crop._varied(stack, 255)  # 12 of 12


def test_classes_change_places_in_a_flip() -> None:
    flipped = RandomFlip(prob=1.0, swap_seg_labels=[(0, 1)])(sample())["gt_seg_map"]
    before = sample()["gt_seg_map"][:, ::-1]
    assert np.array_equal(flipped[..., 0], before[..., 1]) and np.array_equal(flipped[..., 1], before[..., 0])
    assert np.array_equal(flipped[..., 2:], before[..., 2:])


def test_edges_need_one_class_per_pixel() -> None:
    with pytest.raises(InputError, match="GenerateEdge: needs one class per pixel"):
        GenerateEdge()(sample())


def test_packed_padded_and_stacked() -> None:
    one = sample()
    one["img"] = one["img"][..., :3]
    batch = PackSegInputs()(one)
    assert batch["data_samples"].gt_sem_seg.shape == (K, 60, 80)
    lists = {"inputs": [batch["inputs"]] * 2, "data_samples": [batch["data_samples"]] * 2}
    inputs, samples = SegDataPreProcessor(size=(64, 96))(lists, training=True)
    labels = stack_targets(samples).labels
    assert inputs.shape == (2, 3, 64, 96) and labels.shape == (2, K, 64, 96) and labels.dtype == torch.uint8
    assert (labels[..., 60:, :] == 255).all() and (labels[..., 80:] == 255).all()
