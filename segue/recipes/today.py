"""Recipes of models that the reference does not have, with what their authors publish about them.

No number stands at those in real time: their training is Segue's own, and its accuracy is not measured.

Numbers are mIoU in percent on the validation sets: of DINOv3's model card, and of EoMT's and PMT's model zoos.
"""

from __future__ import annotations

from typing import Any

from segue.recipes.licences import licence_of

PAPERS = {
    "dinov3": ("DINOv3", "https://arxiv.org/abs/2508.10104"),
    "dinov2": ("DINOv2: Learning Robust Visual Features without Supervision", "https://arxiv.org/abs/2304.07193"),
    "eomt": ("Your ViT is Secretly an Image Segmentation Model", "https://arxiv.org/abs/2503.19108"),
    "efficientvit": (
        "EfficientViT: Multi-Scale Linear Attention for High-Resolution Dense Prediction",
        "https://arxiv.org/abs/2205.14756",
    ),
    "mobilenet-v4": ("MobileNetV4: Universal Models for the Mobile Ecosystem", "https://arxiv.org/abs/2404.10518"),
    "pmt": (
        "PMT: Plain Mask Transformer for Image and Video Segmentation with Frozen Vision Encoders",
        "https://arxiv.org/abs/2603.25398",
    ),
}
#: what names hold -> how the files of their encoders begin
ENCODERS = {
    "dinov2": "dinov2_",
    "dinov3": "dinov3_",
    "efficientvit": "timm://efficientvit",
    "mobilenet-v4": "timm://mobilenetv4",
}
PROBE = "8xb2-40k_ade20k-512x512"
NUMBERS: dict[str, float | None] = {
    **{
        f"dinov3-{size}_linear_{PROBE}": score
        for size, score in {
            "s": 47.0,
            "s+": 48.8,
            "b": 51.8,
            "l": 54.9,
            "h+": 54.8,
            "7b": 55.9,
            "convnext-t": 42.7,
            "convnext-s": 44.8,
            "convnext-b": 46.3,
            "convnext-l": 47.8,
        }.items()
    },
    **{
        f"dinov3-{size}_{head}_{PROBE}": None
        for size in "sbl"
        for head in ("upernet", "dpt", "segformer", "mask2former")
    },
    **{f"dinov2-{size}_linear_{PROBE}": None for size in "sblg"},
    "eomt_dinov3-l_4xb4_ade20k-512x512": 59.5,
    "eomt_dinov2-l_4xb4_ade20k-512x512": 58.4,
    "eomt_dinov2-l_4xb4_cityscapes-1024x1024": 84.2,
    "pmt_dinov3-l_4xb4_ade20k-512x512": 58.5,
    **{
        f"{model}_4xb4-80k_cityscapes-1024x1024": None
        for model in ("efficientvit-b0", "efficientvit-b1", "mobilenet-v4-s", "mobilenet-v4-m")
    },
}
NAMES = tuple(NUMBERS)


def facts(name: str) -> dict[str, Any]:
    """``mIoU``, ``title`` and ``link`` of the paper, as far as known."""
    if name not in NUMBERS:
        return {}
    score = NUMBERS[name]
    title, link = next(paper for family, paper in PAPERS.items() if name.startswith(family))
    return dict(title=title, link=link, **({} if score is None else dict(mIoU=score)))


def licence(name: str) -> str | None:
    """Under which licence the encoder's weights are that a name begins with; None where that is not told."""
    family = next((family for family in ENCODERS if family in name), None)
    return f"weights: {licence_of(ENCODERS[family])}" if family else None
