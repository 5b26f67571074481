"""``segue.recipes.encoders``. Oracle: the papers' numbers of channels."""

from __future__ import annotations

import pytest

from segue.recipes.encoders import KNOWN, PartError, encoder


@pytest.mark.parametrize(
    ("form", "kind", "channels"),
    [
        ("r18-d8", "ResNetV1c", (64, 128, 256, 512)),
        ("r101b-d16-mg124", "ResNet", (256, 512, 1024, 2048)),
        ("s101-d8", "ResNeSt", (256, 512, 1024, 2048)),
        ("hr48", "HRNet", (48, 96, 192, 384)),
        ("mobilenet-v2-d8", "MobileNetV2", (24, 32, 96, 320)),
        ("swin-l-in22k", "SwinTransformer", (192, 384, 768, 1536)),
        ("mit-b0", "MixVisionTransformer", (32, 64, 160, 256)),
    ],
)
def test_forms(form: str, kind: str, channels: tuple[int, ...]) -> None:
    net = encoder(form)
    assert (net.backbone["type"], net.channels) == (kind, channels)


@pytest.mark.parametrize("form", KNOWN)
def test_every_form_that_errors_offer_exists(form: str) -> None:
    assert len(encoder(form).channels) == 4


@pytest.mark.parametrize("form", ["", "r50-d4", "r50c-d8", "hr19", "swin-x", "mit-b6"])
def test_unknown_forms(form: str) -> None:
    with pytest.raises(PartError) as caught:
        encoder(form)
    assert caught.value.part == "backbone" and caught.value.given == form
