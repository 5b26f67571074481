"""ONNX: one file, operators of the standard alone."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import torch

from segue.errors import InputError, MissingExtraError
from segue.export.graph import Graph, Traced, tracing
from segue.export.quiet import quiet
from segue.export.targets import KEY

LARGEST = 2**31 - 1  # bytes of one file, which protobuf sets
OPSETS = range(18, 24)
#: operators whose sums or exponentials leave the range of float16
FRAGILE = ["Softmax", "LogSoftmax", "ReduceMean", "ReduceSum", "ReduceL2", "Exp", "Pow", "Sqrt", "Reciprocal", "Div"]
FRAGILE += ["LayerNormalization", "InstanceNormalization", "GroupNormalization", "Resize", "Erf", "Gelu", "Range"]


def write_onnx(traced: Traced, graph: Graph, example: torch.Tensor, path: Path, opset: int, half: bool) -> None:
    """Write a traced model.

    Args:
        traced: of ``graph`` with ``example``.
        path: to write to.
        opset: version of the operators.
        half: compute in float16, but for the operators that leave its range; input and output stay float32.

    Raises:
        InputError: an opset that is not offered, operators outside the standard, or more than 2 GB.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        raise MissingExtraError(error.name or "onnx", "export", "segue export onnx") from error
    check_opset(opset)
    name = "labels" if graph.labels_out else "logits"  # coarse ones, too
    with tracing(graph), quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.onnx.export(
            traced.program, (example,), dynamo=True, opset_version=opset, input_names=["images"], output_names=[name],
            verbose=False, external_data=False,
        )  # fmt: skip
    assert made is not None
    proto = made.model_proto
    _name_axes(proto, graph, traced.free)
    if half:
        proto = _halved(proto)
    foreign = sorted({node.domain for node in proto.graph.node} - {"", "ai.onnx"})
    if foreign:
        raise InputError(f"the model needs operators that are not standard: {', '.join(foreign)}")
    if proto.ByteSize() > LARGEST:
        raise InputError(f"the model has {proto.ByteSize():,} bytes; one ONNX file holds {LARGEST:,}")
    onnx.save(proto, str(path))


def check_opset(opset: int) -> None:
    """Raise InputError for a version that torch does not write."""
    if opset not in OPSETS:
        raise InputError(f"--opset {opset}: torch writes {OPSETS.start} to {OPSETS.stop - 1}")


def put_notes(path: Path, text: str) -> None:
    """Put a certificate into an ONNX file."""
    import onnx

    proto = onnx.load(str(path))
    others = [note for note in proto.metadata_props if note.key != KEY]
    del proto.metadata_props[:]
    proto.metadata_props.extend(others)
    proto.metadata_props.add(key=KEY, value=text)
    onnx.save(proto, str(path))


def graph_hash(path: Path) -> str:
    """SHA-256 of an ONNX file without its certificate."""
    import onnx

    proto = onnx.load(str(path))
    others = [note for note in proto.metadata_props if note.key != KEY]
    del proto.metadata_props[:]
    proto.metadata_props.extend(others)
    return hashlib.sha256(proto.SerializeToString(deterministic=True)).hexdigest()


def disputed(path: Path) -> list[str]:
    """Operators of an ONNX file that runtimes compute differently."""
    import onnx

    proto = onnx.load(str(path))
    opset = next((entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")), 0)
    kinds = {node.op_type for node in proto.graph.node}
    return [f"GridSample of opset {opset}, which TensorRT computes wrongly"] if "GridSample" in kinds else []


def _name_axes(proto: Any, graph: Graph, free: tuple[str, ...]) -> None:
    """Call the free axes batch, height and width, at the input and, where they are the same, at the output."""
    places = {"batch": 0, "height": 1, "width": 2} if graph.uint8_input else {"batch": 0, "height": 2, "width": 3}
    axes = proto.graph.input[0].type.tensor_type.shape.dim
    new = {axes[places[name]].dim_param: name for name in free}
    for value in [*proto.graph.input, *proto.graph.output, *proto.graph.value_info]:
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param in new:
                axis.dim_param = new[axis.dim_param]


def _halved(proto: Any) -> Any:
    """The model in float16."""
    try:
        from onnxruntime.transformers.float16 import convert_float_to_float16
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "export", "--fp16") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constants that become 0 or infinite, which the certificate measures
        return convert_float_to_float16(proto, keep_io_types=True, op_block_list=FRAGILE)
