"""mmcv.cnn.bricks.transformer: attention, layers put together by ``operation_order``, and rows of layers."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from segue.compat.mmcv.attention_registries import (
    ATTENTION,
    FEEDFORWARD_NETWORK,
    POSITIONAL_ENCODING,
    TRANSFORMER_LAYER,
    TRANSFORMER_LAYER_SEQUENCE,
)
from segue.compat.mmcv.layers import FFN, build_dropout, build_norm_layer
from segue.compat.mmengine.modules import BaseModule, ModuleList
from segue.compat.mmengine.registry import build_from_cfg

LN: Mapping[str, Any] = {"type": "LN"}
NO_DROPOUT: Mapping[str, Any] = {"type": "Dropout", "drop_prob": 0.0}
FFN_CFG: Mapping[str, Any] = {"type": "FFN", "embed_dims": 256, "feedforward_channels": 1024, "num_fcs": 2}


@ATTENTION.register_module()
class MultiheadAttention(BaseModule):
    """`nn.MultiheadAttention` that adds positions to queries and keys, and its input to its output."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
        dropout_layer: Mapping[str, Any] | None = NO_DROPOUT,
        init_cfg: Any = None,
        batch_first: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(init_cfg)
        given = dict(dropout_layer) if dropout_layer else None
        if "dropout" in kwargs:  # of an early mmcv
            attn_drop = kwargs.pop("dropout")
            if given is not None:
                given["drop_prob"] = attn_drop
        self.embed_dims, self.num_heads, self.batch_first = embed_dims, num_heads, batch_first
        self.attn = nn.MultiheadAttention(embed_dims, num_heads, attn_drop, **kwargs)
        self.proj_drop = nn.Dropout(proj_drop)
        self.dropout_layer = build_dropout(given) if given else nn.Identity()

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        identity: Tensor | None = None,
        query_pos: Tensor | None = None,
        key_pos: Tensor | None = None,
        attn_mask: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Queries (N, B, C), or (B, N, C) with ``batch_first``, to the same."""
        key = query if key is None else key
        value = key if value is None else value
        identity = query if identity is None else identity
        if key_pos is None and query_pos is not None and query_pos.shape == key.shape:
            key_pos = query_pos
        query = query if query_pos is None else query + query_pos
        key = key if key_pos is None else key + key_pos
        given = [x.transpose(0, 1) if self.batch_first else x for x in (query, key, value)]
        out = self.attn(given[0], given[1], given[2], attn_mask=attn_mask, key_padding_mask=key_padding_mask)[0]
        out = out.transpose(0, 1) if self.batch_first else out
        return identity + self.dropout_layer(self.proj_drop(out))


def build_attention(cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None = None) -> Any:
    """An attention of ``ATTENTION`` or ``MODELS``."""
    importlib.import_module("segue.compat.mmcv.deformable")  # registers its own, which mmcv's users find there
    return build_from_cfg(cfg, ATTENTION, default_args)


def build_feedforward_network(cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None = None) -> Any:
    """A feed-forward network, such as FFN."""
    return build_from_cfg(cfg, FEEDFORWARD_NETWORK, default_args)


def build_positional_encoding(cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None = None) -> Any:
    """A position encoding."""
    return build_from_cfg(cfg, POSITIONAL_ENCODING, default_args)


def build_transformer_layer(cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None = None) -> Any:
    """A layer, such as `BaseTransformerLayer`."""
    return build_from_cfg(cfg, TRANSFORMER_LAYER, default_args)


def build_transformer_layer_sequence(cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None = None) -> Any:
    """A row of layers."""
    return build_from_cfg(cfg, TRANSFORMER_LAYER_SEQUENCE, default_args)


FEEDFORWARD_NETWORK.register_module(module=FFN)


@TRANSFORMER_LAYER.register_module()
class BaseTransformerLayer(BaseModule):
    """A layer of ``self_attn``, ``cross_attn``, ``norm`` and ``ffn`` in the given order."""

    def __init__(
        self,
        attn_cfgs: Any = None,
        ffn_cfgs: Any = FFN_CFG,
        operation_order: Sequence[str] | None = None,
        norm_cfg: Mapping[str, Any] = LN,
        init_cfg: Any = None,
        batch_first: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(init_cfg)
        order = tuple(operation_order or ())
        if set(order) - {"self_attn", "norm", "ffn", "cross_attn"}:
            raise AssertionError(f"operation_order={order}: of self_attn, norm, ffn and cross_attn")
        ffn_cfgs = [dict(x) for x in ffn_cfgs] if isinstance(ffn_cfgs, (list, tuple)) else dict(ffn_cfgs)
        for old, new in (("feedforward_channels", "feedforward_channels"), ("ffn_dropout", "ffn_drop"),
                         ("ffn_num_fcs", "num_fcs")):  # fmt: skip
            if old in kwargs and isinstance(ffn_cfgs, dict):  # arguments of an early mmcv
                ffn_cfgs[new] = kwargs.pop(old)
        count = order.count("self_attn") + order.count("cross_attn")
        attentions = [attn_cfgs] * count if isinstance(attn_cfgs, Mapping) else list(attn_cfgs or ())
        if len(attentions) != count:
            raise AssertionError(f"{len(attentions)} attn_cfgs for {count} attentions in operation_order={order}")
        self.batch_first, self.operation_order, self.num_attn = batch_first, order, count
        self.pre_norm = bool(order) and order[0] == "norm"
        self.attentions = ModuleList()
        for number, name in enumerate(name for name in order if name.endswith("attn")):
            cfg = dict(attentions[number])
            if cfg.setdefault("batch_first", batch_first) != batch_first:
                raise AssertionError(f"batch_first={cfg['batch_first']} of an attention, {batch_first} of its layer")
            attention = build_attention(cfg)
            attention.operation_name = name
            self.attentions.append(attention)
        width: Any = self.attentions[0].embed_dims
        self.embed_dims = width
        steps = order.count("ffn")
        chosen = [ffn_cfgs] * steps if isinstance(ffn_cfgs, dict) else ffn_cfgs
        if len(chosen) != steps:
            raise AssertionError(f"{len(chosen)} ffn_cfgs for {steps} in operation_order={order}")
        self.ffns = ModuleList()
        for cfg in copy.deepcopy(chosen):
            if cfg.setdefault("embed_dims", self.embed_dims) != self.embed_dims:
                if cfg is not None and "embed_dims" in FFN_CFG and cfg["embed_dims"] == FFN_CFG["embed_dims"]:
                    cfg["embed_dims"] = self.embed_dims
                else:
                    raise AssertionError(f"embed_dims={cfg['embed_dims']} of an FFN, {self.embed_dims} of attention")
            self.ffns.append(build_feedforward_network(cfg, {"type": "FFN"}))
        self.norms = ModuleList()
        for _ in range(order.count("norm")):
            self.norms.append(build_norm_layer(norm_cfg, width)[1])

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        query_pos: Tensor | None = None,
        key_pos: Tensor | None = None,
        attn_masks: Any = None,
        query_key_padding_mask: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Queries (N, B, C), or (B, N, C) with ``batch_first``, to the same; ``kwargs`` go to every attention."""
        if attn_masks is None or isinstance(attn_masks, Tensor):
            attn_masks = [copy.deepcopy(attn_masks) for _ in range(self.num_attn)]
        if len(attn_masks) != self.num_attn:
            raise AssertionError(f"{len(attn_masks)} attn_masks for {self.num_attn} attentions")
        identity = query
        attentions, norms, ffns = iter(zip(self.attentions, attn_masks, strict=True)), iter(self.norms), iter(self.ffns)
        for step in self.operation_order:
            if step == "norm":
                query = next(norms)(query)
                continue
            if step == "ffn":
                query = next(ffns)(query, identity if self.pre_norm else None)
                identity = query
                continue
            attention, mask = next(attentions)
            own = step == "self_attn"
            query = attention(
                query,
                query if own else key,
                query if own else value,
                identity if self.pre_norm else None,
                query_pos=query_pos,
                key_pos=query_pos if own else key_pos,
                attn_mask=mask,
                key_padding_mask=query_key_padding_mask if own else key_padding_mask,
                **kwargs,
            )
            identity = query
        return query


