import torch.nn as nn
from mmcv.cnn import ConvModule
from mmcv.runner import force_fp32
from mmseg.models.builder import HEADS
from mmseg.models.decode_heads import FCNHead
from mmseg.models.losses import accuracy
from mmseg.ops import resize


@HEADS.register_module()
class LovelyFCNHead(FCNHead):
    """FCNHead with one convolution more, and a loss of its own."""

    def __init__(self, weight=0.5, **kwargs):
        super(LovelyFCNHead, self).__init__(**kwargs)
        self.weight = weight
        self.extra = ConvModule(self.channels, self.channels, 1, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        for m in self.modules():
            if isinstance(m, ConvModule):
                nn.init.zeros_(m.norm.bias)

    def forward(self, inputs):
        x = self._transform_inputs(inputs)
        return self.cls_seg(self.extra(self.convs(x)))

    @force_fp32(apply_to=('seg_logit', ))
    def losses(self, seg_logit, seg_label):
        loss = dict()
        seg_logit = resize(
            input=seg_logit, size=seg_label.shape[2:], mode='bilinear', align_corners=self.align_corners)
        seg_label = seg_label.squeeze(1)
        loss['loss_ce'] = self.weight * self.loss_decode(seg_logit, seg_label, ignore_index=self.ignore_index)
        loss['acc_seg'] = accuracy(seg_logit, seg_label, ignore_index=self.ignore_index)
        return loss
