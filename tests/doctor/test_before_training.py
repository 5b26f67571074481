"""The cheap part of a check: evenly spread samples, warnings as lines, errors that are raised.

Oracle: `seeded.make_data`, and a list of a million pairs that all lead to its files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segue.config import Config
from segue.config.builder.build import build_dataset
from segue.doctor.before_training import MOST, check_before_training
from segue.errors import DataError, LabelError

from .seeded import FAULTS, make_data


def data_of(config: Path, split: str) -> tuple[str, Any]:
    key = f"{split}_dataloader.dataset"
    return key, build_dataset(Config.fromfile(config), key)


def test_data_in_order_say_nothing(tmp_path: Path) -> None:
    config = make_data(tmp_path)
    assert check_before_training({split: data_of(config, split) for split in ("train", "val")}) == []


def test_errors_of_files_and_of_labels_differ_in_kind(tmp_path: Path) -> None:
    config = make_data(tmp_path)
    FAULTS["truncated image"][1](tmp_path)
    with pytest.raises(DataError, match=r"train3\.png") as caught:
        check_before_training({"train": data_of(config, "train")})
    assert not isinstance(caught.value, LabelError)
    FAULTS["value out of range"][1](tmp_path)
    with pytest.raises(LabelError, match=r"(?s)^2 problems in the data:\n.*label_map=\{7: 255\}.*incomplete"):
        check_before_training({"train": data_of(config, "train")})


def test_of_a_million_pairs_as_few_are_looked_at(tmp_path: Path) -> None:
    key, data = data_of(make_data(tmp_path), "train")
    data.data_list = data.data_list * 170_000
    asked = []
    info = data.get_data_info
    data.get_data_info = lambda i: asked.append(i) or info(i)
    said = check_before_training({"train": (key, data)})
    assert len(asked) <= MOST and max(asked) > 1_000_000
    assert all("class" not in line for line in said)  # what is absent from a sample may be elsewhere


def test_data_that_are_no_files_are_passed_over() -> None:
    assert check_before_training({"train": ("train_dataloader.dataset", [1, 2, 3])}) == []
