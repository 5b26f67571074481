"""EoMT on DINOv2 and DINOv3. https://arxiv.org/abs/2503.19108

The ``lr_mult`` of the authors' DINOv3 configs is not here: their code never applies it. Deviation: rates of all
parameters grow together, over both of the authors' warm-ups, in the first of which the encoder stands still.
"""

from __future__ import annotations

from segue.recipes.data import Step, random_resize
from segue.recipes.dino import V2, V3, blocks_of, dinov2, dinov3
from segue.recipes.encoders import Encoder, PartError
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, Section, slide
from segue.recipes.schedules import CLIP_TINY, adamw, poly, warmup

LONGEST = 1 << 14
#: (encoder, dataset) -> iterations, warm-up, and when masked attention begins and ceases to fade in each block
PUBLISHED = {
    ("dinov2-l", "ade20k"): (39_153, 1500, (6520, 13040, 19560, 26080), (13040, 19560, 26080, 32600)),
    ("dinov3-l", "ade20k"): (20_208, 5000, (0, 6520, 9780, 13040), (3000, 9780, 13040, 16300)),
    ("dinov2-l", "cityscapes"): (19_795, 1500, (3317, 6634, 9951, 13268), (6634, 9951, 13268, 16585)),
}
KNOWN = (*(f"dinov2-{size}" for size in V2), *(f"dinov3-{size}" for size in V3))


def encoder(form: str) -> Encoder:
    """dinov2-l (with registers, patches of 16), dinov3-l ..."""
    family, _, size = form.partition("-")
    if form not in KNOWN:
        raise PartError("backbone", form, KNOWN)
    return dinov3(size) if family == "dinov3" else dinov2(f"{size}-reg").set(patch_size=16)


def rates(blocks: int) -> Section:
    """Smaller learning rates towards the image: 0.8 per block; what comes before the blocks has the first one's."""
    decayed: Section = {f"backbone.blocks.{i}.": dict(lr_mult=0.8 ** (blocks - 1 - i)) for i in range(blocks)}
    first = decayed["backbone.blocks.0."]
    names = ("patch_embed", "cls_token", "register_tokens", "pos_embed")
    return dict(custom_keys={**decayed, **{f"backbone.{name}": dict(first) for name in names}})


def any_crop(steps: list[Step]) -> list[Step]:
    """Crops may be of one class."""
    return [dict(step, cat_max_ratio=1.0) if step["type"] == "RandomCrop" else step for step in steps]


def recipe(ask: Request) -> Recipe:
    """eomt_dinov3-l, eomt_dinov2-b ..."""
    (form,) = ask.components("backbone")
    net = encoder(form)
    side = min(ask.crop)
    iters, warm, starts, ends = PUBLISHED.get((form, ask.data_stem), PUBLISHED[f"{form[:6]}-l", "ade20k"])
    annealing: Section = dict(starts=starts, ends=ends)
    if (form, ask.data_stem) not in PUBLISHED or (ask.says_iters and ask.iters != iters):
        annealing, iters = {}, ask.iters if ask.says_iters else iters
    v2 = form.startswith("dinov2")
    backbone = dict(net.backbone, **(dict(img_size=side) if v2 else {}))
    del backbone["out_indices"]
    head = dict(type="EoMTHead", in_channels=net.channels[0], num_queries=100)
    model = dict(
        type="EoMT", data_preprocessor=None, backbone=backbone, decode_head=head,
        **(dict(annealing=annealing) if annealing else {}), train_cfg={},
        test_cfg=dict(slide((side, side), (side, side)), even=True),
    )
    decayed = dict(paramwise_cfg=rates(blocks_of(net))) if v2 else {}
    return Recipe(
        model=model, iters=iters, batch=4, optim=adamw(1e-4 if v2 else 2e-4, 0.05, clip_grad=CLIP_TINY, **decayed),
        schedule=[warmup(warm, 1e-6), poly(iters, begin=warm, eta_min=0.0)],
        resize=random_resize((max(ask.crop), side)), edit=any_crop,
        test_resize=[dict(type="ResizeShortestEdge", scale=side, max_size=LONGEST)],
    )
