"""Mask2Former: the reference's numbers; a small one learns shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from segue.config.builder.build import build_model
from segue.errors import ConfigError
from segue.heads.mask2former import inside
from segue.types import Targets
from tests.goldens_check import check_golden


def config(num_classes: int = 3, width: int = 64, queries: int = 10) -> dict[str, Any]:
    attention = {"embed_dims": width, "num_heads": 4, "dropout_layer": None}
    ffn = {"embed_dims": width, "feedforward_channels": 2 * width, "add_identity": True}
    costs = [
        {"type": "mmdet.ClassificationCost", "weight": 2.0},
        {"type": "mmdet.CrossEntropyLossCost", "weight": 5.0, "use_sigmoid": True},
        {"type": "mmdet.DiceCost", "weight": 5.0, "pred_act": True, "eps": 1.0},
    ]
    head = {
        "type": "Mask2FormerHead",
        "in_channels": [64, 128, 256, 512],
        "strides": [4, 8, 16, 32],
        "feat_channels": width,
        "out_channels": width,
        "num_classes": num_classes,
        "num_queries": queries,
        "pixel_decoder": {
            "type": "mmdet.MSDeformAttnPixelDecoder",
            "num_outs": 3,
            "norm_cfg": {"type": "GN", "num_groups": 8},
            "encoder": {
                "num_layers": 2,
                "layer_cfg": {
                    "self_attn_cfg": {"embed_dims": width, "num_heads": 4, "num_levels": 3, "dropout": 0.0},
                    "ffn_cfg": ffn,
                },
            },
            "positional_encoding": {"num_feats": width // 2, "normalize": True},
        },
        "positional_encoding": {"num_feats": width // 2, "normalize": True},
        "transformer_decoder": {
            "num_layers": 3,
            "return_intermediate": True,
            "layer_cfg": {"self_attn_cfg": attention, "cross_attn_cfg": attention, "ffn_cfg": ffn},
        },
        "loss_cls": {
            "type": "mmdet.CrossEntropyLoss",
            "loss_weight": 2.0,
            "class_weight": [1.0] * num_classes + [0.1],
        },
        "loss_mask": {"type": "mmdet.CrossEntropyLoss", "use_sigmoid": True, "loss_weight": 5.0},
        "loss_dice": {"type": "mmdet.DiceLoss", "naive_dice": True, "eps": 1.0, "loss_weight": 5.0},
        "train_cfg": {
            "num_points": 1024,
            "assigner": {"type": "mmdet.HungarianAssigner", "match_costs": costs},
            "sampler": {"type": "mmdet.MaskPseudoSampler"},
        },
    }
    backbone = {"type": "ResNet", "depth": 18, "out_indices": [0, 1, 2, 3], "norm_cfg": {"type": "BN"}}
    return {"model": {"type": "EncoderDecoder", "backbone": backbone, "decode_head": head}}


def shapes(rng: np.random.Generator, size: int = 64, spread: float = 1.0) -> tuple[Tensor, Tensor]:
    """A noisy image (3, size, size) of a disk (class 1) and a square (class 2), and its labels.

    Colors differ from image to image by ``spread``; at 1 they may be any.
    """
    y, x = np.mgrid[:size, :size]
    label = np.zeros((size, size), dtype=np.int64)
    cy, cx = rng.integers(12, size - 12, 2)
    label[(y - cy) ** 2 + (x - cx) ** 2 < rng.integers(8, 14) ** 2] = 1
    top, left, side = rng.integers(0, size - 24), rng.integers(0, size - 24), rng.integers(14, 24)
    label[top : top + side, left : left + side] = 2
    colors = spread * rng.normal(size=(3, 3)) + np.array([[-1.0, -1, -1], [1, 0, 0], [0, 0, 1.0]])
    image = colors[label] + 0.3 * rng.normal(size=(size, size, 3))
    return torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1), torch.from_numpy(label)


def batch(rng: np.random.Generator, count: int, spread: float = 1.0) -> tuple[Tensor, Tensor]:
    images, labels = zip(*(shapes(rng, spread=spread) for _ in range(count)), strict=True)
    return torch.stack(images), torch.stack(labels)


def test_golden() -> None:
    """Oracle: mmseg 1.2.2 with mmdet 3.3.0; losses of points drawn from the same seed."""
    check_golden("mask2former_r50")


def test_queries_look_inside_their_masks() -> None:
    """By hand: at the masks' own size, logits of at least 0 are inside; an empty mask is open everywhere."""
    masks = torch.tensor([[[[1.0, -1.0], [0.0, -2.0]], [[-1.0, -1.0], [-1.0, -1.0]]]])
    assert inside(masks, (2, 2)).tolist() == [[[[True, False, True, False], [True, True, True, True]]]]


