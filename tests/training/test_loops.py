"""The loops of configs, and when they validate."""

from __future__ import annotations

import pytest

from segue.errors import ConfigError
from segue.training.loops import read_train_loop


def validations(node: dict, epoch_length: int = 5) -> list[int]:
    loop = read_train_loop(node, epoch_length)
    return [i for i in range(1, loop.max_iters + 1) if loop.validates_after(i)]


def test_iterations() -> None:
    assert validations({"type": "IterBasedTrainLoop", "max_iters": 10, "val_interval": 4}) == [4, 8, 10]


def test_val_begin_and_changing_intervals() -> None:
    node = {
        "type": "IterBasedTrainLoop",
        "max_iters": 12,
        "val_begin": 5,
        "val_interval": 4,
        "dynamic_intervals": [(9, 1)],
    }
    assert validations(node) == [8, 9, 10, 11, 12]


def test_epochs_end_where_the_data_does() -> None:
    assert validations({"type": "EpochBasedTrainLoop", "max_epochs": 3, "val_interval": 2}) == [10, 15]


def test_type_may_be_left_out() -> None:
    assert not read_train_loop({"by_epoch": False, "max_iters": 7}, 5).by_epoch
    assert read_train_loop({"max_epochs": 2}, 5).max_iters == 10


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (
            {"type": "IterBasedLoop", "max_iters": 1},
            "no training loop 'IterBasedLoop'; did you mean 'IterBasedTrainLoop'",
        ),
        ({"type": "IterBasedTrainLoop", "max_iter": 1}, "no argument 'max_iter'; did you mean 'max_iters'"),
        ({"type": "IterBasedTrainLoop", "max_iters": 0}, "a positive whole number is expected, got 0"),
    ],
)
def test_bad_loops_are_named(node: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_train_loop(node, 5)
    assert message in str(caught.value)
