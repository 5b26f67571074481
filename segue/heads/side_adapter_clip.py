"""SAN, the side adapter network (Xu et al. 2023, arXiv:2302.12242): a small transformer finds masks beside CLIP.

The adapter predicts masks, and for each a bias that steers the attention of CLIP's last layers to it; what these find
is compared with the vectors of class names.

Deviation: only ``sos_token_format="cls_token"`` and ``cross_attn=False`` are offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.clip_layer import CLIPLayer
from segue.layers.ffn import GELU
from segue.layers.mask_head import MaskHead, MaskLosses, Masks
from segue.layers.mask_losses import CrossEntropyLoss, DiceLoss
from segue.layers.mask_matching import MatchingOptions, Truth
from segue.layers.norm import LN, Norm
from segue.layers.patch_embed import to_tokens
from segue.layers.portable import adaptive_maximum
from segue.layers.side_adapter import SideAdapterNetwork, SideAdapterOptions
from segue.types import Activation, Size, Targets


@dataclass(frozen=True, kw_only=True)
class RecognitionOptions:
    """CLIP's last layers.

    Attributes:
        sos_token_num: masks; as many copies of the class token look at them.
        num_layers, embed_dims, num_heads, mlp_ratio, num_fcs, qkv_bias, act: as in the image encoder.
        out_dims: length of the vectors that are compared with the vectors of the classes.
        final_norm: make them unit vectors.
        norm: the last one.
        frozen_exclude: only parameters whose names contain one of these texts are trained; ``all`` means all of them.
    """

    sos_token_format: Literal["cls_token"] = "cls_token"
    sos_token_num: int = 100
    cross_attn: Literal[False] = False
    num_layers: int = 3
    embed_dims: int = 768
    num_heads: int = 12
    mlp_ratio: float = 4
    num_fcs: int = 2
    qkv_bias: bool = True
    out_dims: int = 512
    final_norm: bool = True
    act: Activation = GELU
    norm: Norm = LN
    frozen_exclude: Sequence[str] = ()


class RecWithAttnbias(nn.Module):
    """CLIP's last layers, with a class token per mask whose attention the mask's bias steers (section 3.3)."""

    def __init__(self, options: RecognitionOptions) -> None:
        super().__init__()
        width = options.embed_dims
        self.num_queries = options.sos_token_num
        self.num_heads = options.num_heads
        self.final_norm = options.final_norm
        self.layers = nn.ModuleList(
            CLIPLayer(
                width,
                options.num_heads,
                int(options.mlp_ratio * width),
                act=options.act,
                num_fcs=options.num_fcs,
                qkv_bias=options.qkv_bias,
            )
            for _ in range(options.num_layers)
        )
        self.ln_post = options.norm(width)
        self.proj = nn.Linear(width, options.out_dims, bias=False)
        if "all" not in options.frozen_exclude:
            for name, parameter in self.named_parameters():
                parameter.requires_grad = any(text in name for text in options.frozen_exclude)

    def forward(self, biases: Sequence[Tensor], features: Tensor, token: Tensor) -> Tensor:
        """Biases (B, heads, Q, h, w), one or one per layer, CLIP's map (B, C, H, W) and token (B, C) to (B, Q, C')."""
        masks = [self.mask(bias, (features.shape[2], features.shape[3])) for bias in biases]
        x = torch.cat([token.unsqueeze(1).expand(-1, self.num_queries + 1, -1), to_tokens(features)], dim=1)
        for i, layer in enumerate(self.layers):
            x = layer(x, masks[i if len(masks) > 1 else 0])
        x = self.proj(self.ln_post(x[:, : self.num_queries]))
        return F.normalize(x, dim=-1) if self.final_norm else x

    def mask(self, bias: Tensor, size: Size) -> Tensor:
        """What is added to the attention of [Q tokens of masks, class token, image]: (B, heads, N, N).

        Nothing sees the tokens of masks but each itself, nor these the class token; at the image they look with the
        bias (B, heads, Q, h, w).
        """
        q = self.num_queries
        pool = adaptive_maximum if torch.compiler.is_exporting() else F.adaptive_max_pool2d
        bias = torch.unflatten(pool(bias.flatten(1, 2), size).flatten(2), 1, (-1, q))
        closed = 100 * (torch.eye(q + 1, dtype=bias.dtype, device=bias.device) - 1)
        b, heads, _, count = bias.shape
        top = torch.cat([closed[:q].expand(b, heads, -1, -1), bias], dim=3)
        rest = F.pad(closed[q:].expand(count + 1, -1), (0, count)).expand(b, heads, -1, -1)
        return torch.cat([top, rest], dim=2).expand(-1, self.num_heads, -1, -1)


class SideAdapterCLIPHead(MaskHead):
    """The head of SAN.

    Args:
        num_classes: number of classes; the text encoder gives one vector more, for "none of them".
        san: the adapter; ``maskgen``: CLIP's last layers.
        deep_supervision_idxs: layers of the adapter, counted from 1, whose masks are trained as well.
        train: how masks are matched.
        loss_decode: losses of classes (``loss_name`` with ``loss_cls``) and of masks (with ``loss_mask``).
        ignore_index: label that is no class.
        align_corners: means nothing here.

    Raises:
        InputError: numbers of queries that differ; a loss that is of neither kind.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        san: SideAdapterOptions,
        maskgen: RecognitionOptions,
        deep_supervision_idxs: Sequence[int],
        train: MatchingOptions | None = None,
        loss_decode: Sequence[CrossEntropyLoss | DiceLoss] | None = None,
        ignore_index: int = 255,
        align_corners: bool = False,
    ) -> None:
        if san.num_queries != maskgen.sos_token_num:
            raise InputError(
                f"SideAdapterCLIPHead: san_cfg.num_queries={san.num_queries} must equal "
                f"maskgen_cfg.sos_token_num={maskgen.sos_token_num}"
            )
        super().__init__(num_classes, ignore_index, train, split_losses(loss_decode) if loss_decode else None)
        self.deep = list(deep_supervision_idxs)
        self.side_adapter_network = SideAdapterNetwork(san)
        self.rec_with_attnbias = RecWithAttnbias(maskgen)

    def outputs(self, features: Sequence[Any]) -> list[Masks]:
        """(image, CLIP's features, vectors of classes) to masks after each supervised layer and the last."""
        return self._masks(features, self.deep)

    def last(self, features: Sequence[Any]) -> Masks:
        """The masks after the last layer."""
        return self._masks(features, [])[-1]

    def prefixes(self, count: int) -> list[str]:
        """``d7.`` for the masks after layer 7, nothing for the last ones."""
        layers = len(self.side_adapter_network.encode_layers)
        return [f"d{i}." for i in sorted(self.deep) if i < layers] + [""]

    def count(self, truth: Sequence[Truth], queries: int) -> int:
        """The number of true masks, also where there are more than queries."""
        return sum(len(one.labels) for one in truth)

    def loss(self, features: Sequence[Any], targets: Targets) -> dict[str, Tensor]:
        """Losses of every output by name.

        The configs for VOC and PASCAL Context keep COCO-Stuff's 172 class weights. Since those treat all classes alike,
        and only "none of them" otherwise, they mean the same for any number of classes.

        Raises:
            InputError: class weights that fit neither the classes nor this rule.
        """
        of_classes = self.losses.classes if self.losses else {}
        for name, loss in list(of_classes.items()):
            given = loss.class_weight
            if given is None or len(given) == self.num_classes + 1:
                continue
            if len(set(given[:-1])) != 1:
                raise InputError(
                    f"SideAdapterCLIPHead: class_weight of {name} has {len(given)} values for "
                    f'num_classes={self.num_classes}; it needs {self.num_classes + 1}, the last for "none of them"'
                )
            of_classes[name] = replace(loss, class_weight=[given[0]] * self.num_classes + [given[-1]])
        return super().loss(features, targets)

    def _masks(self, features: Sequence[Any], wanted: Sequence[int]) -> list[Masks]:
        image, clip, vectors = features
        found = self.side_adapter_network(image, [x for x, _ in clip], wanted)
        return [
            Masks(self.rec_with_attnbias(biases, *clip[-1]) @ vectors.transpose(0, 1), masks) for masks, biases in found
        ]


def split_losses(losses: Sequence[CrossEntropyLoss | DiceLoss]) -> MaskLosses:
    """Losses of classes and of masks, told apart by their names.

    Raises:
        InputError: a name that says neither, or a loss that cannot do it.
    """
    found = MaskLosses({}, {})
    for loss in losses:
        if "loss_mask" in loss.loss_name and loss.use_sigmoid:
            found.masks[loss.loss_name] = loss
        elif "loss_cls" in loss.loss_name and isinstance(loss, CrossEntropyLoss) and not loss.use_sigmoid:
            found.classes[loss.loss_name] = loss
        else:
            raise InputError(
                f"SideAdapterCLIPHead: {loss}: its loss_name must contain loss_cls (CrossEntropyLoss without sigmoid) "
                "or loss_mask (CrossEntropyLoss with sigmoid, or DiceLoss)"
            )
    return found
