import math
from functools import partial

import torch
import torch.nn as nn
from mmcv.cnn.bricks import DropPath
from mmcv.runner import load_checkpoint

from mmseg.models.builder import BACKBONES
from mmseg.utils import get_root_logger


class DWConv(nn.Module):

    def __init__(self, dim):
        super(DWConv, self).__init__()
        self.dwconv = nn.Conv2d(dim, dim, 3, 1, 1, groups=dim)

    def forward(self, x, H, W):
        B, N, C = x.shape
        x = self.dwconv(x.transpose(1, 2).view(B, C, H, W))
        return x.flatten(2).transpose(1, 2)


class Mlp(nn.Module):

    def __init__(self, dim, ratio, act_layer=nn.GELU):
        super().__init__()
        self.fc1 = nn.Linear(dim, dim * ratio)
        self.dwconv = DWConv(dim * ratio)
        self.act = act_layer()
        self.fc2 = nn.Linear(dim * ratio, dim)

    def forward(self, x, H, W):
        return self.fc2(self.act(self.dwconv(self.fc1(x), H, W)))


class Attention(nn.Module):

    def __init__(self, dim, num_heads, sr_ratio):
        super().__init__()
        self.num_heads = num_heads
        self.scale = (dim // num_heads)**-0.5
        self.q = nn.Linear(dim, dim)
        self.kv = nn.Linear(dim, dim * 2)
        self.proj = nn.Linear(dim, dim)
        self.sr_ratio = sr_ratio
        if sr_ratio > 1:
            self.sr = nn.Conv2d(dim, dim, sr_ratio, sr_ratio)
            self.norm = nn.LayerNorm(dim)

    def forward(self, x, H, W):
        B, N, C = x.shape
        q = self.q(x).reshape(B, N, self.num_heads, -1).transpose(1, 2)
        if self.sr_ratio > 1:
            x = self.sr(x.transpose(1, 2).reshape(B, C, H, W)).flatten(2)
            x = self.norm(x.transpose(1, 2))
        kv = self.kv(x).reshape(B, -1, 2, self.num_heads, C // self.num_heads)
        k, v = kv.permute(2, 0, 3, 1, 4)
        attn = ((q @ k.transpose(-2, -1)) * self.scale).softmax(dim=-1)
        return self.proj((attn @ v).transpose(1, 2).reshape(B, N, C))


class Block(nn.Module):

    def __init__(self, dim, num_heads, mlp_ratio, sr_ratio, drop_path, norm_layer):
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = Attention(dim, num_heads, sr_ratio)
        self.drop_path = DropPath(drop_path) if drop_path > 0. else nn.Identity()
        self.norm2 = norm_layer(dim)
        self.mlp = Mlp(dim, mlp_ratio)

    def forward(self, x, H, W):
        x = x + self.drop_path(self.attn(self.norm1(x), H, W))
        return x + self.drop_path(self.mlp(self.norm2(x), H, W))


class MixVisionTransformer(nn.Module):

    def __init__(self,
                 img_size=224,
                 embed_dims=(8, 16, 24, 32),
                 num_heads=(1, 2, 3, 4),
                 mlp_ratios=(2, 2, 2, 2),
                 norm_layer=nn.LayerNorm,
                 depths=(1, 1, 1, 1),
                 sr_ratios=(8, 4, 2, 1),
                 drop_path_rate=0.):
        super().__init__()
        last, rates = 3, torch.linspace(0, drop_path_rate, sum(depths)).tolist()
        for i, dim in enumerate(embed_dims, 1):
            k, s = (7, 4) if i == 1 else (3, 2)
            setattr(self, f'patch_embed{i}', nn.Conv2d(last, dim, k, s, k // 2))
            setattr(
                self, f'block{i}',
                nn.ModuleList([
                    Block(dim, num_heads[i - 1], mlp_ratios[i - 1], sr_ratios[i - 1], rates.pop(0), norm_layer)
                    for _ in range(depths[i - 1])
                ]))
            setattr(self, f'norm{i}', norm_layer(dim))
            last = dim
        self.apply(self._init_weights)

    def _init_weights(self, m):
        if isinstance(m, nn.Linear):
            nn.init.trunc_normal_(m.weight, std=.02)
            if m.bias is not None:
                nn.init.constant_(m.bias, 0)
        elif isinstance(m, nn.Conv2d):
            fan_out = m.kernel_size[0] * m.kernel_size[1] * m.out_channels // m.groups
            m.weight.data.normal_(0, math.sqrt(2.0 / fan_out))

    def init_weights(self, pretrained=None):
        if isinstance(pretrained, str):
            logger = get_root_logger()
            load_checkpoint(self, pretrained, map_location='cpu', strict=False, logger=logger)

    def forward(self, x):
        outs = []
        for i in range(1, 5):
            x = getattr(self, f'patch_embed{i}')(x)
            B, C, H, W = x.shape
            x = x.flatten(2).transpose(1, 2)
            for blk in getattr(self, f'block{i}'):
                x = blk(x, H, W)
            x = getattr(self, f'norm{i}')(x)
            x = x.reshape(B, H, W, -1).permute(0, 3, 1, 2).contiguous()
            outs.append(x)
        return outs


@BACKBONES.register_module()
class mit_t0(MixVisionTransformer):

    def __init__(self, **kwargs):
        super(mit_t0, self).__init__(
            embed_dims=[8, 16, 24, 32], num_heads=[1, 2, 3, 4], norm_layer=partial(nn.LayerNorm, eps=1e-6))
