"""Feature pyramid network (Lin et al. 2017, arXiv:1612.03144): coarse features added to fine ones, top down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.conv import ConvModule
from segue.layers.norm import Norm
from segue.types import Activation


@dataclass(frozen=True, kw_only=True)
class UpsampleOptions:
    """How the coarse map is brought to the size of the fine one; ``scale_factor`` in place of that size."""

    mode: Literal["nearest", "bilinear"] = "nearest"
    scale_factor: float | None = None
    align_corners: bool | None = None


class FPN(nn.Module):
    """Feature pyramid.

    Args:
        in_channels: of each input map.
        out_channels: of every output map.
        num_outs: number of outputs; those beyond the inputs are pooled, or convolved with ``add_extra_convs``.
        start_level, end_level: the inputs used, ``end_level`` excluded; -1: to the last.
        add_extra_convs: False, or the source of the extra convolutions: the last input (``on_input``), its lateral map
            (``on_lateral``), or the last output (``on_output`` or True).
        extra_convs_on_inputs: ``add_extra_convs=True`` means ``on_input``.
        relu_before_extra_convs: as it says.
        no_norm_on_lateral: as it says.
        norm, act: of the convolutions.
        upsample: see ``UpsampleOptions``.

    Raises:
        InputError: levels or outputs that do not fit the inputs.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        num_outs: int,
        *,
        start_level: int = 0,
        end_level: int = -1,
        add_extra_convs: bool | Literal["on_input", "on_lateral", "on_output"] = False,
        extra_convs_on_inputs: bool = False,
        relu_before_extra_convs: bool = False,
        no_norm_on_lateral: bool = False,
        norm: Norm | None = None,
        act: Activation | None = None,
        upsample: UpsampleOptions | None = None,
    ) -> None:
        super().__init__()
        end = len(in_channels) if end_level == -1 else end_level
        used = end - start_level
        if not 0 < used <= len(in_channels) or num_outs < used or (end_level != -1 and num_outs != used):
            raise InputError(
                f"FPN: num_outs={num_outs}, start_level={start_level}, end_level={end_level} do not fit "
                f"{len(in_channels)} in_channels"
            )
        self.in_channels = in_channels
        self.num_outs = num_outs
        self.start_level = start_level
        self.end = end
        if add_extra_convs is True:
            add_extra_convs = "on_input" if extra_convs_on_inputs else "on_output"
        self.extra_source = self.add_extra_convs = add_extra_convs
        self.relu_before_extra_convs = relu_before_extra_convs
        self.upsample = upsample or UpsampleOptions()
        lateral_norm = None if no_norm_on_lateral else norm
        self.lateral_convs = nn.ModuleList(
            ConvModule(c, out_channels, 1, norm=lateral_norm, act=act) for c in in_channels[start_level:end]
        )
        self.fpn_convs = nn.ModuleList(
            ConvModule(out_channels, out_channels, 3, padding=1, norm=norm, act=act) for _ in range(used)
        )
        if self.extra_source:
            for i in range(num_outs - used):
                c = in_channels[end - 1] if i == 0 and self.extra_source == "on_input" else out_channels
                self.fpn_convs.append(ConvModule(c, out_channels, 3, stride=2, padding=1, norm=norm, act=act))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, in_channels[i], H_i, W_i), finest first, to ``num_outs`` maps (B, out_channels, ...)."""
        if len(features) != len(self.in_channels):
            raise InputError(f"FPN: {len(features)} feature maps for {len(self.in_channels)} in_channels")
        used = features[self.start_level : self.end]
        laterals = [conv(f) for conv, f in zip(self.lateral_convs, used, strict=True)]
        for i in range(len(laterals) - 1, 0, -1):
            laterals[i - 1] = laterals[i - 1] + self._up(laterals[i], laterals[i - 1])
        outputs = [conv(x) for conv, x in zip(self.fpn_convs, laterals, strict=False)]
        if not self.extra_source:
            while len(outputs) < self.num_outs:
                outputs.append(F.max_pool2d(outputs[-1], 1, stride=2))
            return outputs
        source = {"on_input": used[-1], "on_lateral": laterals[-1], "on_output": outputs[-1]}[self.extra_source]
        for i in range(len(laterals), self.num_outs):
            first = i == len(laterals)
            x = source if first else outputs[-1]
            outputs.append(self.fpn_convs[i](F.relu(x) if self.relu_before_extra_convs and not first else x))
        return outputs

    def _up(self, coarse: Tensor, fine: Tensor) -> Tensor:
        options = self.upsample
        if options.scale_factor is not None:
            return F.interpolate(
                coarse, scale_factor=options.scale_factor, mode=options.mode, align_corners=options.align_corners
            )
        return F.interpolate(coarse, size=fine.shape[-2:], mode=options.mode, align_corners=options.align_corners)
