import math

import torch.nn as nn
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer

from ..builder import HEADS
from .decode_head import BaseDecodeHead


@HEADS.register_module()
class VisionTransformerUpHead(BaseDecodeHead):
    """Tokens to a map, then convolutions and upsampling in turn."""

    def __init__(self,
                 img_size=768,
                 patch_size=16,
                 embed_dim=1024,
                 norm_cfg=None,
                 num_conv=1,
                 num_upsampe_layer=1,
                 conv3x3_conv1x1=True,
                 **kwargs):
        super(VisionTransformerUpHead, self).__init__(**kwargs)
        self.img_size = img_size
        self.norm = build_norm_layer(dict(type='LN', eps=1e-6), embed_dim)[1]
        self.num_conv, self.num_upsampe_layer = num_conv, num_upsampe_layer
        self.conv_0 = nn.Conv2d(embed_dim, self.channels, 3, 1, 1)
        self.conv_1 = nn.Conv2d(self.channels, self.num_classes, 1, 1)
        _, self.syncbn_fc_0 = build_norm_layer(self.norm_cfg or norm_cfg, self.channels)
        del self.conv_seg

    def init_weights(self):
        for m in self.modules():
            if isinstance(m, nn.LayerNorm):
                nn.init.constant_(m.bias, 0)

    def forward(self, x):
        x = self._transform_inputs(x)
        if x.dim() == 3:
            n, hw, c = x.shape
            h = w = int(math.sqrt(hw))
            x = self.norm(x).transpose(1, 2).reshape(n, c, h, w)
        x = F.relu(self.syncbn_fc_0(self.conv_0(x)), inplace=True)
        x = F.interpolate(x, size=x.shape[-1] * 4, mode='bilinear', align_corners=self.align_corners)
        return self.conv_1(x)
