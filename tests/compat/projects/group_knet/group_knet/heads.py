import torch
import torch.nn as nn
from mmseg.models.decode_heads import IterativeDecodeHead, MaskFormerHead
from mmseg.models.decode_heads.knet_head import KernelUpdateHead
from mmseg.registry import MODELS


@MODELS.register_module()
class GatedKernelUpdateHead(KernelUpdateHead):
    """Kernels are gated by their own norm after each update."""

    def __init__(self, gate=0.5, **kwargs):
        super().__init__(**kwargs)
        self.gate = nn.Parameter(torch.tensor(gate))

    def forward(self, x, proposal_feat, mask_preds, mask_shape=None):
        masks, kernels = super().forward(x, proposal_feat, mask_preds, mask_shape)
        scale = 1 + self.gate * torch.tanh(kernels.flatten(2).norm(dim=-1))
        return masks * scale[..., None, None], kernels


@MODELS.register_module()
class GroupIterativeHead(IterativeDecodeHead):
    """Later stages count more."""

    def __init__(self, stage_weights=(1.0, 1.0), **kwargs):
        super().__init__(**kwargs)
        assert len(self.kernel_update_head) == self.num_stages
        self.stage_weights = stage_weights

    def forward(self, inputs):
        stages = super().forward(inputs)
        if not self.training:
            return stages
        return [s * w for s, w in zip(stages, (1.0, *self.stage_weights))]

    def loss_by_feat(self, seg_logits, batch_data_samples, **kwargs):
        losses = super().loss_by_feat(seg_logits, batch_data_samples, **kwargs)
        losses['loss_spread'] = 0.01 * seg_logits[-1].std()
        return losses


@MODELS.register_module()
class TunedMaskFormerHead(MaskFormerHead):
    """Masks are sharpened before they are compared."""

    def __init__(self, temperature=1.0, **kwargs):
        super().__init__(**kwargs)
        self.temperature = temperature

    def forward(self, x, batch_data_samples):
        all_cls_scores, all_mask_preds = super().forward(x, batch_data_samples)
        return all_cls_scores, all_mask_preds / self.temperature

    def predict(self, x, batch_img_metas, test_cfg):
        return super().predict(x, batch_img_metas, test_cfg) * 2
