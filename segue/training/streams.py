"""What the n-th batch of a run holds, as a function of the seed and n.

A *stream* turns n into *draws* (index, seed). So a run can be continued at batch n without reading the batches before
it, and its batches do not depend on how many workers fetch them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Draw:
    """One sample to fetch; ``counted`` is False for a repeated one that only keeps processes in step."""

    index: int
    seed: int
    counted: bool = True


def mix(*parts: int) -> int:
    """One 63-bit seed from several numbers, well spread even where they are consecutive."""
    words = np.random.SeedSequence(parts).generate_state(2, np.uint32)
    return (int(words[0]) << 31) ^ int(words[1])


def seed_step(seed: int, number: int, rank: int) -> None:
    """Seed torch's, numpy's and Python's generators for iteration ``number``, from 0, of a process."""
    mixed = mix(seed, 2, number, rank)
    torch.manual_seed(mixed)
    np.random.seed(mixed % 2**32)
    random.seed(mixed)


class TrainStream:
    """Batches of draws without end, as a function of the batch's number.

    Args:
        size: samples of the dataset.
        batch_size: samples per process and batch.
        seed: of order and augmentation.
        infinite: passes follow each other without regard to batches; otherwise each pass ends with its own (possibly
            smaller) batch.
        shuffle: a new permutation each pass.
        drop_last: leave out a pass's incomplete batch.
        rank, world: this process and how many there are; their batches are disjoint.
        start, stop: the numbers of the first batch and of the end of iteration.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int,
        *,
        infinite: bool = True,
        shuffle: bool = True,
        drop_last: bool = False,
        rank: int = 0,
        world: int = 1,
        start: int = 0,
        stop: int = 0,
    ) -> None:
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.infinite, self.shuffle = infinite, shuffle
        self.rank, self.world = rank, world
        self.start, self.stop = start, stop
        per_rank = -(-size // world)
        whole, rest = divmod(per_rank, batch_size)
        self.per_rank = per_rank
        #: Batches of one pass over the data, rounded up.
        self.epoch_length = whole if drop_last and not infinite and whole else whole + bool(rest)
        self._pass: tuple[int, torch.Tensor] | None = None

    def batch(self, number: int) -> list[Draw]:
        """The draws of batch ``number`` in this process."""
        if self.infinite:
            slots = range(number * self.batch_size, (number + 1) * self.batch_size)
            positions = [slot * self.world + self.rank for slot in slots]
            return [self._draw(*divmod(position, self.size), position) for position in positions]
        turn, place = divmod(number, self.epoch_length)
        slots = range(place * self.batch_size, min((place + 1) * self.batch_size, self.per_rank))
        offsets = [slot * self.world + self.rank for slot in slots]
        padded = self.per_rank * self.world
        # past the end the pass starts over, so that every process has as many
        return [self._draw(turn, offset % self.size, turn * padded + offset) for offset in offsets]

    def _draw(self, turn: int, offset: int, position: int) -> Draw:
        return Draw(self._order(turn, offset), mix(self.seed, 1, position))

    def _order(self, turn: int, offset: int) -> int:
        if not self.shuffle:
            return offset
        if self._pass is None or self._pass[0] != turn:
            generator = torch.Generator().manual_seed(mix(self.seed, 0, turn))
            self._pass = turn, torch.randperm(self.size, generator=generator)
        return int(self._pass[1][offset])

    def __iter__(self) -> Iterator[list[Draw]]:
        for number in range(self.start, self.stop):
            yield self.batch(number)

    def __len__(self) -> int:
        return self.stop - self.start


class EvaluationStream:
    """Every sample once, in order, dealt out to the processes; the short hands are filled up with uncounted draws."""

    def __init__(self, size: int, batch_size: int, *, rank: int = 0, world: int = 1) -> None:
        self.size, self.batch_size, self.rank, self.world = size, batch_size, rank, world
        self.per_rank = -(-size // world)

    def __iter__(self) -> Iterator[list[Draw]]:
        for begin in range(0, self.per_rank, self.batch_size):
            slots = range(begin, min(begin + self.batch_size, self.per_rank))
            places = [slot * self.world + self.rank for slot in slots]
            yield [Draw(place % self.size, mix(place), counted=place < self.size) for place in places]

    def __len__(self) -> int:
        return -(-self.per_rank // self.batch_size)
