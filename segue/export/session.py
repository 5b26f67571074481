"""Files of exported models under the runtimes that run them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.errors import InputError, MissingExtraError
from segue.export.program import notes_of
from segue.export.quiet import quiet
from segue.export.targets import KEY, check_runs, suffix_of
from segue.system.near import near_path

SUFFIXES = {".onnx": "onnxruntime", ".xml": "openvino", ".pt2": "torch"}
#: what runs each kind of file
RUNS = {".onnx": ("onnxruntime", "openvino"), ".xml": ("openvino",), ".pt2": ("torch",)}


class Session(ABC):
    """A file that is ready to run.

    Attributes:
        path: of the file.
        shape: of its input; None where any size will do.
        version: of the runtime.
        notes: what stands in the file under ``KEY``.
    """

    path: Path
    shape: tuple[int | None, ...]
    version: str
    notes: str | None

    def compute(self, precision: str) -> None:
        """Compute in the precision of a certificate.

        Raises:
            InputError: the runtime or the processor does not.
        """
        if precision == "bfloat16":
            raise InputError(f"{self.version} does not compute in bfloat16 here; openvino does")

    @abstractmethod
    def run(self, images: np.ndarray) -> np.ndarray:
        """What the file makes of its input."""

    @abstractmethod
    def values(self, images: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Values within the graph, by name, as far as it has them."""


class OnnxSession(Session):
    """An ONNX file under ONNX Runtime, on the processor."""

    def __init__(self, path: str | Path) -> None:
        runtime = _onnxruntime()
        self.path, self.version = Path(path), f"onnxruntime {runtime.__version__}"
        self._session = self._opened(str(path))
        own = self._session.get_inputs()[0]
        self._name = own.name
        self.shape = tuple(size if isinstance(size, int) else None for size in own.shape)
        self.notes = self._session.get_modelmeta().custom_metadata_map.get(KEY)

    def run(self, images: np.ndarray) -> np.ndarray:
        """As in `Session`."""
        try:
            [found] = self._session.run(None, {self._name: images})
        except Exception as error:  # ONNX Runtime's own errors have no common class
            raise InputError(f"{self.path}: input {images.shape}: {_first(error)}") from error
        return np.asarray(found)

    def values(self, images: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        """As in `Session`."""
        onnx = _onnx()
        proto = onnx.load(str(self.path))
        there = {name for node in proto.graph.node for name in node.output}
        wanted = [name for name in dict.fromkeys(names) if name in there]
        if not wanted:
            return {}
        del proto.graph.output[:]
        proto.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in wanted)
        _prune(proto.graph, wanted)
        session = self._opened(proto.SerializeToString())
        try:
            found = session.run(wanted, {self._name: images})
        except Exception as error:  # as above
            raise InputError(f"{self.path}: input {images.shape}: {_first(error)}") from error
        return dict(zip(wanted, map(np.asarray, found), strict=True))

    def _opened(self, model: str | bytes) -> Any:
        runtime = _onnxruntime()
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        try:
            return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # as above
            raise _unreadable(self.path, "ONNX Runtime", error) from error


