"""Objects come back from a pickle as Python's own reader gives them, unless it holds more than data."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segue.checkpoints.safe.objects import read_object, write_object
from segue.errors import CheckpointError

DATA = {"a": [1, 2.5, None, "é", b"x"], "areas": (np.arange(6.0).reshape(2, 3), np.int64(3)), "b": OrderedDict(x=True)}


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_what_is_written_is_read(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "new" / "r.pkl"
    write_object(DATA, path, protocol=protocol)
    for found in (read_object(path), read_object(io.BytesIO(path.read_bytes())), pickle.loads(path.read_bytes())):
        assert found.keys() == DATA.keys() and found["a"] == DATA["a"] and found["b"] == DATA["b"]
        np.testing.assert_array_equal(found["areas"][0], DATA["areas"][0])
        assert found["areas"][1] == 3


@pytest.mark.parametrize(
    "value", [print, [CheckpointError("a")], {"a": {"b": torch.nn.ReLU}}, {"a": (torch.nn.ReLU(),)}]
)
def test_what_is_no_data_is_refused(value: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.pkl"
    path.write_bytes(pickle.dumps(value))
    with pytest.raises(CheckpointError, match=r"bad\.pkl"):
        read_object(path)


def test_a_file_that_ends_too_early(tmp_path: Path) -> None:
    path = tmp_path / "cut.pkl"
    path.write_bytes(pickle.dumps(DATA)[:-9])
    with pytest.raises(CheckpointError, match=r"cut\.pkl"):
        read_object(path)
