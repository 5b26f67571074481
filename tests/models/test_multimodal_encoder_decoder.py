"""The segmentor of image and text: the reference's numbers, and its messages."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from segue.config.builder.pretrained import pretrained_sources
from segue.errors import InputError
from segue.models import clip_text_encoder
from segue.models.multimodal_encoder_decoder import MultimodalEncoderDecoder
from tests.goldens_check import HERE, check_golden


class RecordedTokens:
    """The tokens that the reference makes of the prompts, as the vocabulary is too large to be kept here."""

    def __init__(self, path: Path | None = None) -> None:
        with gzip.open(HERE / "goldens" / "san_tokens.json.gz", "rt") as file:
            self.tokens = json.load(file)

    def __call__(self, texts: Sequence[str], length: int) -> Tensor:
        return torch.tensor([self.tokens[text] + [0] * (length - len(self.tokens[text])) for text in texts])


@pytest.mark.slow
def test_golden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Oracle: mmseg 1.2.2, SAN with CLIP ViT-B/16 and the classes of PASCAL VOC."""
    monkeypatch.setattr(clip_text_encoder, "clip_tokenizer", RecordedTokens)
    check_golden("san_b16")


def test_resolution_is_needed() -> None:
    with pytest.raises(InputError, match="needs encoder_resolution"):
        MultimodalEncoderDecoder(image_encoder=nn.Identity(), text_encoder=nn.Identity(), decode_head=nn.Identity())  # type: ignore[arg-type]


def test_pretrained_weights_are_of_all_parts() -> None:
    """``pretrained`` of a model without a backbone holds keys of all its encoders."""
    found = pretrained_sources({"model": {"image_encoder": {}, "pretrained": "clip.pth"}})
    assert [(source.module, source.checkpoint) for source in found] == [("", "clip.pth")]