@TRANSFORMER_LAYER_SEQUENCE.register_module()
class TransformerLayerSequence(BaseModule):
    """``num_layers`` layers, of one config or of as many."""

    def __init__(self, transformerlayers: Any = None, num_layers: int | None = None, init_cfg: Any = None) -> None:
        super().__init__(init_cfg)
        if isinstance(transformerlayers, Mapping):
            transformerlayers = [copy.deepcopy(transformerlayers) for _ in range(num_layers or 0)]
        elif len(transformerlayers) != num_layers:
            raise AssertionError(f"{len(transformerlayers)} transformerlayers for num_layers={num_layers}")
        self.num_layers = num_layers
        self.layers = ModuleList()
        for cfg in transformerlayers:
            self.layers.append(build_transformer_layer(cfg))
        self.embed_dims, self.pre_norm = self.layers[0].embed_dims, self.layers[0].pre_norm

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        query_pos: Tensor | None = None,
        key_pos: Tensor | None = None,
        attn_masks: Any = None,
        query_key_padding_mask: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Queries through all layers."""
        for layer in self.layers:
            query = layer(
                query,
                key,
                value,
                query_pos=query_pos,
                key_pos=key_pos,
                attn_masks=attn_masks,
                query_key_padding_mask=query_key_padding_mask,
                key_padding_mask=key_padding_mask,
                **kwargs,
            )
        return query
