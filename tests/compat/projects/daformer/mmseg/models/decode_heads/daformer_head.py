import torch
import torch.nn as nn
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule

from mmseg.models.decode_heads.isa_head import ISALayer
from mmseg.ops import resize
from ..builder import HEADS
from .aspp_head import ASPPModule
from .decode_head import BaseDecodeHead
from .segformer_head import MLP
from .sep_aspp_head import DepthwiseSeparableASPPModule


class ASPPWrapper(nn.Module):

    def __init__(self, in_channels, channels, sep, dilations, pool, norm_cfg, act_cfg, align_corners, context_cfg=None):
        super(ASPPWrapper, self).__init__()
        assert isinstance(dilations, (list, tuple))
        self.dilations = dilations
        self.align_corners = align_corners
        if pool:
            self.image_pool = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), ConvModule(in_channels, channels, 1, norm_cfg=None, act_cfg=act_cfg))
        else:
            self.image_pool = None
        if context_cfg is not None:
            self.context_layer = build_layer(in_channels, channels, **context_cfg)
        else:
            self.context_layer = None
        ASPP = {True: DepthwiseSeparableASPPModule, False: ASPPModule}[sep]
        self.aspp_modules = ASPP(
            dilations=dilations,
            in_channels=in_channels,
            channels=channels,
            norm_cfg=norm_cfg,
            conv_cfg=None,
            act_cfg=act_cfg)
        count = len(dilations) + int(pool) + int(bool(context_cfg))
        self.bottleneck = ConvModule(
            count * channels, channels, kernel_size=3, padding=1, norm_cfg=norm_cfg, act_cfg=act_cfg)

    def forward(self, x):
        aspp_outs = []
        if self.image_pool is not None:
            aspp_outs.append(
                resize(self.image_pool(x), size=x.size()[2:], mode='bilinear', align_corners=self.align_corners))
        if self.context_layer is not None:
            aspp_outs.append(self.context_layer(x))
        aspp_outs.extend(self.aspp_modules(x))
        return self.bottleneck(torch.cat(aspp_outs, dim=1))


def build_layer(in_channels, out_channels, type, **kwargs):
    if type == 'id':
        return nn.Identity()
    elif type == 'mlp':
        return MLP(input_dim=in_channels, embed_dim=out_channels)
    elif type == 'conv':
        return ConvModule(in_channels=in_channels, out_channels=out_channels, padding=kwargs['kernel_size'] // 2, **kwargs)
    elif type == 'sep_conv':
        return DepthwiseSeparableConvModule(
            in_channels=in_channels, out_channels=out_channels, padding=kwargs['kernel_size'] // 2, **kwargs)
    elif type == 'isa':
        return ISALayer(in_channels=in_channels, channels=out_channels, **kwargs)
    elif type == 'aspp':
        return ASPPWrapper(in_channels=in_channels, channels=out_channels, **kwargs)
    raise NotImplementedError(type)


@HEADS.register_module()
class DAFormerHead(BaseDecodeHead):

    def __init__(self, **kwargs):
        super(DAFormerHead, self).__init__(input_transform='multiple_select', **kwargs)
        assert not self.align_corners
        decoder_params = kwargs['decoder_params']
        embed_dims = decoder_params['embed_dims']
        if isinstance(embed_dims, int):
            embed_dims = [embed_dims] * len(self.in_index)
        embed_cfg = decoder_params['embed_cfg']
        fusion_cfg = dict(decoder_params['fusion_cfg'])
        for cfg in (embed_cfg, fusion_cfg):
            if cfg is not None and 'aspp' in cfg['type']:
                cfg['align_corners'] = self.align_corners

        self.embed_layers = {}
        for i, in_channels, embed_dim in zip(self.in_index, self.in_channels, embed_dims):
            self.embed_layers[str(i)] = build_layer(in_channels, embed_dim, **embed_cfg)
        self.embed_layers = nn.ModuleDict(self.embed_layers)
        self.fuse_layer = build_layer(sum(embed_dims), self.channels, **fusion_cfg)

    def forward(self, inputs):
        x = inputs
        n, _, h, w = x[-1].shape
        os_size = x[0].size()[2:]
        _c = {}
        for i in self.in_index:
            _c[i] = self.embed_layers[str(i)](x[i])
            if _c[i].dim() == 3:
                _c[i] = _c[i].permute(0, 2, 1).contiguous().reshape(n, -1, x[i].shape[2], x[i].shape[3])
            if _c[i].size()[2:] != os_size:
                _c[i] = resize(_c[i], size=os_size, mode='bilinear', align_corners=self.align_corners)
        x = self.fuse_layer(torch.cat(list(_c.values()), dim=1))
        return self.cls_seg(x)
