"""Weights that other projects publish, under Segue's names.

One file per family, each a table of rules (`rules.Rule`) and of the keys that give its weights away (`rules.Source`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor

from segue.checkpoints.foreign import (
    clip,
    cnn,
    dino,
    eomt,
    huggingface,
    huggingface_vit,
    mit,
    pmt,
    stdc,
    swin,
    twins,
    vit,
    vit_jax,
)
from segue.checkpoints.foreign.rules import Conversion, Source
from segue.errors import InputError

__all__ = ["SOURCES", "Conversion", "Source", "candidates", "named"]

SOURCES: tuple[Source, ...] = (
    *eomt.SOURCES,
    *pmt.SOURCES,
    *huggingface.SOURCES,
    *huggingface_vit.SOURCES,
    *clip.SOURCES,
    *swin.SOURCES,
    *mit.SOURCES,
    *twins.SOURCES,
    *stdc.SOURCES,
    *vit.SOURCES,
    *vit_jax.SOURCES,
    *cnn.SOURCES,
    *dino.SOURCES,
)

#: Names below which whole models or other wrappers keep what a source describes.
WRAPPERS = ("", "module.", "backbone.", "module.backbone.", "model.", "encoder.")


def candidates(state: Mapping[str, Tensor], sources: Sequence[Source] = SOURCES) -> Iterator[tuple[Source, str]]:
    """The sources whose keys the weights have, each with the wrapper below which they stand; the likeliest first."""
    for wrapper in WRAPPERS:
        keys = [key[len(wrapper) :] for key in state if key.startswith(wrapper)]
        for source in sources:
            if keys and source.recognizes(keys):
                yield source, wrapper


def named(name: str) -> tuple[Source, ...]:
    """The sources that ``--from NAME`` means: ``twins`` is ``twins-pcpvt`` and ``twins-svt``.

    Raises:
        InputError: there is none.
    """
    name = name.removesuffix("2mmseg")  # the reference's scripts
    found = tuple(s for s in SOURCES if s.name == name) or tuple(s for s in SOURCES if s.name.startswith(name))
    if not found or not name:
        raise InputError(f"--from {name}: there is no such source; there are {', '.join(s.name for s in SOURCES)}")
    return found
