"""Modules of a project, as exports trace them: batch, height and width stay free, and forks are what they are."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from segue.compat.mmengine.registry import MODELS
from segue.compat.mmseg.embed import nchw2nlc2nchw
from segue.compat.mmseg.heads import BaseDecodeHead, resize
from segue.compat.mmseg.segmentors import EncoderDecoder
from segue.config.builder.build import build_model
from segue.errors import InputError
from segue.export.graph import Graph, trace
from segue.inference.exported import check_describable


def model_of(head: str, model: str = "EncoderDecoder", **more: Any) -> Any:
    """A model of a project's classes, which are registered for one test."""

    @MODELS.register_module()
    class OwnNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 4, 3, 2, 1)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            x = self.stem(x)
            return x, x[:, :, ::2, ::2]

    class Own(BaseDecodeHead):
        def forward(self, inputs: Any) -> Tensor:
            fine, coarse = inputs
            x = fine + resize(coarse, size=fine.shape[2:], mode="bilinear", align_corners=False)
            return self.cls_seg(nchw2nlc2nchw(nn.Identity(), x))

    class OwnPredict(Own):
        def predict(self, inputs: Any, batch_img_metas: Any, test_cfg: Any) -> Tensor:
            return resize(self(inputs), batch_img_metas[0]["img_shape"], mode="bilinear")

    class OwnByFeat(Own):
        def predict_by_feat(self, seg_logits: Tensor, batch_img_metas: Any) -> Tensor:
            return resize(seg_logits, batch_img_metas[0]["pad_shape"][:2], mode="bilinear")

    class OwnBranch(Own):
        def forward(self, inputs: Any) -> Tensor:
            return super().forward([x if x.mean() > 0 else -x for x in inputs])

    class Thrice(EncoderDecoder):
        def encode_decode(self, inputs: Tensor, batch_img_metas: Any) -> Tensor:
            return super().encode_decode(inputs, batch_img_metas) * 3

    class SeesTwice(EncoderDecoder):
        def inference(self, inputs: Tensor, batch_img_metas: Any) -> Tensor:
            return super().inference(inputs, batch_img_metas) + super().inference(inputs.flip(3), batch_img_metas)

    for cls in (Own, OwnPredict, OwnByFeat, OwnBranch, Thrice, SeesTwice):
        MODELS.register_module()(cls)
    decode = {"type": head, "in_channels": 4, "channels": 4, "num_classes": 3, "norm_cfg": None}
    cfg = {"type": model, "backbone": {"type": "OwnNet"}, "decode_head": decode, "test_cfg": {"mode": "whole"}}
    cfg["data_preprocessor"] = {"type": "SegDataPreProcessor", "mean": [1.0] * 3, "std": [2.0] * 3}
    torch.manual_seed(0)
    return build_model({"model": {**cfg, **more}}).eval()


@pytest.mark.parametrize(
    ("head", "model"), [("Own", "Thrice"), ("OwnPredict", "EncoderDecoder"), ("OwnByFeat", "EncoderDecoder")]
)
def test_sizes_stay_free(head: str, model: str) -> None:
    found = model_of(head, model)
    check_describable(found)
    made = trace(Graph(found), torch.zeros(2, 3, 24, 40))
    assert made.free == ("batch", "height", "width") and made.lost == (), made.lost
    image = torch.randn(3, 3, 21, 27)
    with torch.no_grad():
        torch.testing.assert_close(made.program.module()(image), found.encode_decode(image), atol=1e-5, rtol=1e-5)


def test_what_a_file_would_not_do() -> None:
    with pytest.raises(InputError, match=r"SeesTwice predicts in its own way .* put what belongs to the network into"):
        check_describable(model_of("Own", "SeesTwice"))


def test_the_line_that_cannot_be_traced(capfd: pytest.CaptureFixture[str]) -> None:
    """Torch prints its graph, at length, and names no line of the module."""
    with pytest.raises(InputError, match=r"data-dependent .*\(test_exported.py:\d+\); what is traced may not depend"):
        trace(Graph(model_of("OwnBranch")), torch.zeros(2, 3, 24, 40))
    assert capfd.readouterr() == ("", "")
