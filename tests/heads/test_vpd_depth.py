"""The depth head of VPD: the reference's numbers, and whole models with it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from segue.config.builder.build import build_model
from segue.errors import ConfigError, InputError, MissingExtraError
from segue.heads.vpd_depth import DepthHeadOptions, VPDDepthHead
from segue.inference.segment import whole_or_slide
from segue.losses.si_log import SiLogLoss
from segue.types import Targets
from tests.goldens_check import goldens_tool


def config(**test: Any) -> dict[str, Any]:
    head = {
        "type": "VPDDepthHead",
        "in_channels": [64, 128, 256, 512],
        "embed_dim": 16,
        "feature_dim": 128,
        "num_deconv_filters": [8, 8, 8],
    }
    backbone = {"type": "ResNet", "depth": 18, "norm_cfg": {"type": "BN"}, "strides": [1, 2, 2, 2]}
    return {"model": {"type": "DepthEstimator", "backbone": backbone, "decode_head": head, "test_cfg": test}}


def test_reference() -> None:
    """Oracle: mmseg 1.2.2's head with the goldens' weights and pictures; depths of 0 are missing."""
    tool = goldens_tool()
    options = DepthHeadOptions(
        in_channels=(16, 32, 48, 48),
        embed_dim=16,
        feature_dim=128,
        num_deconv_filters=(8, 8, 8),
        fmap_border=(1, 1),
        loss_decode=SiLogLoss(),
    )
    head = VPDDepthHead(options).eval()
    tool.fill(head.state_dict())
    features = [tool.image(64 >> i, 80 >> i, c, salt=str(i)) for i, c in enumerate([16, 32, 48, 48])]
    depth = head(features)
    assert depth.shape == (1, 1, 480, 608)
    index = torch.linspace(0, depth.numel() - 1, 64, dtype=torch.float64).round().long()
    torch.testing.assert_close(
        depth.flatten()[index][:8],
        torch.tensor([4.870309, 5.057393, 5.037193, 5.043279, 5.05112, 5.084946, 5.107488, 5.053339]),
        rtol=1e-4,
        atol=1e-4,
    )
    truth = (torch.arange(480 * 640).reshape(1, 480, 640) % 80) / 8 + 0.5
    truth[:, :100] = 0
    losses = head.loss(features, Targets(labels=torch.zeros(0), depth=truth))
    assert losses["loss_silog"].item() == pytest.approx(0.7406751, rel=1e-4)


def test_slide_flip() -> None:
    """The depths of an image are the mirror image of those of its mirror image."""
    model = build_model(config(mode="slide_flip", crop_size=[64, 64], stride=[32, 32])).eval()
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        depth, mirrored = whole_or_slide(model, image), whole_or_slide(model, image.flip(3))
    assert depth.shape == (1, 1, 64, 96)
    torch.testing.assert_close(depth, mirrored.flip(3))


def test_no_depths() -> None:
    model = build_model(config())
    with pytest.raises(InputError, match="the data has no depths"):
        model.loss(torch.randn(2, 3, 64, 64), Targets(labels=torch.zeros(2, 64, 64)))


def test_widths() -> None:
    with pytest.raises(InputError, match=r"feature_dim=1536 must be 8 \* embed_dim=128"):
        VPDDepthHead(DepthHeadOptions(embed_dim=16))


def test_unknown_mode() -> None:
    with pytest.raises(ConfigError, match=r"test_cfg\.mode"):
        build_model(config(mode="flip"))


def test_backbone_says_what_to_do() -> None:
    cfg = config()
    cfg["model"]["backbone"] = {
        "type": "VPD",
        "diffusion_cfg": {"base_learning_rate": 1e-4},
        "class_embed_path": "nyu_class_embeddings.pth",
        "unet_cfg": {"use_attn": False},
    }
    with pytest.raises(MissingExtraError, match=r"needs the package 'ldm': .*@segue.register\(name='VPD'\)"):
        build_model(cfg)
