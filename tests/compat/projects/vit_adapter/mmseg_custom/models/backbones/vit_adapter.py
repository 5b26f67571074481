import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmcv.cnn.bricks.transformer import BaseTransformerLayer, MultiheadAttention
from mmengine.model.weight_init import trunc_normal_
from mmseg.models.builder import BACKBONES

from .adapter_modules import Extractor, Injector, SpatialPriorModule, deform_inputs


@BACKBONES.register_module()
class ViTAdapter(nn.Module):

    def __init__(self, embed_dim=16, depth=2, num_heads=4, n_points=4, interaction_indexes=[[0, 0], [1, 1]],
                 pretrain_size=64, add_vit_feature=True):
        super().__init__()
        self.interaction_indexes, self.add_vit_feature = interaction_indexes, add_vit_feature
        self.patch_embed = nn.Conv2d(3, embed_dim, 16, 16)
        self.pos_embed = nn.Parameter(torch.zeros(1, (pretrain_size // 16)**2, embed_dim))
        self.blocks = nn.ModuleList([
            BaseTransformerLayer(
                attn_cfgs=dict(type='MultiheadAttention', embed_dims=embed_dim, num_heads=num_heads),
                ffn_cfgs=dict(
                    type='FFN', embed_dims=embed_dim, feedforward_channels=embed_dim * 2, act_cfg=dict(type='GELU')),
                operation_order=('norm', 'self_attn', 'norm', 'ffn'),
                batch_first=True) for _ in range(depth)
        ])
        self.level_embed = nn.Parameter(torch.zeros(3, embed_dim))
        self.spm = SpatialPriorModule(inplanes=8, embed_dim=embed_dim)
        self.injectors = nn.ModuleList([Injector(embed_dim, num_heads=num_heads) for _ in interaction_indexes])
        self.extractors = nn.ModuleList([Extractor(embed_dim, num_heads, n_points) for _ in interaction_indexes])
        self.last = MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.up = nn.ConvTranspose2d(embed_dim, embed_dim, 2, 2)
        self.norms = nn.ModuleList([nn.SyncBatchNorm(embed_dim) for _ in range(4)])
        self.apply(self._init_weights)

    def _init_weights(self, m):
        if isinstance(m, nn.Linear):
            trunc_normal_(m.weight, std=.02)
        elif isinstance(m, nn.Conv2d):
            fan_out = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
            m.weight.data.normal_(0, math.sqrt(2.0 / fan_out))

    def forward(self, x):
        one, two = deform_inputs(x)
        H, W = x.shape[2] // 16, x.shape[3] // 16
        c1, c2, c3, c4 = self.spm(x)
        c2, c3, c4 = (c + e for c, e in zip((c2, c3, c4), self.level_embed))
        sizes = [c.size(1) for c in (c2, c3, c4)]
        c = torch.cat([c2, c3, c4], dim=1)
        x = self.patch_embed(x).flatten(2).transpose(1, 2) + self.pos_embed
        for injector, extractor, (first, last) in zip(self.injectors, self.extractors, self.interaction_indexes):
            x = injector(x, one[0], c, one[1], one[2])
            for blk in self.blocks[first:last + 1]:
                x = blk(x)
            c = extractor(c, two[0], x, two[1], two[2])
        c = self.last(c)
        bs, _, dim = x.shape
        c2, c3, c4 = c.split(sizes, dim=1)
        c2, c3, c4 = (m.transpose(1, 2).reshape(bs, dim, int(H * s), int(W * s))
                      for m, s in zip((c2, c3, c4), (2, 1, 0.5)))
        c1 = self.up(c2) + c1
        if self.add_vit_feature:
            x = x.transpose(1, 2).reshape(bs, dim, H, W)
            c1, c2, c3, c4 = (m + F.interpolate(x, scale_factor=s, mode='bilinear', align_corners=False)
                              for m, s in zip((c1, c2, c3, c4), (4, 2, 1, 0.5)))
        return [norm(m) for norm, m in zip(self.norms, (c1, c2, c3, c4))]
