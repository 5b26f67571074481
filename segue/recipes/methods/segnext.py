"""SegNeXt: multi-scale convolutional attention and a Hamburger head. https://arxiv.org/abs/2209.08575"""

from __future__ import annotations

from segue.recipes.encoders import WEIGHTS, Encoder, pick
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, head, pretrained_init
from segue.recipes.schedules import transformer_adamw, warm_linear

# widths, depths, drop path, width of the head, weights
SIZES = {
    "mscan-t": ([32, 64, 160, 256], [3, 3, 5, 2], 0.1, 256, "mscan_t_20230227-119e8c9f"),
    "mscan-s": ([64, 128, 320, 512], [2, 2, 4, 2], 0.1, 256, "mscan_s_20230227-f33ccdf2"),
    "mscan-b": ([64, 128, 320, 512], [3, 3, 12, 3], 0.1, 512, "mscan_b_20230227-3ab7d230"),
    "mscan-l": ([64, 128, 320, 512], [3, 5, 27, 3], 0.3, 1024, "mscan_l_20230227-cef260d4"),
}


def recipe(ask: Request) -> Recipe:
    """segnext_mscan-t, -s, -b, -l."""
    (form,) = ask.components("backbone")
    dims, depths, drop_path, width, weights = pick("backbone", form, SIZES)
    backbone = dict(
        type="MSCAN", init_cfg=pretrained_init(f"{WEIGHTS}/segnext/{weights}.pth"), embed_dims=dims,
        mlp_ratios=[8, 8, 4, 4], drop_rate=0.0, drop_path_rate=drop_path, depths=depths,
        attention_kernel_sizes=[5, [1, 7], [1, 11], [1, 21]], attention_kernel_paddings=[2, [0, 3], [0, 5], [0, 10]],
        act_cfg=dict(type="GELU"), norm_cfg=dict(type="BN", requires_grad=True),
    )
    factors = dict(MD_S=1, MD_R=16, train_steps=6, eval_steps=7, inv_t=100, rand_init=True)
    form_of_head = dict(
        ham_channels=width, ham_kwargs=factors, norm_cfg=dict(type="GN", num_groups=32, requires_grad=True)
    )
    return Recipe(
        model=encoder_decoder(
            Encoder(backbone, tuple(dims), None), head("LightHamHead", dims[1:], [1, 2, 3], width, **form_of_head)
        ),
        optim=transformer_adamw("pos_block", "norm", head=dict(lr_mult=10.0)),
        schedule=warm_linear(ask.iters),
        batch=16,
        preprocessor=dict(test_cfg=dict(size_divisor=32)),
    )
