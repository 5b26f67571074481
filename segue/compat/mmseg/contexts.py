"""Blocks of mmseg's decode heads that other heads are built of: atrous pyramids, attention, linear embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.compat.mmcv.layers import ConvModule, DepthwiseSeparableConvModule
from segue.compat.mmengine.modules import constant_init
from segue.layers.norm import LayerNorm2d as _LayerNorm2d
from segue.layers.points import point_sample, uncertainty

Config = Mapping[str, Any] | None


class ASPPModule(nn.ModuleList):
    """A convolution per dilation, all of the same map; the first is 1 x 1 where its dilation is 1."""

    def __init__(
        self,
        dilations: Sequence[int],
        in_channels: int,
        channels: int,
        conv_cfg: Config,
        norm_cfg: Config,
        act_cfg: Config,
    ) -> None:
        super().__init__()
        self.dilations, self.in_channels, self.channels = dilations, in_channels, channels
        self.conv_cfg, self.norm_cfg, self.act_cfg = conv_cfg, norm_cfg, act_cfg
        for dilation in dilations:
            kernel, pad = (1, 0) if dilation == 1 else (3, dilation)
            self.append(
                ConvModule(
                    in_channels, channels, kernel, dilation=dilation, padding=pad, conv_cfg=conv_cfg,
                    norm_cfg=norm_cfg, act_cfg=act_cfg,
                )
            )  # fmt: skip

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, in_channels, H, W) to a map (B, channels, H, W) per dilation."""
        return [module(x) for module in self]


class DepthwiseSeparableASPPModule(ASPPModule):
    """The same with depthwise separable convolutions for the dilated ones."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for number, dilation in enumerate(self.dilations):
            if dilation > 1:
                self[number] = DepthwiseSeparableConvModule(
                    self.in_channels, self.channels, 3, dilation=dilation, padding=dilation, norm_cfg=self.norm_cfg,
                    act_cfg=self.act_cfg,  # type: ignore[arg-type]
                )  # fmt: skip


class MLP(nn.Module):
    """SegFormer's linear embedding of a map."""

    def __init__(self, input_dim: int = 2048, embed_dim: int = 768) -> None:
        super().__init__()
        self.proj = nn.Linear(input_dim, embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, input_dim, H, W) to (B, H * W, embed_dim)."""
        return self.proj(x.flatten(2).transpose(1, 2))


class SelfAttentionBlock(nn.Module):
    """Attention of a query map to a key map; ``share_key_query`` has one projection for both."""

    def __init__(
        self,
        key_in_channels: int,
        query_in_channels: int,
        channels: int,
        out_channels: int | None,
        share_key_query: bool,
        query_downsample: nn.Module | None,
        key_downsample: nn.Module | None,
        key_query_num_convs: int,
        value_out_num_convs: int,
        key_query_norm: bool,
        value_out_norm: bool,
        matmul_norm: bool,
        with_out: bool,
        conv_cfg: Config,
        norm_cfg: Config,
        act_cfg: Config,
    ) -> None:
        super().__init__()
        if share_key_query and key_in_channels != query_in_channels:
            raise AssertionError("share_key_query needs key_in_channels == query_in_channels")
        self.key_in_channels, self.query_in_channels = key_in_channels, query_in_channels
        self.channels, self.out_channels, self.share_key_query = channels, out_channels, share_key_query
        self.conv_cfg, self.norm_cfg, self.act_cfg = conv_cfg, norm_cfg, act_cfg
        self.matmul_norm = matmul_norm
        keys = (channels, key_query_num_convs, key_query_norm, conv_cfg, norm_cfg, act_cfg)
        self.key_project = self.build_project(key_in_channels, *keys)
        self.query_project = self.key_project if share_key_query else self.build_project(query_in_channels, *keys)
        self.query_downsample, self.key_downsample = query_downsample, key_downsample
        width = channels if with_out else out_channels
        values = (value_out_num_convs, value_out_norm, conv_cfg, norm_cfg, act_cfg)
        self.value_project = self.build_project(key_in_channels, width, *values)
        self.out_project = self.build_project(channels, out_channels, *values) if with_out else None
        self.init_weights()

    def init_weights(self) -> None:
        """The output starts at zero."""
        if self.out_project is not None and not isinstance(self.out_project, ConvModule):
            constant_init(self.out_project, 0)

    def build_project(
        self,
        in_channels: int,
        channels: Any,
        num_convs: int,
        use_conv_module: bool,
        conv_cfg: Config,
        norm_cfg: Config,
        act_cfg: Config,
    ) -> nn.Module:
        """``num_convs`` 1 x 1 convolutions; bare ones without ``use_conv_module``."""
        convs: list[nn.Module] = []
        for width in [in_channels, *[channels] * (num_convs - 1)]:
            if use_conv_module:
                layers: dict[str, Any] = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg, "act_cfg": act_cfg}
                convs.append(ConvModule(width, channels, 1, **layers))
            else:
                convs.append(nn.Conv2d(width, channels, 1))
        return nn.Sequential(*convs) if len(convs) > 1 else convs[0]

    def forward(self, query_feats: Tensor, key_feats: Tensor) -> Tensor:
        """Maps (B, C, H, W) to (B, out_channels, H, W) of the query's size."""
        query = self.query_project(query_feats)
        if self.query_downsample is not None:
            query = self.query_downsample(query)
        size = query.shape[2:]
        key, value = self.key_project(key_feats), self.value_project(key_feats)
        if self.key_downsample is not None:
            key, value = self.key_downsample(key), self.key_downsample(value)
        scores = query.flatten(2).transpose(1, 2) @ key.flatten(2)
        weights = (scores * self.channels**-0.5 if self.matmul_norm else scores).softmax(dim=-1)
        context = (weights @ value.flatten(2).transpose(1, 2)).transpose(1, 2)
        context = context.reshape(query_feats.shape[0], -1, *size)
        return context if self.out_project is None else self.out_project(context)


