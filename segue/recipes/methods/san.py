"""SAN: a side adapter for CLIP. https://arxiv.org/abs/2302.12242"""

from __future__ import annotations

from typing import Any

from segue.recipes.data import Step, shortest_edges
from segue.recipes.encoders import ABSENT, pick
from segue.recipes.grammar import Request, dataset
from segue.recipes.parts import Recipe
from segue.recipes.schedules import CLIP_TINY, NO_DECAY, adamw, poly, transformer_adamw, warm_linear

FOLDER = "https://download.openmmlab.com/mmsegmentation/v0.5/san"
# encoder_resolution, image encoder (size, patch, width, layers, heads), text width and heads, layers of mask generation
SIZES: dict[str, tuple[Any, ...]] = {
    "vit-b16": (0.5, 224, 16, 768, 9, 12, 512, 8, 3),
    "vit-l14": (0.7, 336, 14, 1024, 18, 16, 768, 12, 6),
}
WEIGHTS = {
    "vit-b16": f"{FOLDER}/clip_vit-base-patch16-224_3rdparty-d08f8887.pth",
    "vit-l14": f"{FOLDER}/clip_vit-large-patch14-336_3rdparty-0b5df9cb.pth",
}
# What the files of PASCAL's datasets name instead; they are meant to test weights trained on COCO-Stuff.
PASCAL_WEIGHTS = {
    "vit-b16": "pretrain/vit_base_patch16_224.pth",
    "vit-l14": "pretrain/jx_vit_base_p16_224-80ecf9dd.pth",
}
VOCABULARIES = {
    "coco_stuff164k": "coco-stuff164k",
    "coco_stuff10k": "coco-stuff164k",
    "pascal_context_59": "pascal_context",
}


def layer_norm(eps: float) -> dict[str, Any]:
    """Layer normalization."""
    return dict(type="LN", eps=eps)


def decode_head(form: str, num_classes: int) -> dict[str, Any]:
    """The side adapter, the generation of masks, and their losses."""
    _, _, _, width, _, heads, text, _, layers = SIZES[form]
    costs = [
        dict(type="ClassificationCost", weight=2.0),
        dict(type="CrossEntropyLossCost", weight=5.0, use_sigmoid=True),
        dict(type="DiceCost", weight=5.0, pred_act=True, eps=1.0),
    ]
    return dict(
        type="SideAdapterCLIPHead",
        num_classes=num_classes,
        deep_supervision_idxs=[7],
        san_cfg=dict(
            in_channels=3, clip_channels=width, embed_dims=240, patch_size=16, patch_bias=True, num_queries=100,
            cfg_encoder=dict(num_encode_layer=8, num_heads=6, mlp_ratio=4), fusion_index=[0, 1, 2, 3],
            cfg_decoder=dict(
                num_heads=heads, num_layers=1, embed_channels=256, mlp_channels=256, num_mlp=3, rescale=True
            ),
            norm_cfg=layer_norm(1e-6),
        ),
        maskgen_cfg=dict(
            sos_token_format="cls_token", sos_token_num=100, cross_attn=False, num_layers=layers, embed_dims=width,
            num_heads=heads, mlp_ratio=4, qkv_bias=True, out_dims=text, final_norm=True,
            act_cfg=dict(type="QuickGELU"), norm_cfg=layer_norm(1e-5), frozen_exclude=[],
        ),
        train_cfg=dict(
            num_points=12544, oversample_ratio=3.0, importance_sample_ratio=0.75,
            assigner=dict(type="HungarianAssigner", match_costs=costs),
        ),
        loss_decode=[
            dict(
                type="CrossEntropyLoss", loss_name="loss_cls_ce", loss_weight=2.0,
                class_weight=[1.0] * num_classes + [0.1],
            ),
            dict(type="CrossEntropyLoss", use_sigmoid=True, loss_name="loss_mask_ce", loss_weight=5.0),
            dict(
                type="DiceLoss", ignore_index=None, naive_dice=True, eps=1, loss_name="loss_mask_dice", loss_weight=5.0
            ),
        ],
    )


