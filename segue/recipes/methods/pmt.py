"""PMT on DINOv3 and DINOv2, which stay frozen. https://arxiv.org/abs/2603.25398

The authors publish models for DINOv3 S, B and L; other encoders are used alike. In trainings shorter than the published
one the warm-up shrinks with it.
"""

from __future__ import annotations

from segue.recipes.data import random_resize
from segue.recipes.dino import frozen
from segue.recipes.grammar import Request
from segue.recipes.methods.eomt import LONGEST, any_crop, encoder, windows
from segue.recipes.parts import Recipe
from segue.recipes.schedules import CLIP_TINY, adamw, warm_cosine

ITERS, WARM, LEAST = 20_208, 6000, 1e-9
#: when masked attention begins and ceases to fade in each block, of the model on ADE20K
STARTS = (0, 5384, 7403, 9422, 11_442, 13_461)
ENDS = (3000, 8749, 10_769, 12_788, 14_807, 16_826)
HEAD_DIM = 64  # of the attention of all these encoders but the largest


def recipe(ask: Request) -> Recipe:
    """pmt_dinov3-l, pmt_dinov3-b ..."""
    (form,) = ask.components("backbone")
    net = frozen(encoder(form))
    side = min(ask.crop)
    iters = ask.iters if ask.says_iters else ITERS
    published = (form, ask.data_stem, iters) == ("dinov3-l", "ade20k", ITERS)
    width = net.channels[0]
    head = dict(
        type="PMTHead", in_channels=width, num_levels=4, num_blocks=6, num_heads=width // head_dim(form),
        mlp_channels=width, num_queries=100,
    )
    model = dict(
        type="PMT", data_preprocessor=None,
        backbone=dict(net.backbone, **(dict(img_size=side) if form.startswith("dinov2") else {})), decode_head=head,
        **(dict(annealing=dict(starts=STARTS, ends=ENDS)) if published else {}), train_cfg={}, test_cfg=windows(side),
    )
    warm = max(1, min(WARM, round(WARM * iters / ITERS)))
    return Recipe(
        model=model, iters=iters, batch=4, optim=adamw(2e-4, 0.05, clip_grad=CLIP_TINY),
        schedule=warm_cosine(iters, warm, LEAST), resize=random_resize((max(ask.crop), side)), edit=any_crop,
        test_resize=[dict(type="ResizeShortestEdge", scale=side, max_size=LONGEST)],
    )


def head_dim(form: str) -> int:
    """Channels of a head of the encoder's attention."""
    return 128 if form == "dinov3-7b" else HEAD_DIM
