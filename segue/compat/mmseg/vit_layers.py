"""ViT's layer under the name that mmseg's files give it."""

from __future__ import annotations

from segue.compat.mmseg.encoder_layers import ViTLayer as TransformerEncoderLayer

__all__ = ["TransformerEncoderLayer"]
