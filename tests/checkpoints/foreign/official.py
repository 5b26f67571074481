"""Small state dicts with the keys and layouts of other projects; each value follows from key and position."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def values(shapes: Shapes) -> dict[str, Tensor]:
    """Tensors of these shapes."""
    return {key: value(key, shape) for key, shape in shapes.items()}


def value(key: str, shape: tuple[int, ...]) -> Tensor:
    """From 0 to 1, without a pattern: the bits of (key, position) are mixed."""
    mixed = torch.arange(torch.Size(shape).numel()) + zlib.crc32(key.encode())
    for _ in range(2):
        mixed = (mixed ^ (mixed >> 16)) * 0x45D9F3B & 0xFFFFFFFF
    return ((mixed >> 16).float() / 65536).reshape(shape)


def affine(*names: str, size: int) -> Shapes:
    return {f"{name}.{part}": (size,) for name in names for part in ("weight", "bias")}


def linear(name: str, inputs: int, outputs: int, bias: bool = True) -> Shapes:
    return {f"{name}.weight": (outputs, inputs)} | ({f"{name}.bias": (outputs,)} if bias else {})


def convolution(name: str, inputs: int, outputs: int, side: int, bias: bool = True) -> Shapes:
    return {f"{name}.weight": (outputs, inputs, side, side)} | ({f"{name}.bias": (outputs,)} if bias else {})


def batch_norm(name: str, size: int) -> Shapes:
    return affine(name, size=size) | {f"{name}.running_mean": (size,), f"{name}.running_var": (size,)}


def merged(parts: Iterable[Shapes]) -> Shapes:
    return {key: shape for part in parts for key, shape in part.items()}


def mlp(name: str, width: int, first: str = "fc1", second: str = "fc2", ratio: int = 2) -> Shapes:
    return linear(f"{name}.{first}", width, ratio * width) | linear(f"{name}.{second}", ratio * width, width)


def swin() -> Shapes:
    """Window 2, width 4, one head; the authors' release, with its buffers and classifier."""
    shapes = convolution("patch_embed.proj", 3, 4, 4) | affine("patch_embed.norm", size=4)
    for stage in range(4):
        width = 4 * 2**stage
        for i in range(2):
            name = f"layers.{stage}.blocks.{i}"
            shapes |= affine(f"{name}.norm1", f"{name}.norm2", size=width) | mlp(f"{name}.mlp", width)
            shapes |= linear(f"{name}.attn.qkv", width, 3 * width) | linear(f"{name}.attn.proj", width, width)
            shapes |= {f"{name}.attn.relative_position_bias_table": (9, 1)}
        if stage < 3:
            shapes |= linear(f"layers.{stage}.downsample.reduction", 4 * width, 2 * width, bias=False)
            shapes |= affine(f"layers.{stage}.downsample.norm", size=4 * width)
    return shapes | affine("norm", size=32) | linear("head", 32, 5)


def vit() -> Shapes:
    """Two blocks of width 4 on 2 x 2 patches."""
    shapes: Shapes = {"cls_token": (1, 1, 4), "pos_embed": (1, 5, 4)} | convolution("patch_embed.proj", 3, 4, 16)
    for i in range(2):
        name = f"blocks.{i}"
        shapes |= affine(f"{name}.norm1", f"{name}.norm2", size=4) | mlp(f"{name}.mlp", 4)
        shapes |= linear(f"{name}.attn.qkv", 4, 12) | linear(f"{name}.attn.proj", 4, 4)
    return shapes | affine("norm", size=4) | linear("head", 4, 5)


def beit() -> Shapes:
    """As fine-tuned: a table of relative positions per block."""
    shapes: Shapes = {"cls_token": (1, 1, 4)} | convolution("patch_embed.proj", 3, 4, 16)
    for i in range(2):
        name = f"blocks.{i}"
        shapes |= affine(f"{name}.norm1", f"{name}.norm2", size=4) | mlp(f"{name}.mlp", 4)
        shapes |= {f"{name}.{part}": (4,) for part in ("gamma_1", "gamma_2", "attn.q_bias", "attn.v_bias")}
        shapes |= linear(f"{name}.attn.qkv", 4, 12, bias=False) | linear(f"{name}.attn.proj", 4, 4)
        shapes |= {f"{name}.attn.relative_position_bias_table": (12, 2)}
    return shapes | affine("fc_norm", size=4) | linear("head", 4, 5)


def mae() -> Shapes:
    """As fine-tuned: like ViT."""
    return vit()


