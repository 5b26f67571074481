"""Layers of mmseg's vision transformers: ViT and Mix Transformer, with the arguments of mmseg."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from segue.compat.mmcv.layers import FFN, build_activation_layer, build_dropout, build_norm_layer
from segue.compat.mmcv.transformer import MultiheadAttention, build_attention
from segue.compat.mmengine.modules import BaseModule
from segue.compat.mmseg.embed import nchw_to_nlc, nlc_to_nchw
from segue.layers.recompute import recompute

GELU: Mapping[str, Any] = {"type": "GELU"}
LN: Mapping[str, Any] = {"type": "LN"}


class ViTLayer(BaseModule):
    """ViT's: attention and a feed-forward network, each on normalized tokens and added to them."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        num_fcs: int = 2,
        qkv_bias: bool = True,
        act_cfg: Mapping[str, Any] = GELU,
        norm_cfg: Mapping[str, Any] = LN,
        batch_first: bool = True,
        attn_cfg: Mapping[str, Any] | None = None,
        ffn_cfg: Mapping[str, Any] | None = None,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        self.norm1_name, first = build_norm_layer(norm_cfg, embed_dims, postfix=1)
        self.add_module(self.norm1_name, first)
        drop = {"type": "DropPath", "drop_prob": drop_path_rate}
        attention = {
            "embed_dims": embed_dims, "num_heads": num_heads, "attn_drop": attn_drop_rate, "proj_drop": drop_rate,
            "batch_first": batch_first, "bias": qkv_bias, **(attn_cfg or {}),
        }  # fmt: skip
        feedforward = {
            "embed_dims": embed_dims, "feedforward_channels": feedforward_channels, "num_fcs": num_fcs,
            "ffn_drop": drop_rate, "dropout_layer": drop if drop_path_rate > 0 else None, "act_cfg": act_cfg,
            **(ffn_cfg or {}),
        }  # fmt: skip
        self.build_attn(attention)
        self.norm2_name, second = build_norm_layer(norm_cfg, embed_dims, postfix=2)
        self.add_module(self.norm2_name, second)
        self.build_ffn(feedforward)
        self.with_cp = with_cp

    def build_attn(self, attn_cfg: Mapping[str, Any]) -> None:
        """Make ``attn``."""
        self.attn: Any = build_attention(attn_cfg) if "type" in attn_cfg else MultiheadAttention(**attn_cfg)

    def build_ffn(self, ffn_cfg: Mapping[str, Any]) -> None:
        """Make ``ffn``."""
        self.ffn: Any = FFN(**ffn_cfg)

    @property
    def norm1(self) -> Any:
        """Before attention."""
        return getattr(self, self.norm1_name)

    @property
    def norm2(self) -> Any:
        """Before the feed-forward network."""
        return getattr(self, self.norm2_name)

    def _run(self, x: Tensor) -> Tensor:
        x = self.attn(self.norm1(x), identity=x)
        return self.ffn(self.norm2(x), identity=x)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, embed_dims) to the same."""
        return recompute(self._run, x) if self.with_cp and x.requires_grad else self._run(x)


class MixFFN(BaseModule):
    """A feed-forward network with a 3 x 3 convolution per channel within, which tells positions apart."""

    def __init__(
        self,
        embed_dims: int,
        feedforward_channels: int,
        act_cfg: Mapping[str, Any] = GELU,
        ffn_drop: float = 0.0,
        dropout_layer: Mapping[str, Any] | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self.embed_dims, self.feedforward_channels, self.act_cfg = embed_dims, feedforward_channels, act_cfg
        wide = feedforward_channels
        self.activate = build_activation_layer(act_cfg)
        self.layers = nn.Sequential(
            nn.Conv2d(embed_dims, wide, 1),
            nn.Conv2d(wide, wide, 3, padding=1, groups=wide),
            self.activate,
            nn.Dropout(ffn_drop),
            nn.Conv2d(wide, embed_dims, 1),
            nn.Dropout(ffn_drop),
        )
        self.dropout_layer = build_dropout(dropout_layer) if dropout_layer else nn.Identity()

    def forward(self, x: Tensor, hw_shape: Sequence[int], identity: Tensor | None = None) -> Tensor:
        """(B, H * W, embed_dims) to the same."""
        out = nchw_to_nlc(self.layers(nlc_to_nchw(x, hw_shape)))
        return (x if identity is None else identity) + self.dropout_layer(out)


class EfficientMultiheadAttention(MultiheadAttention):
    """Attention to a map that is ``sr_ratio`` times smaller per side."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
        dropout_layer: Mapping[str, Any] | None = None,
        init_cfg: Any = None,
        batch_first: bool = True,
        qkv_bias: bool = False,
        norm_cfg: Mapping[str, Any] = LN,
        sr_ratio: int = 1,
    ) -> None:
        super().__init__(
            embed_dims, num_heads, attn_drop, proj_drop, dropout_layer, init_cfg, batch_first, bias=qkv_bias
        )
        self.sr_ratio = sr_ratio
        if sr_ratio > 1:
            self.sr = nn.Conv2d(embed_dims, embed_dims, sr_ratio, stride=sr_ratio)
            self.norm: Any = build_norm_layer(norm_cfg, embed_dims)[1]

    def forward(  # type: ignore[override]
        self, x: Tensor, hw_shape: Sequence[int], identity: Tensor | None = None
    ) -> Tensor:
        """(B, H * W, embed_dims) to the same."""
        small = x
        if self.sr_ratio > 1:
            small = self.norm(nchw_to_nlc(self.sr(nlc_to_nchw(x, hw_shape))))
        return super().forward(x, small, small, identity=x if identity is None else identity)


class MixLayer(BaseModule):
    """Mix Transformer's layer."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        qkv_bias: bool = True,
        act_cfg: Mapping[str, Any] = GELU,
        norm_cfg: Mapping[str, Any] = LN,
        batch_first: bool = True,
        sr_ratio: int = 1,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        drop = {"type": "DropPath", "drop_prob": drop_path_rate}
        self.norm1 = build_norm_layer(norm_cfg, embed_dims)[1]
        self.attn = EfficientMultiheadAttention(
            embed_dims, num_heads, attn_drop_rate, drop_rate, drop, None, batch_first, qkv_bias, norm_cfg, sr_ratio
        )
        self.norm2 = build_norm_layer(norm_cfg, embed_dims)[1]
        self.ffn = MixFFN(embed_dims, feedforward_channels, act_cfg, drop_rate, drop)
        self.with_cp = with_cp

    def _run(self, x: Tensor, hw_shape: Sequence[int]) -> Tensor:
        x = self.attn(self.norm1(x), hw_shape, identity=x)
        return self.ffn(self.norm2(x), hw_shape, identity=x)

    def forward(self, x: Tensor, hw_shape: Sequence[int]) -> Tensor:
        """(B, H * W, embed_dims) to the same."""
        return recompute(self._run, x, hw_shape) if self.with_cp and x.requires_grad else self._run(x, hw_shape)
