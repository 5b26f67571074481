"""More styles of user code than the twelve: heads of 0.x, cascades, samplers, classes derived from Segue's own."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

import segue.compat  # noqa: F401
from segue.config.builder.build import build_model
from segue.errors import ConfigError
from segue.recipes.open import read_config
from segue.training import Machine, train
from segue.types import Targets
from tests.compat.project.cases import base, fill


def run(cfg: Any, out: Path) -> list[dict[str, float]]:
    """Train two steps from filled weights and return the record of the hook."""
    cfg = read_config(cfg)
    weights = out / "weights.pth"
    torch.save({"state_dict": fill(build_model(cfg).state_dict())}, weights)
    cfg["load_from"] = str(weights)
    train(cfg, machine=Machine(accelerator="cpu", devices=1), console=Console(file=io.StringIO()))
    return json.loads((out / "record.json").read_text())["lines"]


@pytest.fixture
def cfg(user_data: Path, tmp_path: Path) -> dict[str, Any]:
    given = base(user_data, tmp_path)
    del given["custom_imports"]
    return given


@pytest.fixture
def usual(cfg: dict[str, Any], tmp_path: Path) -> list[dict[str, float]]:
    """Losses of Segue's own FCNHead on the same data: the oracle."""
    return run(copy.deepcopy(cfg), tmp_path)


def test_a_head_derived_from_segues(cfg: dict[str, Any], usual: Any, tmp_path: Path) -> None:
    from mmseg.models.decode_heads import FCNHead
    from mmseg.registry import MODELS

    @MODELS.register_module()
    class ScaledHead(FCNHead):
        def __init__(self, scale=1.0, **kwargs):
            super().__init__(**kwargs)
            self.scale = scale

        def forward(self, inputs):
            return super().forward(inputs) * self.scale

        def loss_by_feat(self, seg_logits, batch_data_samples):
            losses = super().loss_by_feat(seg_logits, batch_data_samples)
            losses["loss_twice"] = losses["loss_ce"]
            return losses

    cfg["model"]["decode_head"].update(type="ScaledHead", scale=1.0)
    lines = run(cfg, tmp_path)
    assert lines[0]["decode.loss_ce"] == pytest.approx(usual[0]["decode.loss_ce"])
    assert lines[0]["loss"] == pytest.approx(2 * usual[0]["loss"])