def test_no_labels() -> None:
    """Where all is ignored, the mask losses are 0 and every parameter still gets a gradient, as DDP needs."""
    model = build_model(config())
    losses = model.loss(torch.randn(2, 3, 64, 64), Targets(labels=torch.full((2, 64, 64), 255)))
    assert losses["decode.loss_mask"] == 0 and losses["decode.d0.loss_dice"] == 0
    sum(losses.values()).backward()
    head = model.decode_head
    assert all(p.grad is not None for p in head.mask_embed.parameters())
    assert torch.isfinite(head.cls_embed.weight.grad).all() and head.cls_embed.weight.grad.abs().sum() > 0


def test_more_classes_than_queries() -> None:
    """Four classes in the image and two queries: two are trained."""
    model = build_model(config(num_classes=4, queries=2))
    label = torch.arange(4).repeat_interleave(16).expand(1, 64, 64)
    losses = model.loss(torch.randn(1, 3, 64, 64), Targets(labels=label))
    assert all(torch.isfinite(value) for value in losses.values())


def test_odd_sizes_and_channels() -> None:
    cfg = config()
    cfg["model"]["backbone"]["in_channels"] = 5
    model = build_model(cfg).eval()
    assert model.encode_decode(torch.randn(1, 5, 33, 70)).shape == (1, 3, 33, 70)
    assert model(torch.randn(1, 5, 64, 96)).shape == (1, 3, 16, 24)


def test_wrong_class_weight() -> None:
    cfg = config()
    cfg["model"]["decode_head"]["num_classes"] = 5
    with pytest.raises(ConfigError, match=r"class_weight has 4 values for num_classes=5; it needs 6"):
        build_model(cfg)


def test_unknown_loss() -> None:
    cfg = config()
    cfg["model"]["decode_head"]["loss_mask"]["type"] = "mmdet.FocusLoss"
    with pytest.raises(ConfigError, match=r"loss_mask.type: there is no 'FocusLoss' here; did you mean 'FocalLoss'"):
        build_model(cfg)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_mixed_precision(dtype: torch.dtype) -> None:
    """Losses and gradients are finite numbers, and the losses are about those of float32."""
    torch.manual_seed(0)
    model = build_model(config()).eval()
    images, labels = batch(np.random.default_rng(0), 1)
    torch.manual_seed(0)
    exact = model.loss(images, Targets(labels=labels))
    torch.manual_seed(0)
    with torch.autocast("cpu", dtype=dtype):
        losses = model.loss(images, Targets(labels=labels))
    sum(losses.values()).backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())
    for name, value in losses.items():
        assert value.dtype == torch.float32 and value.item() == pytest.approx(exact[name].item(), rel=0.2), name


@pytest.mark.slow
def test_learns_shapes() -> None:
    """Oracle: the images are made from the labels. IoU above 0.5 on each class after 300 steps of 8 images."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = build_model(config()).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, 300, power=0.9)
    for _ in range(300):
        images, labels = batch(rng, 8)
        loss = torch.stack(list(model.loss(images, Targets(labels=labels)).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval()
    images, labels = batch(np.random.default_rng(1), 32)
    with torch.no_grad():
        pred = model.encode_decode(images).argmax(1)
    found = [((pred == c) & (labels == c)).sum() / ((pred == c) | (labels == c)).sum() for c in range(3)]
    assert min(found) > 0.5, found
