"""``segue.recipes.grammar``: what is read from a name, and what is said about a wrong one. Oracle: the names."""

from __future__ import annotations

import pytest

from segue.errors import ConfigError
from segue.recipes import compose
from segue.recipes.grammar import method_file, parse, stems


def test_the_parts_of_a_name() -> None:
    ask = parse("pspnet_r101-d8_4xb2-amp-80k_cityscapes-512x1024_dark-zurich-1920x1080")
    assert (ask.method, ask.parts) == ("pspnet", ("r101-d8",))
    assert (ask.gpus, ask.batch, ask.iters, ask.flags) == (4, 2, 80000, frozenset({"amp"}))
    assert (ask.data_stem, ask.crop, ask.test_stem, ask.test_scale) == (
        "cityscapes",
        (512, 1024),
        "dark_zurich",
        (1920, 1080),
    )


@pytest.mark.parametrize(
    ("name", "method", "parts", "data", "crop"),
    [
        ("unet-s5-d16_fcn_4xb4-40k_drive-64x64", "unet", ("s5-d16", "fcn"), "drive", (64, 64)),
        ("fcn-d6_r50-d16_4xb2-40k_cityscapes-769x769", "fcn", ("d6", "r50-d16"), "cityscapes", (769, 769)),
        ("stdc1_in1k-pre_4xb12-80k_cityscapes-512x1024", "stdc", ("1", "in1k-pre"), "cityscapes", (512, 1024)),
        ("fast_scnn_8xb4-160k_cityscapes-512x1024", "fast_scnn", (), "cityscapes", (512, 1024)),
        ("pidnet-s_2xb6-120k_1024x1024-cityscapes", "pidnet", ("s",), "cityscapes", (1024, 1024)),
        (
            "resnest_s101-d8_pspnet_4xb2-80k_cityscapes512x1024",
            "resnest",
            ("s101-d8", "pspnet"),
            "cityscapes",
            (512, 1024),
        ),
        ("san-vit-b16_pascal_context-640x640", "san", ("vit-b16",), "pascal_context", (640, 640)),
        ("mae-base_upernet_8xb2-amp-160k_ade20k-512x512-ms", "mae", ("base", "upernet"), "ade20k", (512, 512)),
        ("pspnet_r50-d8_4xb4-40k_pascal-context-59-480x480", "pspnet", ("r50-d8",), "pascal_context_59", (480, 480)),
        ("fpn_poolformer_s36_8x4_512x512_40k_ade20k", "fpn_poolformer", ("s36",), "ade20k", (512, 512)),
        ("pspnet_r50-d8_512x1024_40k_cityscapes", "pspnet", ("r50-d8",), "cityscapes", (512, 1024)),
        ("ocrnet_hr18_4xb2_voc12aug", "ocrnet", ("hr18",), "voc12aug", (512, 512)),
    ],
)
def test_names_of_all_shapes(name: str, method: str, parts: tuple[str, ...], data: str, crop: tuple[int, int]) -> None:
    ask = parse(name)
    assert (ask.method, ask.parts, ask.data_stem, ask.crop) == (method, parts, data, crop)


def test_losses_in_a_name() -> None:
    assert parse("unet-s5-d16_fcn_4xb4-ce-1.0-dice-3.0-40k_hrf-256x256").losses == {"ce": 1.0, "dice": 3.0}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("psnet_r50-d8_4xb2-40k_cityscapes-512x1024", "unknown algorithm 'psnet'; did you mean 'pspnet' or 'psanet'"),
        ("pspnet_r51-d8_4xb2-40k_cityscapes-512x1024", "unknown backbone 'r51-d8'; did you mean 'r50-d8'"),
        ("pspnet_r50-d8_4xb2-40_cityscapes-512x1024", "unknown schedule '40'; a schedule is thousands of iterations"),
        ("pspnet_r50-d8_4xb2-40k_cityscape-512x1024", "unknown dataset 'cityscape-512x1024'; did you mean 'cityscapes"),
        ("pspnet_r50-d8_4xb2-fp16-40k_cityscapes", "unknown setting 'fp16'; there are: amp, adamw, ohem"),
        ("pspnet_r50-d8_4xb2-40k_cityscapes_night", "unknown test dataset 'night'; did you mean 'night-driving'"),
        ("resnest_s101-d8_psp_4xb2-80k_cityscapes", "unknown method 'psp'; did you mean 'pspnet"),
        ("fastfcn_r50-d32_8xb2-40k_ade20k", "the method fastfcn is written fastfcn_{backbone}_{jpu}_{head}"),
        ("pspnet_r50-d8_4xb2-40k_night-driving", "night_driving has no images to train on"),
        ("pspnet_r50-d8_4xb2-40k_cityscapes-4x4", "a crop of 4 x 4 pixels is too small"),
        ("pspnet_r50-d8_4xb0-40k_cityscapes", "needs more than 0 images per GPU"),
        ("pspnet", "names no dataset; a name reads like pspnet_r50-d8_4xb2-40k_cityscapes-512x1024"),
        ("pspnet_r50-d8_4xb2-40k", "names no dataset"),
    ],
)
def test_the_wrong_part_is_named(name: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose(name)
    assert str(caught.value).startswith(f"{name}: ") and message in str(caught.value)


@pytest.mark.parametrize("stem", stems("methods"))
def test_every_method_has_a_recipe_or_a_head(stem: str) -> None:
    method = method_file(stem)
    assert hasattr(method, "recipe") or hasattr(method, "decode_head")
    assert (method.__doc__ and "http" in method.__doc__) or stem in ("fpn_poolformer",)


@pytest.mark.parametrize("stem", stems("methods"))
def test_wrong_components_are_explained(stem: str) -> None:
    """Nothing but a ConfigError, whatever stands between the method and the settings."""
    for parts in ("", "_x", "_x_y", "_x_y_z", "_r50-d8"):
        try:
            compose(f"{stem}{parts}_4xb2-40k_cityscapes-512x1024")
        except ConfigError as error:
            assert stem.replace("_", "") in str(error).replace("_", "")
