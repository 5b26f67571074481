"""mmseg's DepthEstimator for user code: an EncoderDecoder whose "logits" (B, 1, H, W) are depths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from segue.compat.mmengine.structures import PixelData, SegDataSample, from_segue
from segue.compat.mmseg.segmentors import EncoderDecoder
from segue.inference.segment import original_logits, slide
from segue.types import SegSample, TestOptions


class DepthEstimator(EncoderDecoder):
    """Backbone, neck and heads, from dicts; predicts samples with ``pred_depth_map``."""

    stands_for: ClassVar = ("models", "DepthEstimator")
    predicts_depth = True

    def encode_decode(self, inputs: Tensor, batch_img_metas: Any) -> Tensor:
        """Images to depths of their size."""
        features = self.extract_feat(inputs, batch_img_metas)
        found: Tensor = self.decode_head.predict(features, batch_img_metas, self.test_cfg)
        return found

    @property
    def test(self) -> TestOptions:
        """``test_cfg`` as Segue reads it: ``slide_flip`` slides, too."""
        given = dict(self.test_cfg or {})
        known = {key: given[key] for key in ("crop_size", "stride") if key in given}
        return TestOptions(mode="whole" if given.get("mode", "whole") == "whole" else "slide", **known)

    @property
    def sees_alone(self) -> bool:
        """As a segmentor's; not where windows are mirrored, or where a backbone is told each image's category."""
        mirrors = dict(self.test_cfg or {}).get("mode") == "slide_flip"
        return super().sees_alone and not mirrors and not getattr(self.backbone, "class_embed_select", False)

    def _own_label_maps(self, batch: Mapping[str, Any]) -> list[Tensor]:
        samples = [from_segue(sample) for sample in batch["data_samples"]]
        found = self.val_step({"inputs": list(batch["inputs"]), "data_samples": samples})
        return [sample.pred_depth_map.data[0] for sample in found]

    def extract_feat(self, inputs: Tensor, batch_img_metas: Any = None) -> Any:
        """Images (B, C, H, W) to feature maps; a backbone with ``class_embed_select`` gets (images, category ids)."""
        given: Any = inputs
        ids = [meta["category_id"] for meta in batch_img_metas or () if "category_id" in meta]
        if ids and getattr(self.backbone, "class_embed_select", False):
            given = (inputs, torch.tensor(ids, device=inputs.device))
        features = self.backbone(given)
        return self.neck(features) if self.with_neck else features

    def inference(self, inputs: Tensor, batch_img_metas: Any) -> Tensor:
        """Depths at the size of the input, as ``test_cfg`` says."""
        if dict(self.test_cfg or {}).get("mode") == "slide_flip":
            return self.slide_flip_inference(inputs, batch_img_metas)
        found: Tensor = super().inference(inputs, batch_img_metas)
        return found

    def slide_flip_inference(self, inputs: Tensor, batch_img_metas: Any) -> Tensor:
        """Depths averaged over windows, each the mean of those of the window and of its mirror image."""

        def encode(window: Tensor) -> Tensor:
            metas = [{**meta, "img_shape": window.shape[2:]} for meta in batch_img_metas or [{}] * len(window)]
            mirrored = self.encode_decode(window.flip(3), metas).flip(3)
            return (self.encode_decode(window, metas) + mirrored) / 2

        return slide(self, inputs, encode)

    def postprocess_result(self, seg_logits: Tensor, data_samples: Any = None) -> Any:
        """Depths at the size of the input to samples at that of the original image."""
        found = list(data_samples) if data_samples is not None else [SegDataSample() for _ in seg_logits]
        for depth, sample in zip(seg_logits, found, strict=True):
            meta = dict(sample.metainfo)
            meta.setdefault("padding_size", meta.get("img_padding_size", (0, 0, 0, 0)))
            own = original_logits(self, depth[None], SegSample(meta=meta))
            sample.set_data({"pred_depth_map": PixelData(data=own[0])})
        return found
