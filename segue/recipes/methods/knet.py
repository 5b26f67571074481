"""K-Net: kernels that the image updates, on top of another method. https://arxiv.org/abs/2106.14855"""

from __future__ import annotations

from typing import Any

from segue.recipes.encoders import WEIGHTS, Encoder, encoder, swin
from segue.recipes.grammar import Request, head_of
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head
from segue.recipes.schedules import adamw, transformer_adamw, warm_steps

SWIN_WEIGHTS = {"t": "tiny_patch4_window7_224_20220308-f41b89d3", "l": "large_patch4_window7_224_22k_20220308-d5bdebaf"}
CLIP = dict(max_norm=1, norm_type=2)


def update_head(num_classes: int) -> dict[str, Any]:
    """One round of updates."""
    relu = dict(type="ReLU", inplace=True)
    return dict(
        type="KernelUpdateHead", num_classes=num_classes, num_ffn_fcs=2, num_heads=8, num_mask_fcs=1,
        feedforward_channels=2048, in_channels=512, out_channels=512, dropout=0.0, conv_kernel_size=1,
        ffn_act_cfg=relu, with_ffn=True, feat_transform_cfg=dict(conv_cfg=dict(type="Conv2d"), act_cfg=None),
        kernel_updator_cfg=dict(
            type="KernelUpdator", in_channels=256, feat_channels=256, out_channels=256, act_cfg=relu,
            norm_cfg=dict(type="LN"),
        ),
    )


def backbone(form: str, method: str, crop: tuple[int, int]) -> Encoder:
    """A ResNet, not dilated under UPerNet; or a Swin."""
    size = form.removeprefix("swin-")
    if form.startswith("swin-") and size in SWIN_WEIGHTS:
        drop_path = 0.4 if size == "l" and min(crop) >= 640 else 0.3
        net = swin(size, use_abs_pos_embed=False, drop_path_rate=drop_path)
        return Encoder(net.backbone, net.channels, f"{WEIGHTS}/swin/swin_{SWIN_WEIGHTS[size]}.pth")
    return encoder(form.removesuffix("-d8") if method == "upernet" else form)


def recipe(ask: Request) -> Recipe:
    """knet-s3_r50-d8_{fcn, pspnet, deeplabv3, upernet}: three rounds on another method."""
    rounds, form, method = ask.components("s3", "backbone", "method")
    net = backbone(form, method, ask.crop)
    count = int(rounds.removeprefix("s")) if rounds.removeprefix("s").isdigit() else 3
    decode_head = dict(
        type="IterativeDecodeHead", num_stages=count,
        kernel_update_head=[update_head(ask.data.num_classes) for _ in range(count)],
        kernel_generate_head=head_of(method, net),
    )
    optim = adamw(0.0001, 0.0005, betas=None, clip_grad=CLIP)
    if form.startswith("swin"):
        optim = transformer_adamw("absolute_pos_embed", "relative_position_bias_table", "norm")
        optim["optimizer"]["weight_decay"] = 0.0005
        optim["clip_grad"] = CLIP
    return Recipe(
        model=encoder_decoder(net, decode_head, fcn_head(net.channels[2], 2, 256, loss=0.4)), optim=optim,
        schedule=warm_steps(ask.iters), batch=2, workers=2,
        data=dict(wide_scale=False, scale=(2048, min(ask.crop))) if ask.data_stem == "ade20k" else {},
    )
