import math

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule, build_norm_layer
from mmcv.runner import _load_checkpoint
from mmseg.models.builder import BACKBONES
from mmseg.utils import get_root_logger
from torch import nn


def _make_divisible(v, divisor, min_value=None):
    if min_value is None:
        min_value = divisor
    new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
    return new_v + divisor if new_v < 0.9 * v else new_v


def get_shape(tensor):
    shape = tensor.shape
    if torch.onnx.is_in_onnx_export():
        shape = [i.cpu().numpy() for i in shape]
    return shape


class Conv2d_BN(nn.Sequential):

    def __init__(self, a, b, ks=1, stride=1, pad=0, groups=1, bn_weight_init=1, norm_cfg=dict(type='BN')):
        super().__init__()
        self.add_module('c', nn.Conv2d(a, b, ks, stride, pad, groups=groups, bias=False))
        bn = build_norm_layer(norm_cfg, b)[1]
        nn.init.constant_(bn.weight, bn_weight_init)
        self.add_module('bn', bn)


class InvertedResidual(nn.Module):

    def __init__(self, inp, oup, ks, stride, expand_ratio, norm_cfg):
        super().__init__()
        self.identity = stride == 1 and inp == oup
        hidden_dim = int(round(inp * expand_ratio))
        layers = []
        if expand_ratio != 1:
            layers += [Conv2d_BN(inp, hidden_dim, norm_cfg=norm_cfg), nn.ReLU6()]
        layers += [
            Conv2d_BN(hidden_dim, hidden_dim, ks, stride, ks // 2, hidden_dim, norm_cfg=norm_cfg),
            nn.ReLU6(),
            Conv2d_BN(hidden_dim, oup, norm_cfg=norm_cfg)
        ]
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv(x) if self.identity else self.conv(x)


class SqueezeAxialAttention(nn.Module):
    """Attention along rows and along columns, of means over the other axis."""

    def __init__(self, dim, key_dim, num_heads, norm_cfg):
        super().__init__()
        self.num_heads, self.scale, self.key_dim = num_heads, key_dim**-0.5, key_dim
        nh_kd = key_dim * num_heads
        self.to_q = Conv2d_BN(dim, nh_kd, norm_cfg=norm_cfg)
        self.to_k = Conv2d_BN(dim, nh_kd, norm_cfg=norm_cfg)
        self.to_v = Conv2d_BN(dim, nh_kd * 2, norm_cfg=norm_cfg)
        self.row_pos = nn.Parameter(torch.randn(1, nh_kd, 16))
        self.proj = nn.Sequential(nn.ReLU6(), Conv2d_BN(nh_kd * 2, dim, bn_weight_init=0, norm_cfg=norm_cfg))

    def axis(self, q, k, v, dim):
        B = q.shape[0]
        q, k, v = (t.mean(dim) for t in (q, k, v))
        length = q.shape[-1]
        pos = F.interpolate(self.row_pos, length, mode='linear', align_corners=False)
        q, k = q + pos, k + pos
        q, k, v = (t.reshape(B, self.num_heads, -1, length) for t in (q, k, v))
        attn = (q.transpose(-1, -2) @ k * self.scale).softmax(dim=-1)
        return (attn @ v.transpose(-1, -2)).permute(0, 1, 3, 2).reshape(B, -1, length)

    def forward(self, x):
        B, C, H, W = get_shape(x)
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        rows = self.axis(q, k, v, -1).reshape(B, -1, H, 1)
        cols = self.axis(q, k, v, -2).reshape(B, -1, 1, W)
        return self.proj(v + rows + cols)


class InjectionMultiSum(nn.Module):

    def __init__(self, inp, oup, norm_cfg):
        super().__init__()
        self.local_embedding = ConvModule(inp, oup, 1, norm_cfg=norm_cfg, act_cfg=None)
        self.global_embedding = ConvModule(inp, oup, 1, norm_cfg=norm_cfg, act_cfg=None)
        self.global_act = ConvModule(inp, oup, 1, norm_cfg=norm_cfg, act_cfg=dict(type='HSigmoid'))

    def forward(self, x_l, x_g):
        H, W = x_l.shape[2:]
        sig = F.interpolate(self.global_act(x_g), size=(H, W), mode='bilinear', align_corners=False)
        glob = F.interpolate(self.global_embedding(x_g), size=(H, W), mode='bilinear', align_corners=False)
        return self.local_embedding(x_l) * sig + glob


@BACKBONES.register_module()
class Topformer(nn.Module):

    def __init__(self, cfgs, channels, out_channels, embed_out_indice, decode_out_indices=[1, 2, 3], depths=1,
                 key_dim=4, num_heads=2, norm_cfg=dict(type='BN', requires_grad=True), init_cfg=None,
                 injection=True):
        super().__init__()
        self.channels, self.norm_cfg, self.init_cfg, self.injection = channels, norm_cfg, init_cfg, injection
        self.decode_out_indices, self.embed_out_indice = decode_out_indices, embed_out_indice
        self.stem = nn.Sequential(Conv2d_BN(3, 8, 3, 2, 1, norm_cfg=norm_cfg), nn.ReLU6())
        self.layers, inp = [], 8
        for i, (k, t, c, s) in enumerate(cfgs):
            oup = _make_divisible(c, 4)
            self.add_module(f'layer{i + 1}', InvertedResidual(inp, oup, k, s, t, norm_cfg))
            self.layers.append(f'layer{i + 1}')
            inp = oup
        self.trans = nn.ModuleList(
            [SqueezeAxialAttention(sum(channels), key_dim, num_heads, norm_cfg) for _ in range(depths)])
        self.SIM = nn.ModuleList()
        for i, c in enumerate(channels):
            self.SIM.append(
                InjectionMultiSum(c, out_channels[i], norm_cfg) if i in decode_out_indices else nn.Identity())

    def init_weights(self):
        for n, m in self.named_modules():
            if isinstance(m, nn.Conv2d):
                n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels / m.groups
                m.weight.data.normal_(0, math.sqrt(2. / n))
            elif isinstance(m, nn.BatchNorm2d):
                m.bias.data.zero_()
        if isinstance(self.init_cfg, dict) and 'checkpoint' in self.init_cfg:
            logger = get_root_logger()
            ckpt = _load_checkpoint(self.init_cfg['checkpoint'], logger=logger, map_location='cpu')
            self.load_state_dict(ckpt.get('state_dict', ckpt), False)

    def forward(self, x):
        x, ouputs = self.stem(x), []
        for i, layer_name in enumerate(self.layers):
            x = getattr(self, layer_name)(x)
            if i in self.embed_out_indice:
                ouputs.append(x)
        B, C, H, W = get_shape(ouputs[-1])
        out = torch.cat([F.adaptive_avg_pool2d(inp, (H, W)) for inp in ouputs], dim=1)
        for block in self.trans:
            out = out + block(out)
        if not self.injection:
            return [*ouputs, out]
        xx = out.split(self.channels, dim=1)
        return [
            self.SIM[i](ouputs[i], xx[i]) for i in range(len(self.channels)) if i in self.decode_out_indices
        ]
