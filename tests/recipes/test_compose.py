"""``segue.recipes.compose``.

Oracle of data/digests.json: mmseg 1.2.2's own configs, resolved; written by ``tools/recipes.py --digests`` for every
name whose composed config equals the reference's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from segue.config import Config
from segue.errors import ConfigError
from segue.recipes import compose, is_recipe_name, recipe_names
from segue.recipes.compose import looks_like_name
from segue.recipes.deviations import DEVIATIONS
from tools.recipes import digest

DIGESTS = json.loads((Path(__file__).parent / "data" / "digests.json").read_text(encoding="utf-8"))
PSPNET = "pspnet_r50-d8_4xb2-40k_cityscapes-512x1024"


def test_every_name_equals_the_reference_or_is_listed() -> None:
    names = recipe_names()
    assert len(names) == 681
    assert set(names) == set(DIGESTS) | set(DEVIATIONS) and not set(DIGESTS) & set(DEVIATIONS)
    assert [name for name in DIGESTS if digest(compose(name).to_dict()) != DIGESTS[name]] == []


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("ann_r101-d8_4xb4-40k_voc12aug-512x512", "train_cfg.max_iters", 40000),
        ("beit-large_upernet_8xb1-amp-160k_ade20k-640x640", "train_cfg.max_iters", 160000),
        ("bisenetv2_fcn_4xb4-ohem-160k_cityscapes-1024x1024", "model.decode_head.sampler.type", "OHEMPixelSampler"),
        ("cgnet_fcn_4xb4-60k_cityscapes-680x680", "train_dataloader.batch_size", 4),
        ("fpn_r101_4xb4-160k_ade20k-512x512", "model.backbone.depth", 101),
        ("knet-s3_swin-l_upernet_8xb2-adamw-80k_ade20k-640x640", "train_pipeline.3.crop_size", (640, 640)),
        ("mae-base_upernet_8xb2-amp-160k_ade20k-512x512", "optim_wrapper.type", "AmpOptimWrapper"),
        ("mobilenet-v3-d8_lraspp_4xb4-320k_cityscapes-512x1024", "param_scheduler.0.end", 320000),
        ("ocrnet_r101-d8_8xb2-80k_cityscapes-512x1024", "param_scheduler.0.end", 80000),
        ("san-vit-b16_pascal_context-640x640", "model.decode_head.num_classes", 59),
        ("segmenter_vit-l_mask_8xb1-160k_ade20k-512x512", "model.test_cfg.crop_size", (512, 512)),
        ("swin-tiny-patch4-window7_upernet_1xb8-20k_levir-256x256", "model.data_preprocessor.std.5", 57.375),
        ("upernet_r18_4xb4-80k_ade20k-512x512", "model.data_preprocessor.size", (512, 512)),
        ("vit_deit-s16_upernet_8xb2-160k_ade20k-512x512", "param_scheduler.1.end", 160000),
    ],
)
def test_the_name_counts_where_the_reference_contradicts_it(name: str, key: str, value: object) -> None:
    """Oracle: the names."""
    node = compose(name)
    for part in key.split("."):
        node = node[int(part)] if part.isdigit() else node[part]
    assert node == value and name in DEVIATIONS


def test_names_that_the_reference_never_shipped() -> None:
    """Oracle: the parts of the name, and the classes of the datasets."""
    cfg = compose("deeplabv3plus_r34-d8_2xb3-amp-25k_potsdam-300x400")
    assert cfg.crop_size == (300, 400) and cfg.train_pipeline[3].crop_size == (300, 400)
    assert cfg.model.data_preprocessor.size == (300, 400)
    assert cfg.model.decode_head.num_classes == cfg.model.auxiliary_head.num_classes == 6
    assert cfg.model.decode_head.channels == 128 and cfg.model.auxiliary_head.in_channels == 256
    assert cfg.train_dataloader.batch_size == 3 and cfg.train_cfg.max_iters == 25000
    assert cfg.param_scheduler[0].end == 25000 and cfg.default_hooks.checkpoint.interval == 2500
    assert cfg.optim_wrapper == {
        "type": "AmpOptimWrapper",
        "loss_scale": 512.0,
        "optimizer": cfg.optim_wrapper.optimizer,
    }


def test_odd_crops_align_corners_and_slide() -> None:
    cfg = compose("danet_r50-d8_4xb2-40k_loveda-513x513")
    assert cfg.model.decode_head.align_corners and cfg.model.auxiliary_head.align_corners
    assert cfg.model.test_cfg == {"mode": "slide", "crop_size": (513, 513), "stride": (342, 342)}


def test_another_dataset_for_tests() -> None:
    cfg = compose("segformer_mit-b2_8xb1-160k_cityscapes-1024x1024_dark-zurich-1920x1080")
    assert cfg.val_dataloader.dataset.type == "CityscapesDataset"
    assert cfg.test_dataloader.dataset.type == "DarkZurichDataset"
    assert cfg.test_dataloader.dataset.pipeline[1].scale == (1920, 1080)


def test_flags_of_any_method() -> None:
    cfg = compose("ccnet_r50-d8_4xb2-ohem-ce-1.0-dice-0.5-40k_cityscapes-512x1024")
    assert cfg.model.decode_head.sampler == {"type": "OHEMPixelSampler", "thresh": 0.7, "min_kept": 10000}
    assert [(one.type, one.loss_weight) for one in cfg.model.decode_head.loss_decode] == [
        ("CrossEntropyLoss", 1.0),
        ("DiceLoss", 0.5),
    ]
    cfg = compose("ccnet_r50-d8_4xb2-adamw-80k_cityscapes-512x1024")
    assert cfg.optim_wrapper.optimizer.type == "AdamW" and cfg.param_scheduler[1].milestones == [60000, 72000]


def test_backbones_under_other_methods() -> None:
    assert compose("upernet_swin-t_8xb2-80k_ade20k-512x512").model.decode_head.in_channels == [96, 192, 384, 768]
    assert compose("pspnet_mobilenet-v2-d8_4xb2-80k_isaid").model.decode_head.in_channels == 320
    assert compose("acfnet_hr18_4xb2-40k_cityscapes-512x1024").model.decode_head[1].relation == "probability"
    assert compose("ocrnet-gt_hr18_4xb2-40k_cityscapes-512x1024").model.decode_head[1].regions == "ground_truth"
    assert compose("a2net_r50-d8_4xb2-40k_cityscapes-512x1024").model.decode_head.type == "A2Head"


def test_classes_chosen_from_a_datasets() -> None:
    cfg = compose("deeplabv3plus_r50-d8_4xb2-300k_mapillay_v1_65-1280x1280")
    assert len(cfg.train_dataloader.dataset.metainfo.classes) == cfg.model.decode_head.num_classes == 65
    cfg = compose("san-vit-b16_voc12aug-640x640")
    for part in cfg.train_dataloader.dataset.datasets:
        assert len(part.metainfo.classes) == cfg.model.decode_head.num_classes == 20


def test_a_composed_config_is_its_own() -> None:
    first = compose(PSPNET)
    first.model.backbone.depth = 18
    first.train_pipeline[0].type = "Other"
    assert compose(PSPNET).model.backbone.depth == 50
    assert first.train_dataloader.dataset.pipeline[0].type == "LoadImageFromFile"
    assert isinstance(first, Config) and first.filename == PSPNET


def test_what_is_a_name() -> None:
    assert is_recipe_name(PSPNET) and is_recipe_name("ocrnet_hr18_4xb2_potsdam") and is_recipe_name("voc")
    for text in ("", "_", "my_config", "pspnet", f"{PSPNET}.py", f"configs/{PSPNET}", "open-mmlab://resnet50_v1c"):
        assert not is_recipe_name(text), text
    assert not is_recipe_name("pspnet_r51-d8_4xb2-40k_cityscapes-512x1024")


def test_what_is_meant_as_a_name() -> None:
    assert looks_like_name(PSPNET) and looks_like_name("psnet_r50-d8_4xb2-40k_cityscapes-512x1024")
    assert looks_like_name("unet-s5-d16_fcn_4xb4-ce-1.0-dice-3.0-40k_drive-64x64")
    for text in ("my_config", "last.ckpt", "best_mIoU_iter_4000.pth", "runs/first_4xb2-40k", "open-mmlab://r_40k"):
        assert not looks_like_name(text), text


def test_depth_is_vpds() -> None:
    with pytest.raises(ConfigError, match="only vpd estimates depth, and only nyu has it"):
        compose("pspnet_r50-d8_4xb2-40k_nyu-480x480")


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from segue.recipes.catalogue import select; list(select());"
        "assert not {'torch', 'lightning', 'cv2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
