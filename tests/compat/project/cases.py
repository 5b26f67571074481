"""The configs that run the modules of ``custom.py``, the data they run on, and weights that depend on names only."""

from __future__ import annotations

import copy
import json
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

NORM = dict(type="BN", requires_grad=True)


def make_data(root: Path) -> None:
    """Six images (64, 64) of noise around a level per class, with masks; the file names of 1.x and of ``ann.json``."""
    for folder in ("img", "ann"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    names = [f"s{i}" for i in range(6)]
    for i, name in enumerate(names):
        rng = np.random.RandomState(i)
        mask = np.kron(rng.randint(0, 3, (4, 4)), np.ones((16, 16), int)).astype(np.uint8)
        image = np.clip(mask[..., None] * 80 + rng.randint(0, 60, (64, 64, 3)), 0, 255).astype(np.uint8)
        mask[rng.rand(64, 64) < 0.05] = 255
        cv2.imwrite(str(root / "img" / f"{name}.png"), image)
        cv2.imwrite(str(root / "ann" / f"{name}_mask.png"), mask)
    (root / "ann.json").write_text(json.dumps(dict(names=names)))


def fill(state: dict[str, Any]) -> dict[str, Any]:
    """Weights as a function of their names: what both toolboxes start from."""
    filled = {}
    for name, value in state.items():
        rng = np.random.RandomState(zlib.crc32(name.encode()))
        if not value.is_floating_point():
            filled[name] = value
        elif name.endswith("running_var"):
            filled[name] = torch.ones_like(value)
        elif value.ndim > 1:
            fan = value[0].numel()
            filled[name] = torch.from_numpy(rng.randn(*value.shape) / np.sqrt(fan)).float()
        else:
            base = 1.0 if name.endswith("weight") else 0.0
            filled[name] = torch.from_numpy(base + 0.1 * rng.randn(*value.shape)).float()
    return filled


def base(root: Path, out: Path) -> dict[str, Any]:
    pipeline = [dict(type="LoadImageFromFile"), dict(type="LoadAnnotations"), dict(type="PackSegInputs")]
    dataset = dict(
        type="BaseSegDataset",
        data_root=str(root),
        img_suffix=".png",
        seg_map_suffix="_mask.png",
        data_prefix=dict(img_path="img", seg_map_path="ann"),
        metainfo=dict(classes=("sky", "road", "tree"), palette=[[0, 0, 200], [90, 90, 90], [0, 150, 0]]),
        pipeline=pipeline,
    )
    head = dict(
        type="FCNHead",
        in_channels=32,
        in_index=3,
        channels=8,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0,
        num_classes=3,
        norm_cfg=NORM,
        align_corners=False,
        loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
    )
    return dict(
        default_scope="mmseg",
        custom_imports=dict(imports=["tests.compat.project.custom"], allow_failed_imports=False),
        model=dict(
            type="EncoderDecoder",
            data_preprocessor=dict(
                type="SegDataPreProcessor",
                mean=[120.0, 110.0, 100.0],
                std=[60.0, 60.0, 60.0],
                bgr_to_rgb=True,
                pad_val=0,
                seg_pad_val=255,
                size=(64, 64),
            ),
            backbone=dict(
                type="ResNet",
                depth=18,
                base_channels=4,
                stem_channels=4,
                norm_cfg=NORM,
                norm_eval=False,
                style="pytorch",
            ),
            decode_head=head,
            train_cfg=dict(),
            test_cfg=dict(mode="whole"),
        ),
        train_dataloader=dict(
            batch_size=2, num_workers=0, sampler=dict(type="InfiniteSampler", shuffle=False), dataset=dataset
        ),
        train_cfg=dict(type="IterBasedTrainLoop", max_iters=2, val_interval=2),
        optim_wrapper=dict(
            type="OptimWrapper", optimizer=dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=0.01), clip_grad=None
        ),
        default_hooks=dict(
            logger=dict(type="LoggerHook", interval=1, log_metric_by_epoch=False),
            checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=100),
        ),
        custom_hooks=[dict(type="RecordHook", out=str(out / "record.json"))],
        log_processor=dict(by_epoch=False),
        randomness=dict(seed=0),
        work_dir=str(out),
    )


def case(name: str, root: Path, out: Path) -> dict[str, Any]:
    """The config of one case."""
    cfg = base(root, out)
    model, loader = cfg["model"], cfg["train_dataloader"]
    head = model["decode_head"]
    tiny = dict(type="TinyNet", norm_cfg=NORM)
    if name == "head":
        del head["num_convs"], head["concat_input"]
        head.update(type="PyramidTinyHead", in_channels=[16, 32], in_index=[2, 3], pool_scales=(1, 2))
    elif name == "head_batch_norm":
        del head["num_convs"], head["concat_input"]
        head.update(type="GatedHead", freeze_bn=True, gate_cfg=dict(type="HSigmoid"))
    elif name == "loss":
        head["loss_decode"] = [
            dict(type="SmoothLoss", smoothing=0.2, loss_weight=0.7),
            dict(type="CrossEntropyLoss", loss_weight=0.3),
        ]
    elif name == "backbone":
        model["backbone"] = tiny
        head.update(in_channels=16, in_index=2)
    elif name == "transform":
        loader["dataset"]["pipeline"].insert(2, dict(type="BrightStripes", prob=1.0, shift=25))
    elif name == "metric":
        val = dict(batch_size=1, num_workers=0, sampler=dict(type="DefaultSampler", shuffle=False))
        cfg["val_dataloader"] = {**val, "dataset": copy.deepcopy(loader["dataset"])}
        cfg["val_evaluator"] = dict(type="PixelErrors")
        cfg["val_cfg"] = dict(type="ValLoop")
    elif name == "optimizer_constructor":
        cfg["optim_wrapper"].update(constructor="HeadFirstConstructor", paramwise_cfg=dict(head_factor=10.0))
    elif name == "segmentor":
        model.update(type="NoisySegmentor", scale=0.25)
        model["auxiliary_head"] = {**head, "in_channels": 16, "in_index": 2}
    elif name == "dataset":
        own = dict(type="ListedDataset", ann_file="ann.json")
        loader["dataset"] = {k: v for k, v in loader["dataset"].items() if "suffix" not in k and k != "metainfo"} | own
    elif name == "sampler":
        loader["sampler"] = dict(type="EvenFirstSampler", offset=1)
    elif name == "backend":
        cfg["vis_backends"] = [dict(type="LinesBackend", file="numbers.txt")]
        cfg["visualizer"] = dict(type="SegLocalVisualizer", vis_backends=cfg["vis_backends"], name=f"v_{out.name}")
    elif name != "hook":
        raise ValueError(name)
    return cfg


CASES = (
    "head",
    "head_batch_norm",
    "loss",
    "backbone",
    "transform",
    "metric",
    "hook",
    "optimizer_constructor",
    "segmentor",
    "dataset",
    "sampler",
    "backend",
)
