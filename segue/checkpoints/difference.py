"""Weights that are published without others that may not be copied, those of DINOv3 (gated): as differences to them,
as EoMT's, or as a decoder alone, as PMT's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from segue.checkpoints.downloads.cache import digest, hash_in_name
from segue.checkpoints.foreign import candidates, dino
from segue.checkpoints.safe.reader import read
from segue.errors import CheckpointError

#: what a base may hold besides: of pretraining, or constants
UNUSED = re.compile(r"mask_token|rope_embed\..+|local_cls_norm\..+|blocks\.\d+\.attn\.qkv\.bias_mask")


def added(state: Mapping[str, Tensor], base: Path, prefix: str = "backbone.") -> dict[str, Tensor]:
    """``state`` with the weights of ``base`` added to those below ``prefix``; the others stay.

    Args:
        state: under Segue's names.
        base: a file of the encoder, under its authors' or transformers' names.
        prefix: of the encoder in ``state``.

    Raises:
        CheckpointError: ``base`` is another encoder's, or not the file that the hash in its name is of.
    """
    weights = encoder_in(base)
    wanted = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    odd = sorted(weights.keys() ^ wanted.keys()) or sorted(k for k in wanted if wanted[k].shape != weights[k].shape)
    if odd:
        raise CheckpointError(
            f"{base}: not the encoder that the differences are to: {len(odd)} of {len(wanted)} tensors are not in both "
            f"or have another shape, such as {odd[0]}"
        )
    sums = {prefix + key: (value.double() + weights[key].double()).float() for key, value in wanted.items()}
    return {**state, **sums}


def joined(state: Mapping[str, Tensor], base: Path, prefix: str = "backbone.") -> dict[str, Tensor]:
    """``state``, a decoder alone, with the weights of ``base`` below ``prefix``.

    Raises:
        CheckpointError: ``base`` is no encoder of the decoder's width, or there is one in ``state``.
    """
    if any(key.startswith(prefix) for key in state):
        raise CheckpointError(f"{base}: the weights have an encoder of their own: leave out --base")
    weights = encoder_in(base)
    token, queries = weights.get("cls_token"), state["decode_head.q.weight"]
    if token is None or token.shape[-1] != queries.shape[1]:
        width = "none" if token is None else token.shape[-1]
        raise CheckpointError(f"{base}: its tokens have {width} channels, the decoder's {queries.shape[1]}")
    return {**state, **{prefix + key: value for key, value in weights.items()}}


def encoder_in(base: Path) -> dict[str, Tensor]:
    """The weights of a DINO in a file, under Segue's names.

    Raises:
        CheckpointError: it is not the file that the hash in its name is of.
    """
    known = hash_in_name(base.name)
    if known and not digest(base).startswith(known):
        raise CheckpointError(f"{base}: its SHA-256 does not begin with {known}, as its name says: get it again")
    given = read(base).state_dict
    found = next(iter(candidates(given, dino.SOURCES)), None)
    names = found[0].convert(given, found[1]).state if found else given
    wrapper = found[1] if found else ""
    weights = {k.removeprefix(wrapper).replace("storage_tokens", "register_tokens"): v for k, v in names.items()}
    return {key: value for key, value in weights.items() if not UNUSED.fullmatch(key)}
