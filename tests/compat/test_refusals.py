"""Refusals at mmseg's names are of the kinds that its users catch. Which ones: mmseg 1.2.2's."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import torch

from segue.compat.refusals import KINDS, as_there
from segue.errors import ConfigError, InputError, SegueError

HEAD = {"in_channels": 8, "channels": 4, "num_classes": 3}
#: what the reference raises, for arguments of a model
MODELS: list[tuple[type[Exception], str, dict[str, Any]]] = [
    (TypeError, "FCNHead", {"in_channels": 8, "channels": 4}),
    (AssertionError, "FCNHead", HEAD | {"in_channels": [8, 4]}),
    (AssertionError, "FCNHead", HEAD | {"num_convs": -1}),
    (TypeError, "FCNHead", HEAD | {"foo": 1}),
    (ValueError, "FCNHead", HEAD | {"out_channels": 2}),
    (TypeError, "FCNHead", HEAD | {"loss_decode": "x"}),
    (AssertionError, "PSPHead", HEAD | {"pool_scales": 2}),
    (KeyError, "ResNet", {"depth": 20}),
    (AssertionError, "ResNet", {"depth": 50, "num_stages": 5}),
    (AssertionError, "FPN", {"in_channels": 8, "out_channels": 4, "num_outs": 2}),
    (AssertionError, "SwinTransformer", {"pretrain_img_size": (224, 224, 224)}),
    (AssertionError, "VisionTransformer", {"img_size": (1, 2, 3)}),
    (TypeError, "VisionTransformer", {"out_indices": {}}),
    (TypeError, "ICNet", {"backbone_cfg": None}),
    (AssertionError, "MobileNetV3", {"arch": "big"}),
    (ValueError, "MobileNetV3", {"out_indices": (0, 99)}),
    (KeyError, "Nope", {}),
]
TRANSFORMS: list[tuple[type[Exception], str, dict[str, Any]]] = [
    (AssertionError, "Resize", {}),
    (AssertionError, "RandomCrop", {"crop_size": (-1, 2)}),
    (TypeError, "RandomCrop", {}),
    (ValueError, "RandomFlip", {"direction": "x"}),
    (AssertionError, "Pad", {}),
    (AssertionError, "CLAHE", {"clip_limit": None}),
    (AssertionError, "RandomCutOut", {"prob": 0.5, "n_holes": 3}),
    (TypeError, "PhotoMetricDistortion", {"foo": 1}),
    (KeyError, "Nope", {}),
]


@pytest.mark.parametrize(("kind", "name", "arguments"), MODELS, ids=str)
def test_models(kind: type[Exception], name: str, arguments: dict[str, Any]) -> None:
    from mmseg.registry import MODELS as REGISTRY

    with pytest.raises(kind) as caught:
        REGISTRY.build({"type": name, **arguments})
    assert name == "Nope" or isinstance(caught.value, SegueError), caught.value


@pytest.mark.parametrize(("kind", "name", "arguments"), TRANSFORMS, ids=str)
def test_transforms(kind: type[Exception], name: str, arguments: dict[str, Any]) -> None:
    from mmseg.registry import TRANSFORMS as REGISTRY

    with pytest.raises(kind):
        REGISTRY.build({"type": name, **arguments})


def test_a_subclass_of_the_users() -> None:
    from mmseg.datasets.transforms import RandomCrop

    class Mine(RandomCrop):
        def __init__(self, **kwargs):
            super().__init__(crop_size=(0, 0), **kwargs)

    with pytest.raises(AssertionError, match=r"^Mine: crop_size must be at least 1, got \(0, 0\)$"):
        Mine()


def test_a_step_that_meets_what_it_cannot_take() -> None:
    from mmseg.datasets.transforms import Resize

    with pytest.raises(KeyError):
        Resize(scale=(4, 4))({})


def test_the_error_stays_what_it_was() -> None:
    error = InputError("crop_size: 'x'")
    assert as_there(error) is error and isinstance(error, (InputError, *KINDS)) and str(error) == "crop_size: 'x'"
    assert all(isinstance(error, kind) for kind in KINDS) and as_there(error) is error
    config = as_there(ConfigError("a"))
    assert config.problems[0].message == "a" and isinstance(config, AssertionError)


def test_it_comes_out_of_other_processes() -> None:
    again = pickle.loads(pickle.dumps(as_there(InputError("a"))))
    assert isinstance(again, InputError) and isinstance(again, KeyError) and str(again) == "a"


def test_inside_of_segue_it_is_no_value_error() -> None:
    from segue.backbones.resnet import ResNet

    with pytest.raises(InputError) as caught:
        ResNet(depth=20)
    assert not isinstance(caught.value, KINDS)


@pytest.mark.parametrize("name", ["gt_sem_seg", "pred_sem_seg", "seg_logits"])
@pytest.mark.parametrize("value", [torch.zeros(1, 2, 2), [1]], ids=["tensor", "list"])
def test_samples_hold_pixel_data(name: str, value: Any) -> None:
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    sample = SegDataSample()
    with pytest.raises(AssertionError, match=f"{name} should be a PixelData but got"):
        setattr(sample, name, value)
    with pytest.raises(AssertionError, match=name):
        SegDataSample(**{name: value})
    setattr(sample, name, PixelData(data=torch.zeros(1, 2, 2)))
    assert name in sample
    with pytest.raises(AssertionError, match="metainfo should be a dict"):
        sample.set_metainfo([1])


def test_what_python_itself_refuses_within_segue() -> None:
    from mmseg.models.backbones.unet import DeconvModule
    from mmseg.models.necks import ICNeck

    with pytest.raises(AssertionError, match="must be scale_factor"):
        DeconvModule(3, 4, kernel_size=5)
    neck = ICNeck(in_channels=(4, 6, 8), out_channels=4)
    maps = [torch.zeros(1, 4, 8, 8), torch.zeros(1, 6, 4, 4)]
    with pytest.raises(AssertionError, match="values to unpack"):
        neck(maps)


def test_the_error_of_a_users_own_line_stays_as_it_is() -> None:
    from mmseg.models.necks import ICNeck

    class Mine(ICNeck):
        def forward(self, inputs):
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as caught:
        Mine(in_channels=(4, 6, 8), out_channels=4)([])
    assert type(caught.value) is ValueError
