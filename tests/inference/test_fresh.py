"""``segue.model``: a plain module for the user's classes and bands."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

import segue
from segue.errors import ConfigError, InputError
from segue.types import Targets


def test_plain_module_with_a_loss() -> None:
    net = segue.model("fast_scnn", classes=4, in_channels=5, crop_size=(64, 64))
    assert isinstance(net, nn.Module)
    images = torch.rand(2, 5, 64, 64)
    labels = torch.randint(0, 4, (2, 64, 64))
    losses = net.loss(images, Targets(labels))
    sum(value for name, value in losses.items() if "loss" in name).backward()
    assert net.encode_decode(images).shape == (2, 4, 64, 64)


def test_weights_that_are_not_here_are_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("SEGUE_OFFLINE", "1")
    with caplog.at_level(logging.WARNING, "segue"):
        segue.model("segformer_mit-b0", classes=2)
    assert "are not available here, so it starts from random ones" in caplog.text
    caplog.clear()
    segue.model("segformer_mit-b0", classes=2, pretrained=False)
    assert not caplog.text


def test_refused() -> None:
    with pytest.raises(ConfigError, match="several models"):
        segue.model("segformer", classes=2)
    with pytest.raises(InputError, match="height and width are expected"):
        segue.model("fast_scnn", classes=2, crop_size=64)
