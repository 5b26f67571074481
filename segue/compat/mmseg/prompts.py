"""mmseg.utils of CLIP's texts: prompts by the name of their set, and tokens."""

from __future__ import annotations

from torch import Tensor

from segue.layers.clip_prompts import TEMPLATES
from segue.layers.clip_tokenizer import clip_tokenizer


def get_predefined_templates(template_set_name: str) -> list[str]:
    """The prompts of a set, such as ``imagenet`` or ``vild``, with ``{}`` for a class's name."""
    if template_set_name not in TEMPLATES:
        raise AssertionError(f"there is no template set {template_set_name!r}; there are {', '.join(TEMPLATES)}")
    return list(TEMPLATES[template_set_name])


def tokenize(texts: str | list[str], context_length: int = 77) -> Tensor:
    """Tokens (N, context_length) int64, between those of start and end, filled up with 0."""
    return clip_tokenizer()([texts] if isinstance(texts, str) else texts, context_length)
