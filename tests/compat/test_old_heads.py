"""Heads on a base class that a project brings itself, and segmentors of 0.x arity."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from tests.compat.test_what_users_see import samples

BN = {"type": "BN"}
BACKBONE = {"type": "CGNet", "num_channels": (8, 16, 16)}
FCN = {"type": "FCNHead", "in_channels": 32, "channels": 4, "num_classes": 3, "norm_cfg": BN, "num_convs": 1}
OWN = {"type": "OwnHead", "in_channels": 32, "channels": 8, "num_classes": 3}
SEEN: dict[str, Any] = {}


def register() -> None:
    """A project's own 0.x head, and a 1.x one, neither of which derives from mmseg's."""
    from mmcv.runner import BaseModule, auto_fp16, force_fp32
    from mmseg.models.builder import HEADS, build_loss
    from mmseg.models.losses import accuracy
    from mmseg.ops import resize

    class OwnBase(BaseModule):
        def __init__(self, in_channels, channels, *, num_classes, init_cfg=None):
            super().__init__(init_cfg)
            self.num_classes, self.align_corners, self.ignore_index = num_classes, False, 255
            self.loss_decode = build_loss({"type": "CrossEntropyLoss", "loss_weight": 1.0})
            self.conv, self.conv_seg = nn.Conv2d(in_channels, channels, 1), nn.Conv2d(channels, num_classes, 1)

        def forward_train(self, inputs, img_metas, gt_semantic_seg, train_cfg):
            SEEN["train"] = len(img_metas), tuple(gt_semantic_seg.shape)
            return self.losses(self.forward(inputs), gt_semantic_seg)

        def forward_test(self, inputs, img_metas, test_cfg):
            SEEN["test"] = len(img_metas)
            return self.forward(inputs)

        @force_fp32(apply_to=("seg_logit",))
        def losses(self, seg_logit, seg_label):
            seg_logit = resize(seg_logit, size=seg_label.shape[2:], mode="bilinear", align_corners=False)
            label = seg_label.squeeze(1)
            loss = self.loss_decode(seg_logit, label, weight=None, ignore_index=self.ignore_index)
            return {"loss_seg": loss, "acc_seg": accuracy(seg_logit, label)}

    @HEADS.register_module()
    class OwnHead(OwnBase):
        @auto_fp16()
        def forward(self, inputs):
            return self.conv_seg(self.conv(inputs[-1]))

    @HEADS.register_module()
    class OwnNewHead(nn.Module):
        def __init__(self):
            super().__init__()
            self.num_classes, self.align_corners, self.conv = 3, False, nn.Conv2d(32, 3, 1)

        def forward(self, inputs):
            return self.conv(inputs[-1])

        def loss(self, inputs, batch_data_samples, train_cfg):
            return self.loss_by_feat(self.forward(inputs), batch_data_samples)

        def loss_by_feat(self, logits, batch_data_samples):
            return {"loss_new": logits.mean() * len(batch_data_samples)}

        def predict(self, inputs, batch_img_metas, test_cfg):
            return resize(self.forward(inputs), size=batch_img_metas[0]["img_shape"], mode="bilinear")


def run(model: Any) -> tuple[dict[str, Any], Any]:
    """A step of training, and predicted samples."""

    class Wrapper:
        def update_params(self, loss):
            loss.backward()

    logged = model.train().train_step(samples(2), Wrapper())
    with torch.no_grad():
        return logged, model.eval().val_step(samples(2))


def segmentor(name: str = "EncoderDecoder", **more: Any) -> Any:
    from mmseg.models.builder import build_segmentor

    return build_segmentor({"type": name, "backbone": BACKBONE, "data_preprocessor": {"type": "SegDataPreProcessor"},
                            **more})  # fmt: skip


@pytest.mark.parametrize(("head", "loss"), [(OWN, "decode.loss_seg"), ({"type": "OwnNewHead"}, "decode.loss_new")])
def test_own_heads(head: dict[str, Any], loss: str) -> None:
    from segue.config import Config
    from segue.config.builder.build import build_model
    from segue.types import Targets

    register()
    SEEN.clear()
    logged, predicted = run(segmentor(decode_head=head))
    assert loss in logged and predicted[0].pred_sem_seg.data.shape == (1, 64, 64)
    assert not SEEN or SEEN == {"train": (2, (2, 1, 64, 64)), "test": 2}
    house = build_model(Config({"model": {"type": "EncoderDecoder", "backbone": BACKBONE, "decode_head": head,
                                          "auxiliary_head": FCN}}))  # fmt: skip
    labels = torch.zeros(2, 64, 64).long()
    assert {loss, "aux.loss_ce"} <= house.loss(torch.randn(2, 3, 64, 64), Targets(labels)).keys()
    assert house.encode_decode(torch.randn(2, 3, 64, 64)).shape == (2, 3, 64, 64)


@pytest.mark.parametrize("head", [OWN, FCN], ids=["own", "mmseg"])
@pytest.mark.parametrize("auxiliary", [FCN, [FCN, FCN]], ids=["one", "two"])
def test_a_segmentor_of_0x(head: dict[str, Any], auxiliary: Any) -> None:
    from mmseg.core import add_prefix
    from mmseg.models.segmentors import EncoderDecoder
    from mmseg.registry import MODELS

    register()
    seen: dict[str, Any] = {}

    @MODELS.register_module()
    class Own(EncoderDecoder):
        def _decode_head_forward_train(self, x, img_metas, gt_semantic_seg):
            losses = self.decode_head.forward_train(x, img_metas, gt_semantic_seg, self.train_cfg)
            return add_prefix(losses, "decode")

        def _auxiliary_head_forward_train(self, x, img_metas, gt_semantic_seg):
            seen["auxiliary"] = len(img_metas), tuple(gt_semantic_seg.shape)
            return super()._auxiliary_head_forward_train(x, img_metas, gt_semantic_seg)

        def whole_inference(self, img, img_meta, rescale):
            seen["rescale"] = rescale
            return super().whole_inference(img, img_meta, rescale)

    logged, predicted = run(segmentor("Own", decode_head=head, auxiliary_head=auxiliary))
    assert len([key for key in logged if key.startswith("aux")]) == 2 * (2 if isinstance(auxiliary, list) else 1)
    assert seen == {"auxiliary": (2, (2, 1, 64, 64)), "rescale": False} and len(predicted) == 2


def test_forward_train_and_simple_test_of_0x() -> None:
    from mmseg.models.segmentors import EncoderDecoder

    class Own(EncoderDecoder):
        def forward_train(self, img, img_metas, gt_semantic_seg):
            features = self.extract_feat(img)
            losses = dict(self._decode_head_forward_train(features, img_metas, gt_semantic_seg))
            losses.update(self._auxiliary_head_forward_train(features, img_metas, gt_semantic_seg))
            return losses | {"loss_mine": losses["decode.loss_ce"] * 0 + 2}

        def simple_test(self, img, img_meta, rescale=True):
            return [labels * 0 + 2 for labels in super().simple_test(img, img_meta, rescale)]

    model = Own(
        backbone=BACKBONE, decode_head=FCN, auxiliary_head=FCN, data_preprocessor={"type": "SegDataPreProcessor"}
    )
    logged, predicted = run(model)
    assert logged["loss_mine"] == 2 and "aux.loss_ce" in logged
    assert predicted[1].pred_sem_seg.data.unique().tolist() == [2]
    assert model.label_maps is not None


def test_decoder_params() -> None:
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead
    from mmseg.registry import MODELS

    @MODELS.register_module()
    class LikeSegFormer(BaseDecodeHead):
        def __init__(self, feature_strides, **kwargs):
            super().__init__(input_transform="multiple_select", **kwargs)
            self.width = kwargs["decoder_params"]["embed_dim"]

        def forward(self, inputs):
            return self.cls_seg(self._transform_inputs(inputs)[0])

    head = {"in_channels": [4, 8], "in_index": [0, 1], "channels": 4, "num_classes": 3, "feature_strides": [4, 8]}
    made = MODELS.build({"type": "LikeSegFormer", **head, "decoder_params": {"embed_dim": 16}})
    assert made.width == 16 and made.decoder_params == {"embed_dim": 16}
    with pytest.raises(TypeError, match="unexpected keyword argument 'decoder_parms'"):
        MODELS.build({"type": "LikeSegFormer", **head, "decoder_params": {"embed_dim": 1}, "decoder_parms": 1})


def test_a_list_of_necks() -> None:
    from mmengine.model import Sequential
    from mmseg.registry import MODELS

    @MODELS.register_module()
    class Last(nn.Module):
        def forward(self, inputs):
            return inputs[-1:]

    fpn = {"type": "FPN", "in_channels": [11, 35, 32], "out_channels": 8, "num_outs": 3}
    model = segmentor(decode_head=FCN | {"in_channels": 8}, neck=[fpn, {"type": "Last"}])
    assert isinstance(model.neck, Sequential) and "decode.loss_ce" in run(model)[0]
