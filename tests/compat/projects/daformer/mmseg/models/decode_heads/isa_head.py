import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmcv.cnn import ConvModule

from ..builder import HEADS
from ..utils import SelfAttentionBlock as _SelfAttentionBlock
from .decode_head import BaseDecodeHead


class SelfAttentionBlock(_SelfAttentionBlock):
    """Attention of a map to itself."""

    def __init__(self, in_channels, channels, conv_cfg, norm_cfg, act_cfg):
        super(SelfAttentionBlock, self).__init__(
            key_in_channels=in_channels,
            query_in_channels=in_channels,
            channels=channels,
            out_channels=in_channels,
            share_key_query=False,
            query_downsample=None,
            key_downsample=None,
            key_query_num_convs=2,
            key_query_norm=True,
            value_out_num_convs=1,
            value_out_norm=False,
            matmul_norm=True,
            with_out=False,
            conv_cfg=conv_cfg,
            norm_cfg=norm_cfg,
            act_cfg=act_cfg)
        self.output_project = self.build_project(
            in_channels, in_channels, num_convs=1, use_conv_module=True, conv_cfg=conv_cfg, norm_cfg=norm_cfg,
            act_cfg=act_cfg)

    def forward(self, x):
        return self.output_project(super(SelfAttentionBlock, self).forward(x, x))


class ISALayer(nn.Module):
    """The layers of ISAHead, to be used in other heads."""

    def __init__(self, in_channels, channels, isa_channels, down_factor=(8, 8), conv_cfg=None, norm_cfg=None,
                 act_cfg=dict(type='ReLU')):
        super(ISALayer, self).__init__()
        self.down_factor = down_factor
        cfg = dict(conv_cfg=conv_cfg, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.in_conv = ConvModule(in_channels, channels, 3, padding=1, **cfg)
        self.global_relation = SelfAttentionBlock(channels, isa_channels, **cfg)
        self.local_relation = SelfAttentionBlock(channels, isa_channels, **cfg)
        self.out_conv = ConvModule(channels * 2, channels, 1, **cfg)

    def forward(self, x):
        x = residual = self.in_conv(x)
        n, c, h, w = x.size()
        dh, dw = self.down_factor
        gh, gw = math.ceil(h / dh), math.ceil(w / dw)
        ph, pw = gh * dh - h, gw * dw - w
        if ph or pw:
            x = F.pad(x, (pw // 2, pw - pw // 2, ph // 2, ph - ph // 2))
        x = x.view(n, c, gh, dh, gw, dw).permute(0, 3, 5, 1, 2, 4).reshape(-1, c, gh, gw)
        x = self.global_relation(x)
        x = x.view(n, dh, dw, c, gh, gw).permute(0, 4, 5, 3, 1, 2).reshape(-1, c, dh, dw)
        x = self.local_relation(x)
        x = x.view(n, gh, gw, c, dh, dw).permute(0, 3, 1, 4, 2, 5).reshape(n, c, gh * dh, gw * dw)
        x = x[:, :, ph // 2:ph // 2 + h, pw // 2:pw // 2 + w]
        return self.out_conv(torch.cat([x, residual], dim=1))


@HEADS.register_module()
class ISAHead(BaseDecodeHead):

    def __init__(self, isa_channels, down_factor=(8, 8), **kwargs):
        super(ISAHead, self).__init__(**kwargs)
        self.isa_layer = ISALayer(self.in_channels, self.channels, isa_channels, down_factor, self.conv_cfg,
                                  self.norm_cfg, self.act_cfg)

    def forward(self, inputs):
        return self.cls_seg(self.isa_layer(self._transform_inputs(inputs)))
