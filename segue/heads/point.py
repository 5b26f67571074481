"""PointRend (Kirillov et al. 2020, arXiv:1912.08193): predict again, point by point, where the coarse prediction is
uncertain.

Deviation from the reference: ``forward`` gives the refined logits (there, it takes features of points already).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.accuracy import pixel_accuracy
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.norm import Norm
from segue.layers.points import PointSampling, Subdivision, most_uncertain, point_sample, points_to_train
from segue.types import Activation, Targets


class PointLayer(nn.Module):
    """One layer of an MLP that all points share: linear, normalization, activation."""

    def __init__(self, in_channels: int, channels: int, norm: Norm | None, act: Activation | None) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_channels, channels, 1, bias=norm is None)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)
        self.bn = replace(norm, type="BN1d")(channels) if norm else None
        self.activate = act() if act else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, P) to (B, channels, P)."""
        x = self.conv(x)
        if self.bn:
            x = self.bn(x)
        return self.activate(x) if self.activate else x


class PointHead(DecodeHead):
    """The last head of a cascade: an MLP on the fine features and the coarse logits of single points.

    Args:
        num_fcs: layers of the MLP.
        coarse_pred_each_layer: give the coarse logits to every layer; else to the first.
    """

    def __init__(self, options: HeadOptions, *, num_fcs: int = 3, coarse_pred_each_layer: bool = True) -> None:
        super().__init__(replace(options, input_transform="multiple_select"))
        if options.norm and options.norm.name != "bn":
            raise InputError(f"PointHead: norm_cfg of type {options.norm.type!r}; points have no map, use BN or none")
        #: how training chooses points and how evaluation subdivides; the model sets them from its config
        self.sampling = PointSampling()
        self.subdivision = Subdivision()
        self.coarse_pred_each_layer = coarse_pred_each_layer
        again = self.out_channels if coarse_pred_each_layer else 0
        width = sum(self.in_channels) + self.out_channels
        layers = []
        for _ in range(num_fcs):
            layers.append(PointLayer(width, self.channels, self.norm, self.act))
            width = self.channels + again
        self.fcs = nn.ModuleList(layers)
        self.fc_seg = nn.Conv1d(width, self.out_channels, 1)
        nn.init.normal_(self.fc_seg.weight, std=0.01)
        nn.init.zeros_(self.fc_seg.bias)  # type: ignore[arg-type]
        del self.conv_seg
        self.point_dropout = nn.Dropout(options.dropout_ratio) if options.dropout_ratio > 0 else None

    def set_point_options(self, sampling: PointSampling | None, subdivision: Subdivision | None) -> None:
        """Take what the model's config says about points; None keeps the default."""
        self.sampling = sampling or self.sampling
        self.subdivision = subdivision or self.subdivision

    def logits_at(self, maps: Sequence[Tensor], previous: Tensor, points: Tensor) -> Tensor:
        """Feature maps (B, C_i, H_i, W_i) and coarse logits (B, K, H, W) to logits (B, K, P) at points (B, P, 2)."""
        coarse = point_sample(previous, points, self.align_corners)
        x = torch.cat([point_sample(f, points, self.align_corners) for f in maps] + [coarse], dim=1)
        for layer in self.fcs:
            x = layer(x)
            if self.coarse_pred_each_layer:
                x = torch.cat([x, coarse], dim=1)
        return self.fc_seg(self.point_dropout(x) if self.point_dropout else x)

    def forward(self, features: Sequence[Tensor], previous: Tensor | None = None) -> Tensor:
        """Feature maps and coarse logits (B, K, H, W) to refined logits, larger by all ``subdivision_steps``."""
        coarse = self._coarse(previous)
        maps, options, refined = self.select_all(features), self.subdivision, coarse
        for _ in range(options.subdivision_steps):
            refined = F.interpolate(
                refined, scale_factor=options.scale_factor, mode="bilinear", align_corners=self.align_corners
            )
            indices, points = most_uncertain(refined, options.subdivision_num_points)
            again = self.logits_at(maps, coarse, points)
            indices = indices.unsqueeze(1).expand_as(again)
            refined = refined.flatten(2).scatter(2, indices, again.to(refined.dtype)).view_as(refined)
        return refined

    def loss(self, features: Sequence[Tensor], targets: Targets, previous: Tensor | None = None) -> dict[str, Tensor]:
        """Losses at the chosen points by name (``pointloss_ce``), and ``acc_point``."""
        coarse = self._coarse(previous)
        with torch.no_grad():
            points = points_to_train(coarse, self.sampling, self.align_corners)
        logits = self.logits_at(self.select_all(features), coarse, points).unsqueeze(3)
        labels = point_sample(targets.labels.unsqueeze(1).float(), points, self.align_corners, mode="nearest")
        labels, ignore = labels.long().transpose(1, 2), self.options.ignore_index  # (B, P, 1), like an image
        losses: dict[str, Tensor] = {}
        for loss in self.loss_decode:
            name, value = f"point{loss.loss_name}", loss(logits, labels, ignore_index=ignore)
            losses[name] = losses[name] + value if name in losses else value
        losses["acc_point"] = pixel_accuracy(logits, labels, ignore)
        return losses

    def _coarse(self, previous: Tensor | None) -> Tensor:
        if previous is None:
            raise InputError("PointHead needs the logits of a head before it: use CascadeEncoderDecoder with two heads")
        return previous
