"""``segue.recipes.catalogue``. Oracle of the facts: mmseg 1.2.2's metafiles."""

from __future__ import annotations

import pytest

from segue.errors import ConfigError
from segue.recipes import published_weights, recipe_names, today
from segue.recipes.catalogue import ABLATIONS, entry, select
from segue.recipes.former import FILE


def test_one_entry() -> None:
    found = entry("ocrnet_hr18_4xb2-160k_cityscapes-512x1024")
    assert (found.algorithm, found.backbone, found.data) == ("ocrnet", "hr18", "cityscapes")
    assert (found.crop, found.iters, found.gpus, found.batch) == ((512, 1024), 160000, 4, 2)
    assert found.metrics == {"mIoU": 79.47, "mIoU_ms": 80.91}
    assert found.paper == "Object-Contextual Representations for Semantic Segmentation"
    assert found.link == "https://arxiv.org/abs/1909.11065" and found.deviation is None


def test_weights() -> None:
    url = published_weights("ocrnet_hr18_4xb2-160k_cityscapes-512x1024")
    assert url is not None and url.startswith("https://") and url.endswith("_20200602_191001-b9172d0c.pth")
    assert published_weights("ocrnet_hr18_4xb2-10k_cityscapes-512x1024") is None
    assert sum(published_weights(name) is not None for name in recipe_names()) == 614


def test_a_name_that_is_not_published() -> None:
    found = entry("segformer_mit-b1_4xb3-10k_potsdam-512x512")
    assert found.metrics == {} and found.weights is None and found.paper is None and found.batch == 3


def test_what_the_method_decides() -> None:
    assert (entry("san-vit-b16_coco-stuff164k-640x640").iters, entry("segnext_mscan-t_ade20k").batch) == (60000, 16)


def test_selecting() -> None:
    assert len(list(select())) == 681 + len(ABLATIONS) + len(today.NAMES)
    found = list(select("OCRNet*", "cityscapes"))
    assert len(found) == 12 + len(ABLATIONS) and {one.data for one in found} == {"cityscapes"}
    assert {one.test_data for one in select("pspnet*", "night-driving")} == {"night-driving"}
    assert {one.data for one in select(data="voc12")} == {"voc12aug"}
    with pytest.raises(ConfigError, match="no recipe has the dataset 'imagenet'; there are ade20k"):
        list(select(data="imagenet"))


def test_the_reference_contradicts_itself() -> None:
    assert entry("fpn_r101_4xb4-160k_ade20k-512x512").deviation == "defines its model twice: it is a ResNet-50"


def test_the_file_stays_small() -> None:
    assert FILE.stat().st_size < 250_000
