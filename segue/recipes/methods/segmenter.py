"""Segmenter: ViT with a mask transformer, or with one linear layer (fcn). https://arxiv.org/abs/2105.05633"""

from __future__ import annotations

from segue.recipes.encoders import ABSENT, WEIGHTS, Encoder, pick
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head, head, slide
from segue.recipes.schedules import sgd

# width, layers, heads, weights
SIZES = {
    "vit-t": (192, 12, 3, "vit_tiny_p16_384_20220308-cce8c795"),
    "vit-s": (384, 12, 6, "vit_small_p16_384_20220308-410f6037"),
    "vit-b": (768, 12, 12, "vit_base_p16_384_20220308-96dfe169"),
    "vit-l": (1024, 24, 16, "vit_large_p16_384_20220308-d4efb41d"),
}


def recipe(ask: Request) -> Recipe:
    """segmenter_vit-s_{mask, fcn}; windows of testing overlap by 32 pixels."""
    form, kind = ask.components("backbone", "head")
    width, layers, heads, weights = pick("backbone", form, SIZES)
    backbone = dict(
        type="VisionTransformer", img_size=ask.crop, patch_size=16, in_channels=3, embed_dims=width,
        num_layers=layers, num_heads=heads, drop_path_rate=0.1, attn_drop_rate=0.0, drop_rate=0.0, final_norm=True,
        norm_cfg=dict(type="LN", eps=1e-6, requires_grad=True), with_cls_token=True, interpolate_mode="bicubic",
    )
    plain = dict(dropout_ratio=0.0, norm_cfg=ABSENT, align_corners=ABSENT)
    transformer = dict(num_layers=2, num_heads=heads, embed_dims=width)
    known = dict(
        mask=head("SegmenterMaskTransformerHead", width, ABSENT, width, **transformer, **plain),
        fcn=fcn_head(width, ABSENT, width, num_convs=0, **plain),
    )
    decode_head = pick("head", kind, known)
    test = slide(ask.crop, (ask.crop[0] - 32, ask.crop[1] - 32))
    net = Encoder(backbone, (), f"{WEIGHTS}/segmenter/{weights}.pth")
    return Recipe(
        model=encoder_decoder(net, decode_head, train_cfg=ABSENT, test_cfg=test),
        optim=sgd(lr=0.001, weight_decay=0.0), batch=1,
        preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
    )
