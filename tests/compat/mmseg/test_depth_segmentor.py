"""DepthEstimator as user code builds, calls and derives from it; its numbers are compared with the segmentors'."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from segue.compat.mmengine.registry import MODELS
from segue.compat.mmseg.depth_segmentor import DepthEstimator
from segue.types import SegSample
from tests.compat.reference.heads import samples
from tests.compat.reference.segmentors import DEPTH, HALVING

FLIPPED = {"mode": "slide_flip", "crop_size": (32, 32), "stride": (32, 16)}


def config(**test: Any) -> dict[str, Any]:
    return {"backbone": dict(HALVING), "decode_head": dict(DEPTH), "test_cfg": test or {"mode": "whole"}}


def test_the_registry_builds_it() -> None:
    model = MODELS.build({"type": "DepthEstimator", **config()})
    assert type(model) is DepthEstimator
    images = torch.randn(2, 3, 32, 64)
    assert model(images, mode="tensor").shape[:2] == (2, 1)
    assert set(model(images, samples(1, True, True), mode="loss")) == {"decode.loss_silog"}
    predicted = model.eval()(images, mode="predict")
    assert [each.pred_depth_map.data.shape for each in predicted] == [(1, 32, 64)] * 2


@pytest.mark.parametrize(("test", "calls"), [({}, 1), (FLIPPED, 6)])
def test_what_a_subclass_says_is_called(test: dict[str, Any], calls: int) -> None:
    """Three windows, each seen twice."""
    seen = []

    class Own(DepthEstimator):
        def encode_decode(self, inputs: Tensor, batch_img_metas: Any) -> Tensor:
            seen.append(inputs.shape)
            return torch.full_like(inputs[:, :1], 2.5)

    model = Own(**config(**test)).eval()
    inputs = torch.randn(1, 3, 32, 64)
    assert (model.predict(inputs)[0].pred_depth_map.data == 2.5).all()
    assert len(seen) == calls
    assert (model.whole_or_slide(inputs, [SegSample(meta={"ori_shape": (32, 64)})]) == 2.5).all()


def test_depths_of_the_users_own_inference() -> None:
    class Own(DepthEstimator):
        def slide_flip_inference(self, inputs: Tensor, batch_img_metas: Any) -> Tensor:
            return torch.full_like(inputs[:, :1], 7.0)

    model = Own(**config(**FLIPPED), data_preprocessor={"type": "SegDataPreProcessor"}).eval()
    sample = SegSample(meta={"ori_shape": (32, 64), "img_shape": (32, 64)})
    found = model.label_maps({"inputs": [torch.randn(3, 32, 64)], "data_samples": [sample]})
    assert len(found) == 1
    assert (found[0] == 7).all()


def test_categories_of_images_reach_the_backbone() -> None:
    given = []

    class Backbone(torch.nn.Module):
        class_embed_select = True

        def forward(self, inputs: Any) -> Any:
            given.append(inputs)
            return ()

    model = DepthEstimator(**config())
    model.backbone = Backbone()
    model.extract_feat(torch.zeros(2, 3, 4, 4), [{"category_id": 3}, {"category_id": 5}])
    model.extract_feat(torch.zeros(2, 3, 4, 4), [{}, {}])
    assert given[0][1].tolist() == [3, 5]
    assert isinstance(given[1], Tensor)
