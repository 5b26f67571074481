"""The head of PIDNet (arXiv:2206.02066, section 3.5): classes from the joined map; P and D only train.

Deviation from the reference: where the data has no edge map (there: a crash), edges are derived from the labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.accuracy import pixel_accuracy
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.norm import BN, Norm
from segue.layers.pre_conv import PreConv
from segue.layers.resize import resize
from segue.types import Activation, Targets

#: a pixel counts for the last loss where the boundary branch is at least this sure
BOUNDARY_PROBABILITY = 0.8


class PIDBranch(nn.Module):
    """Norm, activation, 3 x 3 convolution, norm, activation: what each branch has before its classifier."""

    def __init__(self, in_channels: int, channels: int, *, norm: Norm, act: Activation | None) -> None:
        super().__init__()
        self.conv = PreConv(in_channels, channels, 3, padding=1, norm=norm, act=act)
        self.norm = norm(channels)
        self.act = act() if act else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H, W)."""
        out: Tensor = self.act(self.norm(self.conv(x)))
        return out


class PIDHead(DecodeHead):
    """Classifies the second of PIDNet's three maps; in training the others too.

    ``loss_decode`` holds four losses: of P's classes (``loss_sem_p``), of the classes (``loss_sem_i``), of D's
    boundaries (``loss_bd``), and of the classes again, where D is sure of a boundary (``loss_sem_bd``).

    Args:
        edge_width: width in pixels of the boundaries derived from the labels where the data has none.

    Raises:
        InputError: another number of losses.
    """

    def __init__(self, options: HeadOptions, *, edge_width: int = 4) -> None:
        super().__init__(options)
        if self.loss_decode and len(self.loss_decode) != 4:
            raise InputError(f"PIDHead: loss_decode holds {len(self.loss_decode)} losses; it needs 4")
        self.edge_width = edge_width
        half, norm = self.in_channels // 2, self.norm or BN
        self.i_head = PIDBranch(self.in_channels, self.channels, norm=norm, act=self.act)
        self.p_head = PIDBranch(half, self.channels, norm=norm, act=self.act)
        self.d_head = PIDBranch(half, half // 2, norm=norm, act=self.act)
        self.p_cls_seg = nn.Conv2d(self.channels, self.out_channels, kernel_size=1)
        self.d_cls_seg = nn.Conv2d(half // 2, 1, kernel_size=1)
        for classifier in (self.conv_seg, self.p_cls_seg, self.d_cls_seg):
            classifier.reset_parameters()
            nn.init.kaiming_normal_(classifier.weight, mode="fan_out", nonlinearity="relu")

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """The maps of P, of all three, and of D, to what is classified: (B, channels, H / 8, W / 8)."""
        return self.i_head(features[1])

    def loss(self, features: Sequence[Tensor], targets: Targets, previous: Tensor | None = None) -> dict[str, Tensor]:
        """The four losses, and the accuracy of the classes.

        ``targets.edges`` (B, H, W) is 1 on boundaries and 0 elsewhere; without it, boundaries come from the labels.
        """
        if not self.loss_decode:
            raise InputError("PIDHead was made without loss_decode, so it has no loss")
        labels, ignore = targets.labels, self.options.ignore_index
        size = labels.shape[-2:]
        p = resize(self.p_cls_seg(self.p_head(features[0])), size, self.align_corners)
        i = resize(self(features), size, self.align_corners)
        d = resize(self.d_cls_seg(self.d_head(features[2])), size, self.align_corners)
        edges = targets.edges if targets.edges is not None else edges_of_labels(labels, self.edge_width, ignore)
        near_edges = labels.where(d[:, 0].sigmoid() > BOUNDARY_PROBABILITY, ignore)
        loss_p, loss_i, loss_d, loss_edges = self.loss_decode
        return {
            "loss_sem_p": loss_p(p, labels, ignore_index=ignore),
            "loss_sem_i": loss_i(i, labels, ignore_index=ignore),
            "loss_bd": loss_d(d, edges),
            "loss_sem_bd": loss_edges(i, near_edges, ignore_index=ignore),
            "acc_seg": pixel_accuracy(i, labels, ignore),
        }


def edges_of_labels(labels: Tensor, width: int, ignore_index: int) -> Tensor:
    """Boundaries of labels (B, H, W): int64 (B, H, W), 1 within a band of ``width`` pixels around where classes meet.

    Where a class meets the ignored label is no boundary, since nobody knows what is there.
    """
    edges = torch.zeros_like(labels)
    known = labels != ignore_index
    down = (labels[:, 1:] != labels[:, :-1]) & known[:, 1:] & known[:, :-1]
    right = (labels[:, :, 1:] != labels[:, :, :-1]) & known[:, :, 1:] & known[:, :, :-1]
    edges[:, 1:] |= down
    edges[:, :, 1:] |= right
    before = width // 2
    padded = F.pad(edges.float(), (width - 1 - before, before, width - 1 - before, before))
    return F.max_pool2d(padded, width, stride=1).long()
