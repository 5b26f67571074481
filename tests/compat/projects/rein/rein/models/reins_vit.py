import torch
import torch.nn as nn
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.models.builder import BACKBONES, MODELS

from .utils import set_requires_grad, set_train


class Layer(nn.Module):

    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, dim * 2), nn.GELU(), nn.Linear(dim * 2, dim))
        self.drop = nn.Dropout(0.3)

    def forward(self, x):
        y = self.norm1(x)
        x = x + self.drop(self.attn(y, y, y, need_weights=False)[0])
        return x + self.mlp(self.norm2(x))


class FoundationVisionTransformer(BaseModule):

    def __init__(self, img_size=64, patch_size=8, embed_dim=16, depth=4, num_heads=2, out_indices=(0, 1, 2, 3),
                 init_cfg=None):
        super().__init__(init_cfg)
        self.patch_size, self.out_indices = patch_size, out_indices
        self.patch_embed = nn.Conv2d(3, embed_dim, patch_size, patch_size)
        self.pos_embed = nn.Parameter(torch.zeros(1, (img_size // patch_size)**2, embed_dim))
        self.blocks = nn.ModuleList([Layer(embed_dim, num_heads) for _ in range(depth)])


@BACKBONES.register_module()
class ReinsVisionTransformer(FoundationVisionTransformer):

    def __init__(self, reins_config=None, **kwargs):
        super().__init__(**kwargs)
        self.reins = MODELS.build(reins_config)

    def forward(self, x):
        B, _, h, w = x.shape
        H, W = h // self.patch_size, w // self.patch_size
        x = self.patch_embed(x).flatten(2).transpose(1, 2) + self.pos_embed
        outs = []
        for idx, blk in enumerate(self.blocks):
            x = self.reins.forward(blk(x), idx)
            if idx in self.out_indices:
                outs.append(x.permute(0, 2, 1).reshape(B, -1, H, W).contiguous())
        outs[0] = F.interpolate(outs[0], scale_factor=2, mode='bilinear', align_corners=False)
        outs[2] = F.interpolate(outs[2], scale_factor=0.5, mode='bilinear', align_corners=False)
        outs[3] = F.interpolate(outs[3], scale_factor=0.25, mode='bilinear', align_corners=False)
        return self.reins.return_auto(tuple(outs))

    def train(self, mode: bool = True):
        if not mode:
            return super().train(mode)
        set_requires_grad(self, ['reins'])
        set_train(self, ['reins'])

    def state_dict(self, destination=None, prefix='', keep_vars=False):
        state = super().state_dict(destination=destination, prefix=prefix, keep_vars=keep_vars)
        return state
