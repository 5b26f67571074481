"""A depth model from data to pictures: trained, measured and predicted by the real commands, on a miniature of NYU.

Oracle: the generated rooms themselves, whose depth is one number per image that its color shows; values of the metric
are computed again from what ``segue predict`` writes.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import segue
from segue.cli import main
from tests.metrics.test_depth import eigen

CONFIG = """
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='DepthEstimator',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True, seg_pad_val=0, size=(64, 64)),
    backbone=dict(type='ResNet', depth=18, base_channels=16, stem_channels=16, norm_cfg=norm_cfg),
    decode_head=dict(
        type='VPDDepthHead', max_depth=10, in_channels=[16, 32, 64, 128], embed_dim=8, feature_dim=64,
        num_deconv_layers=1, num_deconv_filters=[8]),
    test_cfg=dict(mode='slide_flip', crop_size=(64, 64), stride=(32, 32)))
load = [dict(type='LoadImageFromFile'), dict(type='LoadDepthAnnotation', depth_rescale_factor=1e-3)]
pack = [dict(type='PackSegInputs', meta_keys=('img_path', 'depth_map_path', 'ori_shape', 'img_shape', 'pad_shape',
                                              'flip', 'flip_direction', 'category_id'))]
crop = [dict(type='RandomDepthMix', prob=0.25), dict(type='RandomFlip', prob=0.5),
        dict(type='RandomCrop', crop_size=(64, 64))]
test_pipeline = [load[0], dict(type='Resize', scale=(2000, 64), keep_ratio=True), load[1]] + pack
views = [[dict(type='RandomFlip', prob=p) for p in (0.0, 1.0)], [load[1]], pack]
tta_pipeline = [load[0], dict(type='TestTimeAug', transforms=views)]
loader = dict(batch_size=2, num_workers=0)
train_dataloader = dict(
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='NYUDataset', data_root='nyu', pipeline=load + crop + pack,
                 data_prefix=dict(img_path='images/train', depth_map_path='annotations/train')), **loader)
val_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='NYUDataset', data_root='nyu', pipeline=test_pipeline, test_mode=True,
                 data_prefix=dict(img_path='images/test', depth_map_path='annotations/test')), **loader)
test_dataloader = val_dataloader
val_evaluator = dict(type='DepthMetric', min_depth_eval=0.001, max_depth_eval=10.0)
test_evaluator = dict(val_evaluator, depth_metrics=['abs_rel', 'rmse', 'd1'], depth_scale_factor=1000)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.001))
param_scheduler = []
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2, save_best='rmse', rule='less'),
    logger=dict(type='LoggerHook', interval=1))
randomness = dict(seed=0)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images of 96 x 72 with their depths in millimeters, a border of which is missing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    for index in range(6):
        split = "train" if index < 4 else "test"
        depth = np.full((72, 96), 1000 * (index + 1), np.uint16)
        depth[:, 48:] += 500
        depth[:4] = 0
        for kind, end, array in (("images", "jpg", (depth // 40).astype(np.uint8)), ("annotations", "png", depth)):
            Path(f"nyu/{kind}/{split}").mkdir(parents=True, exist_ok=True)
            cv2.imwrite(f"nyu/{kind}/{split}/bathroom_{index:05d}.{end}", array)
    config = tmp_path / "depth.py"
    config.write_text(CONFIG)
    return config


def test_train_test_and_predict(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(project), "--work-dir", "run"]) == 0
    [weights] = Path("run").glob("best_rmse_*.safetensors")
    out = capsys.readouterr().out
    assert "measure" in out and "abs_rel" in out and "silog" in out

    assert main(["test", str(project), str(weights), "--work-dir", "measured", "--out", "tested"]) == 0
    found = json.loads(Path("measured/metrics.json").read_text())
    assert list(found) == ["abs_rel", "rmse", "d1"]

    assert main(["predict", str(weights), "nyu/images/test", "--out", "seen"]) == 0
    assert "2 maps and overlays in seen" in capsys.readouterr().out
    expected = []
    for name in ("bathroom_00004", "bathroom_00005"):
        seen = cv2.imread(f"seen/{name}.png", cv2.IMREAD_UNCHANGED)
        tested = cv2.imread(f"tested/{name}.png", cv2.IMREAD_UNCHANGED)
        truth = cv2.imread(f"nyu/annotations/test/{name}.png", cv2.IMREAD_UNCHANGED)
        assert seen.dtype == np.uint16 and seen.shape == (72, 96)
        assert np.abs(seen.astype(int) - tested).max() <= 1  # alone and in a batch of two, in whole millimeters
        assert cv2.imread(f"seen/{name}_overlay.png").shape == (72, 96, 3)
        expected.append(eigen(seen[truth > 0] / 1000, truth[truth > 0] / 1000))
    for key, value in found.items():
        assert value == pytest.approx(np.mean([one[key] for one in expected]), abs=1e-3)

    result = segue.load(weights).predict("nyu/images/test/bathroom_00004.jpg")
    assert result.depths.dtype == np.float32 and 0 < result.depths.min() <= result.depths.max() < 10
    assert sum(result.shares().values()) == pytest.approx(1)


def test_views_are_averaged(project: Path) -> None:
    predictor = segue.load(project)
    image = "nyu/images/test/bathroom_00004.jpg"
    one, mean = predictor.predict(image).depths, predictor.predict(image, tta=True).depths
    assert mean.shape == one.shape and not np.array_equal(mean, one)
    metrics = segue.evaluate(project, None, tta=True)
    assert 0 < metrics["rmse"] < 10


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "max_depth_eval=10.0)",
            "crop_type='nyu_crop')",
            "is (72, 96); crop_type='nyu_crop' is made for (480, 640)",
        ),
        (
            "type='DepthMetric', min_depth_eval=0.001, max_depth_eval=10.0",
            "type='IoUMetric'",
            "default_hooks.checkpoint.save_best: the validation has no metric 'rmse'",
        ),
        (
            "dict(type='Resize', scale=(2000, 64), keep_ratio=True), load[1]]",
            "load[1], dict(type='Resize', scale=(2000, 64), keep_ratio=True)]",
            "LoadDepthAnnotation comes after Resize in a test pipeline",
        ),
    ],
    ids=["crop", "metric", "order"],
)
def test_mistakes_are_named(
    project: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
) -> None:
    assert CONFIG.count(old) == 1
    project.write_text(CONFIG.replace(old, new))
    assert main(["train", str(project), "--work-dir", "run"]) == 1
    assert message in capsys.readouterr().err
