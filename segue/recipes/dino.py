"""DINOv2 and DINOv3 as encoders of recipes, and their weights (`segue.recipes.licences`: under which licence).

DINOv2's are public. DINOv3's are gated: whoever accepts the licence at https://ai.meta.com/dinov3 gets the files, and
puts them into ``pretrain/`` or the folder that ``SEGUE_WEIGHTS`` names; their names end in the beginning of their hash.
"""

from __future__ import annotations

from typing import Any

from segue.recipes.encoders import ABSENT, Encoder, pick
from segue.recipes.parts import Section, pretrained_init

#: size -> width, blocks, the file's name for it and its hash
V3 = {
    "s": (384, 12, "vits16", "08c60483"),
    "s+": (384, 12, "vits16plus", "4057cbaa"),
    "b": (768, 12, "vitb16", "73cec8be"),
    "l": (1024, 24, "vitl16", "8aa4cbdd"),
    "h+": (1280, 32, "vith16plus", "7c1da9a5"),
    "7b": (4096, 40, "vit7b16", "a955f4ea"),
}
#: size -> first width, ConvNeXt's name for it, the file's hash
CONVNEXT = {
    "convnext-t": (96, "tiny", "21b726bb"),
    "convnext-s": (96, "small", "296db49d"),
    "convnext-b": (128, "base", "801f2ba9"),
    "convnext-l": (192, "large", "61fa432d"),
}
#: size -> width, blocks
V2 = {"s": (384, 12), "b": (768, 12), "l": (1024, 24), "g": (1536, 40)}
V2_SIZES = {**V2, **{f"{size}-reg": facts for size, facts in V2.items()}}
V2_FOLDER = "https://dl.fbaipublicfiles.com/dinov2"


def quarters(blocks: int) -> tuple[int, ...]:
    """The last blocks of the four quarters of a ViT."""
    return tuple(blocks * (i + 1) // 4 - 1 for i in range(4))


def dinov3(size: str) -> Encoder:
    """s, s+, b, l, h+, 7b; convnext-t, -s, -b, -l.

    Raises:
        PartError: another size.
    """
    if size in CONVNEXT:
        width, arch, digest = CONVNEXT[size]
        file = f"pretrain/dinov3_convnext_{arch}_pretrain_lvd1689m-{digest}.pth"
        net: Section = dict(type="ConvNeXt", arch=arch, out_indices=[0, 1, 2, 3], init_cfg=pretrained_init(file))
        return Encoder(net, tuple(width * 2**i for i in range(4)), ABSENT)
    width, blocks, name, digest = pick("size", size, {**V3, **dict.fromkeys(CONVNEXT, (0, 0, "", ""))})
    file = f"pretrain/dinov3_{name}_pretrain_lvd1689m-{digest}.pth"
    return _vit(f"dinov3-{size}", width, blocks, file)


def dinov2(size: str) -> Encoder:
    """s, b, l, g, and each with registers: s-reg ...

    Raises:
        PartError: another size.
    """
    width, blocks = pick("size", size, V2_SIZES)
    name = f"dinov2_vit{size[0]}14"
    file = f"{name}_{'reg4_' if size.endswith('-reg') else ''}pretrain.pth"
    return _vit(f"dinov2-{size}", width, blocks, f"{V2_FOLDER}/{name}/{file}", img_size=518)


def _vit(arch: str, width: int, blocks: int, file: str, **more: Any) -> Encoder:
    net = dict(
        type="DinoVisionTransformer", arch=arch, out_indices=quarters(blocks), init_cfg=pretrained_init(file), **more
    )
    return Encoder(net, (width,) * 4, ABSENT)


def blocks_of(net: Encoder) -> int:
    """How many blocks a ViT has."""
    return int(net.backbone["out_indices"][-1]) + 1


def frozen(net: Encoder) -> Encoder:
    """The same, not trained."""
    return net.set(frozen_stages=4) if net.backbone["type"] == "ConvNeXt" else net.set(frozen=True)
