"""Training batches in the order of a sampler of the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from segue.training.streams import Draw, TrainStream, mix


class OwnStream(TrainStream):
    """Draws in the order that ``order`` yields indices; when it ends, it starts over with the next epoch.

    The sampler itself deals with several processes, as mmengine's do; its ``set_epoch`` is called where it has one.
    """

    def __init__(
        self, order: Any, batch_size: int, seed: int, *, drop_last: bool, rank: int, start: int, stop: int
    ) -> None:
        size = max(len(order), 1)
        super().__init__(size, batch_size, seed, drop_last=drop_last, rank=rank, start=start, stop=stop)
        whole, rest = divmod(size, batch_size)
        self.epoch_length = whole if drop_last and whole else whole + bool(rest)
        self.order, self.drop_last = order, drop_last

    def __iter__(self) -> Iterator[list[Draw]]:
        number = epoch = position = 0
        while number < self.stop:
            if hasattr(self.order, "set_epoch"):
                self.order.set_epoch(epoch)
            batch: list[Draw] = []
            before = number
            for index in self.order:
                batch.append(Draw(int(index), mix(self.seed, 1, position, self.rank)))
                position += 1
                if len(batch) == self.batch_size:
                    if number >= self.start:
                        yield batch
                    batch, number = [], number + 1
                    if number == self.stop:
                        return
            if batch and (not self.drop_last or number == before):
                if number >= self.start:
                    yield batch
                number += 1
            if number == before:
                return  # an empty sampler
            epoch += 1
