"""DPT: a dense prediction transformer. https://arxiv.org/abs/2103.13413"""

from __future__ import annotations

from segue.recipes.encoders import ABSENT, Encoder, PartError
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, head
from segue.recipes.schedules import transformer_adamw, warm_linear

BACKBONE = dict(
    type="VisionTransformer", img_size=224, embed_dims=768, num_layers=12, num_heads=12, out_indices=(2, 5, 8, 11),
    final_norm=False, with_cls_token=True, output_cls_token=True,
)


def recipe(ask: Request) -> Recipe:
    """dpt_vit-b16."""
    (form,) = ask.components("backbone")
    if form != "vit-b16":
        raise PartError("backbone", form, ("vit-b16",))
    form_of_head = dict(
        embed_dims=768, post_process_channels=[96, 192, 384, 768], readout_type="project",
        input_transform="multiple_select", dropout_ratio=ABSENT, align_corners=ABSENT,
    )
    net = Encoder(BACKBONE, (768,) * 4, "pretrain/vit-b16_p16_224-80ecf9dd.pth")
    return Recipe(
        model=encoder_decoder(net, head("DPTHead", (768,) * 4, (0, 1, 2, 3), 256, **form_of_head), None),
        optim=transformer_adamw("pos_embed", "cls_token", "norm"), schedule=warm_linear(ask.iters), batch=2,
        workers=2,
    )
