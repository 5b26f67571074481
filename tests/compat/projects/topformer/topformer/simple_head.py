import torch.nn as nn
from mmcv.cnn import ConvModule
from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.ops import resize


@HEADS.register_module()
class SimpleHead(BaseDecodeHead):

    def __init__(self, is_dw=False, **kwargs):
        super(SimpleHead, self).__init__(input_transform='multiple_select', **kwargs)
        embedding_dim = self.channels
        self.linear_fuse = ConvModule(
            in_channels=embedding_dim,
            out_channels=embedding_dim,
            kernel_size=1,
            stride=1,
            groups=embedding_dim if is_dw else 1,
            norm_cfg=self.norm_cfg,
            act_cfg=self.act_cfg)

    def agg_res(self, preds):
        outs = preds[0]
        for pred in preds[1:]:
            pred = resize(pred, size=outs.size()[2:], mode='bilinear', align_corners=False)
            outs = outs + pred
        return outs

    def forward(self, inputs):
        xx = self._transform_inputs(inputs)
        x = self.agg_res(xx)
        _c = self.linear_fuse(x)
        assert isinstance(self.linear_fuse.norm, nn.Module)
        return self.cls_seg(_c)
