"""Names of mmseg 0.x. Oracle: the names that the published files of weights have."""

from __future__ import annotations

import pytest

from segue.cli import main
from segue.recipes import compose, is_recipe_name, published_weights
from segue.recipes.catalogue import entry
from segue.recipes.former import current_name, former_names

PAIRS = [
    ("pspnet_r50-d8_512x1024_40k_cityscapes", "pspnet_r50-d8_4xb2-40k_cityscapes-512x1024"),
    ("upernet_convnext_base_fp16_512x512_160k_ade20k", "convnext-base_upernet_8xb2-amp-160k_ade20k-512x512"),
    ("setr_vit-large_mla_8x1_768x768_80k_cityscapes", "setr_vit-l_mla_8xb1-80k_cityscapes-768x768"),
]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_an_old_name_is_the_recipe(old: str, new: str) -> None:
    assert current_name(old) == new and current_name(new) == new and current_name("other") == "other"
    assert compose(old).to_dict() == compose(new).to_dict() and compose(old).filename == old
    assert published_weights(old) == published_weights(new) is not None
    assert entry(old).metrics == entry(new).metrics != {}


def test_all_of_them_are_names() -> None:
    assert len(former_names()) > 580
    assert all(is_recipe_name(old) and not is_recipe_name(f"{old}x") for old in list(former_names())[::40])


def test_models_shows_what_is_published(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pspnet_r50-d8_512x1024_40k_cityscapes"]) == 0
    said = capsys.readouterr().out
    assert "mIoU 77.85" in said and "pspnet_r50-d8_512x1024_40k_cityscapes_20200605_003338-2966598c.pth" in said
