"""OpenVINO: an .xml of the graph and a .bin of the weights, from the ONNX form."""

from __future__ import annotations

import hashlib
from pathlib import Path

from segue.errors import MissingExtraError
from segue.export.targets import KEY


def write_openvino(onnx: Path, path: Path, half: bool, notes: str | None = None) -> None:
    """Convert an ONNX file; ``half`` stores the weights in float16, ``notes`` is the certificate."""
    try:
        import openvino
    except ImportError as error:
        raise MissingExtraError("openvino", "export", "segue export openvino") from error
    model = openvino.Core().read_model(str(onnx))  # convert_model does the same, and reports its use to its makers
    if notes is not None:
        model.set_rt_info(notes, [KEY])
    openvino.save_model(model, str(path), compress_to_fp16=half)


def weights_hash(path: Path) -> str:
    """SHA-256 of the .bin beside an .xml."""
    return hashlib.sha256(path.with_suffix(".bin").read_bytes()).hexdigest()