def encoders(form: str, vocabulary: str) -> dict[str, Any]:
    """CLIP's image and text encoders."""
    resolution, size, patch, width, layers, heads, text, text_heads, _ = SIZES[form]
    image = dict(
        type="VisionTransformer", img_size=(size, size), patch_size=patch, patch_pad=0, in_channels=3,
        embed_dims=width, num_layers=layers, num_heads=heads, mlp_ratio=4, out_origin=True,
        out_indices=tuple(layers * third // 3 - 1 for third in (1, 2, 3)), qkv_bias=True, drop_rate=0.0,
        attn_drop_rate=0.0, drop_path_rate=0.0, with_cls_token=True, output_cls_token=True, patch_bias=False,
        pre_norm=True, norm_cfg=layer_norm(1e-5), act_cfg=dict(type="QuickGELU"), norm_eval=False,
        interpolate_mode="bicubic", frozen_exclude=["pos_embed"],
    )
    words = dict(
        type="CLIPTextEncoder", dataset_name=vocabulary, templates="vild", embed_dims=text, num_layers=12,
        num_heads=text_heads, mlp_ratio=4, output_dims=text, cache_feature=True, cat_bg=True,
        norm_cfg=layer_norm(1e-5),
    )
    return dict(asymetric_input=True, encoder_resolution=resolution, image_encoder=image, text_encoder=words)


def reordered(steps: list[Step]) -> list[Step]:
    """Crops of any mixture of classes; colors before the flip."""
    by_type = {step["type"]: step for step in steps}
    by_type["RandomCrop"]["cat_max_ratio"] = 1.0
    order = [*(t for t in by_type if t not in ("RandomFlip", "PackSegInputs")), "RandomFlip", "PackSegInputs"]
    return [by_type[kind] for kind in order]


def objects() -> dict[str, Any]:
    """PASCAL VOC without its background."""
    from segue.datasets.pascal_voc import CLASSES, PALETTE

    return dict(classes=CLASSES[1:], palette=PALETTE[1:])


def recipe(ask: Request) -> Recipe:
    """san-vit-b16 and san-vit-l14; trained on COCO-Stuff, tested on PASCAL's datasets too."""
    (form,) = ask.components("backbone")
    pick("backbone", form, SIZES)
    short = min(ask.crop)
    found = Recipe(
        model={},
        batch=2,
        workers=4,
        preprocessor=dict(
            mean=[122.7709, 116.7460, 104.0937], std=[68.5005, 66.6322, 70.3232], size=ABSENT, size_divisor=640,
            test_cfg=dict(size_divisor=32),
        ),
        test_resize=[dict(type="ResizeShortestEdge", scale=ask.crop, max_size=4 * short)],
    )
    coco = ask.data_stem.startswith("coco_stuff")
    iters = ask.iters if ask.says_iters else 60_000 if coco else 160_000
    found.iters = iters
    stem, num_classes = ask.data_stem, ask.data.num_classes
    if coco:
        keys = dict(
            img_encoder=dict(lr_mult=0.1, decay_mult=1.0), pos_embed=NO_DECAY, cls_token=NO_DECAY, norm=NO_DECAY
        )
        paramwise = dict(custom_keys={key: dict(value) for key, value in keys.items()})
        found.optim = adamw(0.0001, 0.0001, loss_scale="dynamic", clip_grad=CLIP_TINY, paramwise_cfg=paramwise)
        found.optim["type"] = "AmpOptimWrapper"
        found.schedule = [poly(iters, eta_min=0.0, power=1.0)]
        found.batch = 8 if form == "vit-b16" else 4
        found.resize = shortest_edges([int(short * x * 0.1) for x in range(5, 16)], 4 * short)
        found.edit = reordered
        found.interval = 500
        checkpoint = dict(interval=10000, save_best="mIoU")
        found.more = dict(train_cfg=dict(val_begin=iters * 11 // 12), default_hooks=dict(checkpoint=checkpoint))
    else:
        found.optim = transformer_adamw("pos_embed", "cls_token", "norm")
        found.schedule = warm_linear(iters)
    if stem == "pascal_context":  # CLIP is asked for the 59 classes without the background
        stem = "pascal_context_59"
        base = dataset(stem)
        num_classes = base.num_classes
        found.data = {key: getattr(base, key) for key in ("type", "num_classes", "reduce_zero_label", "tta")}
    if stem.startswith("voc12"):
        num_classes = 20
        found.data = dict(num_classes=num_classes, metainfo=objects)
    found.data = dict(found.data, slide=False)
    vocabulary = VOCABULARIES.get(stem, "voc" if stem.startswith("voc12") else stem.split("_")[0])
    found.model = dict(
        type="MultimodalEncoderDecoder", data_preprocessor=None,
        pretrained=(WEIGHTS if coco else PASCAL_WEIGHTS)[form], **encoders(form, vocabulary),
        decode_head=decode_head(form, num_classes), train_cfg={}, test_cfg=dict(mode="whole"),
    )
    return found
