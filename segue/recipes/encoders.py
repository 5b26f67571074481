"""Backbones by the short forms that names use: ``r50-d8``, ``r101b-d8``, ``hr18s``, ``mobilenet-v2-d8``, ``swin-t`` ...

A form is a backbone with its stages' channels, so that any head can be put on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

Section = dict[str, Any]
T = TypeVar("T")


class _Absent:
    """Marks an argument that a config leaves to the class."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __deepcopy__(self, memo: Any) -> _Absent:
        return self


ABSENT = _Absent()
WEIGHTS = "https://download.openmmlab.com/mmsegmentation/v0.5/pretrain"


class PartError(Exception):
    """A part of a name that is not known: which part, what was given, what is known."""

    def __init__(self, part: str, given: str, known: tuple[str, ...]) -> None:
        super().__init__(f"{part} {given!r}")
        self.part, self.given, self.known = part, given, known


def pick(part: str, given: str, known: Mapping[str, T]) -> T:
    """The entry of a table.

    Raises:
        PartError: the table has none of this name.
    """
    if given not in known:
        raise PartError(part, given, tuple(known))
    return known[given]


@dataclass(frozen=True)
class Encoder:
    """A backbone in a recipe.

    Attributes:
        backbone: its config.
        channels: of its four stages.
        pretrained: the model's ``pretrained``.
        narrow: whether heads are a quarter as wide as usual (ResNet-18 and 34).
    """

    backbone: Section
    channels: tuple[int, ...]
    pretrained: Any = ABSENT
    narrow: bool = False

    def width(self, channels: int) -> int:
        """A head's width on this backbone."""
        return channels // 4 if self.narrow else channels

    def set(self, **arguments: Any) -> Encoder:
        """The same with other arguments of the backbone."""
        return replace(self, backbone=dict(self.backbone, **arguments))


def sync_bn(**more: Any) -> Section:
    """Batch normalization over all processes."""
    return dict(type="SyncBN", requires_grad=True, **more)


# Strides and dilations of the stages, by the stride of the output. The d32 forms keep the dilations of d8, as the
# reference's configs (and so its weights) do; without a suffix nothing is dilated.
OUTPUT_STRIDES: dict[str | None, tuple[tuple[int, ...], tuple[int, ...]]] = {
    None: ((1, 2, 2, 2), (1, 1, 1, 1)),
    "8": ((1, 2, 1, 1), (1, 1, 2, 4)),
    "16": ((1, 2, 2, 1), (1, 1, 1, 2)),
    "32": ((1, 2, 2, 2), (1, 1, 2, 4)),
}
RSB = "https://download.openmmlab.com/mmclassification/v0/resnet/resnet50_8xb256-rsb-a1-600e_in1k_20211228-20e21305.pth"


def resnet_stages(kind: str, depth: int, stride: str | None, **more: Any) -> Section:
    """A ResNet's config without weights."""
    strides, dilations = OUTPUT_STRIDES[stride]
    return dict(
        type=kind, depth=depth, num_stages=4, out_indices=(0, 1, 2, 3), dilations=dilations, strides=strides,
        norm_cfg=sync_bn(), norm_eval=False, style="pytorch", contract_dilation=True, **more,
    )


def resnet(match: re.Match[str]) -> Encoder:
    """ResNet: r50 has the deep stem (v1c), r50b torchvision's stem and weights, r50s a wider deep stem."""
    depth = int(match["depth"])
    narrow = depth < 50
    pretrained: Any = f"open-mmlab://resnet{depth}_v1c"
    more: Section = {}
    kind = "ResNetV1c"
    if match["stem"] == "b":
        kind, pretrained = "ResNet", f"torchvision://resnet{depth}"
    if match["stem"] == "s":
        more["stem_channels"] = 128
    if match["grid"]:
        more["multi_grid"] = (1, 2, 4)
    if match["rsb"]:
        kind, pretrained = "ResNet", None
        more["init_cfg"] = dict(type="Pretrained", prefix="backbone.", checkpoint=RSB)
    channels = (64, 128, 256, 512) if narrow else (256, 512, 1024, 2048)
    return Encoder(resnet_stages(kind, depth, match["stride"], **more), channels, pretrained, narrow)


