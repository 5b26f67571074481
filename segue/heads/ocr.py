"""Object-contextual representations, OCRNet (Yuan et al. 2019, arXiv:1909.11065).

The class of a pixel is the class of the object it belongs to. So each pixel's feature is completed by the features of
the object regions, weighted by how it relates to each (section 3.2; equation numbers are the paper's):

1. *Soft object regions* M_1 ... M_K: the logits of the head before this one in the cascade, supervised by a
   cross-entropy of their own (weight 0.4).
2. *Object region representations*: pixels averaged by a softmax of M_k over space, f_k = sum_i m_ki x_i (equation 4).
3. *Pixel-region relation*: w_ik, the softmax over k of phi(x_i)^T psi(f_k) (equation 5), scaled by the root of the
   key width (equation 7).
4. *Object contextual representation*: y_i = rho(sum_k w_ik delta(f_k)) (equations 3 and 8): attention over K regions
   in place of the attention over all pixels of the relational context (equation 2), so its cost is linear in the
   number of pixels.
5. *Fusion*: z_i = g([x_i; y_i]) (equation 6).

phi, psi, delta, rho and g are 1 x 1 convolution, batch normalization and ReLU; phi and psi are two of them.

Two switches for the comparisons of section 4.2, which the reference does not have. The relation w_ik may be the region
probabilities themselves, as in ACFNet (Zhang et al. 2019, arXiv:1909.09408), or be predicted from the pixel alone, as
in double attention (Chen et al. 2018, arXiv:1810.11579); the regions may be the true ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.norm import Norm
from segue.layers.quick import in_parts, of_all
from segue.types import Activation, Size, Targets


def region_representations(pixels: Tensor, regions: Tensor, scale: float = 1.0) -> Tensor:
    """Equation 4: pixels (B, C, H, W) averaged over soft regions, given as logits (B, K, H, W), to (B, C, K)."""
    weights = (scale * regions.flatten(2)).softmax(dim=2)
    return torch.einsum("bkn,bcn->bck", weights, pixels.flatten(2))


def true_regions(labels: Tensor, num_classes: int, size: Size, ignore_index: int) -> Tensor:
    """Labels (B, H, W) to region logits (B, K, *size) that are certain: 0 inside a region and -10000 outside.

    A pixel without a label takes from all regions evenly; a class that is not in the image is the image's mean.
    """
    small = F.interpolate(labels.unsqueeze(1).float(), size=size, mode="nearest").long()  # (B, 1, h, w)
    classes = torch.arange(num_classes, device=labels.device).view(1, -1, 1, 1)
    inside = (small == classes) & (small != ignore_index)
    return (inside.float() - 1) * 10_000


class ObjectAttention(nn.Module):
    """Equations 3 and 5 to 8: each pixel attends to the object regions, and is fused with what it found.

    Args:
        in_channels: C, of pixels and regions.
        channels: D, of the keys and values.
        norm, act: of the transforms.
        relate: whether pixels and regions are compared (phi, psi); else their relation is given.
    """

    def __init__(
        self, in_channels: int, channels: int, norm: Norm | None, act: Activation | None, *, relate: bool = True
    ) -> None:
        super().__init__()

        def transform(c_in: int, c_out: int) -> ConvModule:
            return ConvModule(c_in, c_out, 1, norm=norm, act=act)

        if relate:
            self.query_project = nn.Sequential(transform(in_channels, channels), transform(channels, channels))  # phi
            self.key_project = nn.Sequential(transform(in_channels, channels), transform(channels, channels))  # psi
        self.value_project = transform(in_channels, channels)  # delta
        self.out_project = transform(channels, in_channels)  # rho
        self.bottleneck = transform(2 * in_channels, in_channels)  # g

    def forward(self, pixels: Tensor, regions: Tensor, relation: Tensor | None = None) -> Tensor:
        """Pixels x (B, C, H, W), regions f (B, C, K) and perhaps their relation w (B, K, H, W) to z (B, C, H, W)."""
        regions = regions.unsqueeze(3)
        value = self.value_project(regions).flatten(2)  # (B, D, K)
        weights = self.weights(pixels, regions) if relation is None else relation.flatten(2).transpose(1, 2)
        context = torch.einsum("bnk,bdk->bdn", weights, value)
        return of_all(self.bottleneck, [self.out_project(torch.unflatten(context, 2, pixels.shape[-2:])), pixels])

    def weights(self, pixels: Tensor, regions: Tensor) -> Tensor:
        """Equations 5 and 7: pixels (B, C, H, W) and regions (B, C, K, 1) to w (B, H * W, K)."""
        query = self.query_project(pixels).flatten(2)  # (B, D, H * W)
        key = self.key_project(regions).flatten(2)  # (B, D, K)
        products: Tensor = torch.einsum("bdn,bdk->bnk", query, key) * key.shape[1] ** -0.5
        return products.softmax(dim=2)


class OCRHead(DecodeHead):
    """The second head of an OCRNet cascade; the first, usually an ``FCNHead``, gives the soft object regions.

    Args:
        ocr_channels: width of the relation between pixels and regions.
        scale: factor of the region logits before their softmax over space.
        relation: how a pixel relates to the regions: by ``attention`` (equation 5); by its ``probability`` of being
            in each, the softmax of the region logits over regions, as in ACFNet; or by its ``pixel`` features alone, a
            1 x 1 convolution and a softmax over regions, as in double attention.
        regions: where regions come from: the head before, or ``ground_truth``, the labels. The latter shows what
            perfect regions would give (with ``relation="probability"``, perfect relations as well); it is no method.
    """

    MULTILABEL: ClassVar[bool] = True  # its own loss takes several classes per pixel as well

    def __init__(
        self,
        options: HeadOptions,
        *,
        ocr_channels: int,
        scale: float = 1,
        relation: Literal["attention", "probability", "pixel"] = "attention",
        regions: Literal["predicted", "ground_truth"] = "predicted",
    ) -> None:
        super().__init__(options)
        self.scale = scale
        self.relation = relation
        self.regions = regions
        self.object_context_block = ObjectAttention(
            self.channels, ocr_channels, self.norm, self.act, relate=relation == "attention"
        )
        if relation == "pixel":
            self.distribute_conv = nn.Conv2d(self.channels, self.num_classes, 1)
        self.bottleneck = ConvModule(self.in_channels, self.channels, 3, padding=1, norm=self.norm, act=self.act)

    def forward(self, features: Sequence[Tensor], previous: Tensor | None = None) -> Tensor:
        """Feature maps and the regions' logits (B, K, H', W') to logits (B, out_channels, H', W').

        Raises:
            InputError: no regions, or regions of another size than the feature map.
        """
        if previous is None:
            raise InputError("OCRHead needs the logits of a head before it: use CascadeEncoderDecoder with two heads")
        pixels = in_parts(self.bottleneck, self.select(features))
        if previous.shape[-2:] != pixels.shape[-2:]:
            raise InputError(
                f"OCRHead: regions of {tuple(previous.shape[-2:])} pixels for a feature map of "
                f"{tuple(pixels.shape[-2:])}; give both heads the same in_index"
            )
        regions = region_representations(pixels, previous, self.scale)
        return self.classify(self.object_context_block(pixels, regions, self._relation(pixels, previous)))

    def _relation(self, pixels: Tensor, previous: Tensor) -> Tensor | None:
        """w (B, K, H', W') where pixels and regions are not compared."""
        if self.relation == "attention":
            return None
        logits: Tensor = previous if self.relation == "probability" else self.distribute_conv(pixels)
        return logits.softmax(dim=1)

    def predict(
        self, features: Sequence[Tensor], size: Size, previous: Tensor | None = None, labels: Tensor | None = None
    ) -> Tensor:
        """Logits (B, out_channels, *size); with true regions, ``labels`` (B, H, W) are needed in place of ``previous``.

        Raises:
            InputError: true regions without labels.
        """
        if self.regions == "ground_truth":
            if labels is None:
                raise InputError(
                    "OCRHead: regions='ground_truth' predicts from the labels, to see what perfect regions would give: "
                    "call model.head.predict(model.extract_feat(inputs), size, labels=labels), or set "
                    "regions='predicted'"
                )
            previous = self._true_regions(features, labels)
        return super().predict(features, size, previous)

    def coarse(self, features: Sequence[Tensor], size: Size, previous: Tensor | None = None) -> Tensor:
        """Logits (B, out_channels, H', W') that ``predict`` resizes; with true regions there are none without labels.

        Raises:
            InputError: true regions.
        """
        return super().coarse(features, size, previous)

    def loss(self, features: Sequence[Tensor], targets: Targets, previous: Tensor | None = None) -> dict[str, Tensor]:
        """Losses by name, and ``acc_seg``, the percentage of labeled pixels that are right."""
        if self.regions == "ground_truth":
            previous = self._true_regions(features, targets.labels)
        return super().loss(features, targets, previous)

    def _true_regions(self, features: Sequence[Tensor], labels: Tensor) -> Tensor:
        h, w = self.select(features).shape[-2:]
        return true_regions(labels, self.num_classes, (h, w), self.options.ignore_index)