def test_a_head_of_0x(cfg: dict[str, Any], usual: Any, tmp_path: Path) -> None:
    """``losses(seg_logit, seg_label)`` overridden, registered in HEADS, blocks of mmcv."""
    from mmcv.cnn import ConvModule
    from mmseg.models.builder import HEADS
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead

    @HEADS.register_module()
    class OldHead(BaseDecodeHead):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.convs = nn.Sequential(
                ConvModule(self.in_channels, self.channels, 3, padding=1, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
            )

        def forward(self, inputs):
            return self.cls_seg(self.convs(self._transform_inputs(inputs)))

        def losses(self, seg_logit, seg_label):
            losses = super().losses(seg_logit, seg_label)
            losses["loss_labels"] = 0.0 * seg_logit.sum() + (seg_label == 0).float().mean()
            return losses

    head = cfg["model"]["decode_head"]
    del head["num_convs"], head["concat_input"]
    head["type"] = "OldHead"
    lines = run(cfg, tmp_path)
    assert lines[0]["decode.loss_ce"] == pytest.approx(usual[0]["decode.loss_ce"], rel=1e-5)  # the same weights
    assert lines[0]["loss"] == pytest.approx(lines[0]["decode.loss_ce"] + lines[0]["decode.loss_labels"], rel=1e-5)


def test_a_cascade_head(cfg: dict[str, Any], tmp_path: Path) -> None:
    from mmseg.models.decode_heads.cascade_decode_head import BaseCascadeDecodeHead
    from mmseg.registry import MODELS

    @MODELS.register_module()
    class RefineHead(BaseCascadeDecodeHead):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.mix = nn.Conv2d(self.in_channels + self.num_classes, self.channels, 1)

        def forward(self, inputs, prev_output):
            return self.cls_seg(self.mix(torch.cat([self._transform_inputs(inputs), prev_output], 1)))

    model = cfg["model"]
    first = model["decode_head"]
    second = {k: v for k, v in first.items() if k not in ("num_convs", "concat_input")} | dict(type="RefineHead")
    model.update(type="CascadeEncoderDecoder", num_stages=2, decode_head=[first, second])
    lines = run(cfg, tmp_path)
    total = lines[0]["decode_0.loss_ce"] + lines[0]["decode_1.loss_ce"]
    assert lines[0]["loss"] == pytest.approx(total, rel=1e-6)
    from mmseg.registry import MODELS as again

    own = again.build(read_config(cfg)["model"])  # the segmentor that scripts build: the same numbers
    own.load_state_dict(torch.load(tmp_path / "weights.pth")["state_dict"], strict=False)
    house = build_model(read_config(cfg))
    house.load_state_dict(own.state_dict())
    x, labels = torch.randn(2, 3, 64, 64), torch.randint(0, 3, (2, 64, 64))
    expected = house.loss(x, Targets(labels))
    found = own.loss(x, Targets(labels))
    assert {k: v.mean().item() for k, v in found.items()} == pytest.approx(
        {k: v.mean().item() for k, v in expected.items()}, rel=1e-4
    )


def test_a_pixel_sampler_in_both_kinds_of_heads(cfg: dict[str, Any], usual: Any, tmp_path: Path) -> None:
    from mmseg.registry import TASK_UTILS
    from mmseg.structures import BasePixelSampler

    seen = []

    @TASK_UTILS.register_module()
    class HalfSampler(BasePixelSampler):
        def __init__(self, context, factor=0.5):
            super().__init__()
            self.context, self.factor = context, factor

        def sample(self, seg_logit, seg_label):
            assert seg_label.shape[1] == 1 and self.context.ignore_index == 255
            seen.append(type(self.context.loss_decode).__name__)
            return torch.full_like(seg_label.squeeze(1), self.factor, dtype=torch.float32)

    cfg["model"]["decode_head"]["sampler"] = dict(type="HalfSampler", factor=0.25)
    lines = run(cfg, tmp_path)
    assert lines[0]["loss"] == pytest.approx(0.25 * usual[0]["loss"], rel=1e-5)
    assert set(seen) == {"CrossEntropyLoss"}


def test_a_segmentor_that_predicts_its_own_way(user_data: Path, cfg: dict[str, Any], tmp_path: Path) -> None:
    """Its ``postprocess_result`` is what validation measures."""
    from mmseg.models.segmentors import EncoderDecoder
    from mmseg.registry import MODELS

    @MODELS.register_module()
    class AllRoad(EncoderDecoder):
        def postprocess_result(self, seg_logits, data_samples=None):
            found = super().postprocess_result(seg_logits, data_samples)
            for sample in found:
                sample.pred_sem_seg.data.fill_(1)
            return found

    cfg["model"]["type"] = "AllRoad"
    loader = dict(batch_size=1, num_workers=0, sampler=dict(type="DefaultSampler", shuffle=False))
    cfg["val_dataloader"] = {**loader, "dataset": copy.deepcopy(cfg["train_dataloader"]["dataset"])}
    cfg["val_evaluator"] = dict(type="PixelErrors")
    cfg["val_cfg"] = dict(type="ValLoop")
    lines = run(cfg, tmp_path)
    import cv2

    masks = np.stack([cv2.imread(str(p), 0) for p in sorted((user_data / "ann").iterdir())])
    wrong = 100.0 * (masks[masks != 255] != 1).mean()
    assert lines[-1] == pytest.approx({"pix/error": wrong, "pix/images": 6})


def test_training_by_hand(cfg: dict[str, Any]) -> None:
    """A loop of one's own: ``train_step`` with an optimizer wrapper."""
    from mmengine.optim import build_optim_wrapper
    from mmengine.structures import PixelData
    from mmseg.registry import MODELS
    from mmseg.structures import SegDataSample
    from mmseg.utils import register_all_modules

    register_all_modules()
    model = MODELS.build(cfg["model"])
    misspelt = {**cfg["optim_wrapper"], "optimizer": dict(type="RMSProp", lr=0.1)}
    with pytest.raises(ConfigError, match=r"there is no optimizer 'RMSProp'; did you mean 'RMSprop'\?"):
        build_optim_wrapper(model, misspelt)
    with pytest.raises(KeyError, match=r"PSPHed is not in the model registry; did you mean 'PSPHead'\?"):
        MODELS.build(dict(type="PSPHed"))
    wrapper = build_optim_wrapper(model, cfg["optim_wrapper"])
    sample = SegDataSample(metainfo=dict(img_shape=(64, 64), ori_shape=(64, 64)))
    sample.gt_sem_seg = PixelData(data=torch.randint(0, 3, (1, 64, 64)))
    data = dict(inputs=[torch.randint(0, 255, (3, 64, 64), dtype=torch.uint8)] * 2, data_samples=[sample, sample])
    model.train()
    losses = [model.train_step(data, wrapper)["loss"].item() for _ in range(6)]
    assert losses[-1] < losses[0]
    prepared = model.data_preprocessor(data, True)
    assert model(**prepared, mode="loss").keys() == {"decode.loss_ce", "decode.acc_seg"}
    model.eval()
    assert model(prepared["inputs"], mode="tensor").shape == (2, 3, 2, 2)
    found = model.test_step(data)
    assert found[0].pred_sem_seg.data.shape == (1, 64, 64)


def test_an_unknown_argument_of_a_users_head_names_the_line(cfg: dict[str, Any], tmp_path: Path) -> None:
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead
    from mmseg.registry import MODELS

    @MODELS.register_module()
    class PlainHead(BaseDecodeHead):
        def forward(self, inputs):
            return self.cls_seg(inputs[-1])

    cfg["model"]["decode_head"]["type"] = "PlainHead"
    with pytest.raises(
        ConfigError, match=r"model\.decode_head: .*unexpected keyword argument 'num_convs'|concat_input"
    ):
        build_model(read_config(cfg))