class Upsample(nn.Module):
    """Interpolation as a module."""

    def __init__(
        self, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
    ) -> None:
        super().__init__()
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.scale_factor = tuple(map(float, scale_factor)) if isinstance(scale_factor, tuple) else scale_factor

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H', W')."""
        size = self.size
        if not size:
            factor = self.scale_factor
            pair = factor if isinstance(factor, tuple) else (factor, factor)
            size = [int(side * f) for side, f in zip(x.shape[-2:], pair, strict=True)]
        return F.interpolate(x, size, None, self.mode, self.align_corners)


class LayerNorm2d(_LayerNorm2d):
    """Layer normalization over the channels of each position of a map."""

    def __init__(self, normalized_shape: int, eps: float = 1e-6) -> None:
        super().__init__(normalized_shape, eps=eps)


def get_uncertainty(mask_preds: Tensor, labels: Tensor) -> Tensor:
    """Minus the distance of a logit to 0: (N, C, ...) and the class of each (N,) to (N, 1, ...)."""
    if mask_preds.shape[1] == 1:
        return -mask_preds.abs()
    return -mask_preds[torch.arange(len(mask_preds), device=mask_preds.device), labels].unsqueeze(1).abs()


def get_uncertain_point_coords_with_randomness(
    mask_preds: Tensor, labels: Tensor, num_points: int, oversample_ratio: float, importance_sample_ratio: float
) -> Tensor:
    """Random points (x, y) in 0..1, most of them where the masks (N, C, H, W) are uncertain: (N, num_points, 2)."""
    if oversample_ratio < 1 or not 0 <= importance_sample_ratio <= 1:
        raise AssertionError("oversample_ratio is at least 1, importance_sample_ratio between 0 and 1")
    count, wanted = len(mask_preds), int(importance_sample_ratio * num_points)
    device = mask_preds.device
    points = torch.rand(count, int(num_points * oversample_ratio), 2, device=device)
    scores = get_uncertainty(point_sample(mask_preds, points), labels)[:, 0]
    best = scores.topk(wanted, dim=1).indices
    chosen = points.gather(1, best.unsqueeze(2).expand(-1, -1, 2))
    return torch.cat([chosen, torch.rand(count, num_points - wanted, 2, device=device)], dim=1)


def calculate_uncertainty(seg_logits: Tensor) -> Tensor:
    """The second best logit minus the best one: (B, C, ...) to (B, 1, ...)."""
    return uncertainty(seg_logits).unsqueeze(1)


def perceptron(sizes: Sequence[int], affine_func: Callable[..., nn.Module] = nn.Linear) -> nn.ModuleList:
    """Layers from each size to the next."""
    return nn.ModuleList(affine_func(a, b) for a, b in pairwise(sizes))
