"""Short names: each of the published models has one; several meanings, and none, are errors that list what there is."""

from __future__ import annotations

import pytest

from segue.errors import ConfigError
from segue.recipes.compose import is_recipe_name
from segue.recipes.short import DEFAULT, heads, resolve, words


@pytest.mark.parametrize(
    ("short", "recipe"),
    [
        ("segformer_mit-b0", "segformer_mit-b0_8xb2-160k_ade20k-512x512"),
        ("SegFormer_MiT_b0", "segformer_mit-b0_8xb2-160k_ade20k-512x512"),
        ("unet", "unet-s5-d16_fcn_4xb4-160k_cityscapes-512x1024"),
        ("erfnet", "erfnet_fcn_4xb4-160k_cityscapes-512x1024"),
        ("pspnet_hr18s", "pspnet_hr18s_4xb4-80k_ade20k-512x512"),
        ("ocrnet_hr18s_4xb4-80k_ade20k-512x512", "ocrnet_hr18s_4xb4-80k_ade20k-512x512"),
    ],
)
def test_stands_for(short: str, recipe: str) -> None:
    chosen = resolve(short)
    assert chosen.recipe == recipe
    assert recipe in str(chosen) or short == recipe


def test_every_published_model_has_a_short_name() -> None:
    for head in heads():
        alike = [name for other, names in heads().items() if words(other) == words(head) for name in names]
        assert resolve(head).recipe in alike, head
    assert resolve(DEFAULT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pspnet", "is the beginning of several models: pspnet_r101-d8, .*; name one of them"),
        ("segfomer_mit-b0", "there is no model 'segfomer_mit-b0'; did you mean 'segformer_mit-b0'"),
        ("../x", "there is no model '../x'"),
        ("", "a model is named by its method and backbone"),
        (3, "a model is named by its method and backbone"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(text)


def test_what_it_resolves_to_is_a_recipe() -> None:
    assert all(is_recipe_name(resolve(head).recipe) for head in list(heads())[::20])
