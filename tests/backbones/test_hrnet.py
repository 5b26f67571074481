"""HRNet: numbers from the goldens; sizes, freezing and messages here."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.hrnet import HRNet, StageOptions
from segue.errors import InputError
from tests.goldens_check import check_golden


def stages(**changes: StageOptions) -> dict[str, StageOptions]:
    """A small HRNet; ``stage3=...`` replaces one."""

    def stage(block: str, *widths: int) -> StageOptions:
        count = len(widths)
        return StageOptions(
            num_modules=1, num_branches=count, block=block, num_blocks=(1,) * count, num_channels=widths
        )

    return {
        "stage1": stage("BOTTLENECK", 8),
        "stage2": stage("BASIC", 4, 8),
        "stage3": stage("BASIC", 4, 8, 16),
        "stage4": stage("BASIC", 4, 8, 16, 32),
    } | changes


def test_numbers_of_the_reference() -> None:
    check_golden("fcn_hr18")


@pytest.mark.parametrize("size", [(64, 64), (97, 131), (33, 32)])
def test_branches_at_every_size(size: tuple[int, int]) -> None:
    """Branch i is at 1 / 2^(i + 2), rounded up."""
    features = HRNet(stages(), in_channels=2).eval()(torch.randn(1, 2, *size))
    assert [f.shape[1] for f in features] == [4, 8, 16, 32]
    for i, feature in enumerate(features):
        assert tuple(feature.shape[-2:]) == tuple(-(-n // 2 ** (i + 2)) for n in size)


def test_single_output() -> None:
    features = HRNet(stages(), multiscale_output=False).eval()(torch.randn(1, 3, 64, 64))
    assert [tuple(f.shape) for f in features] == [(1, 4, 16, 16)]


def test_frozen_stages() -> None:
    model = HRNet(stages(), frozen_stages=2).train()
    frozen = {name.split(".")[0] for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {"conv1", "bn1", "conv2", "bn2", "layer1", "transition1", "stage2", "transition2"}
    assert not model.stage2.training and model.stage3.training


def test_missing_stage() -> None:
    extra = stages()
    del extra["stage3"]
    with pytest.raises(InputError, match="extra has no stage3; it needs stage1 to stage4"):
        HRNet(extra)


def test_uneven_stage() -> None:
    bad = StageOptions(num_modules=1, num_branches=2, block="BASIC", num_blocks=(1,), num_channels=(4, 8))
    with pytest.raises(InputError, match="stage2 has num_branches=2, but 1 num_blocks and 2 num_channels"):
        HRNet(stages(stage2=bad))
