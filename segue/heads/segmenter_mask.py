"""Segmenter's mask transformer (Strudel et al. 2021, arXiv:2105.05633): one token per class, compared with patches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.drop_path import drop_path_rates
from segue.layers.ffn import GELU
from segue.layers.initialize import zero
from segue.layers.norm import LN, Norm
from segue.layers.patch_embed import to_map, to_tokens
from segue.layers.transformer import TransformerEncoderLayer
from segue.types import Activation


class SegmenterMaskTransformerHead(DecodeHead):
    """Patches and class tokens pass through transformer blocks; their products are the logits (section 3.2).

    The last convolution of other heads, and the dropout before it, have no place here.

    Args:
        num_layers, num_heads, embed_dims, mlp_ratio, num_fcs: of the blocks.
        drop_path_rate, drop_rate, attn_drop_rate: dropout of whole branches (grows linearly), of outputs, of
            attention weights.
        qkv_bias: whether the attention's projections have a bias.
        act, norm: of the blocks. (The head's own ``norm_cfg`` and ``act_cfg`` are these.)
        init_std: of the weights at the start.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        num_layers: int,
        num_heads: int,
        embed_dims: int,
        mlp_ratio: float = 4,
        drop_path_rate: float = 0.1,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        num_fcs: int = 2,
        qkv_bias: bool = True,
        act: Activation = GELU,
        norm: Norm = LN,
        init_std: float = 0.02,
    ) -> None:
        super().__init__(options)
        del self.conv_seg
        self.dropout = None
        self.layers = nn.ModuleList(
            TransformerEncoderLayer(
                embed_dims,
                num_heads,
                int(mlp_ratio * embed_dims),
                num_fcs=num_fcs,
                attn_drop=attn_drop_rate,
                drop=drop_rate,
                drop_path=rate,
                qkv_bias=qkv_bias,
                act=act,
                norm=norm,
            )
            for rate in drop_path_rates(drop_path_rate, num_layers)
        )
        self.dec_proj = nn.Linear(self.in_channels, embed_dims)
        self.cls_emb = nn.Parameter(torch.empty(1, self.num_classes, embed_dims))
        self.patch_proj = nn.Linear(embed_dims, embed_dims, bias=False)
        self.classes_proj = nn.Linear(embed_dims, embed_dims, bias=False)
        self.decoder_norm = norm(embed_dims)
        self.mask_norm = norm(self.num_classes)
        nn.init.trunc_normal_(self.cls_emb, std=init_std)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=init_std)
                zero(module.bias)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to logits (B, num_classes, H', W') at the size of the chosen one."""
        x = self.select(features)
        size = (x.shape[2], x.shape[3])
        x = self.dec_proj(to_tokens(x))
        x = torch.cat([x, self.cls_emb.expand(x.shape[0], -1, -1)], dim=1)
        for layer in self.layers:
            x = layer(x)
        patches, classes = torch.split(self.decoder_norm(x), [size[0] * size[1], self.num_classes], dim=1)
        patches = F.normalize(self.patch_proj(patches), dim=2)
        classes = F.normalize(self.classes_proj(classes), dim=2)
        return to_map(self.mask_norm(patches @ classes.transpose(1, 2)), size)
