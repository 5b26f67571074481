"""Models of several views. Oracle: Segue's own mean over views (`segue.inference.segment`), and the mean by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from segue.compat.mmengine.registry import MODELS
from segue.compat.mmengine.structures import PixelData, SegDataSample
from segue.compat.mmengine.views import BaseTTAModel, SegTTAModel
from segue.inference.segment import label_maps
from segue.types import SegSample

MODEL = {
    "type": "EncoderDecoder",
    "data_preprocessor": {"type": "SegDataPreProcessor", "mean": [100.0] * 3, "std": [50.0] * 3, "size_divisor": 16},
    "backbone": {"type": "UNet", "base_channels": 4, "num_stages": 2, "strides": (1, 1), "enc_num_convs": (1, 1),
                 "dec_num_convs": (1,), "downsamples": (True,), "enc_dilations": (1, 1), "dec_dilations": (1,)},
    "decode_head": {"type": "FCNHead", "in_channels": 4, "channels": 4, "num_convs": 1, "num_classes": 3},
    "test_cfg": {"mode": "whole"},
}  # fmt: skip


def batch() -> dict[str, Any]:
    """Two images, each as it is and mirrored."""
    torch.manual_seed(0)
    images = [torch.randint(0, 255, (3, 16, 16), dtype=torch.uint8) for _ in range(2)]
    inputs = [[image, image.flip(2)] for image in images]
    plain = {"img_shape": (16, 16), "ori_shape": (16, 16)}
    mirrored = {**plain, "flip": True, "flip_direction": "horizontal"}
    samples = [[SegSample(meta=plain), SegSample(meta=mirrored)] for _ in images]
    return {"inputs": inputs, "data_samples": samples}


def test_the_mean_of_views() -> None:
    """Built as people do it; as a model of Segue's evaluation, and by ``test_step`` with views before images."""
    torch.manual_seed(1)
    model = MODELS.build({"type": "SegTTAModel", "module": MODEL}).eval()
    given = batch()
    with torch.no_grad():
        expected = label_maps(model.module, given)
        found = label_maps(model, given)
        from segue.compat.mmengine.structures import from_segue

        views = {
            "inputs": [list(part) for part in zip(*given["inputs"], strict=True)],
            "data_samples": [[from_segue(s) for s in part] for part in zip(*given["data_samples"], strict=True)],
        }
        stepped = model.test_step(views)
        alone = label_maps(model.module, {key: [value[0] for value in part] for key, part in given.items()})
    assert len({int(labels.unique().numel()) for labels in expected}) and not torch.equal(alone[0], expected[0])
    for labels, other, sample in zip(expected, found, stepped, strict=True):
        assert torch.equal(labels, other) and torch.equal(sample.pred_sem_seg.data[0], labels)


def test_weights_have_the_modules_names() -> None:
    model = SegTTAModel(MODELS.build(MODEL))
    assert set(model.state_dict()) == set(model.module.state_dict())
    state = {key: torch.full_like(value, 2) for key, value in model.module.state_dict().items()}
    model.load_state_dict(state)
    assert model.module.decode_head.conv_seg.bias.tolist() == [2, 2, 2]


def sample(*logits: list[float]) -> SegDataSample:
    made = SegDataSample(metainfo={"ori_shape": (1, len(logits[0]))})
    made.seg_logits = PixelData(data=torch.tensor(logits)[:, None])
    made.gt_sem_seg = PixelData(data=torch.zeros(1, 1, len(logits[0]), dtype=torch.long))
    return made


def test_by_hand() -> None:
    """(0.9, 0.1) and (0.2, 0.8) average to (0.55, 0.45): the first class, though the second view is surer of itself."""
    first, second = torch.tensor([0.9, 0.1]).log().tolist(), torch.tensor([0.2, 0.8]).log().tolist()
    model = SegTTAModel(torch.nn.Identity())
    (merged,) = model.merge_preds([[sample([first[0]], [first[1]]), sample([second[0]], [second[1]])]])
    assert merged.pred_sem_seg.data.tolist() == [[[0]]] and merged.gt_sem_seg.shape == (1, 1)
    (merged,) = model.merge_preds([[sample([0.9, 0.2]), sample([0.3, 0.2])]])
    assert merged.pred_sem_seg.data.tolist() == [[[1, 0]]], "means 0.6 and 0.2, against 0.5"


def test_a_merge_of_ones_own() -> None:
    class First(SegTTAModel):
        def merge_preds(self, data_samples_list: Any) -> Any:
            return [samples[0] for samples in data_samples_list]

    torch.manual_seed(1)
    model = First(MODEL).eval()
    given = batch()
    with torch.no_grad():
        found = label_maps(model, given)
        alone = label_maps(model.module, {key: [value[0] for value in part] for key, part in given.items()})
    assert all(torch.equal(labels, other) for labels, other in zip(found, alone, strict=True))


def test_refused() -> None:
    class Forgetful(BaseTTAModel):
        pass

    with pytest.raises(NotImplementedError, match="Forgetful does not say how views are merged"):
        Forgetful(torch.nn.Identity()).merge_preds([])
    with pytest.raises(TypeError, match="module is a model or the dict of one, not int"):
        SegTTAModel(3)
    with pytest.raises(NotImplementedError, match="test_step"):
        SegTTAModel(torch.nn.Identity())(torch.zeros(1))
