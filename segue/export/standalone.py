"""A script that runs an exported file with numpy, Pillow and the runtime alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue.errors import InputError

TEXT = '''"""Segment images with {file}: python {script} IMAGE... ; writes IMAGE_labels.png and IMAGE_colors.png here.

Needs numpy, pillow and {runtime}, and nothing else. Written by segue export from the file's certificate.
"""
import sys
from pathlib import Path
import numpy as np
from PIL import Image

FILE = Path(__file__).with_name({file!r})
CLASSES = {classes!r}
PALETTE = np.array({palette!r}, np.uint8)
SCALE, KEEP_RATIO = {scale!r}, {keep!r}  # (width, height) of the network's input; None leaves images as they are
MEAN, STD, ORDER = np.array({mean!r}, np.float32), np.array({std!r}, np.float32), {order!r}
UINT8, LABELS, THRESHOLD, CORNERS = {uint8!r}, {labels!r}, {threshold!r}, {corners!r}


def resized(values, size, corners=False):
    """(H, W, C) bilinearly, without antialiasing, as OpenCV and torch do it."""
    for axis in (0, 1):
        count, pixels = values.shape[axis], np.arange(size[axis])
        place = (pixels + 0.5) * count / size[axis] - 0.5
        place = pixels * (count - 1) / max(size[axis] - 1, 1) if corners else np.clip(place, 0, count - 1)
        low = np.floor(place).astype(int)
        share = (place - low).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (-1, 1))
        above = np.take(values, np.minimum(low + 1, count - 1), axis)
        values = np.take(values, low, axis) * (1 - share) + above * share
    return values


def labels_of(image, run):
    """(H, W, 3) uint8 RGB to (H, W) labels."""
    whole = size = image.shape[:2]
    if SCALE:
        factor = min(max(SCALE) / max(size), min(SCALE) / min(size))
        size = (int(size[0] * factor + 0.5), int(size[1] * factor + 0.5)) if KEEP_RATIO else SCALE[::-1]
    if size != whole:
        image = np.rint(resized(image.astype(np.float32), size)).astype(np.uint8)
    if not UINT8:
        image = (image if ORDER == "RGB" else image[..., ::-1]).astype(np.float32)
        image = np.ascontiguousarray(((image - MEAN) / STD if MEAN.size else image).transpose(2, 0, 1))
    found = run(image[None])[0]
    if LABELS:
        return np.asarray(Image.fromarray(found.astype(np.uint8)).resize(whole[::-1], Image.NEAREST))
    found = resized(found.transpose(1, 2, 0), whole, CORNERS) if size != whole else found.transpose(1, 2, 0)
    return found.argmax(2) if THRESHOLD is None else 1 / (1 + np.exp(-found[..., 0])) > THRESHOLD


if __name__ == "__main__":
{open}
    if len({{Path(name).stem for name in sys.argv[1:]}}) < len(sys.argv) - 1:
        sys.exit("two images have one name, and so have their results: run them one after the other, from two folders")
    for name in sys.argv[1:]:
        labels = labels_of(np.asarray(Image.open(name).convert("RGB")), run).astype(np.uint8)
        for end, picture in (("labels", labels), ("colors", PALETTE[labels])):
            Image.fromarray(picture).save(f"{{Path(name).stem}}_{{end}}.png")
        print(name, {{CLASSES[i]: f"{{(labels == i).mean():.1%}}" for i in np.unique(labels)}})
'''
OPEN = {
    "onnx": """    import onnxruntime

    session = onnxruntime.InferenceSession(str(FILE), providers=["CPUExecutionProvider"])
    run = lambda images: session.run(None, {session.get_inputs()[0].name: images})[0]  # noqa: E731""",
    "openvino": """    import openvino

    model = openvino.compile_model(str(FILE), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    run = lambda images: model([images])[0]  # noqa: E731""",
}
#: steps of a pipeline that change nothing that the script would have to do
HARMLESS = ("LoadImageFromFile", "PackSegInputs", "LoadAnnotations")


def write_script(file: Path, facts: Mapping[str, Any]) -> Path:
    """Write ``FILE_run.py`` beside an exported file.

    Raises:
        InputError: the model's preprocessing or results are more than the script does.
    """
    if facts["target"] not in OPEN:
        raise InputError("--standalone: only for .onnx and .xml files; a .pt2 file runs under torch alone")
    scale, keep = _resize(facts)
    preparation, decides = facts["preprocessing"], facts["decides"]
    for wrong, what in (
        (preparation["padding"] is not None, "images are padded"),
        (facts["test"]["mode"] == "slide", "images are seen in windows (test_cfg mode='slide')"),
        (decides["multilabel"] or decides["depth"], "the results are no labels"),
        (len(facts["classes"]) > 256, "there are more than 256 classes"),
        (facts["input"]["shape"][3 if facts["input"]["uint8"] else 1] != 3, "images have other channels than three"),
    ):
        if wrong:
            raise InputError(f"--standalone: {what}, which the script does not do; use segue predict {file.name}")
    if not re.fullmatch(r"[\w. -]+", file.name):
        raise InputError(f"--standalone: {file.name!r} has signs that do not belong into a script; rename the file")
    script = file.with_name(f"{file.stem}_run.py")
    runtime = "onnxruntime" if facts["target"] == "onnx" else "openvino"
    text = TEXT.format(
        file=file.name,
        script=script.name,
        runtime=runtime,
        classes=list(facts["classes"]),
        palette=[list(color) for color in facts["palette"]],
        scale=scale,
        keep=keep,
        mean=preparation["mean"],
        std=preparation["std"],
        order=preparation["order"],
        uint8=facts["input"]["uint8"],
        labels=facts["output"] == "labels",
        threshold=decides["threshold"],
        corners=decides["align_corners"],
        open=OPEN[facts["target"]],
    )
    script.write_text(text, encoding="utf-8")
    return script


def _resize(facts: Mapping[str, Any]) -> tuple[tuple[int, int] | None, bool]:
    """The (width, height) that the pipeline resizes to, and whether it keeps the ratio.

    Raises:
        InputError: it has other steps.
    """
    scale, keep = None, False
    for step in facts["preprocessing"]["pipeline"]:
        kind = str(step.get("type", "")).rpartition(".")[2]
        if kind == "Resize" and isinstance(step.get("scale"), (list, tuple)) and scale is None:
            width, height = step["scale"]
            scale, keep = (int(width), int(height)), bool(step.get("keep_ratio", False))
            if step.get("interpolation", "bilinear") != "bilinear" or step.get("backend", "cv2") != "cv2":
                raise InputError(f"--standalone: {step}: the script resizes bilinearly, as OpenCV does")
        elif kind not in HARMLESS:
            raise InputError(f"--standalone: the test pipeline has {kind or step}, which the script does not do")
    return scale, keep
