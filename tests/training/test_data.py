"""Streams and loaders: reproducible order and augmentation, resuming, sharding, and errors out of workers."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from segue.errors import ConfigError, DataError, LabelError
from segue.training.data import Workers, make_loader, read_loader
from segue.training.streams import EvaluationStream, TrainStream


class Noise:
    """Ten samples, each three random numbers from the three generators; index 7 may be broken."""

    def __init__(self, broken: bool = False, size: int = 10) -> None:
        self.broken = broken
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[int, float, float, float]:
        if self.broken and index == 7:
            raise LabelError("mask_7.png: values [99] are outside 0..2")
        return index, random.random(), float(np.random.rand()), float(torch.rand(()))


def collate(samples: list) -> dict:
    return {"samples": list(samples)}


def batches(stream: TrainStream | EvaluationStream, workers: int = 0, broken: bool = False) -> list:
    node = {"batch_size": 3, "num_workers": workers, "sampler": {"type": "InfiniteSampler"}}
    loader = make_loader(Noise(broken), stream, read_loader(node, "train_dataloader")[0], collate, Workers())
    try:
        return [batch["samples"] for batch in loader]
    finally:
        loader.close()


def indices(stream: TrainStream | EvaluationStream) -> list[list[int]]:
    return [[draw.index for draw in batch] for batch in stream]


def test_batches_do_not_depend_on_workers() -> None:
    """Oracle: the same stream read in the main process."""
    assert batches(TrainStream(10, 3, seed=5, stop=8)) == batches(TrainStream(10, 3, seed=5, stop=8), workers=2)


def test_reading_leaves_the_generators_alone() -> None:
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    expected = torch.rand(()), np.random.rand(), random.random()
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    batches(TrainStream(10, 3, seed=5, stop=3))
    assert (torch.rand(()), np.random.rand(), random.random()) == expected


@pytest.mark.parametrize("infinite", [True, False])
def test_start_in_the_middle_equals_the_tail(infinite: bool) -> None:
    whole = batches(TrainStream(10, 3, seed=1, infinite=infinite, stop=9))
    tail = TrainStream(10, 3, seed=1, infinite=infinite, start=5, stop=9)
    assert batches(tail) == whole[5:]


def test_every_pass_is_a_permutation_and_the_next_differs() -> None:
    drawn = [index for batch in indices(TrainStream(10, 5, seed=3, stop=4)) for index in batch]
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == list(range(10))
    assert drawn[:10] != drawn[10:]


def test_same_sample_is_augmented_anew_each_pass() -> None:
    first, second = batches(TrainStream(10, 10, seed=3, stop=2))
    assert {s[0]: s[1] for s in first} != {s[0]: s[1] for s in second}


def test_passes_of_the_default_sampler_end_with_their_own_batch() -> None:
    stream = TrainStream(10, 4, seed=0, infinite=False, stop=6)
    assert [len(batch) for batch in stream] == [4, 4, 2, 4, 4, 2]
    assert stream.epoch_length == 3
    assert TrainStream(10, 4, seed=0, infinite=False, drop_last=True).epoch_length == 2


@pytest.mark.parametrize("infinite", [True, False])
def test_processes_share_the_pass_between_them(infinite: bool) -> None:
    """Oracle: two processes with batches of 2 see what one process with batches of 4 sees."""
    one = indices(TrainStream(8, 4, seed=9, infinite=infinite, stop=2))
    a = indices(TrainStream(8, 2, seed=9, infinite=infinite, rank=0, world=2, stop=2))
    b = indices(TrainStream(8, 2, seed=9, infinite=infinite, rank=1, world=2, stop=2))
    assert [sorted(x + y) for x, y in zip(a, b, strict=True)] == [sorted(batch) for batch in one]


def test_evaluation_counts_every_sample_once() -> None:
    streams = [EvaluationStream(10, 2, rank=rank, world=4) for rank in range(4)]
    assert {len(list(stream)) for stream in streams} == {2}
    counted = [draw.index for stream in streams for batch in stream for draw in batch if draw.counted]
    assert sorted(counted) == list(range(10))


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_of_workers_arrive_as_they_were_raised(workers: int) -> None:
    with pytest.raises(LabelError) as caught:
        batches(TrainStream(10, 5, seed=0, stop=2), workers=workers, broken=True)
    assert str(caught.value) == "mask_7.png: values [99] are outside 0..2"


def test_empty_dataset_is_named() -> None:
    with pytest.raises(DataError, match="the dataset is empty: check data_root"):
        make_loader(Noise(size=0), EvaluationStream(0, 1), read_loader({}, "val_dataloader")[0], collate, Workers())


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (
            {"batchsize": 2},
            "train_dataloader.batchsize: LoaderSettings has no argument 'batchsize'; did you mean 'batch_size'",
        ),
        (
            {"sampler": {"type": "InfinitSampler"}},
            "there is no sampler 'InfinitSampler'; did you mean 'InfiniteSampler'",
        ),
        ({"batch_size": 0}, "batch_size=0"),
        ({"collate_fn": {"type": "my_collate"}}, "there is no function 'my_collate'; register yours"),
    ],
)
def test_bad_loaders_are_named(node: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_loader(node, "train_dataloader")
    assert message in str(caught.value)
