"""A recipe's model with other classes and bands."""

from __future__ import annotations

import pytest

from segue.config.builder.build import build_model
from segue.errors import ConfigError, InputError
from segue.recipes.fitted import config_of, fit_recipe, without_weights

SMALL = "fast_scnn_8xb4-160k_cityscapes-512x1024"


@pytest.mark.parametrize(
    "recipe", [SMALL, "cgnet_fcn_4xb4-60k_cityscapes-680x680", "stdc1_4xb12-80k_cityscapes-512x1024"]
)
def test_classes_and_bands(recipe: str) -> None:
    fitted = fit_recipe(recipe, classes=4, in_channels=5, crop=(64, 64))
    model = build_model(config_of(fitted))
    assert model.num_classes == 4
    assert next(p for p in model.backbone.parameters() if p.ndim == 4).shape[1] == 5
    assert len(fitted.model["data_preprocessor"]["mean"]) == 5
    assert fitted.model["data_preprocessor"]["bgr_to_rgb"] is False


def test_losses_of_masks_follow_the_classes() -> None:
    head = fit_recipe("mask2former_r50_8xb2-160k_ade20k-512x512", classes=4).model["decode_head"]
    assert head["num_classes"] == 4
    assert len(head["loss_cls"]["class_weight"]) == 5


def test_without_weights() -> None:
    fitted = fit_recipe("pspnet_r50-d8_4xb4-160k_ade20k-512x512", classes=2)
    assert [source.checkpoint for source in fitted.weights] == ["open-mmlab://resnet50_v1c"]
    assert without_weights(fitted.model)["pretrained"] is None
    init = fit_recipe("segformer_mit-b0_8xb2-160k_ade20k-512x512", classes=2)
    assert init.weights
    assert "init_cfg" not in without_weights(init.model)["backbone"]


@pytest.mark.parametrize(("classes", "bands"), [(0, 3), (True, 3), ("4", 3), (2, 0), (2, 1.5)])
def test_numbers_that_cannot_be(classes: int, bands: int) -> None:
    with pytest.raises(InputError, match="a whole number from 1 on is expected"):
        fit_recipe(SMALL, classes=classes, in_channels=bands)


@pytest.mark.parametrize("recipe", ["san-vit-b16_coco-stuff164k-640x640", "vpd_sd_4xb8-25k_nyu-480x480"])
def test_methods_for_one_thing(recipe: str) -> None:
    with pytest.raises(ConfigError, match="cannot be fitted to other data"):
        fit_recipe(recipe, classes=2)
