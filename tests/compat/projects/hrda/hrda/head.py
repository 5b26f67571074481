from copy import deepcopy

import torch
from torch.nn import functional as F

from mmseg.core import add_prefix
from mmseg.models import builder
from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.ops import resize as _resize


@HEADS.register_module()
class HRDAHead(BaseDecodeHead):
    """A head for two resolutions, made of a head for one and another for the attention between them."""

    def __init__(self, single_scale_head, lr_loss_weight=0.1, hr_loss_weight=0.1, scales=(0.5, 1),
                 attention_embed_dim=8, attention_classwise=True, **kwargs):
        head_cfg = deepcopy(kwargs)
        attn_cfg = deepcopy(kwargs)
        head_cfg['type'] = single_scale_head
        attn_cfg['type'] = 'FCNHead'
        attn_cfg['channels'] = attention_embed_dim
        attn_cfg['num_convs'] = 1
        attn_cfg['concat_input'] = False
        attn_cfg['in_channels'] = attn_cfg['in_channels'][-1]
        attn_cfg['in_index'] = attn_cfg['in_index'][-1]
        attn_cfg['num_classes'] = kwargs['num_classes'] if attention_classwise else 1
        kwargs['init_cfg'] = None
        kwargs['input_transform'] = 'multiple_select'
        super(HRDAHead, self).__init__(**kwargs)
        del self.conv_seg
        del self.dropout

        self.head = builder.build_head(head_cfg)
        self.scale_attention = builder.build_head(attn_cfg)
        self.lr_loss_weight, self.hr_loss_weight = lr_loss_weight, hr_loss_weight
        self.scales = scales
        self.debug_output = {}

    def forward(self, inputs):
        assert len(inputs) == 2
        lr_inp, hr_inp = inputs
        lr_seg = self.head(lr_inp)
        hr_seg = self.head(hr_inp)
        att = torch.sigmoid(self.scale_attention(lr_inp))
        up = dict(size=hr_seg.shape[-2:], mode='bilinear', align_corners=self.align_corners)
        att = _resize(att, **up)
        fused_seg = att * hr_seg + (1 - att) * _resize(lr_seg, **up)
        return fused_seg, lr_seg, hr_seg

    def forward_train(self, inputs, img_metas, gt_semantic_seg, train_cfg, seg_weight=None):
        return self.losses(self.forward(inputs), gt_semantic_seg, seg_weight)

    def forward_test(self, inputs, img_metas, test_cfg):
        return self.forward(inputs)[0]

    def losses(self, seg_logit, seg_label, seg_weight=None):
        fused_seg, lr_seg, hr_seg = seg_logit
        assert seg_label.dim() == 4
        loss = super(HRDAHead, self).losses(fused_seg, seg_label)
        loss['loss_fused_l1'] = 1e-2 * F.l1_loss(fused_seg.softmax(1).mean((2, 3)), hr_seg.softmax(1).mean((2, 3)))
        if self.lr_loss_weight > 0:
            lr = super(HRDAHead, self).losses(lr_seg, seg_label)
            loss.update(add_prefix({k: v * self.lr_loss_weight if 'loss' in k else v for k, v in lr.items()}, 'lr'))
        if self.hr_loss_weight > 0:
            hr = super(HRDAHead, self).losses(hr_seg, seg_label)
            loss.update(add_prefix({k: v * self.hr_loss_weight if 'loss' in k else v for k, v in hr.items()}, 'hr'))
        return loss