def resnest(match: re.Match[str]) -> Encoder:
    """ResNeSt: s50, s101, s200."""
    depth = int(match["depth"])
    backbone = resnet_stages("ResNeSt", depth, match["stride"])
    backbone.update(stem_channels=128 if depth > 50 else 64, radix=2, reduction_factor=4, avg_down_stride=True)
    return Encoder(backbone, (256, 512, 1024, 2048), f"open-mmlab://resnest{depth}")


def hrnet(match: re.Match[str]) -> Encoder:
    """HRNet: hr18, hr48 ... by width; hr18s is the small one."""
    width, small = int(match["width"]), bool(match["small"])
    blocks = 2 if small else 4
    widths = [width * 2**i for i in range(4)]
    extra = dict(
        stage1=dict(num_modules=1, num_branches=1, block="BOTTLENECK", num_blocks=(blocks,), num_channels=(64,))
    )
    for stage, modules in ((2, 1), (3, 3 if small else 4), (4, 2 if small else 3)):
        extra[f"stage{stage}"] = dict(
            num_modules=modules, num_branches=stage, block="BASIC", num_blocks=(blocks,) * stage,
            num_channels=tuple(widths[:stage]),
        )
    weights = f"open-mmlab://msra/hrnetv2_w{width}" + ("_small" if small else "")
    return Encoder(dict(type="HRNet", norm_cfg=sync_bn(), norm_eval=False, extra=extra), tuple(widths), weights)


def mobilenet_v2(match: re.Match[str]) -> Encoder:
    """MobileNetV2 with a stride of 8."""
    backbone = dict(
        type="MobileNetV2", widen_factor=1.0, strides=(1, 2, 2, 1, 1, 1, 1), dilations=(1, 1, 1, 2, 2, 4, 4),
        out_indices=(1, 2, 4, 6), norm_cfg=sync_bn(),
    )
    return Encoder(backbone, (24, 32, 96, 320), "mmcls://mobilenet_v2")


# embed_dims, depths and heads
SWIN = {
    "t": (96, [2, 2, 6, 2], [3, 6, 12, 24]),
    "s": (96, [2, 2, 18, 2], [3, 6, 12, 24]),
    "b": (128, [2, 2, 18, 2], [4, 8, 16, 32]),
    "l": (192, [2, 2, 18, 2], [6, 12, 24, 48]),
}
SWIN_WEIGHTS = {  # size, window, pretrained on ImageNet-22k
    ("t", 7, False): "swin_tiny_patch4_window7_224_20220317-1cdeb081",
    ("s", 7, False): "swin_small_patch4_window7_224_20220317-7ba6d6dd",
    ("b", 7, False): "swin_base_patch4_window7_224_20220317-e9b98025",
    ("b", 7, True): "swin_base_patch4_window7_224_22k_20220317-4f79f7c0",
    ("b", 12, False): "swin_base_patch4_window12_384_20220317-55b0104a",
    ("b", 12, True): "swin_base_patch4_window12_384_22k_20220317-e5c09f74",
    ("l", 7, True): "swin_large_patch4_window7_224_22k_20220412-aeecf2aa",
    ("l", 12, True): "swin_large_patch4_window12_384_22k_20220412-6580f57d",
}


def swin_weights(size: str, window: int, in22k: bool) -> str:
    """The URL of published weights; those of ImageNet-22k where there are no others."""
    key = (size, window, in22k)
    if key not in SWIN_WEIGHTS:
        key = (size, window, not in22k)
    if key not in SWIN_WEIGHTS:
        raise PartError("backbone", f"swin-{size} with window {window}", ("swin-t", "swin-s", "swin-b", "swin-l"))
    return f"{WEIGHTS}/swin/{SWIN_WEIGHTS[key]}.pth"


def swin(size: str, *, window: int = 7, **arguments: Any) -> Encoder:
    """Swin of a size (t, s, b, l), without weights."""
    dims, depths, heads = SWIN[size]
    backbone = dict(
        type="SwinTransformer", embed_dims=dims, window_size=window, mlp_ratio=4, depths=list(depths),
        num_heads=list(heads), out_indices=(0, 1, 2, 3), qkv_bias=True, qk_scale=None, patch_norm=True, drop_rate=0.0,
        attn_drop_rate=0.0, drop_path_rate=0.3,
    )
    return Encoder(dict(backbone, **arguments), tuple(dims * 2**i for i in range(4)))


