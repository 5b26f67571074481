"""The parts that a subclass of Mask2FormerHead with a new ``forward`` finds there, called as mmdet calls them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from segue.errors import InputError
from segue.layers.mask_transformer import DecoderLayer
from segue.layers.resize import resize
from segue.types import Size


class QueryLayer(DecoderLayer):
    """A layer of the transformer that may also be called with mmdet's keywords."""

    def forward(
        self,
        x: Any = None,
        position: Any = None,
        key: Any = None,
        value: Any = None,
        mask: Any = None,
        *,
        query: Any = None,
        query_pos: Any = None,
        key_pos: Any = None,
        self_attn_mask: Any = None,
        cross_attn_mask: Any = None,
        query_key_padding_mask: Any = None,
        key_padding_mask: Any = None,
    ) -> Tensor:
        """Queries (B, Q, C) to the same; ``cross_attn_mask`` (B * heads, Q, N) is True where a query may not look.

        Raises:
            InputError: queries or keys are masked in another way.
        """
        if query is None:
            return super().forward(x, position, key, value, mask)
        for name, given in (
            ("self_attn_mask", self_attn_mask),
            ("query_key_padding_mask", query_key_padding_mask),
            ("key_padding_mask", key_padding_mask),
        ):
            if given is not None and bool(given.any()):
                raise InputError(f"{name}: not offered, images have no padding here; give cross_attn_mask or None")
        allowed = None if cross_attn_mask is None else ~cross_attn_mask.unflatten(0, (len(query), -1))
        position = torch.zeros_like(query) if query_pos is None else query_pos
        return super().forward(query, position, key if key_pos is None else key + key_pos, value, allowed)


class Mask2FormerParts:
    """``_forward_head``, ``decoder_positional_encoding``, and the numbers of queries, levels, layers and heads."""

    def _remember(self: Any, given: Any) -> None:
        """Keep what user code reads back, and take mmdet's keywords in the layers."""
        super()._remember(given)  # type: ignore[misc]
        self.num_queries = self.query_embed.num_embeddings
        self.num_transformer_feat_level = len(self.decoder_input_projs)
        self.num_transformer_decoder_layers = len(self.transformer_decoder.layers)
        for layer in self.transformer_decoder.layers:
            layer.__class__ = QueryLayer
        self.num_heads = self.transformer_decoder.layers[0].cross_attn.attn.num_heads

    def decoder_positional_encoding(self: Any, mask: Tensor) -> Tensor:
        """(B, C, H, W) of a mask (B, H, W) of padding, of which there is none."""
        size = (mask.shape[-2], mask.shape[-1])
        found = self.position(size, self.level_embed.weight)
        return found.transpose(1, 2).unflatten(2, size).expand(len(mask), -1, -1, -1)

    def _forward_head(self: Any, decoder_out: Tensor, mask_feature: Tensor, attn_mask_target_size: Size) -> Any:
        """Class scores (B, Q, classes + 1), mask logits (B, Q, h, w), and where queries may not look in the next layer,
        bool (B * heads, Q, H * W).
        """
        found = self._read(decoder_out, mask_feature)
        with torch.no_grad():
            size = (int(attn_mask_target_size[0]), int(attn_mask_target_size[1]))
            hidden = (resize(found.masks, size) < 0).flatten(2).unsqueeze(1).repeat(1, self.num_heads, 1, 1)
        return found.scores, found.masks, hidden.flatten(0, 1)
