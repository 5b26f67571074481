"""SegFormer: a transformer with a head of linear layers. https://arxiv.org/abs/2105.15203"""

from __future__ import annotations

from typing import Any

from segue.recipes.encoders import PartError, encoder
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, head, slide
from segue.recipes.schedules import transformer_adamw, warm_linear


def recipe(ask: Request) -> Recipe:
    """segformer_mit-b0 to mit-b5; large crops of Cityscapes are also windows of testing."""
    (form,) = ask.components("backbone")
    if not form.startswith("mit-"):
        raise PartError("backbone", form, tuple(f"mit-b{i}" for i in range(6)))
    net = encoder(form)
    more: dict[str, Any] = {}
    if ask.data_stem == "cityscapes":
        more["test_cfg"] = slide(ask.crop, (ask.crop[0] * 3 // 4, ask.crop[1] * 3 // 4))
    wide = ask.data_stem == "ade20k"
    return Recipe(
        model=encoder_decoder(net, head("SegformerHead", list(net.channels), [0, 1, 2, 3], 256), **more),
        optim=transformer_adamw("pos_block", "norm", head=dict(lr_mult=10.0)), schedule=warm_linear(ask.iters),
        batch=2 if wide else 1, workers=2 if wide else 4,
        data=dict(wide_scale=False, scale=(2048, min(ask.crop))) if wide else {},
    )
