"""Vision transformer, ViT (Dosovitskiy et al. 2020, arXiv:2010.11929), as a backbone; also DeiT's and CLIP's encoder.

Deviations: position embeddings are resized whenever the grid of patches differs from the one they were learned on,
also if it has as many patches; checkpoints of mmseg 0.x, whose patch embedding has a bias, are loaded with that bias
(mmseg 1.x drops it in silence).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.drop_path import drop_path_rates
from segue.layers.ffn import GELU
from segue.layers.initialize import initialize_plain_transformer
from segue.layers.norm import LN, Norm
from segue.layers.patch_embed import PatchEmbed, to_map
from segue.layers.position import before_loading, fit_position_embedding, resize_position_embedding
from segue.layers.transformer import TransformerEncoderLayer
from segue.types import Activation, Size


class VisionTransformer(nn.Module):
    """ViT that returns the feature maps after some of its blocks, all at 1 / ``patch_size``.

    Args:
        img_size: pixels that the position embeddings are made for: one number, or (H, W). Other sizes are taken.
        patch_size: side of a patch, in pixels.
        patch_pad: ``corner`` completes the last patches with zeros; a number pads every side by as much.
        in_channels: channels of the image.
        embed_dims, num_layers, num_heads, mlp_ratio, num_fcs: width of the tokens; number of blocks; their heads;
            width of the MLP over that of the tokens, and its linear layers.
        out_origin: return the embedded image as well, first.
        out_indices: blocks whose output is returned; -1: the last.
        qkv_bias: whether the attention's projections have a bias.
        drop_rate, attn_drop_rate, drop_path_rate: dropout of outputs, of attention weights, of whole branches (the
            last grows linearly over the blocks).
        with_cls_token: whether the class token takes part in the attention. It is a parameter in either case.
        output_cls_token: return pairs (feature map, class token (B, C)) in place of feature maps.
        norm, act: of the blocks.
        patch_norm, patch_bias: normalize the embedded patches; give their convolution a bias.
        pre_norm, final_norm: normalize before the first and after the last block.
        interpolate_mode: of the position embeddings.
        norm_eval: keep the norms in evaluation mode.
        with_cp: recompute blocks in the backward pass, to save memory.
        frozen_exclude: only parameters whose names contain one of these texts are trained; ``all`` means all of them.

    Raises:
        InputError: heads that do not divide the width, a class token asked for that is not there.
    """

    def __init__(
        self,
        img_size: int | Sequence[int] = 224,
        *,
        patch_size: int = 16,
        patch_pad: int | Literal["corner", "same"] = "corner",
        in_channels: int = 3,
        embed_dims: int = 768,
        num_layers: int = 12,
        num_heads: int = 12,
        mlp_ratio: float = 4,
        out_origin: bool = False,
        out_indices: int | Sequence[int] = -1,
        qkv_bias: bool = True,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        with_cls_token: bool = True,
        output_cls_token: bool = False,
        norm: Norm = LN,
        act: Activation = GELU,
        patch_norm: bool = False,
        patch_bias: bool = False,
        pre_norm: bool = False,
        final_norm: bool = False,
        interpolate_mode: Literal["nearest", "bilinear", "bicubic"] = "bicubic",
        num_fcs: int = 2,
        norm_eval: bool = False,
        with_cp: bool = False,
        frozen_exclude: Sequence[str] = ("all",),
    ) -> None:
        super().__init__()
        if embed_dims % num_heads:
            raise InputError(f"VisionTransformer: num_heads={num_heads} must divide embed_dims={embed_dims}")
        if output_cls_token and not with_cls_token:
            raise InputError("VisionTransformer: output_cls_token=True needs with_cls_token=True")
        if not isinstance(img_size, int) and len(img_size) != 2:
            raise InputError(f"VisionTransformer: img_size={img_size!r}; one number, or two (H, W)")
        if not isinstance(out_indices, (int, list, tuple)):
            raise InputError(f"VisionTransformer: out_indices={out_indices!r}; an index or a list of them")
        height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.grid: Size = (height // patch_size, width // patch_size)
        self.out_origin = out_origin
        self.out_indices = [i % num_layers for i in ([out_indices] if isinstance(out_indices, int) else out_indices)]
        self.with_cls_token = with_cls_token
        self.output_cls_token = output_cls_token
        self.interpolate_mode = interpolate_mode
        self.norm_eval = norm_eval
        self.patch_embed = PatchEmbed(
            in_channels,
            embed_dims,
            patch_size,
            padding=patch_pad,
            bias=patch_bias,
            norm=norm if patch_norm else None,
        )
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.pos_embed = nn.Parameter(torch.zeros(1, self.grid[0] * self.grid[1] + 1, embed_dims))
        self.drop_after_pos = nn.Dropout(drop_rate)
        if pre_norm:
            self.ln_pre = norm(embed_dims)
        rates = drop_path_rates(drop_path_rate, num_layers)
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
                with_cp=with_cp,
            )
            for rate in rates
        )
        self.pre_norm = pre_norm
        self.final_norm = final_norm
        if final_norm:
            self.ln1 = norm(embed_dims)
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        initialize_plain_transformer(self)
        if "all" not in frozen_exclude:
            for name, parameter in self.named_parameters():
                parameter.requires_grad = any(text in name for text in frozen_exclude)
        before_loading(self, _fit)

    def forward(self, x: Tensor) -> list[Any]:
        """Image (B, in_channels, H, W) to one (B, embed_dims, H / patch_size, W / patch_size) per output."""
        x, size = self.patch_embed(x)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)
        x = x + resize_position_embedding(self.pos_embed, self.grid, size, self.interpolate_mode)
        x = self.drop_after_pos(x)
        if not self.with_cls_token:
            x = x[:, 1:]
        if self.pre_norm:
            x = self.ln_pre(x)
        outputs = [self._output(x, size)] if self.out_origin else []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if self.final_norm and i == len(self.layers) - 1:
                x = self.ln1(x)
            if i in self.out_indices:
                outputs.append(self._output(x, size))
        return outputs

    def _output(self, x: Tensor, size: Size) -> Tensor | tuple[Tensor, Tensor]:
        patches = to_map(x[:, 1:] if self.with_cls_token else x, size)
        return (patches, x[:, 0]) if self.output_cls_token else patches

    def train(self, mode: bool = True) -> VisionTransformer:
        """Set the mode; with ``norm_eval`` the norms stay in evaluation."""
        super().train(mode)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, nn.LayerNorm):
                    module.eval()
        return self


def _fit(module: VisionTransformer, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Before weights are loaded: fit the position embeddings, and take over a bias that older models have."""
    fit_position_embedding(state, f"{prefix}pos_embed", module.pos_embed, module.grid, module.interpolate_mode)
    bias = state.get(f"{prefix}patch_embed.projection.bias")
    projection = module.patch_embed.projection
    if bias is not None and projection.bias is None and bias.shape == (projection.out_channels,):
        trained = projection.weight.requires_grad
        projection.bias = nn.Parameter(torch.zeros_like(projection.weight[:, 0, 0, 0]), requires_grad=trained)
