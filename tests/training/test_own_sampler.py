"""Batches in a user's sampler's order, worked by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from segue.config.builder.register import registered
from segue.training.data import read_loader
from segue.training.own_sampler import OwnStream


class Backwards:
    """4, 3, 2, 1, 0; the epoch is added."""

    def __init__(self, size: int = 5) -> None:
        self.size, self.epoch = size, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.size - 1 + 10 * self.epoch, 10 * self.epoch - 1, -1))


def indices(**changes: object) -> list[list[int]]:
    given = {"drop_last": False, "rank": 0, "start": 0, "stop": 5} | changes
    return [[draw.index for draw in batch] for batch in OwnStream(Backwards(), 2, 0, **given)]  # type: ignore[arg-type]


def test_batches_end_with_the_pass() -> None:
    assert indices() == [[4, 3], [2, 1], [0], [14, 13], [12, 11]]
    assert indices(drop_last=True) == [[4, 3], [2, 1], [14, 13], [12, 11], [24, 23]]


@pytest.mark.parametrize("start", range(6))
def test_a_resumed_run_continues_the_order(start: int) -> None:
    assert indices(start=start) == indices()[start:]
    whole = list(OwnStream(Backwards(), 2, 0, drop_last=False, rank=0, start=0, stop=5))
    assert list(OwnStream(Backwards(), 2, 0, drop_last=False, rank=0, start=start, stop=5)) == whole[start:]


def test_an_epoch_counts_the_incomplete_batch() -> None:
    stream = OwnStream(Backwards(), 2, 0, drop_last=False, rank=0, start=0, stop=1)
    assert stream.epoch_length == 3 and len(stream) == 1


def test_a_registered_sampler_is_made_with_dataset_and_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registered, "Own", lambda **given: given)
    _, sampler = read_loader({"batch_size": 2, "sampler": {"type": "Own", "step": 3}}, "train_dataloader")
    assert sampler.own is not None and sampler.own("data", 5) == {"dataset": "data", "seed": 5, "step": 3}
