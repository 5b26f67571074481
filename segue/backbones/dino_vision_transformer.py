"""DINOv2 (Oquab et al. 2023, arXiv:2304.07193), also with registers, and DINOv3 (arXiv:2508.10104), as backbones.

The names of parameters are those of the authors' files, which load as they are. Deviations: images of any size are
completed with zeros to whole patches; position embeddings are resized to any grid, and weights of patches to any size
of these; the rotary periods are computed in float32 and not read from files, as transformers does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError, nearest
from segue.layers.dino_block import Attention, Block, Mlp, Rope, gated_or_plain
from segue.layers.drop_path import drop_path_rates
from segue.layers.patch_embed import fit_patch_size, pad_to_windows, to_map
from segue.layers.position import before_loading, fit_position_embedding
from segue.types import Size


@dataclass(frozen=True, kw_only=True)
class Arch:
    """What a published model is made of; ``dinov3``: rotary positions, no bias of keys, four registers."""

    embed_dim: int
    depth: int
    num_heads: int
    dinov3: bool
    registers: int = 0
    ffn_layer: Mlp = "mlp"
    mlp_ratio: float = 4
    qkv_bias: bool = True


def _published() -> dict[str, Arch]:
    sizes = {"s": (384, 12, 6), "b": (768, 12, 12), "l": (1024, 24, 16)}
    archs: dict[str, Arch] = {}
    for name, (width, depth, heads) in sizes.items():
        archs[f"dinov2-{name}"] = Arch(embed_dim=width, depth=depth, num_heads=heads, dinov3=False)
        archs[f"dinov3-{name}"] = Arch(embed_dim=width, depth=depth, num_heads=heads, dinov3=True, registers=4)
    archs["dinov2-g"] = Arch(embed_dim=1536, depth=40, num_heads=24, dinov3=False, ffn_layer="swiglufused")
    for name in ("s", "b", "l", "g"):
        archs[f"dinov2-{name}-reg"] = Arch(**{**vars(archs[f"dinov2-{name}"]), "registers": 4})
    gated = {
        "s+": (384, 12, 6, "swiglu", 6.0),
        "h+": (1280, 32, 20, "swiglu", 6.0),
        "7b": (4096, 40, 32, "swiglu64", 3.0),
    }
    for name, (width, depth, heads, ffn, ratio) in gated.items():
        archs[f"dinov3-{name}"] = Arch(
            embed_dim=width,
            depth=depth,
            num_heads=heads,
            dinov3=True,
            registers=4,
            ffn_layer="swiglu64" if ffn == "swiglu64" else "swiglu",
            mlp_ratio=ratio,
            qkv_bias=name != "7b",
        )
    return archs


ARCHS = _published()


class Patches(nn.Module):
    """Patches as tokens, the last ones completed with zeros."""

    def __init__(self, in_channels: int, embed_dim: int, patch_size: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, embed_dim, patch_size, stride=patch_size)
        self.patch: Size = (patch_size, patch_size)

    def forward(self, x: Tensor) -> tuple[Tensor, Size]:
        """(B, C, H, W) to tokens (B, h * w, D) and (h, w)."""
        x = self.proj(pad_to_windows(x, self.patch, self.patch))
        return x.flatten(2).transpose(1, 2), (x.shape[2], x.shape[3])


class DinoVisionTransformer(nn.Module):
    """Feature maps after some blocks of DINOv2 or DINOv3, all at 1 / ``patch_size``.

    Args:
        arch: a published model, such as ``dinov2-b``, ``dinov2-l-reg`` or ``dinov3-s+``; it sets what is not given of
            the next arguments. None: a DINOv2-B, changed by what is given.
        img_size: pixels that DINOv2's position embeddings are made for. Other sizes are taken.
        patch_size: side of a patch; None: 14 in a DINOv2 of ``arch``, else 16.
        in_channels: channels of the image.
        embed_dim, depth, num_heads, mlp_ratio: width of the tokens; blocks; their heads; width of the MLP.
        ffn_layer: ``mlp``; ``swiglu`` and ``swiglufused`` are gated and 2/3 as wide, to the next multiple of 8 or of
            the number after ``swiglu``. ``swiglufused`` has one layer for gate and value.
        qkv_bias, proj_bias, ffn_bias: whether these layers have a bias.
        num_register_tokens: tokens beside the class token that have no place.
        rope: rotary positions (DINOv3) in place of learned ones.
        rope_base, rope_rescale: of the periods; in training, coordinates are stretched by up to this factor (1: never).
        mask_k_bias: the bias of keys counts as 0; None: with ``rope``.
        init_values: what the scales of branches start from; None or 0: there are none.
        norm_eps: None: 1e-5 with ``rope``, else 1e-6.
        drop_path_rate, drop_path_uniform: dropout of branches; it grows over the blocks, or is the same in all.
        block_chunks: into how many chunks of blocks a file may have been cut; the model has none, files of both load.
        interpolate_antialias: how position embeddings are resized; None: with registers.
        interpolate_offset: added to the sides of the grid in the scale they are resized by (DINOv2 had 0.1).
        out_indices: blocks whose output is returned; -1: the last.
        final_norm: apply the last norm to every output, as the published protocols do.
        with_cp: recompute blocks in the backward pass, to save memory.
        frozen: train nothing, and stay in evaluation mode.

    Raises:
        InputError: an unknown ``arch``, heads that do not divide the width, a block that is not there.
    """

    def __init__(
        self,
        arch: str | None = None,
        *,
        img_size: int = 224,
        patch_size: int | None = None,
        in_channels: int = 3,
        embed_dim: int | None = None,
        depth: int | None = None,
        num_heads: int | None = None,
        mlp_ratio: float | None = None,
        ffn_layer: Mlp | None = None,
        qkv_bias: bool | None = None,
        proj_bias: bool = True,
        ffn_bias: bool = True,
        num_register_tokens: int | None = None,
        rope: bool | None = None,
        rope_base: float = 100.0,
        rope_rescale: float = 2.0,
        mask_k_bias: bool | None = None,
        init_values: float | None = 1e-5,
        norm_eps: float | None = None,
        drop_path_rate: float = 0.0,
        drop_path_uniform: bool = False,
        block_chunks: int = 0,
        interpolate_antialias: bool | None = None,
        interpolate_offset: float = 0.0,
        out_indices: int | Sequence[int] = -1,
        final_norm: bool = True,
        with_cp: bool = False,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        if arch is not None and arch not in ARCHS:
            raise InputError(
                f"DinoVisionTransformer: arch={arch!r}{nearest(arch, list(ARCHS))}; one of {', '.join(ARCHS)}"
            )
        base = ARCHS[arch or "dinov2-b"]
        dim = base.embed_dim if embed_dim is None else embed_dim
        blocks = base.depth if depth is None else depth
        heads = base.num_heads if num_heads is None else num_heads
        ratio = base.mlp_ratio if mlp_ratio is None else mlp_ratio
        kind = base.ffn_layer if ffn_layer is None else ffn_layer
        biased = base.qkv_bias if qkv_bias is None else qkv_bias
        registers = base.registers if num_register_tokens is None else num_register_tokens
        rotary = base.dinov3 if rope is None else rope
        patch = (14 if arch and not base.dinov3 else 16) if patch_size is None else patch_size
        eps = (1e-5 if rotary else 1e-6) if norm_eps is None else norm_eps
        if min(dim, blocks, heads, patch, in_channels) < 1 or registers < 0 or block_chunks < 0:
            raise InputError(
                f"DinoVisionTransformer: embed_dim={dim}, depth={blocks}, num_heads={heads}, patch_size={patch}, "
                f"in_channels={in_channels} must be 1 or more; num_register_tokens={registers} and "
                f"block_chunks={block_chunks}, 0 or more"
            )
        if dim % heads or (rotary and dim // heads % 4):
            four = ", into parts that are multiples of 4" if rotary else ""
            raise InputError(f"DinoVisionTransformer: num_heads={heads} must divide embed_dim={dim}{four}")
        if not rotary and img_size < patch:
            raise InputError(f"DinoVisionTransformer: img_size={img_size} is less than one patch, patch_size={patch}")
        indices = [out_indices] if isinstance(out_indices, int) else list(out_indices)
        if not indices or any(not -blocks <= i < blocks for i in indices):
            raise InputError(f"DinoVisionTransformer: out_indices={out_indices!r}; blocks are 0 to {blocks - 1}, or -1")
        self.out_indices = [i % blocks for i in indices]
        self.grid: Size = (img_size // patch, img_size // patch)
        self.antialias = registers > 0 if interpolate_antialias is None else interpolate_antialias
        self.offset = interpolate_offset
        self.final_norm, self.frozen = final_norm, frozen
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.register_tokens = nn.Parameter(torch.zeros(1, registers, dim)) if registers else None
        self.pos_embed = None if rotary else nn.Parameter(torch.zeros(1, 1 + self.grid[0] * self.grid[1], dim))
        self.prefix_tokens = 1 + registers
        self.patch_embed = Patches(in_channels, dim, patch)
        self.rope = Rope(dim // heads, rope_base, rope_rescale) if rotary else None
        rates = [drop_path_rate] * blocks if drop_path_uniform else drop_path_rates(drop_path_rate, blocks)
        fused = kind == "swiglufused" or (kind == "swiglu" and not rotary)
        self.blocks = nn.ModuleList(
            Block(
                Attention(
                    dim,
                    heads,
                    qkv_bias=biased,
                    proj_bias=proj_bias,
                    mask_k_bias=rotary if mask_k_bias is None else mask_k_bias,
                ),
                gated_or_plain(kind, dim, ratio, ffn_bias, fused),
                dim,
                eps=eps,
                scale=init_values,
                drop_path=rate,
                with_cp=with_cp,
            )
            for rate in rates
        )
        self.norm = nn.LayerNorm(dim, eps=eps)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for token in (self.cls_token, self.register_tokens, self.pos_embed):
            if token is not None:
                nn.init.trunc_normal_(token, std=0.02)
        if frozen:
            self.requires_grad_(False)
            self.eval()
        before_loading(self, _fit)

    def tokens(self, x: Tensor) -> tuple[Tensor, Size]:
        """Image (B, in_channels, H, W) to class token, registers and patches (B, N, D), and the grid (h, w)."""
        x, size = self.patch_embed(x)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)
        if self.pos_embed is not None:
            x = x + self._positions(self.pos_embed, size)
        if self.register_tokens is not None:
            x = torch.cat([x[:, :1], self.register_tokens.expand(x.shape[0], -1, -1), x[:, 1:]], dim=1)
        return x, size

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to one (B, embed_dim, ceil(H / patch), ceil(W / patch)) per output."""
        x, size = self.tokens(x)
        rope = self.rope(size, x) if self.rope is not None else None
        return [to_map(level[:, self.prefix_tokens :], size) for level in self.levels(x, rope)]

    def levels(self, x: Tensor, rope: tuple[Tensor, Tensor] | None) -> list[Tensor]:
        """Tokens (B, N, D) to those after each block of ``out_indices``, normalized with ``final_norm``."""
        outputs: dict[int, Tensor] = {}
        for i, block in enumerate(self.blocks):
            x = block(x, rope)
            if i in self.out_indices:
                outputs[i] = self.norm(x) if self.final_norm else x
        return [outputs[i] for i in self.out_indices]

    def _positions(self, embedding: Tensor, size: Size) -> Tensor:
        if size == self.grid:
            return embedding
        grid = torch.unflatten(embedding[:, 1:].transpose(1, 2), 2, self.grid)
        if self.offset:
            scale = [(n + self.offset) / old for n, old in zip(size, self.grid, strict=True)]
            grid = F.interpolate(grid, scale_factor=scale, mode="bicubic", antialias=self.antialias)
            if grid.shape[2:] != torch.Size(size):
                raise InputError(
                    f"DinoVisionTransformer: interpolate_offset={self.offset} gives no grid of {size}; use 0"
                )
        else:
            grid = F.interpolate(grid, size=size, mode="bicubic", antialias=self.antialias)
        return torch.cat([embedding[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)

    def train(self, mode: bool = True) -> DinoVisionTransformer:
        """Set the mode; a frozen one stays in evaluation."""
        super().train(mode and not self.frozen)
        return self


#: what the authors' files hold besides: of pretraining, or constants
UNUSED = re.compile(r"mask_token|rope_embed\.periods|local_cls_norm\..+|blocks\.\d+\.attn\.qkv\.bias_mask")


def _fit(module: DinoVisionTransformer, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Before weights are loaded: the authors' other names, chunks of blocks, sizes of patches and of their grid."""
    for key in [key for key in state if key.startswith(prefix)]:
        name = key[len(prefix) :]
        new = re.sub(r"^blocks\.\d+\.(\d+)\.", r"blocks.\1.", name).replace("storage_tokens", "register_tokens")
        if UNUSED.fullmatch(new):
            del state[key]
        elif new != name:
            state[prefix + new] = state.pop(key)
    patches = state.get(f"{prefix}patch_embed.proj.weight")
    if patches is not None and patches.ndim == 4:
        state[f"{prefix}patch_embed.proj.weight"] = fit_patch_size(patches, module.patch_embed.patch)
    if module.pos_embed is not None:
        fit_position_embedding(state, f"{prefix}pos_embed", module.pos_embed, module.grid)
