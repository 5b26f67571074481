"""Licences of the weights that recipes start from. Oracle: what the publishers state, as copied here."""

from __future__ import annotations

import json

import pytest

from segue.cli import main
from segue.recipes.catalogue import select
from segue.recipes.licences import UNKNOWN, allows_commerce, licence_of, licences


@pytest.mark.parametrize(
    ("source", "name", "commercial", "gated"),
    [
        ("pretrain/dinov3_vitb16_pretrain_lvd1689m-73cec8be.pth", "DINOv3 License", True, True),
        ("pretrain/mae_pretrain_vit_base_mmcls.pth", "CC BY-NC 4.0", False, False),
        ("https://x/segformer/mit_b5_20220624-658746d9.pth", "NVIDIA Source Code License for SegFormer", False, False),
        ("https://x/segnext/mscan_b_20230227-3ab7d230.pth", "Apache 2.0", False, False),
        ("open-mmlab://resnet50_v1c", "Apache 2.0", True, False),
        ("open-mmlab://contrib/mobilenet_v3_large", "not stated", None, False),
        ("https://example.org/mine.pth", "not stated", None, False),
        ("timm://efficientvit_b0.r224_in1k", "Apache 2.0", True, False),
    ],
)
def test_files(source: str, name: str, commercial: bool | None, gated: bool) -> None:
    found = licence_of(source)
    assert (found.name, found.commercial, found.gated) == (name, commercial, gated)


def test_all_of_a_recipes_files_decide() -> None:
    free, not_free = licence_of("open-mmlab://resnet50_v1c"), licence_of("mae_pretrain.pth")
    assert allows_commerce([]) is True and allows_commerce([free]) is True
    assert allows_commerce([free, not_free, UNKNOWN]) is False and allows_commerce([free, UNKNOWN]) is None
    assert str(licence_of("dinov3_x")).endswith("under its terms: accept it at https://ai.meta.com/dinov3")


def test_the_filter() -> None:
    """SegFormer's, MAE's and SegNeXt's weights are not for commerce; whoever starts from nothing is."""
    patterns = ("segformer*", "mae*", "segnext*", "upernet_r50*", "fast*scnn*", "dinov3-b_linear*")
    every = [one.name for pattern in patterns for one in select(pattern)]
    kept = [one.name for pattern in patterns for one in select(pattern, commercial=True)]
    assert set(kept) < set(every)
    assert {name.partition("_")[0].partition("-")[0] for name in kept} == {"upernet", "fast", "dinov3"}
    assert licences(next(name for name in kept if name.startswith("fast"))) == []
    light = [one.name for one in select("efficientvit*", commercial=True)]
    assert light and all(one.name == "Apache 2.0" for name in light for one in licences(name))


def test_every_source_of_the_catalogue_is_decided() -> None:
    """One of each family; unknown is what nobody states, and shrinks this list only."""
    unknown = {str(one.name) for one in select("mobilenet-v3*") if UNKNOWN in licences(one.name)}
    assert unknown == {one.name for one in select("mobilenet-v3*") if "scratch" not in one.name}


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "mae*", "--commercial"]) == 0
    said = capsys.readouterr().out
    assert "left out: 2 whose weights' licences forbid commercial use" in said and "data sets have terms" in said
    assert main(["models", "upernet_r50_4xb2-40k_cityscapes*", "--commercial", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert main(["models", "dinov3-s_linear_8xb2-40k_ade20k-512x512"]) == 0
    said = capsys.readouterr().out
    assert (
        "DINOv3 License, gated, commercial use allowed under its terms: accept it at https://ai.meta.com/dinov3" in said
    )
    assert main(["models", "fcn_r18-d8_1xb2-5k_potsdam-64x64", "--commercial"]) == 1
    assert "a whole name says its data and licences itself" in capsys.readouterr().err
