"""EfficientViT's head: its sum written out, messages; with timm's encoders the published numbers of parameters."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

import segue
from segue.config.builder.build import build_model
from segue.config.builder.pretrained import unfetched
from segue.errors import ConfigError, DownloadError
from segue.heads.efficientvit import EfficientViTHead
from segue.recipes import compose
from segue.recipes.fitted import fit_recipe, without_weights
from tests.test_contract import check_contract

needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="the extra segue[timm] is absent")


def config(mode: str = "bicubic", bands: int = 3, **changes: Any) -> dict[str, Any]:
    arch = {"depths": [1, 1, 1, 1], "channels": [8, 8, 16, 16]}
    backbone = {"type": "ConvNeXt", "arch": arch, "in_channels": bands, "out_indices": [1, 2, 3]}
    head = {"type": "EfficientViTHead", "in_channels": [8, 16, 16], "in_index": [0, 1, 2], "channels": 32}
    head |= {"width": 8, "depth": 2, "num_classes": 3, "norm_cfg": {"type": "BN"}, "act_cfg": {"type": "HSwish"}}
    head |= {"dropout_ratio": 0, "interpolate_mode": mode, **changes}
    return {"model": {"type": "EncoderDecoder", "backbone": backbone, "decode_head": head}}


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_the_sum_of_maps_goes_through_blocks(mode: str) -> None:
    """Oracle: figure 6 of the paper, in plain calls, with the weights of the head by name."""
    torch.manual_seed(0)
    model: Any = build_model(config(mode)).eval()
    head: EfficientViTHead = model.decode_head
    for module in head.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean, module.running_var = torch.randn(module.num_features), torch.rand(module.num_features)
    maps = [torch.randn(1, 8, 12, 20), torch.randn(1, 16, 6, 10), torch.randn(1, 16, 3, 5)]
    w = head.state_dict()

    def conv(x: torch.Tensor, name: str, act: bool, **more: Any) -> torch.Tensor:
        x = F.conv2d(x, w[f"{name}.conv.weight"], **more)
        stats = [w[f"{name}.bn.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        return F.hardswish(F.batch_norm(x, *stats)) if act else F.batch_norm(x, *stats)

    total = torch.zeros(1, 8, 12, 20)
    for i, x in enumerate(maps):
        total += F.interpolate(conv(x, f"inputs.{i}", False), size=(12, 20), mode=mode, align_corners=False)
    for i in range(2):
        x = conv(total, f"blocks.{i}.conv.0", True)
        x = conv(x, f"blocks.{i}.conv.1", True, padding=1, groups=32)
        total = total + conv(x, f"blocks.{i}.conv.2", False)
    wanted = F.conv2d(conv(total, "expand", True), w["conv_seg.weight"], w["conv_seg.bias"])
    with torch.no_grad():
        torch.testing.assert_close(head(maps), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bands", [3, 5])
def test_trains_saves_loads_and_predicts(bands: int, tmp_path: Path) -> None:
    check_contract(config(bands=bands), tmp_path)


def test_messages() -> None:
    with pytest.raises(ConfigError, match=r"width=0 and expand_ratio=4 must be 1 or more, depth=2 0 or more"):
        build_model(config(width=0))
    with pytest.raises(ConfigError, match="mode"):
        build_model(config("nearest"))


def test_recipes_are_light_and_fetch_nothing_where_weights_follow() -> None:
    """A model that is given its weights, or none, is built without timm's; the config itself stays."""
    cfg = compose("mobilenet-v4-s_4xb4-80k_cityscapes-1024x1024")
    assert cfg.model.backbone.pretrained is True and unfetched(cfg)["model"]["backbone"]["pretrained"] is False
    assert cfg.model.backbone.pretrained is True
    assert unfetched(other := compose("pidnet-s_2xb6-120k_1024x1024-cityscapes")) is other
    section = without_weights(fit_recipe("efficientvit-b0_4xb4-80k_cityscapes-1024x1024", classes=4).model)
    assert section["backbone"]["pretrained"] is False
    with pytest.raises(ConfigError, match=r"unknown size 'b9'.*b0"):
        compose("efficientvit-b9_4xb4-80k_cityscapes-1024x1024")


@needs_timm
@pytest.mark.parametrize(
    ("name", "millions"),
    [("efficientvit-b0", 0.7), ("efficientvit-b1", 4.8), ("mobilenet-v4-s", 1.4), ("mobilenet-v4-m", 7.4)],
)
def test_parameters(name: str, millions: float) -> None:
    """Oracle: EfficientViT's paper (0.7 and 4.8 million with the head, for Cityscapes); the others are noted."""
    model: Any = build_model(compose(f"{name}_4xb4-80k_cityscapes-1024x1024")).eval()
    count = sum(p.numel() for key, p in model.named_parameters() if not key.startswith("auxiliary"))
    assert round(count / 1e6, 1) == millions
    with torch.no_grad():
        assert model.encode_decode(torch.randn(1, 3, 97, 131)).shape == (1, 19, 97, 131)


@needs_timm
def test_weights_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    import timm

    create = timm.create_model

    def without_network(*given: Any, pretrained: bool = False, **more: Any) -> Any:
        if pretrained:
            raise OSError("no network\nat all")
        return create(*given, **more)

    monkeypatch.setattr(timm, "create_model", without_network)
    cfg = compose("mobilenet-v4-s_4xb4-80k_cityscapes-1024x1024")
    with pytest.raises(DownloadError, match=r"cannot get the weights of .mobilenetv4.*\(OSError: no network\); pre"):
        build_model(cfg, fetching=True)
    with caplog.at_level("WARNING", logger="segue"):
        net = segue.model("mobilenet-v4-s", classes=4)
    assert "mobilenet-v4-s starts from random weights: TIMMBackbone: timm cannot get" in caplog.text
    assert net.num_classes == 4