def mit() -> Shapes:
    """One block per stage of widths 4, 8, 8 and 8."""
    shapes: Shapes = {}
    before = 3
    for stage, (width, ratio) in enumerate(((4, 8), (8, 4), (8, 2), (8, 1)), start=1):
        shapes |= convolution(f"patch_embed{stage}.proj", before, width, 7 if stage == 1 else 3)
        name = f"block{stage}.0"
        shapes |= affine(f"patch_embed{stage}.norm", f"{name}.norm1", f"{name}.norm2", f"norm{stage}", size=width)
        shapes |= linear(f"{name}.attn.q", width, width) | linear(f"{name}.attn.kv", width, 2 * width)
        shapes |= linear(f"{name}.attn.proj", width, width)
        if ratio > 1:
            shapes |= convolution(f"{name}.attn.sr", width, width, ratio) | affine(f"{name}.attn.norm", size=width)
        shapes |= mlp(f"{name}.mlp", width) | convolution(f"{name}.mlp.dwconv.dwconv", 1, 2 * width, 3)
        before = width
    return shapes | linear("head", 8, 5)


def twins(grouped: bool) -> Shapes:
    """Two blocks per stage of widths 4 and 8; in SVT (``grouped``) the first of them attends in windows."""
    shapes: Shapes = {}
    before = 3
    for stage, (width, ratio) in enumerate(((4, 4), (8, 2))):
        shapes |= convolution(f"patch_embeds.{stage}.proj", before, width, 4 if stage == 0 else 2)
        shapes |= affine(f"patch_embeds.{stage}.norm", size=width)
        shapes |= convolution(f"pos_block.{stage}.proj.0", 1, width, 3)
        for i in range(2):
            name = f"blocks.{stage}.{i}"
            shapes |= affine(f"{name}.norm1", f"{name}.norm2", size=width) | mlp(f"{name}.mlp", width)
            shapes |= linear(f"{name}.attn.proj", width, width)
            if grouped and i == 0:
                shapes |= linear(f"{name}.attn.qkv", width, 3 * width)
            else:
                shapes |= linear(f"{name}.attn.q", width, width) | linear(f"{name}.attn.kv", width, 2 * width)
                shapes |= convolution(f"{name}.attn.sr", width, width, ratio) | affine(f"{name}.attn.norm", size=width)
        before = width
    return shapes | linear("head", 8, 5)


