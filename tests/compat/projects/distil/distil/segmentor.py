from typing import List, Optional

import torch
import torch.nn.functional as F
from mmseg.models.segmentors import EncoderDecoder
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.utils import ConfigType, OptConfigType, OptMultiConfig, OptSampleList, SampleList, add_prefix
from torch import Tensor


@MODELS.register_module()
class DistilledEncoderDecoder(EncoderDecoder):
    """A segmentor with a frozen teacher, a blurred input and logits averaged over a flip."""

    def __init__(self,
                 backbone: ConfigType,
                 decode_head: ConfigType,
                 teacher: ConfigType,
                 neck: OptConfigType = None,
                 auxiliary_head: OptConfigType = None,
                 train_cfg: OptConfigType = None,
                 test_cfg: OptConfigType = None,
                 data_preprocessor: OptConfigType = None,
                 distil_weight: float = 0.5,
                 init_cfg: OptMultiConfig = None):
        super().__init__(
            backbone=backbone,
            decode_head=decode_head,
            neck=neck,
            auxiliary_head=auxiliary_head,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg)
        self.teacher = MODELS.build(teacher)
        for param in self.teacher.parameters():
            param.requires_grad = False
        self.distil_weight = distil_weight
        assert self.with_decode_head and self.num_classes == self.decode_head.num_classes

    def train(self, mode=True):
        super().train(mode)
        self.teacher.eval()
        return self

    def extract_feat(self, inputs: Tensor) -> List[Tensor]:
        x = super().extract_feat(F.avg_pool2d(inputs, 3, 1, 1))
        return [f * 0.5 for f in x]

    def encode_decode(self, inputs: Tensor, batch_img_metas: List[dict]) -> Tensor:
        logits = super().encode_decode(inputs, batch_img_metas)
        flipped = super().encode_decode(inputs.flip(-1), batch_img_metas).flip(-1)
        assert batch_img_metas[0]['ori_shape'] == (64, 64)
        return (logits + flipped) / 2

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict:
        x = self.extract_feat(inputs)
        losses = dict()
        loss_decode = self.decode_head.loss(x, data_samples, self.train_cfg)
        losses.update(add_prefix(loss_decode, 'decode'))
        if self.with_auxiliary_head:
            losses.update(self._auxiliary_head_forward_train(x, data_samples))
        with torch.no_grad():
            target = self.teacher(inputs)[-1]
        target = resize(target, size=x[-1].shape[2:], mode='bilinear', align_corners=False)
        losses['loss_distil'] = self.distil_weight * F.mse_loss(x[-1].mean(1), target.mean(1))
        return losses

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        batch_img_metas = [data_sample.metainfo for data_sample in data_samples]
        seg_logits = self.inference(inputs, batch_img_metas)
        return self.postprocess_result(seg_logits + 1e-4, data_samples)

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> Tensor:
        return self.decode_head.forward(self.extract_feat(inputs)).softmax(1)
