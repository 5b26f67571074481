"""SegNeXt's decoder (Guo et al. 2022, arXiv:2209.08575, section 3.2): context by matrix factorization.

The "hamburger" is that of Geng et al. 2021, arXiv:2109.04553.

Deviation: in evaluation the random bases come from a generator of their own with a fixed seed, so that an image has one
prediction; the reference draws new ones each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.norm import Norm
from segue.layers.resize import resize


@dataclass(frozen=True, kw_only=True)
class FactorizationOptions:
    """How features are factorized, by the names of the paper's code.

    Attributes:
        MD_S: number of groups of channels, each factorized by itself.
        MD_R: rank.
        train_steps, eval_steps: iterations in training and evaluation.
        inv_t: has no effect: this factorization starts from a softmax of temperature 1, whatever configs say.
        rand_init: draw new bases at each call; False: once.
    """

    MD_S: int = 1
    MD_R: int = 64
    train_steps: int = 6
    eval_steps: int = 7
    inv_t: float = 1
    rand_init: bool = True


class Factorization(nn.Module):
    """Non-negative matrix factorization by multiplicative updates (Lee and Seung 2000)."""

    bases: Tensor | None

    def __init__(self, options: FactorizationOptions) -> None:
        super().__init__()
        self.options = options
        self.register_buffer("bases", None, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Non-negative (B, C, H, W) to its approximation of rank ``MD_R``, of the same shape."""
        options = self.options
        size = x.shape[-2:]
        groups = options.MD_S
        x = torch.unflatten(x.flatten(2), 1, (groups, -1)).flatten(0, 1)  # (B * S, D, N)
        bases = self._bases(x)
        coef = (x.transpose(1, 2) @ bases).softmax(dim=2)  # (B * S, N, R)
        for _ in range(options.train_steps if self.training else options.eval_steps):
            coef = self._coefficients(x, bases, coef)
            bases = bases * (x @ coef) / (bases @ (coef.transpose(1, 2) @ coef) + 1e-6)
        coef = self._coefficients(x, bases, coef)
        x = bases @ coef.transpose(1, 2)
        return torch.unflatten(torch.unflatten(x, 0, (-1, groups)).flatten(1, 2), 2, size)

    @staticmethod
    def _coefficients(x: Tensor, bases: Tensor, coef: Tensor) -> Tensor:
        return coef * (x.transpose(1, 2) @ bases) / (coef @ (bases.transpose(1, 2) @ bases) + 1e-6)

    def _bases(self, x: Tensor) -> Tensor:
        """Random bases (B * S, D, R) of unit length, the same for all images and groups in evaluation."""
        width, rank = x.shape[1], self.options.MD_R
        if self.training and self.options.rand_init:
            return F.normalize(torch.rand(x.shape[0], width, rank, device=x.device, dtype=x.dtype), dim=1)
        if self.bases is None or self.bases.shape[0] != width:
            generator = torch.Generator().manual_seed(0)
            self.bases = F.normalize(torch.rand(width, rank, generator=generator), dim=0).to(x.device)
        return self.bases.to(x.dtype).expand(x.shape[0], -1, -1)


class Hamburger(nn.Module):
    """The factorization between two 1 x 1 convolutions, and the input added."""

    def __init__(self, channels: int, options: FactorizationOptions, norm: Norm | None) -> None:
        super().__init__()
        self.ham_in = ConvModule(channels, channels, 1, act=None)
        self.ham = Factorization(options)
        self.ham_out = ConvModule(channels, channels, 1, norm=norm, act=None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        return F.relu(x + self.ham_out(self.ham(F.relu(self.ham_in(x)))))


class LightHamHead(DecodeHead):
    """Maps at the first one's size, concatenated, squeezed, factorized (figure 3c).

    Args:
        ham_channels: width of the factorization.
        ham_kwargs: see ``FactorizationOptions``.
    """

    def __init__(
        self, options: HeadOptions, *, ham_channels: int = 512, ham_kwargs: FactorizationOptions | None = None
    ) -> None:
        super().__init__(replace(options, input_transform="multiple_select"))
        self.squeeze = ConvModule(sum(self.in_channels), ham_channels, 1, norm=self.norm, act=self.act)
        self.hamburger = Hamburger(ham_channels, ham_kwargs or FactorizationOptions(), self.norm)
        self.align = ConvModule(ham_channels, self.channels, 1, norm=self.norm, act=self.act)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified, (B, channels, H', W') at the size of the first chosen one."""
        maps = self.select_all(features)
        size = maps[0].shape[-2:]
        x = self.squeeze(torch.cat([resize(x, size, self.align_corners) for x in maps], dim=1))
        return self.align(self.hamburger(x))
