"""Where an ONNX file can go from here, for the targets whose tools are another company's."""

from __future__ import annotations

from pathlib import Path

from segue.errors import InputError, MissingExtraError

KEY = "segue"  # of the certificate within a file
#: what runs a file here
RUNTIMES = ("onnxruntime", "openvino", "torch")
#: by target: the package, how to get it, and the command that makes the file of an ONNX one
ELSEWHERE = {
    "tensorrt": (
        "tensorrt",
        "pip install tensorrt on the machine with the NVIDIA GPU",
        "trtexec --onnx=MODEL.onnx --saveEngine=MODEL.engine --minShapes=images:1x3xHxW --optShapes=images:1x3xHxW "
        "--maxShapes=images:4x3xHxW",
    ),
    "coreml": ("coremltools", "pip install coremltools", "coremltools.convert of segue export torch's .pt2 file"),
    "executorch": ("executorch", "pip install executorch", "executorch.exir.to_edge of segue export torch's .pt2 file"),
    "ncnn": ("pnnx", "pip install pnnx ncnn", "pnnx MODEL.onnx"),
}

#: by suffix: whose files Segue does not run
FOREIGN = {
    ".engine": "TensorRT", ".plan": "TensorRT", ".trt": "TensorRT", ".tflite": "TensorFlow Lite", ".pb": "TensorFlow",
    ".mlmodel": "Core ML", ".mlpackage": "Core ML", ".pte": "ExecuTorch", ".ptl": "PyTorch Mobile", ".param": "ncnn",
    ".mnn": "MNN", ".rknn": "RKNN", ".hef": "Hailo", ".om": "Ascend",
}  # fmt: skip


def suffix_of(path: object) -> str:
    """What a path ends in, in lower case, for ``MODEL.ONNX`` is the file that ``model.onnx`` is."""
    return Path(path).suffix.lower() if isinstance(path, (str, Path)) else ""


def check_runs(path: object) -> None:
    """Raise InputError for a file of a runtime that Segue does not run, which is no config either."""
    kind = FOREIGN.get(suffix_of(path))
    if kind is not None:
        raise InputError(
            f"{path}: a file of {kind}, which Segue does not run; it runs .onnx, .xml and .pt2. Name the file of segue "
            "export that it was made of, and compare the two where it runs, on the gold image of that one's certificate"
        )


def not_here(target: str) -> MissingExtraError:
    """What to do for a target that Segue does not write itself."""
    package, install, command = ELSEWHERE[target]
    remedy = (
        "Segue does not write it. Export to ONNX, check the file with segue verify, and convert it where "
        f"{target} runs: {install}; {command}. Compare the result with the ONNX file's gold image there"
    )
    return MissingExtraError(package, purpose=f"segue export {target}", remedy=remedy)
