"""Which names Segue has. Oracle: compat's own imports, which other tests cover."""

from __future__ import annotations

import importlib

from segue.migration.needs import component, installed, needs_of
from segue.migration.packages import Own
from segue.migration.source import read


def test_lacks_say_what_to_use() -> None:
    text = """
from mmcv.ops import point_sample, BezierAlign
from mmcv.cnn.bricks import BaseModule
from mmcv.tensorrt import onnx2trt
from mmdet.models import CrossEntropyLoss, Shared2FCBBoxHead
from mmseg.nowhere import Thing
import no_such_package, numpy, town.heads
try:
    import no_such_extra
except ImportError:
    pass
"""
    needs = needs_of(read("a.py", text), Own({"town"}))
    told = {need.item.full: (need.instead, need.target) for need in needs.lacks}
    assert "mmcv.ops.point_sample" not in told
    assert told["mmcv.ops.BezierAlign"][0].startswith("operators of detecting texts and turned boxes")
    assert told["mmcv.cnn.bricks.BaseModule"] == ("it is in mmengine.model", "mmengine.model.BaseModule")
    assert "torch.export" in told["mmcv.tensorrt.onnx2trt"][0]
    assert told["mmdet.models.CrossEntropyLoss"][0] == (
        "mmdet is not part of Segue; Segue's own is segue.losses.cross_entropy.CrossEntropyLoss"
    )
    assert told["mmdet.models.Shared2FCBBoxHead"][0] == (
        "mmdet is not part of Segue: install it, or replace what you use of it"
    )
    assert told["mmseg.nowhere.Thing"][0] == (
        "Segue has nothing of this name; copy what you need of it into your project"
    )
    assert [(p.name, p.when) for p in needs.packages] == [("no_such_package", "always"), ("no_such_extra", "tried")]


def test_targets_can_be_imported() -> None:
    """What an edit would write must exist, with the arguments of mmcv."""
    from inspect import signature

    module, _, name = "segue.layers.points.point_sample".rpartition(".")
    assert "align_corners" in signature(getattr(importlib.import_module(module), name)).parameters


def test_components_and_packages() -> None:
    assert component("PSPHead") == "segue.heads.psp.PSPHead"
    assert component("NoHead") == "" and component("a.b") == ""
    assert installed("numpy") and not installed("no_such_package")
