"""EoMT on DINOv2 and DINOv3. https://arxiv.org/abs/2503.19108

The ``lr_mult`` of the authors' DINOv3 configs is not here: their code never applies it. The encoder stands still while
the heads warm up, and warms up after them; in trainings shorter than the published ones both times shrink with it.
"""

from __future__ import annotations

from segue.recipes.data import Step, random_resize
from segue.recipes.dino import V2, V3, blocks_of, dinov2, dinov3
from segue.recipes.encoders import Encoder, PartError
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, Section, slide
from segue.recipes.schedules import CLIP_TINY, adamw, warm_heads_first

LONGEST = 1 << 14
#: (encoder, dataset) -> iterations, warm-ups of the heads and of the encoder, and when masked attention begins and
#: ceases to fade in each block
PUBLISHED = {
    ("dinov2-l", "ade20k"): (39_153, (500, 1000), (6520, 13040, 19560, 26080), (13040, 19560, 26080, 32600)),
    ("dinov3-l", "ade20k"): (20_208, (2000, 3000), (0, 6520, 9780, 13040), (3000, 9780, 13040, 16300)),
    ("dinov2-l", "cityscapes"): (19_795, (500, 1000), (3317, 6634, 9951, 13268), (6634, 9951, 13268, 16585)),
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


def windows(side: int) -> Section:
    """Windows as the authors spread them."""
    return dict(slide((side, side), (side, side)), even=True)


def any_crop(steps: list[Step]) -> list[Step]:
    """Crops may be of one class."""
    return [dict(step, cat_max_ratio=1.0) if step["type"] == "RandomCrop" else step for step in steps]


def recipe(ask: Request) -> Recipe:
    """eomt_dinov3-l, eomt_dinov2-b ..."""
    (form,) = ask.components("backbone")
    net = encoder(form)
    side = min(ask.crop)
    published, warm, starts, ends = PUBLISHED.get((form, ask.data_stem), PUBLISHED[f"{form[:6]}-l", "ade20k"])
    iters = ask.iters if ask.says_iters else published
    annealing: Section = dict(starts=starts, ends=ends)
    if (form, ask.data_stem) not in PUBLISHED or iters != published:
        annealing = {}
    heads, body = (min(time, round(time * iters / published)) for time in warm)
    v2 = form.startswith("dinov2")
    backbone = dict(net.backbone, **(dict(img_size=side) if v2 else {}))
    del backbone["out_indices"]
    head = dict(type="EoMTHead", in_channels=net.channels[0], num_queries=100)
    model = dict(
        type="EoMT", data_preprocessor=None, backbone=backbone, decode_head=head,
        **(dict(annealing=annealing) if annealing else {}), train_cfg={},
        test_cfg=windows(side),
    )
    decayed = dict(paramwise_cfg=rates(blocks_of(net))) if v2 else {}
    return Recipe(
        model=model, iters=iters, batch=4, optim=adamw(1e-4 if v2 else 2e-4, 0.05, clip_grad=CLIP_TINY, **decayed),
        schedule=warm_heads_first(iters, max(heads, 1), max(body, 1)),
        resize=random_resize((max(ask.crop), side)), edit=any_crop,
        test_resize=[dict(type="ResizeShortestEdge", scale=side, max_size=LONGEST)],
    )
