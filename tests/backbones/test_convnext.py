"""ConvNeXt: numbers from the goldens; its variants against each other, freezing and messages here."""

from __future__ import annotations

import re

import pytest
import torch

from segue.backbones.convnext import ArchOptions, ConvNeXt, GlobalResponseNorm
from segue.checkpoints.foreign import candidates
from segue.errors import InputError
from tests.goldens_check import check_golden

TINY = ArchOptions(depths=(1, 1), channels=(8, 16))


def test_numbers_of_the_reference() -> None:
    check_golden("convnext_t")


def test_linear_layers_and_convolutions_agree() -> None:
    linear = ConvNeXt(TINY, out_indices=(0, 1), use_grn=True, layer_scale_init_value=0).eval()
    conv = ConvNeXt(TINY, out_indices=(0, 1), use_grn=True, layer_scale_init_value=0, linear_pw_conv=False).eval()
    for model in (linear, conv):
        for block in model.modules():
            if isinstance(block, GlobalResponseNorm):
                torch.nn.init.constant_(block.gamma, 0.7)
    shapes = {key: value.shape for key, value in conv.state_dict().items()}
    conv.load_state_dict({key: value.view(shapes[key]) for key, value in linear.state_dict().items()})
    x = torch.randn(1, 3, 40, 50)
    for a, b in zip(linear(x), conv(x), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_response_norm_by_hand() -> None:
    """Two channels of norms 3 and 1 have responses 1.5 and 0.5 (V2, algorithm 1)."""
    norm = GlobalResponseNorm(2)
    torch.nn.init.ones_(norm.gamma)
    x = torch.tensor([3.0, 1.0]).view(1, 1, 1, 2)
    assert torch.allclose(norm(x).flatten(), torch.tensor([3 * 1.5 + 3, 1 * 0.5 + 1]), atol=1e-5)


def test_frozen_stages_and_checkpointing() -> None:
    model = ConvNeXt(TINY, frozen_stages=1, with_cp=True).train()
    assert not model.stages[0].training and model.stages[1].training
    model(torch.randn(1, 3, 32, 32))[0].sum().backward()
    assert model.stages[0][0].gamma.grad is None and model.stages[1][0].gamma.grad is not None


def test_messages() -> None:
    with pytest.raises(InputError, match="arch='giant'; there are atto, femto"):
        ConvNeXt("giant")
    with pytest.raises(InputError, match="gap_before_final_norm=True gives vectors, not maps; set it to False"):
        ConvNeXt(gap_before_final_norm=True)
    with pytest.raises(InputError, match=r"out_indices=\(2,\)"):
        ConvNeXt(TINY, out_indices=(2,))


STAGE = {
    "depthwise_conv": "dwconv conv_dw",
    "pointwise_conv1": "pwconv1 mlp.fc1",
    "pointwise_conv2": "pwconv2 mlp.fc2",
}


@pytest.mark.parametrize("project", ["authors", "timm"])
def test_files_of_dinov3_load_strictly(project: str) -> None:
    """Keys of the authors (whose list of norms holds the last one again) and of timm 1.0.31; features: dino.json.gz."""
    model = ConvNeXt(ArchOptions(depths=(1, 2, 1, 1), channels=(8, 8, 16, 16)))
    theirs = {}
    for key, value in model.state_dict().items():
        for own, names in STAGE.items():
            key = key.replace(own, names.split()[project == "timm"])
        if project == "timm":
            key = re.sub(r"^stages\.(\d)\.", r"stages.\1.blocks.", key).replace("norm3", "head.norm")
            key = re.sub(r"^downsample_layers\.0", "stem", key)
            key = re.sub(r"^downsample_layers\.(\d)", r"stages.\1.downsample", key)
        theirs[key.replace("norm3", "norm")] = value
        if project == "authors" and key.startswith("norm3"):
            theirs[key.replace("norm3", "norms.3")] = value
    source, wrapper = next(iter(candidates(theirs)))
    model.load_state_dict(source.convert(theirs, wrapper).state)
