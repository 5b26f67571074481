"""Mix Transformer's layers under the names that mmseg's files give them."""

from __future__ import annotations

from segue.compat.mmseg.encoder_layers import EfficientMultiheadAttention, MixFFN
from segue.compat.mmseg.encoder_layers import MixLayer as TransformerEncoderLayer

__all__ = ["EfficientMultiheadAttention", "MixFFN", "TransformerEncoderLayer"]
