"""A frozen DINO under a head, whose name gives both: ``dinov3-b_linear``, ``dinov2-l-reg_upernet``.

``linear`` is the authors' protocol, on the last map: batch normalization and one convolution. The others are trained
alike, on four maps, as both papers train other heads on frozen features. A ViT's maps become a pyramid by
``Feature2Pyramid`` for UPerNet, SegFormer and Mask2Former; DPT makes its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from segue.recipes.dino import frozen
from segue.recipes.encoders import Encoder, PartError, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.methods import mask2former
from segue.recipes.methods.upernet import pyramid_head
from segue.recipes.parts import Recipe, Section, encoder_decoder, head, slide, two_thirds
from segue.recipes.schedules import CLIP_TINY, adamw, poly, warmup

ITERS = 40_000
WARM = 1500
HEADS = ("linear", "upernet", "dpt", "segformer", "mask2former")


def probe(ask: Request, net: Encoder, name: str, *, decay: float, cosine: bool, dropout: float) -> Recipe:
    """The recipe of a head; ``decay``, ``cosine`` and ``dropout`` are what differs between the two papers' protocols.

    Raises:
        PartError: a head that there is not, or that does not fit the encoder.
    """
    iters = ask.iters if ask.says_iters else ITERS
    vit = net.backbone["type"] == "DinoVisionTransformer"
    net = frozen(net)
    make: Callable[[], Section] | None = {
        "linear": lambda: linear(net, dropout),
        "upernet": lambda: pyramid_head(net.channels),
        "segformer": lambda: head("SegformerHead", list(net.channels), [0, 1, 2, 3], 256),
        "mask2former": lambda: mask2former.decode_head(ask.data.num_classes, net.channels),
        "dpt": lambda: dpt(net),
    }.get(name)
    if make is None or (name == "dpt" and not vit):
        raise PartError("head", name, HEADS if vit else tuple(known for known in HEADS if known != "dpt"))
    if name == "linear":
        net = net.set(out_indices=-1)
    more: dict[str, Any] = dict(test_cfg=slide(ask.crop, two_thirds(ask.crop)))
    if vit and name not in ("linear", "dpt"):
        more["neck"] = dict(type="Feature2Pyramid", embed_dim=net.channels[0], norm_cfg=sync_bn())
    fall = (
        dict(type="CosineAnnealingLR", eta_min=0.0, begin=WARM, end=iters, by_epoch=False)
        if cosine
        else poly(iters, begin=WARM, eta_min=0.0, power=1.0)
    )
    rate = 1e-3 if name == "linear" else 1e-4
    optim = adamw(rate, decay, **(dict(clip_grad=CLIP_TINY) if name == "mask2former" else {}))
    return Recipe(
        model=encoder_decoder(net, make(), **more),
        optim=optim,
        schedule=[warmup(WARM, 1e-6 / rate), fall],
        iters=iters,
        batch=2,
    )


def linear(net: Encoder, dropout: float) -> Section:
    """The probe on the last map."""
    width = net.channels[-1]
    return head("BNHead", width, 0, width, dropout_ratio=dropout)


def dpt(net: Encoder) -> Section:
    """DPT without the class token."""
    widths = [96, 192, 384, 768]
    return head(
        "DPTHead",
        list(net.channels),
        [0, 1, 2, 3],
        256,
        embed_dims=net.channels[0],
        post_process_channels=widths,
        readout_type="ignore",
        input_transform="multiple_select",
    )
