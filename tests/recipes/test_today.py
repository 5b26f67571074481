"""Recipes of DINOv2, DINOv3 and EoMT. Oracle: their authors' configs, as the papers and model zoos tell them."""

from __future__ import annotations

import pytest

from segue.config.builder.build import build_model, check
from segue.errors import ConfigError
from segue.recipes import compose, today
from segue.recipes.catalogue import entry, select
from segue.recipes.fitted import fit_recipe
from segue.recipes.short import resolve


def test_all_compose_and_fit_the_builder() -> None:
    assert {name: problems for name in today.NAMES if (problems := check(compose(name)))} == {}


@pytest.mark.parametrize(
    "name", ["dinov3-s_mask2former", "dinov3-convnext-t_linear", "dinov2-s-reg_dpt", "eomt_dinov2-s", "pmt_dinov2-s"]
)
def test_what_is_trained(name: str) -> None:
    model = build_model(compose(f"{name}_8xb2-40k_ade20k-512x512"))
    trained = [key for key, p in model.named_parameters() if p.requires_grad]
    encoder = [key for key in trained if key.startswith("backbone.")]
    assert bool(encoder) == ("eomt" in name) or all(key.startswith("backbone.norm") for key in encoder)
    assert len(trained) > len(encoder)


def test_eomt_as_published() -> None:
    cfg = compose("eomt_dinov3-l_4xb4_ade20k-512x512")
    assert cfg.train_cfg.max_iters == 20_208 and cfg.optim_wrapper.optimizer.lr == 2e-4
    assert cfg.model.annealing.starts == (0, 6520, 9780, 13040) and "paramwise_cfg" not in cfg.optim_wrapper
    assert cfg.optim_wrapper.clip_grad.max_norm == 0.01 and cfg.optim_wrapper.optimizer.weight_decay == 0.05
    assert cfg.model.test_cfg == {"mode": "slide", "crop_size": (512, 512), "stride": (512, 512), "even": True}
    older = compose("eomt_dinov2-l_4xb4_cityscapes-1024x1024")
    assert older.train_cfg.max_iters == 19_795 and older.model.backbone.img_size == 1024
    keys = older.optim_wrapper.paramwise_cfg.custom_keys
    assert keys["backbone.blocks.23."].lr_mult == 1 and keys["backbone.blocks.22."].lr_mult == 0.8
    assert keys["backbone.pos_embed"].lr_mult == keys["backbone.blocks.0."].lr_mult == 0.8**23
    assert older.model.backbone.arch == "dinov2-l-reg" and older.model.backbone.patch_size == 16


def test_other_lengths_data_and_bands_anneal_evenly() -> None:
    assert "annealing" not in compose("eomt_dinov3-l_4xb4-10k_ade20k-512x512").model
    assert "annealing" not in compose("eomt_dinov3-s_4xb4_voc12aug-512x512").model
    chosen = resolve("eomt_dinov3-s")
    fitted = fit_recipe(chosen.recipe, classes=4, in_channels=5, crop=(96, 96))
    assert "annealing" not in fitted.model and fitted.model["backbone"]["in_channels"] == 5
    assert fitted.model["decode_head"]["num_classes"] == 4
    assert fit_recipe(resolve("dinov2-s_upernet").recipe, classes=4).model["backbone"]["frozen"]


def test_numbers_licences_and_weights() -> None:
    found = {one.name: one for one in select("*dinov*")}
    assert {name for name in today.NAMES if "dino" in name} == set(found)
    one = entry("dinov3-b_linear_8xb2-40k_ade20k-512x512")
    assert one.metrics == {"mIoU": 51.8} and one.link == "https://arxiv.org/abs/2508.10104"
    assert "gated" in str(one.licence) and "Apache" in str(entry("dinov2-g_linear_8xb2-40k_ade20k-512x512").licence)
    assert entry("pspnet_r50-d8_4xb2-40k_cityscapes-512x1024").licence is None
    file = compose(one.name).model.backbone.init_cfg.checkpoint
    assert file == "pretrain/dinov3_vitb16_pretrain_lvd1689m-73cec8be.pth"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dinov3-x_linear_8xb2-40k_ade20k-512x512", r"unknown size 'x'.*s\+"),
        ("dinov3-b_dm_8xb2-40k_ade20k-512x512", "unknown head 'dm'.*linear"),
        ("dinov3-convnext-t_dpt_8xb2-40k_ade20k-512x512", "unknown head 'dpt'"),
        ("dinov3-b_8xb2-40k_ade20k-512x512", "is written dinov3_{size}_{head}, not"),
        ("eomt_r50_8xb2-40k_ade20k-512x512", "unknown backbone 'r50'.*dinov2-s"),
        ("eomt_dinov3-convnext-t_8xb2-40k_ade20k-512x512", "unknown backbone 'dinov3-convnext-t'"),
    ],
)
def test_messages(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose(name)


def test_pmt_as_published() -> None:
    """Oracle: the authors' config of ADE20K."""
    cfg = compose("pmt_dinov3-l_4xb4_ade20k-512x512")
    model, head = cfg.model, cfg.model.decode_head
    assert model.backbone.frozen and model.backbone.out_indices == (5, 11, 17, 23)
    assert (head.num_blocks, head.num_heads, head.mlp_channels, head.num_queries) == (6, 16, 1024, 100)
    assert model.annealing.starts[1:3] == (5384, 7403) and model.annealing.ends[-1] == 16_826
    assert cfg.train_cfg.max_iters == 20_208 and cfg.optim_wrapper.optimizer.lr == 2e-4
    assert cfg.optim_wrapper.clip_grad.max_norm == 0.01 and cfg.optim_wrapper.optimizer.weight_decay == 0.05
    assert model.test_cfg == {"mode": "slide", "crop_size": (512, 512), "stride": (512, 512), "even": True}
    entry_ = entry("pmt_dinov3-l_4xb4_ade20k-512x512")
    assert entry_.metrics == {"mIoU": 58.5} and "gated" in str(entry_.licence)
    small = compose("pmt_dinov3-s_4xb4-2k_ade20k-512x512")
    assert "annealing" not in small.model and small.model.backbone.out_indices == (2, 5, 8, 11)
    assert small.model.decode_head.num_heads == 6 and small.param_scheduler[0].end == 595
    assert compose("pmt_dinov2-b_4xb4_cityscapes-1024x1024").model.backbone.patch_size == 16
    assert "annealing" not in fit_recipe("pmt_dinov3-l_4xb4_ade20k-512x512", classes=4).model
    assert "annealing" not in fit_recipe("eomt_dinov3-l_4xb4_ade20k-512x512", classes=4).model
