"""The configs of examples/ and benchmarks/ that people start from: they are read, build, and end when they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.config.builder.build import build_model
from segue.recipes.open import read_config

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "name",
    [
        "examples/retina_vessels/unet_drive-128x128.py",
        "benchmarks/camvid/configs/small.py",
        "benchmarks/camvid/configs/best.py",
        "benchmarks/camvid/configs/dinov3_linear.py",
    ],
)
def test_config(name: str) -> None:
    if not (ROOT / name).exists():
        pytest.skip("installed without the repository")
    cfg = read_config(ROOT / name, ())
    model = build_model(cfg)
    assert model.num_classes == len(cfg["val_dataloader"]["dataset"].get("classes", range(11)))
    rise, fall = cfg["param_scheduler"]
    assert rise["end"] == fall["begin"] and fall["end"] == cfg["train_cfg"]["max_iters"]
