"""int8 files by calibration: ONNX Runtime's own quantization, and NNCF for OpenVINO."""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import InputError, MissingExtraError
from segue.export.targets import KEY

#: operators with weights, the largest part of a model's time
HEAVY = ("Conv", "ConvTranspose", "Gemm", "MatMul")
#: operators that runtimes do in int8 between these
BETWEEN = ("Add", "AveragePool", "Concat", "GlobalAveragePool", "MaxPool", "Relu", "Mul")
HEAVY_OPENVINO = ("Convolution", "GroupConvolution", "ConvolutionBackpropData", "MatMul")


class OnnxQuantizer:
    """An ONNX file's operators with weights in int8, by the ranges of its values on some inputs.

    Args:
        file: in float32.
        feeds: inputs of the file.
        folder: for the ranges, which are measured once.

    Attributes:
        layers: names of the nodes with weights.
    """

    def __init__(self, file: Path, feeds: Sequence[np.ndarray], folder: Path) -> None:
        try:
            import onnx
            import onnxruntime.quantization  # noqa: F401
        except ImportError as error:
            raise MissingExtraError(error.name or "onnx", "export", "--int8") from error
        self._file, self._feeds, self._ranges = file, feeds, folder / "ranges.json"
        graph = onnx.load(str(file)).graph
        weights = {one.name for one in graph.initializer}
        self._input = graph.input[0].name
        self.layers = [n.name for n in graph.node if n.op_type in HEAVY and not weights.isdisjoint(n.input)]
        self._never = [n.name for n in graph.node if n.op_type in HEAVY and weights.isdisjoint(n.input)]

    def write(self, path: Path, kept: Sequence[str]) -> None:
        """As in `segue.export.sensitive.Quantizer`."""
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

        known = "calibration_cache_path" in inspect.signature(quantize_static).parameters
        cached = {"calibration_cache_path": self._ranges} if known else {}
        reader = None if cached and self._ranges.is_file() else _Reader(self._input, self._feeds)
        options = {"ActivationSymmetric": False, "WeightSymmetric": True, "MatMulConstBOnly": True}
        with _quiet():
            quantize_static(
                str(self._file),
                str(path),
                reader,
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=[*HEAVY, *BETWEEN],
                per_channel=True,
                reduce_range=True,  # 7 bits: sums of 8 overflow on processors without VNNI, without a word
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=[*kept, *self._never],
                calibrate_method=CalibrationMethod.MinMax,
                extra_options=options,
                **cached,
            )

    def finish(self, path: Path, notes: str) -> None:
        """Put the certificate into the file."""
        from segue.export.onnx import put_notes

        put_notes(path, notes)


class OpenVINOQuantizer:
    """An OpenVINO file through NNCF.

    Args:
        file: in float32.
        feeds: inputs of the file.

    Attributes:
        layers: names of the operations with weights.
    """

    def __init__(self, file: Path, feeds: Sequence[np.ndarray]) -> None:
        os.environ.setdefault("NNCF_CI", "1")  # without which NNCF reports its use to its makers
        try:
            import openvino

            with _quiet():
                import nncf
        except ImportError as error:
            advice = "pip install nncf, or export onnx --int8, which needs ONNX Runtime alone"
            raise MissingExtraError(
                error.name or "nncf", purpose="segue export openvino --int8", remedy=advice
            ) from error
        self._nncf, self._openvino, self._feeds = nncf, openvino, feeds
        self._core = openvino.Core()
        self._core.set_property({"ENABLE_MMAP": False})  # the file is written again
        self._file = file
        self._made: Any = None
        self.layers = [op.get_friendly_name() for op in self._read().get_ordered_ops() if self._heavy(op)]

    def _read(self) -> Any:
        return self._core.read_model(str(self._file))

    @staticmethod
    def _heavy(op: Any) -> bool:
        kinds = [op.input_value(i).get_node().get_type_name() for i in range(op.get_input_size())]
        return op.get_type_name() in HEAVY_OPENVINO and ("Constant" in kinds or "Convert" in kinds)

    def write(self, path: Path, kept: Sequence[str]) -> None:
        """As in `segue.export.sensitive.Quantizer`."""
        nncf = self._nncf
        ignored = nncf.IgnoredScope(names=list(kept), validate=False) if kept else None
        with _quiet():
            self._made = nncf.quantize(
                self._read(), nncf.Dataset(self._feeds), subset_size=len(self._feeds), ignored_scope=ignored,
                target_device=nncf.TargetDevice.CPU, preset=nncf.QuantizationPreset.MIXED,
            )  # fmt: skip
        self._openvino.save_model(self._made, str(path), compress_to_fp16=False)

    def finish(self, path: Path, notes: str) -> None:
        """Put the certificate into the file."""
        self._made.set_rt_info(notes, [KEY])
        self._openvino.save_model(self._made, str(path), compress_to_fp16=False)


def quantizer(target: str, file: Path, feeds: Sequence[np.ndarray], folder: Path) -> OnnxQuantizer | OpenVINOQuantizer:
    """Of a target.

    Raises:
        InputError: a target that has no int8, or no images.
        MissingExtraError: its package is missing.
    """
    if not feeds:
        raise InputError("--int8 needs --calibrate IMAGES: the ranges of a model's values are measured on them")
    if target == "onnx":
        return OnnxQuantizer(file, feeds, folder)
    if target == "openvino":
        return OpenVINOQuantizer(file, feeds)
    raise InputError(f"--int8: only onnx and openvino, not {target}")


class _Reader:
    """Inputs as ONNX Runtime's calibration takes them."""

    def __init__(self, name: str, feeds: Sequence[np.ndarray]) -> None:
        self._left = [{name: feed} for feed in feeds]

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next one, or None."""
        return self._left.pop(0) if self._left else None

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        return iter(self._left)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without advice to those who know the packages."""
    loggers = [logging.getLogger(name) for name in ("root", "nncf", "onnxruntime")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