class OpenVINOSession(Session):
    """An OpenVINO or ONNX file under OpenVINO, on the processor, in float32 unless bfloat16 is asked for."""

    def __init__(self, path: str | Path) -> None:
        openvino = _openvino()
        self.path, self.version = Path(path), f"openvino {openvino.__version__.partition('-')[0]}"
        self._core = openvino.Core()
        self._precision = "f32"
        try:
            self._model = self._core.read_model(str(path))
        except Exception as error:  # OpenVINO raises RuntimeError and others
            raise _unreadable(self.path, "OpenVINO", error) from error
        self._ready: Any = None
        own = self._model.inputs[0].get_partial_shape()
        self.shape = tuple(size.get_length() if size.is_static else None for size in own)
        self.notes = self._notes()

    def compute(self, precision: str) -> None:
        """As in `Session`."""
        wanted = "bf16" if precision == "bfloat16" else "f32"
        if wanted == "bf16" and "BF16" not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise InputError("this processor does not compute in bfloat16; use fp32")
        if wanted != self._precision:
            self._precision, self._ready = wanted, None

    def _opened(self, model: Any) -> Any:
        try:
            return self._core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": self._precision})
        except Exception as error:  # as above
            raise _unreadable(self.path, "OpenVINO", error) from error

    def _notes(self) -> str | None:
        for place in ([KEY], ["framework", KEY]):
            if self._model.has_rt_info(place):
                return str(self._model.get_rt_info(place).astype(str))
        return None

    def run(self, images: np.ndarray) -> np.ndarray:
        """As in `Session`."""
        if self._ready is None:
            self._ready = self._opened(self._model)
        try:
            return np.array(self._ready([images])[0])
        except Exception as error:  # as above
            raise InputError(f"{self.path}: input {images.shape}: {_first(error)}") from error

    def values(self, images: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        """As in `Session`."""
        model = self._core.read_model(str(self.path))
        there = {name for op in model.get_ops() for output in op.outputs() for name in output.get_names()}
        wanted = [name for name in dict.fromkeys(names) if name in there]
        if not wanted:
            return {}
        taken = {name for output in model.outputs for name in output.get_names()}
        model.add_outputs([name for name in wanted if name not in taken])
        try:
            found = self._opened(model)([images])
        except Exception as error:  # as above
            raise InputError(f"{self.path}: input {images.shape}: {_first(error)}") from error
        return {name: np.array(found[name]) for name in wanted}


class TorchSession(Session):
    """A .pt2 file under torch, on the processor. Opening it runs what its author wrote."""

    def __init__(self, path: str | Path) -> None:
        self.path, self.version = Path(path), f"torch {torch.__version__}"
        self.notes = notes_of(self.path)
        try:
            with quiet():  # of a traceback that torch prints and then raises as another error
                program = torch.export.load(str(path))
        except Exception as error:  # torch raises many kinds
            raise _unreadable(self.path, f"torch {torch.__version__}", error.__context__ or error) from error
        seen = next(node for node in program.graph.nodes if node.name == "images").meta["val"].shape
        self.shape = tuple(size if isinstance(size, int) else None for size in seen)
        self._module = program.module()

    def run(self, images: np.ndarray) -> np.ndarray:
        """As in `Session`."""
        try:
            with torch.no_grad():
                return self._module(torch.from_numpy(images)).numpy()  # type: ignore[no-any-return]
        except (RuntimeError, AssertionError) as error:
            said = " ".join(str(error).split())[:200]
            raise InputError(f"{self.path}: input {images.shape}: torch.export: {said}") from error

    def values(self, images: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        """None are named."""
        return {}


def open_session(path: str | Path, runtime: str | None = None, *, trust: bool = False) -> Session:
    """A file under the runtime that its suffix names, or another one.

    Args:
        path: the file.
        runtime: one of `segue.export.targets.RUNTIMES`.
        trust: open a .pt2 file, whose reader runs what the file says.

    Raises:
        InputError: no such file, or one that no runtime here runs.
        MissingExtraError: the runtime is not installed.
    """
    path = Path(path)
    check_runs(path)
    if not path.is_file():
        raise InputError(f"{path}: {'is a folder' if path.is_dir() else f'no such file{near_path(path)}'}")
    suffix = suffix_of(path)
    own = SUFFIXES.get(suffix)
    if own is None:
        raise InputError(f"{path}: no exported model; there are: {', '.join(SUFFIXES)}")
    chosen = runtime or own
    if chosen not in RUNS[suffix]:
        raise InputError(f"runtime {chosen!r} does not run {path.name}; there are: {', '.join(RUNS[suffix])}")
    if not path.stat().st_size:
        raise InputError(f"{path}: is empty; copy it again")
    if suffix == ".xml" and not path.with_suffix(".bin").is_file():
        raise InputError(f"{path}: its weights are missing; {path.with_suffix('.bin').name} belongs beside it")
    if suffix == ".pt2":
        if not trust:
            raise InputError(
                f"{path}: torch's reader of .pt2 files runs what a file says; --trust-config opens one whose author "
                "you trust, and an .onnx file needs no trust"
            )
        return TorchSession(path)
    return OnnxSession(path) if chosen == "onnxruntime" else OpenVINOSession(path)


def _prune(graph: Any, wanted: Sequence[str]) -> None:
    """Leave out the nodes that some values do not need, which the runtime would compute all the same."""
    needed, kept = set(wanted), []
    for node in reversed(graph.node):
        if needed.isdisjoint(node.output):
            continue
        kept.append(node)
        needed.update(node.input)
        for attribute in node.attribute:
            needed.update(name for inner in attribute.g.node for name in inner.input)
    kept.reverse()
    nodes = [type(node).FromString(node.SerializeToString()) for node in kept]
    del graph.node[:]
    graph.node.extend(nodes)


def _unreadable(path: Path, runtime: str, error: BaseException) -> InputError:
    """Of a file that a runtime does not open."""
    return InputError(
        f"{path}: {runtime} cannot open it: it is no such file, damaged, or has operators that {runtime} lacks; copy "
        f"or export it again ({_first(error)[-200:]})"
    )


def _first(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "export", "an ONNX file") from error
    return onnx


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "export", "running an ONNX file") from error
    return onnxruntime


def _openvino() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise MissingExtraError("openvino", "export", "OpenVINO") from error
    return openvino
