import torch
from mmcv.cnn import ConvModule
from mmcv.runner import BaseModule, auto_fp16

from mmseg.models.builder import NECKS
from mmseg.ops import resize


@NECKS.register_module()
class MultiStageMerging(BaseModule):
    """Feature maps of all levels, as large as the first and joined, in a list of one."""

    def __init__(self,
                 in_channels,
                 out_channels,
                 kernel_size=1,
                 norm_cfg=None,
                 act_cfg=None,
                 align_corners=False,
                 init_cfg=dict(type='Xavier', layer='Conv2d', distribution='uniform')):
        super(MultiStageMerging, self).__init__(init_cfg)
        assert isinstance(in_channels, list)
        self.align_corners = align_corners
        self.fp16_enabled = False
        self.down = ConvModule(
            sum(in_channels), out_channels, kernel_size, padding=0, norm_cfg=norm_cfg, act_cfg=act_cfg)

    @auto_fp16()
    def forward(self, inputs):
        outs = [
            resize(x, size=inputs[0].shape[-2:], mode='bilinear', align_corners=self.align_corners) for x in inputs
        ]
        return [self.down(torch.cat(outs, dim=1))]
