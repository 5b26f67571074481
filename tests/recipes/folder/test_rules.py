"""Each rule by a folder that it is about."""

from __future__ import annotations

from typing import Any

import pytest

from segue.doctor.pictures import Pictures
from segue.recipes.fitted import Fitted, fit_recipe
from segue.recipes.folder import rules
from segue.recipes.folder.facts import Facts


def facts(size: tuple[int, int] = (360, 480), **more: Any) -> Facts:
    """A folder of a hundred colour pictures of one size with two equal classes."""
    pictures = Pictures(2, 3, "uint8", False, "color", (), (), (size[0],) * 2, (size[1],) * 2)
    usual: dict[str, Any] = {"train": 100, "val": 20, "same": False, "classes": ("a", "b"), "pixels": (50, 50)}
    usual |= {"masks": (100, 100), "pictures": pictures, "cores": 2}
    return Facts(**{**usual, **more})


@pytest.mark.parametrize(
    ("size", "gpu", "expected"),
    [
        ((360, 480), None, (256, 256)),
        ((360, 480), 16.0, (352, 480)),
        ((2000, 3000), 16.0, (512, 512)),
        ((200, 700), None, (192, 256)),
        ((20, 20), None, (32, 32)),
    ],
)
def test_crop(size: tuple[int, int], gpu: float | None, expected: tuple[int, int]) -> None:
    assert rules.crop(facts(size, gpu=gpu), (512, 512)).value == expected


def test_batch() -> None:
    assert rules.batch(facts(), 16, (256, 256)).value == 4
    assert rules.batch(facts(), 16, (32, 32)).value == 8
    assert rules.batch(facts(gpu=80.0), 16, (512, 512)).value == 16
    assert rules.batch(facts(gpu=1.0), 16, (512, 512)).value == 2, "a batch of one has no variance"


def test_steps() -> None:
    assert rules.steps(facts(), 4).value == 2000
    assert rules.steps(facts(train=3), 4).value == 300
    assert rules.steps(facts(), 4, 77, "what fits").why == "what fits"


def test_scale_fills_the_crop() -> None:
    assert rules.scale(facts((256, 256)), (256, 256), 5000, 4).value == (1.0, 2.0)
    assert rules.scale(facts((1024, 1024)), (256, 256), 5000, 4).value == (0.5, 2.0)
    assert rules.scale(facts((1024, 1024)), (256, 256), 100, 4).value == (0.75, 1.5)


def test_few_images_that_come_again_are_augmented_even_in_a_short_training() -> None:
    short, few = facts((1024, 1024), train=100), facts((1024, 1024), train=2)
    assert rules.distortion(short, 60, 4).why == "left out below 2,000 steps and 20 passes over the images"
    assert rules.distortion(few, 60, 4).why == "as recipes have it: each image is seen 120 times"
    assert rules.scale(few, (256, 256), 60, 4).value == (0.5, 2.0)
    assert rules.distortion(facts(train=2), 9, 4).value is False, "18 passes"
    assert rules.distortion(facts(train=2), 10, 4).value is True, "20 passes"
    assert rules.distortion(facts(train=100_000), 2000, 4).why == "as recipes have it"


def test_weights_and_sampler() -> None:
    assert rules.weights(facts()).value is None
    assert rules.weights(facts(pixels=(990, 10))).value == "auto"
    assert rules.weights(facts(pixels=(990, 10), multilabel=True)).value is None
    many = {"classes": tuple("abcdefg"), "pixels": (990, 10, 9, 8, 7, 6, 5), "masks": (100,) * 7}
    assert rules.weights(facts(**many)).why == "7 classes: weights are for 6 at most"
    assert rules.weights(facts(pixels=(100, 0))).value is None, "a class that does not occur has no frequency"
    assert rules.sampler(facts()).value["type"] == "InfiniteSampler"
    assert rules.sampler(facts(masks=(100, 3))).value["type"] == "RareClassSampler"
    assert rules.sampler(facts(masks=(20, 1), train=20)).value["type"] == "InfiniteSampler"


def test_optimizer_from_scratch_learns_alike_everywhere() -> None:
    keys = {"norm": {"decay_mult": 0.0}, "head": {"lr_mult": 10.0}}
    optim = {"type": "OptimWrapper", "optimizer": {"type": "AdamW", "lr": 6e-5}, "paramwise_cfg": {"custom_keys": keys}}
    fitted = Fitted(recipe="r", model={}, optim=optim, batch=16, crop=(512, 512), power=1.0, weights=())
    scratch = rules.optimizer(facts(), fitted, 4, False).value
    assert scratch["optimizer"]["lr"] == 0.001
    assert scratch["paramwise_cfg"] == {"custom_keys": {"norm": {"decay_mult": 0.0}}}
    tuned = rules.optimizer(facts(), fitted, 4, True).value
    assert tuned["optimizer"]["lr"] == pytest.approx(3e-5), "the root of a quarter"
    assert tuned["paramwise_cfg"] == {"custom_keys": keys}
    assert optim["optimizer"]["lr"] == 6e-5, "the recipe's own is left as it is"


def test_schedule_ends_with_the_training() -> None:
    rise, fall = rules.schedule(1000, 1.0).value
    assert (rise["end"], fall["begin"], fall["end"], fall["eta_min"], fall["power"]) == (50, 50, 1000, 0.0, 1.0)


@pytest.mark.parametrize(
    ("recipe", "power"),
    [
        ("segformer_mit-b0_8xb2-160k_ade20k-512x512", 1.0),
        ("pspnet_r50-d8_4xb2-40k_cityscapes-512x1024", 0.9),
        ("mask2former_r50_8xb2-90k_cityscapes-512x1024", 0.9),
    ],
)
def test_the_rate_falls_as_in_the_recipe(recipe: str, power: float) -> None:
    assert fit_recipe(recipe, classes=2).power == power


def test_windows() -> None:
    assert rules.windows(facts(), (256, 256), {}).value == {"mode": "whole"}
    assert rules.windows(facts((2000, 3000)), (256, 256), {}).value["mode"] == "slide"
    assert rules.windows(facts(), (96, 96), {"mode": "slide"}).value == {
        "mode": "slide",
        "crop_size": (96, 96),
        "stride": (64, 64),
    }
