"""CLIP's text encoder: what it encodes, when it encodes again, and its messages."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.clip_tokenizer import CLIPTokenizer
from segue.models import clip_text_encoder
from segue.models.clip_text_encoder import CLIPTextEncoder, dataset_classes


def encoder(monkeypatch: pytest.MonkeyPatch, **more: Any) -> CLIPTextEncoder:
    """A small encoder whose tokens are bytes."""
    monkeypatch.setattr(clip_text_encoder, "clip_tokenizer", lambda path: CLIPTokenizer([]))
    more = {"vocabulary": ["cat", "dog"], "templates": ["a {}.", "the {}"]} | more
    return CLIPTextEncoder(
        total_vocab_size=514, context_length=20, embed_dims=16, num_layers=2, num_heads=2, output_dims=6, **more
    )


def test_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit vectors times exp(logit_scale), the background last; each the mean of its prompts' unit vectors."""
    model = encoder(monkeypatch)
    found = model()
    torch.testing.assert_close(found.norm(dim=1), torch.full((3,), 1 / 0.07))
    tokens = CLIPTokenizer([])
    cat = sum(F.normalize(model.encode_text(tokens([text], 20)), dim=1) for text in ("a cat.", "the cat"))
    torch.testing.assert_close(found[0] * 0.07, F.normalize(cat, dim=1)[0])
    torch.testing.assert_close(found[2] * 0.07, F.normalize(model.bg_embed, dim=1)[0])
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["bg_embed"]


def test_longer_texts_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encoding a text beside a longer one gives the same vector: attention is causal."""
    model, tokens = encoder(monkeypatch), CLIPTokenizer([])
    alone = model.encode_text(tokens(["cat"], 20))
    beside = model.encode_text(tokens(["cat", "a long text"], 20))
    torch.testing.assert_close(alone[0], beside[0])


def test_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept between calls, made again after weights are loaded, and usable in training after inference_mode."""
    model = encoder(monkeypatch)
    with torch.inference_mode():
        first = model.encoded()
    assert model.encoded() is first
    (model().sum() * torch.ones(1, requires_grad=True)).backward()
    model.load_state_dict({key: value + 0.1 for key, value in model.state_dict().items()})
    assert not torch.equal(model.encoded(), first)
    off = encoder(monkeypatch, cache_feature=False)
    assert off.encoded() is not off.encoded()


def test_datasets() -> None:
    assert len(dataset_classes("coco-stuff164k")) == 171
    assert len(dataset_classes("pascal_context")) == 59
    assert dataset_classes("voc12aug")[:2] == ["aeroplane", "bicycle"]  # the background is left out
    with pytest.raises(InputError, match=r"no dataset_name 'my_data'.*vocabulary=\["):
        dataset_classes("my_data")


def test_messages() -> None:
    with pytest.raises(InputError, match="either dataset_name or vocabulary"):
        CLIPTextEncoder(dataset_name="voc", vocabulary=["cat"])
    with pytest.raises(InputError, match="no set of prompts 'fancy'; there are: imagenet, vild"):
        CLIPTextEncoder(dataset_name="voc", templates="fancy")


def test_an_export_holds_the_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was computed before tracing, without the transformer."""
    model = encoder(monkeypatch, cat_bg=False).eval()
    model.settle()
    program = torch.export.export(model, (), strict=False)
    assert not any("matmul" in str(node.target) or "linear" in str(node.target) for node in program.graph.nodes)
    torch.testing.assert_close(program.module()(), model())
