"""12 backbones of DINOv2 and DINOv3 under 7 heads, the ViTs also as EoMT and PMT, 3 and 5 bands: each trains, saves,
loads, predicts at 97 x 131.

By default every backbone once and every head at least once; all 168 combinations are slow. What stands between: nothing
under the heads that read one map (linear, FCN, OCR); under those that read a pyramid (UPerNet, SegFormer, Mask2Former),
``Feature2Pyramid`` behind a ViT, nothing behind ConvNeXt; DPT reads four maps of one size, as a ViT gives them, and as
``MultiLevelNeck`` makes them of ConvNeXt's.
"""

from __future__ import annotations

import copy
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.heads import test_mask2former
from tests.test_contract import check_contract

WIDTH, CLASSES = 16, 3
VITS = (
    "dinov2-b",
    "dinov2-b-reg",
    "dinov2-g",
    "dinov2-g-reg",
    "dinov3-s",
    "dinov3-s+",
    "dinov3-h+",
    "dinov3-7b",
)
#: blocks of the stages; the widths are those of all
CONVNEXTS = {"t": (1, 1, 3, 1), "s": (1, 1, 4, 1), "b": (1, 1, 5, 1), "l": (1, 2, 5, 1)}
BACKBONES = (*VITS, *(f"dinov3-convnext-{size}" for size in CONVNEXTS))
HEADS = ("linear", "fcn", "ocr", "upernet", "dpt", "segformer", "mask2former")
PYRAMID = ("upernet", "segformer", "mask2former")
STAGES = (8, 8, 16, 16)
SHARED = {"channels": WIDTH, "num_classes": CLASSES, "norm_cfg": {"type": "BN"}}


def backbone(name: str, bands: int) -> dict[str, Any]:
    if name in VITS:
        small = {"embed_dim": WIDTH, "depth": 4, "num_heads": 2, "img_size": 56, "out_indices": [0, 1, 2, 3]}
        return {"type": "DinoVisionTransformer", "arch": name, "in_channels": bands, **small}
    arch = {"depths": CONVNEXTS[name[-1]], "channels": STAGES}
    return {"type": "ConvNeXt", "arch": arch, "in_channels": bands, "out_indices": [0, 1, 2, 3]}


def head(name: str, channels: list[int]) -> Any:
    one = {"in_channels": channels[-1], "in_index": 3, **SHARED}
    several = {"in_channels": channels, "in_index": [0, 1, 2, 3], **SHARED}
    if name == "linear":
        return {"type": "BNHead", **one, "channels": channels[-1]}
    if name == "fcn":
        return {"type": "FCNHead", "num_convs": 1, **one}
    if name == "ocr":
        return [{"type": "FCNHead", "num_convs": 1, **one}, {"type": "OCRHead", "ocr_channels": 8, **one}]
    if name == "upernet":
        return {"type": "UPerHead", "pool_scales": (1, 2), **several}
    if name == "segformer":
        return {"type": "SegformerHead", **several}
    if name == "dpt":
        widths = {"embed_dims": WIDTH, "post_process_channels": [8, 8, 16, 16], "readout_type": "ignore"}
        return {"type": "DPTHead", "input_transform": "multiple_select", **several, **widths}
    queries = copy.deepcopy(test_mask2former.config(CLASSES, width=WIDTH, queries=4)["model"]["decode_head"])
    queries |= {"in_channels": channels}
    queries["train_cfg"] |= {"num_points": 64}
    queries["transformer_decoder"] |= {"num_layers": 1}
    queries["pixel_decoder"]["encoder"] |= {"num_layers": 1}
    return queries


def config(name: str, method: str, bands: int) -> dict[str, Any]:
    channels = [WIDTH] * 4 if name in VITS else list(STAGES)
    model: dict[str, Any] = {"type": "EncoderDecoder", "backbone": backbone(name, bands)}
    if name in VITS and method in PYRAMID:
        model["neck"] = {"type": "Feature2Pyramid", "embed_dim": WIDTH, "norm_cfg": {"type": "BN"}}
    if name not in VITS and method == "dpt":
        scales = [0.25, 0.5, 1, 2]
        model["neck"] = {"type": "MultiLevelNeck", "in_channels": channels, "out_channels": WIDTH, "scales": scales}
        channels = [WIDTH] * 4
    if method == "ocr":
        model |= {"type": "CascadeEncoderDecoder", "num_stages": 2}
    return {"model": {**model, "decode_head": head(method, channels)}}


DIAGONAL = [(name, HEADS[i % len(HEADS)], 3 + 2 * (i % 2)) for i, name in enumerate(BACKBONES)]
REST = [case for case in product(BACKBONES, HEADS, (3, 5)) if case not in DIAGONAL]


def queried(name: str, method: str, bands: int) -> dict[str, Any]:
    """EoMT or PMT on a ViT."""
    patch = 16 if name.startswith("dinov3") else 14
    net = {**backbone(name, bands), "frozen": method == "PMT"}
    net["out_indices"] = [1, 3]
    head = {"type": f"{method}Head", "in_channels": WIDTH, "num_classes": CLASSES, "num_queries": 4}
    head |= {"patch_size": patch, "train_cfg": test_mask2former.config(CLASSES)["model"]["decode_head"]["train_cfg"]}
    head["train_cfg"] |= {"num_points": 64}
    if method == "PMT":
        head |= {"num_levels": 2, "num_blocks": 2, "num_heads": 2}
    return {"model": {"type": method, "backbone": net, "decode_head": head}}


QUERIED = [(name, method, bands) for name in VITS for method in ("EoMT", "PMT") for bands in (3, 5)]
FEW = [("dinov2-g-reg", "EoMT", 5), ("dinov3-h+", "PMT", 5), ("dinov2-b", "PMT", 3)]


@pytest.mark.parametrize(
    ("name", "method", "bands"),
    [*FEW, *(pytest.param(*case, marks=pytest.mark.slow) for case in QUERIED if case not in FEW)],
)
def test_a_dino_with_queries_trains_saves_loads_and_predicts(
    name: str, method: str, bands: int, tmp_path: Path
) -> None:
    check_contract(queried(name, method, bands), tmp_path)


@pytest.mark.parametrize(
    ("name", "method", "bands"), [*DIAGONAL, *(pytest.param(*case, marks=pytest.mark.slow) for case in REST)]
)
def test_a_dino_under_a_head_trains_saves_loads_and_predicts(
    name: str, method: str, bands: int, tmp_path: Path
) -> None:
    check_contract(config(name, method, bands), tmp_path)
