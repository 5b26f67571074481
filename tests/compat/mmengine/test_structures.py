"""Data elements; what is expected is what mmengine 0.10.7 does on the same calls."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import segue.compat  # noqa: F401
from segue.compat.mmengine.structures import from_segue, to_samples, to_segue, to_targets
from segue.types import SegSample, Targets


def test_data_and_metainfo() -> None:
    from mmengine.structures import BaseDataElement

    item = BaseDataElement(metainfo=dict(img_shape=(4, 5)), scores=torch.ones(3))
    item.extra = [1]
    item.set_metainfo(dict(path="a"))
    assert (item.keys(), item.metainfo_keys()) == (["scores", "extra"], ["img_shape", "path"])
    assert item.img_shape == (4, 5) and item.get("nope", 7) == 7 and "path" in item
    with pytest.raises(AttributeError, match="img_shape is used in the other kind of fields"):
        item.img_shape = 3
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        _ = item.nope
    copy = item.clone()
    copy.scores[0] = 5
    assert item.scores[0] == 1 and item.new(scores=torch.zeros(1)).metainfo == item.metainfo
    assert isinstance(item.numpy().scores, np.ndarray) and item.to(torch.float64).scores.dtype == torch.float64
    assert item.pop("extra") == [1] and "extra" not in item
    del item.scores
    assert item.keys() == [] and item.to_dict() == {"img_shape": (4, 5), "path": "a"}


def test_pixel_data() -> None:
    from mmengine.structures import PixelData

    pixels = PixelData(data=torch.arange(12).view(3, 4))
    assert pixels.data.shape == (1, 3, 4) and pixels.shape == (3, 4)
    assert pixels[1:, 2].data.shape == (1, 2, 1)
    with pytest.raises(AssertionError, match="are not"):
        pixels.other = torch.zeros(1, 2, 2)
    with pytest.raises(AssertionError, match="dim of value must be 2 or 3"):
        PixelData(data=torch.zeros(4))


def test_samples_and_targets_are_each_others_inverse() -> None:
    targets = Targets(torch.ones(2, 3, 4, dtype=torch.int64), metas=[{"img_path": "a"}, {"img_path": "b"}])
    samples = to_samples(targets)
    assert samples[1].img_path == "b" and samples[0].gt_sem_seg.data.shape == (1, 3, 4)
    back = to_targets(samples)
    assert torch.equal(back.labels, targets.labels) and back.metas == targets.metas and back.edges is None
    own = SegSample(meta={"flip": True}, gt_sem_seg=torch.zeros(3, 4, dtype=torch.int64))
    again = to_segue(from_segue(own))
    assert again.meta == own.meta and torch.equal(again.gt_sem_seg, own.gt_sem_seg)
