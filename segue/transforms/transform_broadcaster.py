"""TransformBroadcaster: the same transforms for every item of a list."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from segue.errors import InputError
from segue.transforms.compose import Transform
from segue.transforms.key_mapper import KeyMapper
from segue.types import Sample


class TransformBroadcaster(KeyMapper):
    """Apply ``transforms`` to each item of the lists under the mapped keys. Takes what they take.

    ``TransformBroadcaster([RandomFlip(0.5)], mapping={"img": ["before", "after"]}, share_random_params=True)`` flips
    both or none.

    Args:
        transforms: see `KeyMapper`, as the next four; without ``mapping`` every entry must be a list.
        mapping: {name inside: name outside}.
        remapping: {name inside: name outside} of the results.
        auto_remap: use ``mapping`` as ``remapping``.
        allow_nonexist_keys: leave out what the sample lacks.
        share_random_params: draw the same random numbers for all items.
    """

    def __init__(
        self,
        transforms: Sequence[Transform],
        mapping: Mapping[str, Any] | None = None,
        remapping: Mapping[str, Any] | None = None,
        auto_remap: bool | None = None,
        allow_nonexist_keys: bool = False,
        share_random_params: bool = False,
    ) -> None:
        super().__init__(transforms, mapping, remapping, auto_remap, allow_nonexist_keys)
        self.share_random_params = share_random_params

    def __call__(self, sample: Sample) -> Sample:
        """Take the lists apart, apply, and put them together."""
        inside = self.inner(sample)
        keys = list(self.mapping or inside)
        lengths = {key: len(inside[key]) for key in keys if isinstance(inside[key], Sequence)}
        if len(lengths) != len(keys) or len(set(lengths.values())) != 1 or not keys:
            kinds = ", ".join(f"{key}: {lengths.get(key, type(inside[key]).__name__)}" for key in keys)
            raise InputError(f"TransformBroadcaster: needs lists of one length, got {kinds}")
        results = []
        states = np.random.get_state(), random.getstate()
        for index in range(lengths[keys[0]]):
            if self.share_random_params:
                np.random.set_state(states[0])
                random.setstate(states[1])
            results.append(self.applied({**inside, **{key: inside[key][index] for key in keys}}))
        sample.update(self.outer({key: [result[key] for result in results] for key in results[0]}))
        return sample
