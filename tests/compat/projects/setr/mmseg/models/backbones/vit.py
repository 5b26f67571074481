import math

import torch
import torch.nn as nn
from mmcv.cnn import build_norm_layer

from mmseg.utils import get_root_logger
from ..builder import BACKBONES

default_cfgs = {
    'vit_tiny_patch8_64': dict(url='', num_classes=1000, input_size=(3, 64, 64)),
}


class Attention(nn.Module):

    def __init__(self, dim, num_heads=8, qkv_bias=False, attn_drop=0., proj_drop=0.):
        super().__init__()
        self.num_heads = num_heads
        self.scale = (dim // num_heads)**-0.5
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.attn_drop = nn.Dropout(attn_drop)
        self.proj = nn.Linear(dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(self, x):
        B, N, C = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        attn = self.attn_drop((q @ k.transpose(-2, -1) * self.scale).softmax(dim=-1))
        return self.proj_drop(self.proj((attn @ v).transpose(1, 2).reshape(B, N, C)))


class Block(nn.Module):

    def __init__(self, dim, num_heads, norm_cfg, mlp_ratio=4, qkv_bias=True):
        super().__init__()
        self.norm1 = build_norm_layer(norm_cfg, dim)[1]
        self.attn = Attention(dim, num_heads, qkv_bias)
        self.norm2 = build_norm_layer(norm_cfg, dim)[1]
        self.mlp = nn.Sequential(nn.Linear(dim, dim * mlp_ratio), nn.GELU(), nn.Linear(dim * mlp_ratio, dim))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


@BACKBONES.register_module()
class VisionTransformer(nn.Module):
    """Vision Transformer with the position embedding of its own image size; returns tokens."""

    def __init__(self,
                 model_name='vit_tiny_patch8_64',
                 img_size=64,
                 patch_size=8,
                 in_chans=3,
                 embed_dim=16,
                 depth=2,
                 num_heads=2,
                 num_classes=3,
                 drop_rate=0.1,
                 norm_cfg=None,
                 pos_embed_interp=False,
                 random_init=False,
                 align_corners=False,
                 **kwargs):
        super(VisionTransformer, self).__init__()
        self.model_name = model_name
        self.pos_embed_interp = pos_embed_interp
        self.random_init = random_init
        self.num_stages = depth
        self.out_indices = tuple(range(depth))
        self.default_cfg = default_cfgs[model_name]
        self.patch_embed = nn.Conv2d(in_chans, embed_dim, patch_size, patch_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, (img_size // patch_size)**2 + 1, embed_dim))
        self.pos_drop = nn.Dropout(p=drop_rate)
        norm_cfg = norm_cfg or dict(type='LN', eps=1e-6)
        self.blocks = nn.ModuleList([Block(embed_dim, num_heads, norm_cfg) for _ in range(depth)])

    def init_weights(self, pretrained=None):
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=math.sqrt(1 / m.in_features))
        if not self.random_init:
            get_root_logger().info(f'no weights for {self.model_name}')

    def forward(self, x):
        B = x.shape[0]
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls_token.expand(B, -1, -1), x), dim=1) + self.pos_embed
        x = self.pos_drop(x)[:, 1:]
        outs = []
        for i, blk in enumerate(self.blocks):
            x = blk(x)
            if i in self.out_indices:
                outs.append(x)
        return tuple(outs)
