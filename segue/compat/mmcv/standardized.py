"""mmcv's ConvAWS2d and SAConv2d: convolutions with standardized weights, and with two rates (arXiv:2006.02334)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.compat.mmcv.deformable import deform_conv2d


class ConvAWS2d(nn.Conv2d):
    """A convolution whose weights are standardized and then scaled and shifted by fixed values of each output.

    A checkpoint without these values gives the deviation and mean of its own weights, so that it computes the same.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)
        self.register_buffer("weight_gamma", torch.ones(out_channels, 1, 1, 1))
        self.register_buffer("weight_beta", torch.zeros(out_channels, 1, 1, 1))
        self.weight_gamma: Tensor
        self.weight_beta: Tensor

    def _get_weight(self, weight: Tensor) -> Tensor:
        mean, deviation = _moments(weight)
        return self.weight_gamma * (weight - mean) / deviation + self.weight_beta

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H', W')."""
        weight = self._get_weight(self.weight)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        given = state_dict.get(f"{prefix}weight")
        if given is not None and f"{prefix}weight_gamma" not in state_dict:
            mean, deviation = _moments(given)
            state_dict[f"{prefix}weight_gamma"], state_dict[f"{prefix}weight_beta"] = deviation, mean
        super()._load_from_state_dict(state_dict, prefix, *args)


def _moments(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each output's weights, (C', 1, 1, 1)."""
    flat = weight.flatten(1)
    deviation = (flat.var(1) + 1e-5).sqrt()
    return flat.mean(1)[:, None, None, None], deviation[:, None, None, None]


class SAConv2d(ConvAWS2d):
    """Switchable atrous convolution: at each place a mix of two rates, the second three times the first.

    Args:
        in_channels ... bias: of a convolution of 3 x 3.
        use_deform: convolve at learned offsets.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        use_deform: bool = False,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)
        self.use_deform = use_deform
        self.switch = nn.Conv2d(in_channels, 1, 1, stride=stride)
        self.weight_diff = nn.Parameter(torch.zeros_like(self.weight))
        self.pre_context = nn.Conv2d(in_channels, in_channels, 1)
        self.post_context = nn.Conv2d(out_channels, out_channels, 1)
        if use_deform:
            self.offset_s = nn.Conv2d(in_channels, 18, 3, padding=1, stride=stride)
            self.offset_l = nn.Conv2d(in_channels, 18, 3, padding=1, stride=stride)
        for part in self.children():
            nn.init.zeros_(part.weight)  # type: ignore[arg-type]
            nn.init.constant_(part.bias, float(part is self.switch))  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H', W')."""
        x = x + self.pre_context(F.adaptive_avg_pool2d(x, 1))
        around = F.avg_pool2d(F.pad(x, [2, 2, 2, 2], mode="reflect"), 5, stride=1)
        switch = self.switch(around)
        weight = self._get_weight(self.weight)
        near = self._convolve(x, around, weight, 1)
        far = self._convolve(x, around, weight + self.weight_diff, 3)
        out = switch * near + (1 - switch) * far
        return out + self.post_context(F.adaptive_avg_pool2d(out, 1))

    def _convolve(self, x: Tensor, around: Tensor, weight: Tensor, rate: int) -> Tensor:
        padding = tuple(rate * int(p) for p in self.padding)
        dilation = tuple(rate * int(d) for d in self.dilation)
        if not self.use_deform:
            return F.conv2d(x, weight, self.bias, self.stride, padding, dilation, self.groups)
        offset = (self.offset_s if rate == 1 else self.offset_l)(around)
        out: Tensor = deform_conv2d(x, offset, weight, self.stride, padding, dilation, self.groups, 1)
        return out
