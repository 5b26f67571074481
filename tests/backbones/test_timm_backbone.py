"""TIMMBackbone: shapes and messages; what timm computes is timm's."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from segue.backbones.timm_backbone import TIMMBackbone
from segue.errors import InputError, MissingExtraError

needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="the extra segue[timm] is absent")


@needs_timm
@pytest.mark.parametrize("in_channels", [3, 5])
def test_maps_are_channels_first(in_channels: int) -> None:
    names = {"resnet10t": None, "swin_tiny_patch4_window7_224": (64, 96)}
    for name, size in names.items():
        model = TIMMBackbone(name, pretrained=False, in_channels=in_channels, img_size=size, out_indices=(1, 2)).eval()
        with torch.no_grad():
            features = model(torch.randn(1, in_channels, 64, 96))
        assert len(features) == 2
        assert all(2 * f.shape[3] == 3 * f.shape[2] for f in features)


@needs_timm
def test_messages() -> None:
    with pytest.raises(InputError, match="timm has no model 'resnt18'; did you mean 'resnet18'"):
        TIMMBackbone("resnt18", pretrained=False)
    with pytest.raises(InputError, match=r"'resnet18' cannot be made with \{'img_size': 64\}"):
        TIMMBackbone("resnet18", pretrained=False, img_size=64)


def test_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"model_name='resnet18'.* needs the package 'timm': .*segue\[timm\]"):
        TIMMBackbone("resnet18")