def stdc(modules: tuple[int, ...]) -> Shapes:
    """Widths 4, 8, 8, 16 and 32; the names of the first module of a stage that halves the map."""

    def conv(name: str, inputs: int, outputs: int, side: int) -> Shapes:
        return convolution(f"{name}.conv", inputs, outputs, side, bias=False) | batch_norm(f"{name}.bn", outputs)

    shapes = conv("features.0", 3, 4, 3) | conv("features.1", 4, 8, 3)
    before, number = 8, 2
    for width, count in zip((8, 16, 32), modules, strict=True):
        for i in range(count):
            name = f"features.{number}"
            sides = (width // 2, width // 4, width // 8, width // 8)
            shapes |= conv(f"{name}.conv_list.0", before, sides[0], 1)
            for j in range(1, 4):
                shapes |= conv(f"{name}.conv_list.{j}", sides[j - 1], sides[j], 3)
            if i == 0:
                shapes |= convolution(f"{name}.avd_layer.0", 1, sides[0], 3, bias=False)
                shapes |= batch_norm(f"{name}.avd_layer.1", sides[0])
            before, number = width, number + 1
    return shapes | conv("conv_last", 32, 32, 1) | linear("linear", 32, 5)


def clip_block(name: str, width: int = 4) -> Shapes:
    shapes = affine(f"{name}.ln_1", f"{name}.ln_2", size=width) | mlp(f"{name}.mlp", width, "c_fc", "c_proj", 4)
    shapes |= {f"{name}.attn.in_proj_weight": (3 * width, width), f"{name}.attn.in_proj_bias": (3 * width,)}
    return shapes | linear(f"{name}.attn.out_proj", width, width)


def clip() -> Shapes:
    """Twelve blocks for the image, two for text."""
    image: Shapes = {"visual.class_embedding": (4,), "visual.positional_embedding": (5, 4), "visual.proj": (4, 6)}
    text: Shapes = {"positional_embedding": (7, 4), "text_projection": (4, 6), "logit_scale": ()}
    image |= convolution("visual.conv1", 3, 4, 16, bias=False) | affine("visual.ln_pre", "visual.ln_post", size=4)
    text |= {"token_embedding.weight": (11, 4)} | affine("ln_final", size=4)
    blocks = merged(clip_block(f"visual.transformer.resblocks.{i}") for i in range(12))
    return text | image | blocks | merged(clip_block(f"transformer.resblocks.{i}") for i in range(2))


def san() -> Shapes:
    """SAN's release: three blocks of CLIP, one more in the head, two for text, two of the adapter."""
    shapes: Shapes = {
        "clip_visual_extractor.class_embedding": (4,),
        "clip_visual_extractor.positional_embedding": (5, 4),
        "clip_rec_head.proj": (4, 6),
        "ov_classifier.positional_embedding": (7, 4),
        "ov_classifier.text_projection": (4, 6),
        "ov_classifier.bg_embed": (1, 6),
        "ov_classifier.logit_scale": (),
        "ov_classifier.token_embedding.weight": (11, 4),
        "side_adapter_network.query_embed": (1, 3, 4),
        "side_adapter_network.query_pos_embed": (1, 3, 4),
        "side_adapter_network.vit_model.pos_embed": (1, 4, 4),
        "criterion.empty_weight": (6,),
    }
    shapes |= convolution("clip_visual_extractor.conv1", 3, 4, 16, bias=False)
    shapes |= affine("clip_visual_extractor.ln_pre", "clip_rec_head.ln_post", "ov_classifier.ln_final", size=4)
    shapes |= merged(clip_block(f"clip_visual_extractor.resblocks.{i}") for i in range(3))
    shapes |= clip_block("clip_rec_head.resblocks.0")
    shapes |= merged(clip_block(f"ov_classifier.transformer.resblocks.{i}") for i in range(2))
    adapter = "side_adapter_network"
    shapes |= convolution(f"{adapter}.vit_model.patch_embed.proj", 3, 4, 16)
    for i in range(2):
        name = f"{adapter}.vit_model.blocks.{i}"
        shapes |= affine(f"{name}.norm1", f"{name}.norm2", size=4) | mlp(f"{name}.mlp", 4)
        shapes |= linear(f"{name}.attn.qkv", 4, 12) | linear(f"{name}.attn.proj", 4, 4)
        shapes |= affine(f"{adapter}.fusion_layers.layer_{i}.input_proj.0", size=4)
        shapes |= convolution(f"{adapter}.fusion_layers.layer_{i}.input_proj.1", 4, 4, 1)
    for part, side in (("query_mlp", None), ("pix_mlp", 1), ("attn_mlp", 1)):
        for i in range(2):
            name = f"{adapter}.mask_decoder.{part}.layers.{i}"
            shapes |= linear(name, 4, 4) if side is None else convolution(name, 4, 4, side)
    shapes |= linear(f"{adapter}.mask_decoder.bias_scaling", 1, 1)
    return dict(sorted(shapes.items(), key=lambda item: not item[0].startswith(adapter)))  # the release's order


def vitjax() -> Shapes:
    """Twelve blocks of two heads, as the reference's script expects."""
    shapes: Shapes = {
        "cls": (1, 1, 4),
        "embedding/kernel": (16, 16, 3, 4),
        "embedding/bias": (4,),
        "Transformer/posembed_input/pos_embedding": (1, 5, 4),
        "Transformer/encoder_norm/scale": (4,),
        "Transformer/encoder_norm/bias": (4,),
        "head/kernel": (4, 5),
        "head/bias": (5,),
    }
    for i in range(12):
        block = f"Transformer/encoderblock_{i}"
        attention = f"{block}/MultiHeadDotProductAttention_1"
        for norm in ("LayerNorm_0", "LayerNorm_2"):
            shapes |= {f"{block}/{norm}/scale": (4,), f"{block}/{norm}/bias": (4,)}
        for name in ("query", "key", "value"):
            shapes |= {f"{attention}/{name}/kernel": (4, 2, 2), f"{attention}/{name}/bias": (2, 2)}
        shapes |= {f"{attention}/out/kernel": (2, 2, 4), f"{attention}/out/bias": (4,)}
        shapes |= {f"{block}/MlpBlock_3/Dense_0/kernel": (4, 8), f"{block}/MlpBlock_3/Dense_0/bias": (8,)}
        shapes |= {f"{block}/MlpBlock_3/Dense_1/kernel": (8, 4), f"{block}/MlpBlock_3/Dense_1/bias": (4,)}
    return shapes


OFFICIAL: dict[str, Callable[[], Shapes]] = {
    "swin": swin,
    "vit": vit,
    "beit": beit,
    "mae": mae,
    "mit": mit,
    "twins-pcpvt": lambda: twins(grouped=False),
    "twins-svt": lambda: twins(grouped=True),
    "stdc1": lambda: stdc((2, 2, 2)),
    "stdc2": lambda: stdc((4, 5, 3)),
    "clip": clip,
    "san": san,
    "vitjax": vitjax,
}


def trained(shapes: Shapes) -> dict[str, Tensor]:
    """Values of a size that lets a network of these shapes compute something: by the kind of each key."""
    return {key: trained_value(key, shape) for key, shape in shapes.items()}


def trained_value(key: str, shape: tuple[int, ...]) -> Tensor:
    if key.endswith("num_batches_tracked"):
        return torch.tensor(1)
    centered = value(key, shape) - 0.5
    if key.endswith("running_var"):
        return 1 + centered / 2
    if len(shape) > 1:
        return 5 * centered / max(1, torch.Size(shape[1:]).numel()) ** 0.5
    scale = "norm" in key or "bn" in key.split(".") or "scale" in key
    return 1 + centered if scale and not key.endswith("bias") else centered / 2


def picture(height: int, width: int) -> Tensor:
    """A fixed input (1, 3, height, width), as a network gets it."""
    return ((torch.arange(3 * height * width) * 7919 % 1009).float() / 1009 - 0.5).reshape(1, 3, height, width) * 4
