"""SegDataPreProcessor: normalization, padding and what it refuses."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.models.seg_data_preprocessor import PadOptions, SegDataPreProcessor, stack_targets
from segue.types import SegSample


def batch(*sizes: tuple[int, int], channels: int = 3) -> dict:
    images = [torch.full((channels, *size), 10, dtype=torch.uint8) for size in sizes]
    samples = [SegSample({"img_path": f"{i}.png"}, torch.ones(size, dtype=torch.int64)) for i, size in enumerate(sizes)]
    return {"inputs": images, "data_samples": samples}


def test_normalizes_after_reversing_the_channels() -> None:
    image = torch.tensor([1, 2, 3], dtype=torch.uint8).view(3, 1, 1)  # B, G, R
    data = {"inputs": [image], "data_samples": [SegSample()]}
    inputs, _ = SegDataPreProcessor(mean=[3, 2, 1], std=[1, 2, 4], bgr_to_rgb=True)(data)
    assert not inputs.any()
    inputs, _ = SegDataPreProcessor(mean=[0, 0, 0], std=[1, 2, 4])(data)
    assert inputs.flatten().tolist() == [1, 1, 0.75]


def test_pads_images_and_labels_in_training() -> None:
    prepare = SegDataPreProcessor(size=(4, 6), pad_val=7, seg_pad_val=255)
    inputs, samples = prepare(batch((4, 6), (2, 3)), training=True)
    assert inputs.shape == (2, 3, 4, 6)
    assert (inputs[1, :, 2:] == 7).all() and (inputs[1, :, :, 3:] == 7).all()
    assert samples[1].meta["padding_size"] == (0, 3, 0, 2)
    labels = stack_targets(samples).labels
    assert (labels == 255).sum() == 4 * 6 - 2 * 3


def test_size_divisor_and_neither() -> None:
    assert SegDataPreProcessor(size_divisor=4)(batch((5, 4), (3, 9)), training=True)[0].shape[-2:] == (8, 12)
    assert SegDataPreProcessor()(batch((5, 4), (3, 9)), training=True)[0].shape[-2:] == (5, 9)


def test_evaluation_pads_only_when_asked() -> None:
    assert SegDataPreProcessor(size=(64, 64))(batch((5, 4)))[0].shape[-2:] == (5, 4)
    inputs, samples = SegDataPreProcessor(test=PadOptions(size_divisor=4))(batch((5, 4)))
    assert inputs.shape[-2:] == (8, 4)
    assert samples[0].gt_sem_seg.shape == (5, 4)  # labels stay at the size that is compared


def test_the_given_batch_is_not_changed() -> None:
    data = batch((2, 2))
    SegDataPreProcessor(size=(4, 4))(data, training=True)
    assert data["data_samples"][0].gt_sem_seg.shape == (2, 2) and "padding_size" not in data["data_samples"][0].meta


def test_state_dict_is_empty() -> None:
    assert not SegDataPreProcessor(mean=[1.0], std=[1.0]).state_dict()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mean": [1, 2, 3]}, "must be given together"),
        ({"bgr_to_rgb": True, "rgb_to_bgr": True}, "would undo each other"),
        ({"size": (2, 2), "size_divisor": 2}, "give one of them"),
    ],
)
def test_contradictions(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SegDataPreProcessor(**arguments)


def test_refused_batches() -> None:
    with pytest.raises(InputError, match=r"0.png: 5 x 4 pixels after the pipeline, but .* size is 4 x 4"):
        SegDataPreProcessor(size=(4, 4))(batch((5, 4)), training=True)
    with pytest.raises(InputError, match=r"different sizes .* in one batch"):
        SegDataPreProcessor()(batch((5, 4), (4, 4)))
    with pytest.raises(InputError, match=r"4 channels, but data_preprocessor.mean has 3 values"):
        SegDataPreProcessor(mean=[0] * 3, std=[1] * 3)(batch((5, 4), channels=4))
    with pytest.raises(InputError, match="no labels; training needs LoadAnnotations"):
        stack_targets([SegSample({"img_path": "x.png"})])
