"""Files of runtimes that Segue does not run are named as such, wherever a model is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from segue.errors import InputError
from segue.export.session import open_session
from segue.inference.load import load
from segue.training.parts import load_trained


@pytest.mark.parametrize(
    ("name", "kind"), [("model.engine", "TensorRT"), ("model.TFLITE", "TensorFlow Lite"), ("model.pte", "ExecuTorch")]
)
def test_a_file_of_another_runtime(tmp_path: Path, name: str, kind: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"what it is made of")
    message = rf"{name}: a file of {kind}, which Segue does not run; it runs \.onnx, \.xml and \.pt2"
    for take in (
        load,
        open_session,
        lambda path: load("config.py", path),
        lambda path: load_trained(nn.Identity(), path),
    ):
        with pytest.raises(InputError, match=message):
            take(file)
