from mmcv.cnn import ConvModule
from mmengine.model import ModuleList
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS


@MODELS.register_module()
class SumHead(BaseDecodeHead):

    def __init__(self, **kwargs):
        super().__init__(input_transform='multiple_select', **kwargs)
        self.convs = ModuleList([
            ConvModule(c, self.channels, 1, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg) for c in self.in_channels
        ])

    def _forward_feature(self, inputs):
        inputs = self._transform_inputs(inputs)
        size = inputs[0].shape[2:]
        return sum(
            resize(conv(x), size=size, mode='bilinear', align_corners=self.align_corners)
            for conv, x in zip(self.convs, inputs))

    def forward(self, inputs):
        return self.cls_seg(self._forward_feature(inputs))
