from functools import partial

import torch
import torch.nn as nn
from mmcv.cnn import ConvModule, build_norm_layer
from mmcv.cnn.bricks.drop import build_dropout
from mmcv.cnn.bricks.transformer import FFN
from mmcv.ops import MultiScaleDeformableAttention as MSDeformAttn


def get_reference_points(spatial_shapes, device):
    reference_points_list = []
    for H_, W_ in spatial_shapes:
        ref_y, ref_x = torch.meshgrid(
            torch.linspace(0.5, H_ - 0.5, H_, dtype=torch.float32, device=device),
            torch.linspace(0.5, W_ - 0.5, W_, dtype=torch.float32, device=device),
            indexing='ij')
        reference_points_list.append(torch.stack((ref_x.reshape(-1)[None] / W_, ref_y.reshape(-1)[None] / H_), -1))
    return torch.cat(reference_points_list, 1)[:, :, None]


def deform_inputs(x):
    bs, c, h, w = x.shape
    shapes = [(h // 8, w // 8), (h // 16, w // 16), (h // 32, w // 32)]
    spatial_shapes = torch.as_tensor(shapes, dtype=torch.long, device=x.device)
    level_start_index = torch.cat((spatial_shapes.new_zeros((1, )), spatial_shapes.prod(1).cumsum(0)[:-1]))
    one = [get_reference_points([(h // 16, w // 16)], x.device).repeat(1, 1, 3, 1), spatial_shapes, level_start_index]
    spatial_shapes = torch.as_tensor([(h // 16, w // 16)], dtype=torch.long, device=x.device)
    two = [get_reference_points(shapes, x.device), spatial_shapes, spatial_shapes.new_zeros((1, ))]
    return one, two


class Extractor(nn.Module):

    def __init__(self, dim, num_heads=4, n_points=4, n_levels=1, norm_layer=partial(nn.LayerNorm, eps=1e-6)):
        super().__init__()
        self.query_norm = norm_layer(dim)
        self.feat_norm = norm_layer(dim)
        self.attn = MSDeformAttn(
            embed_dims=dim, num_levels=n_levels, num_heads=num_heads, num_points=n_points, dropout=0., batch_first=True)
        self.ffn = FFN(
            embed_dims=dim, feedforward_channels=dim * 2, num_fcs=2, ffn_drop=0., act_cfg=dict(type='GELU'),
            dropout_layer=dict(type='DropPath', drop_prob=0.))
        self.drop = build_dropout(dict(type='Dropout', drop_prob=0.))

    def forward(self, query, reference_points, feat, spatial_shapes, level_start_index):
        query = self.attn(
            self.query_norm(query),
            value=self.feat_norm(feat),
            identity=query,
            reference_points=reference_points,
            spatial_shapes=spatial_shapes,
            level_start_index=level_start_index)
        return self.ffn(self.drop(query))


class Injector(Extractor):

    def __init__(self, dim, init_values=0.1, **kwargs):
        super().__init__(dim, n_levels=3, **kwargs)
        del self.ffn
        self.gamma = nn.Parameter(init_values * torch.ones((dim)), requires_grad=True)

    def forward(self, query, reference_points, feat, spatial_shapes, level_start_index):
        normed = self.query_norm(query)
        attn = self.attn(
            normed,
            value=self.feat_norm(feat),
            identity=torch.zeros_like(normed),
            reference_points=reference_points,
            spatial_shapes=spatial_shapes,
            level_start_index=level_start_index)
        return query + self.gamma * attn


class SpatialPriorModule(nn.Module):

    def __init__(self, inplanes=8, embed_dim=16, norm_cfg=dict(type='BN')):
        super().__init__()
        self.stem = nn.Sequential(
            ConvModule(3, inplanes, 3, stride=2, padding=1, norm_cfg=norm_cfg),
            ConvModule(inplanes, inplanes, 3, stride=2, padding=1, norm_cfg=norm_cfg))
        self.stages = nn.ModuleList(
            [ConvModule(inplanes, inplanes, 3, stride=2, padding=1, norm_cfg=norm_cfg) for _ in range(3)])
        self.fcs = nn.ModuleList([nn.Conv2d(inplanes, embed_dim, 1) for _ in range(4)])
        self.norm_name, norm = build_norm_layer(norm_cfg, embed_dim, postfix='_out')
        self.add_module(self.norm_name, norm)

    def forward(self, x):
        maps = [self.stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        c1, c2, c3, c4 = (fc(m) for fc, m in zip(self.fcs, maps))
        c1 = getattr(self, self.norm_name)(c1)
        return c1, *(c.flatten(2).transpose(1, 2) for c in (c2, c3, c4))
