"""A small model with everything that exports go wrong in, exported once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from segue.checkpoints import save_weights
from segue.config import Config
from segue.config.builder.build import build_model
from segue.export.pictures import picture
from tests.export.extras import need

logging.getLogger("torch.__trace").propagate = False  # which pytest would make it write, at length

NORM = {"type": "BN"}
CLASSES = ["sky", "road", "car", "tree"]
PALETTE = [[10, 10, 200], [90, 90, 90], [200, 10, 10], [10, 200, 10]]
SIZE = (64, 96)


def config(root: Path) -> dict[str, Any]:
    """Pyramid pooling on two stages of a narrow ResNet; images in RGB with a mean of their own."""
    pipeline = [
        {"type": "LoadImageFromFile"},
        {"type": "Resize", "scale": (96, 64), "keep_ratio": True},
        {"type": "LoadAnnotations"},
        {"type": "PackSegInputs"},
    ]
    backbone = {"type": "ResNet", "depth": 18, "num_stages": 2, "strides": (1, 2), "dilations": (1, 1)}
    backbone |= {"base_channels": 4, "stem_channels": 4, "out_indices": (0, 1), "norm_cfg": NORM}
    head = {"type": "PSPHead", "in_channels": 8, "in_index": 1, "channels": 4, "pool_scales": (1, 2, 3)}
    head |= {"num_classes": len(CLASSES), "norm_cfg": NORM, "align_corners": False}
    prepare = {"type": "SegDataPreProcessor", "mean": [120.0, 110.0, 100.0], "std": [60.0, 58.0, 57.0]}
    dataset = {
        "type": "BaseSegDataset",
        "data_root": str(root),
        "data_prefix": {"img_path": "images", "seg_map_path": "masks"},
        "img_suffix": ".png",
        "seg_map_suffix": ".png",
        "metainfo": {"classes": CLASSES, "palette": PALETTE},
        "pipeline": pipeline,
    }
    return {
        "model": {
            "type": "EncoderDecoder",
            "data_preprocessor": prepare | {"bgr_to_rgb": True},
            "backbone": backbone,
            "decode_head": head,
            "test_cfg": {"mode": "whole"},
        },
        "test_pipeline": pipeline,
        "test_dataloader": {"batch_size": 1, "num_workers": 0, "dataset": dataset},
        "test_evaluator": {"type": "IoUMetric", "iou_metrics": ["mIoU"]},
        "test_cfg": {"type": "TestLoop"},
    }


@dataclass
class Project:
    """A config, weights that decide something, a photo and an exported file."""

    folder: Path
    config: Path
    weights: Path
    photo: Path

    @property
    def model(self) -> Any:
        """The model, in evaluation mode."""
        from segue.inference.load import load

        return load(self.config, self.weights)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The model's files."""
    folder = tmp_path_factory.mktemp("export")
    for name in ("images", "masks"):
        (folder / name).mkdir()
    cfg = Config(config(folder))
    (folder / "small.py").write_text(cfg.pretty_text, encoding="utf-8")
    torch.manual_seed(0)
    model: Any = build_model(cfg)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)  # residual branches begin with 0
    model.decode_head.conv_seg.weight.data.normal_(0, 0.5)
    save_weights(folder / "small.safetensors", model.state_dict())
    for index in range(2):
        cv2.imwrite(str(folder / "images" / f"{index}.png"), picture(80, 110, seed=20 + index))
        cv2.imwrite(str(folder / "masks" / f"{index}.png"), picture(80, 110, 1, seed=30 + index)[..., 0] // 64)
    return Project(folder, folder / "small.py", folder / "small.safetensors", folder / "images" / "0.png")


@pytest.fixture(scope="session")
def exported(project: Project) -> Path:
    """The model as an ONNX file that was certified."""
    need("onnx", "onnxscript", "onnxruntime")
    from segue.inference.exported import export

    made = export(project.model, "onnx", project.folder / "small.onnx", size=SIZE, images=[project.photo])
    assert made.good, made.certificate["reasons"]
    return made.file
