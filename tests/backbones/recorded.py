"""Backbones whose outputs were recorded from mmseg 1.2.2, at sizes and with arguments that no published model has.

``real_time_backbones.json.gz`` maps names to config, size, a checksum of the sorted state-dict keys, and
summaries of the outputs, with weights and image as in the models' goldens.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import torch

from segue.config.builder.build import build
from tests.goldens_check import goldens_tool


def check_backbone(name: str) -> None:
    """Build the backbone NAME; hold its keys and outputs to the recorded ones."""
    tool = goldens_tool()
    with gzip.open(Path(__file__).with_name("real_time_backbones.json.gz"), "rt", encoding="utf-8") as file:
        entry = json.load(file)[name]
    backbone = build({"backbone": entry["config"]}, "backbone", "backbones").eval()
    assert zlib.crc32("\n".join(sorted(backbone.state_dict())).encode()) == entry["keys"]
    tool.fill(backbone.state_dict())
    with torch.no_grad():
        outputs = backbone(tool.image(*entry["size"]))
    # The reference returns the auxiliary maps of DDRNet and PIDNet in training only, and no list otherwise.
    outputs = {"DDRNet": outputs[1:], "PIDNet": outputs[1:2]}.get(entry["config"]["type"], outputs)
    worst = [tool.deviation(out, golden) for out, golden in zip(outputs, entry["outputs"], strict=True)]
    assert max(worst) < 1e-4, worst