def full_swin(size: str, *, window: int = 7, **arguments: Any) -> Encoder:
    """Swin with the arguments that UPerNet's and MaskFormer's configs write out."""
    usual = dict(
        pretrain_img_size=384 if window == 12 else 224, patch_size=4, strides=(4, 2, 2, 2), use_abs_pos_embed=False,
        act_cfg=dict(type="GELU"), norm_cfg=dict(type="LN", requires_grad=True),
    )
    return swin(size, window=window, **dict(usual, **arguments))


def named_swin(match: re.Match[str]) -> Encoder:
    """A Swin with its weights: swin-t, swin-l-in22k ..."""
    window = 12 if match["large_image"] else 7
    weights = swin_weights(match["size"], window, bool(match["in22k"]))
    return full_swin(match["size"], window=window, init_cfg=dict(type="Pretrained", checkpoint=weights))


MIT = {  # first width, depths, weights
    "0": (32, [2, 2, 2, 2], "mit_b0_20220624-7e0fe6dd"),
    "1": (64, [2, 2, 2, 2], "mit_b1_20220624-02e5a6a1"),
    "2": (64, [3, 4, 6, 3], "mit_b2_20220624-66e8bf70"),
    "3": (64, [3, 4, 18, 3], "mit_b3_20220624-13b1141c"),
    "4": (64, [3, 8, 27, 3], "mit_b4_20220624-d588d980"),
    "5": (64, [3, 6, 40, 3], "mit_b5_20220624-658746d9"),
}


def mit(match: re.Match[str]) -> Encoder:
    """SegFormer's encoder: mit-b0 to mit-b5."""
    dims, depths, weights = MIT[match["size"]]
    backbone = dict(
        type="MixVisionTransformer", in_channels=3, embed_dims=dims, num_stages=4, num_layers=list(depths),
        num_heads=[1, 2, 5, 8], patch_sizes=[7, 3, 3, 3], sr_ratios=[8, 4, 2, 1], out_indices=(0, 1, 2, 3),
        mlp_ratio=4, qkv_bias=True, drop_rate=0.0, attn_drop_rate=0.0, drop_path_rate=0.1,
        init_cfg=dict(type="Pretrained", checkpoint=f"{WEIGHTS}/segformer/{weights}.pth"),
    )
    return Encoder(backbone, (dims, 2 * dims, 5 * dims, 8 * dims), None)


FORMS: tuple[tuple[str, Callable[[re.Match[str]], Encoder]], ...] = (
    (r"r(?P<depth>18|34|50|101|152)(?P<stem>[bs])?(-d(?P<stride>8|16|32))?(?P<grid>-mg124)?(?P<rsb>-rsb)?", resnet),
    (r"s(?P<depth>50|101|200)(-d(?P<stride>8|16|32))?", resnest),
    (r"hr(?P<width>18|32|40|48)(?P<small>s)?", hrnet),
    (r"mobilenet-v2-d8", mobilenet_v2),
    (r"swin-(?P<size>[tsbl])(?P<in22k>-in22k)?(?P<large_image>-384x384)?(-in1k)?(-pre)?", named_swin),
    (r"mit-b(?P<size>[0-5])", mit),
)
KNOWN = (
    *(f"r{depth}{stem}{stride}" for depth in (18, 34, 50, 101, 152) for stem in ("", "b") for stride in ("", "-d8")),
    *("r50-d16", "r101-d16", "r101-d16-mg124", "r50-d32", "r50s-d8", "r50-d8-rsb", "s50-d8", "s101-d8", "s200-d8"),
    *("hr18s", "hr18", "hr32", "hr40", "hr48", "mobilenet-v2-d8", "swin-t", "swin-s", "swin-b", "swin-l"),
    *(f"mit-b{i}" for i in range(6)),
)


def encoder(form: str) -> Encoder:
    """The backbone of a short form.

    Raises:
        PartError: no form reads like this.
    """
    for pattern, make in FORMS:
        if match := re.fullmatch(pattern, form):
            return make(match)
    raise PartError("backbone", form, KNOWN)
