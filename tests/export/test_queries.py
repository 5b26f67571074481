"""EoMT at sizes that are no multiples of its patches, with positions that are resized with antialiasing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from segue.config.builder.build import build_model
from segue.config.config import Config
from segue.inference.exported import export
from segue.inference.predictor import Predictor
from tests.export.extras import need

NORMAL = {"type": "SegDataPreProcessor", "mean": [0.0] * 3, "std": [255.0] * 3, "bgr_to_rgb": True}
BACKBONE = {
    "type": "DinoVisionTransformer",
    "arch": "dinov2-s-reg",
    "embed_dim": 32,
    "depth": 2,
    "num_heads": 2,
    "patch_size": 16,
    "img_size": 512,
}
MODEL = {
    "type": "EoMT",
    "data_preprocessor": NORMAL,
    "backbone": BACKBONE,
    "decode_head": {"type": "EoMTHead", "in_channels": 32, "num_classes": 3, "num_queries": 5},
    "num_blocks": 1,
}
PIPELINE = [{"type": "LoadImageFromFile"}, {"type": "PackSegInputs"}]


@pytest.mark.slow  # tracing takes some seconds
@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_eomt(tmp_path: Path, target: str) -> None:
    package = {"onnx": "onnxruntime"}.get(target, target)
    need("onnx", "onnxscript", package)
    model = build_model({"model": MODEL})
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.15)
    cfg = Config({"model": MODEL, "test_pipeline": PIPELINE})
    predictor = Predictor(model.eval(), cfg, ["a", "b", "c"], [[0, 0, 0]] * 3)
    made = export(predictor, target, tmp_path / {"onnx": "m.onnx", "openvino": "m.xml"}[target], size=(64, 96))
    assert made.good, made.certificate["reasons"]
    odd = [comparison.shape[2:] for comparison in made.comparisons if comparison.shape[2] % 16]
    assert len(odd) >= 2 and not made.skipped
