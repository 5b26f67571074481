"""SAN's head: the attention of mask tokens by hand; losses and their messages."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from segue.errors import InputError
from segue.heads.side_adapter_clip import RecognitionOptions, RecWithAttnbias, SideAdapterCLIPHead
from segue.layers.mask_losses import CrossEntropyLoss, DiceLoss
from segue.layers.mask_matching import ClassificationCost, DiceCost, HungarianAssigner, MatchingOptions
from segue.layers.side_adapter import AdapterDecoderOptions, AdapterEncoderOptions, SideAdapterOptions
from segue.types import Targets


def head(classes: int = 3, queries: int = 5, **more: Any) -> SideAdapterCLIPHead:
    san = SideAdapterOptions(
        in_channels=2,
        clip_channels=8,
        embed_dims=12,
        num_queries=queries,
        fusion_index=(0, 2),
        cfg_encoder=AdapterEncoderOptions(num_encode_layer=3, num_heads=2),
        cfg_decoder=AdapterDecoderOptions(num_heads=2, mlp_channels=8, embed_channels=8),
    )
    maskgen = RecognitionOptions(sos_token_num=5, num_layers=1, embed_dims=8, num_heads=2, out_dims=6)
    losses = [
        CrossEntropyLoss(class_weight=[1.0, 1.0, 1.0, 0.1], loss_name="loss_cls_ce"),
        CrossEntropyLoss(use_sigmoid=True, loss_name="loss_mask_ce"),
        DiceLoss(loss_name="loss_mask_dice"),
    ]
    assigner = HungarianAssigner(match_costs=[ClassificationCost(), DiceCost(pred_act=True)])
    more = {"train": MatchingOptions(assigner=assigner, num_points=64), "loss_decode": losses} | more
    return SideAdapterCLIPHead(num_classes=classes, san=san, maskgen=maskgen, deep_supervision_idxs=[2], **more)


def features(classes: int = 3) -> list[Any]:
    """Image of 48 x 64 pixels, features of half of it in patches of 16, vectors of the classes and of none."""
    clip = [(torch.randn(1, 8, 2, 2), torch.randn(1, 8)) for _ in range(2)]
    return [torch.randn(1, 2, 48, 64), clip, torch.randn(classes + 1, 6)]


def test_mask_of_attention() -> None:
    """By hand: two mask tokens, class token, one pixel whose biases are 0.5 and -0.5 (the largest of each map)."""
    options = RecognitionOptions(sos_token_num=2, num_layers=1, embed_dims=4, num_heads=1)
    bias = torch.tensor([[0.5, 0.1], [-0.5, -0.6]]).view(1, 1, 2, 1, 2)
    found = RecWithAttnbias(options).mask(bias, (1, 1))[0, 0]
    assert found.tolist() == [[0, -100, -100, 0.5], [-100, 0, -100, -0.5], [-100, -100, 0, 0], [-100, -100, 0, 0]]


def test_shapes_and_names() -> None:
    torch.manual_seed(0)
    model = head()
    inputs = features()
    assert model(inputs).shape == (1, 3, 3, 4)
    assert model.predict(inputs, (48, 64)).shape == (1, 3, 48, 64)
    losses = model.loss(inputs, Targets(labels=torch.randint(0, 3, (1, 48, 64))))
    names = {"loss_cls_ce", "loss_mask_ce", "loss_mask_dice"}
    assert losses.keys() == names | {f"d2.{name}" for name in names}
    sum(losses.values()).backward()
    trained = {name for name, p in model.named_parameters() if p.grad is not None}
    assert all(name.startswith("side_adapter_network.") for name in trained)
    assert {n for n, _ in model.side_adapter_network.named_parameters(prefix="side_adapter_network")} == trained


def test_class_weights_of_another_dataset() -> None:
    """The published configs for PASCAL VOC keep the weights of 171 classes, all alike: they train all the same."""
    targets = Targets(labels=torch.zeros(1, 48, 64, dtype=torch.int64))
    model, inputs = head(classes=2), features(classes=2)
    assert model.predict(inputs, (32, 32)).shape == (1, 2, 32, 32)
    assert model.loss(inputs, targets)["loss_cls_ce"].isfinite()
    assert model.losses.classes["loss_cls_ce"].class_weight == [1.0, 1.0, 0.1]


def test_class_weights_that_fit_nothing() -> None:
    targets = Targets(labels=torch.zeros(1, 48, 64, dtype=torch.int64))
    uneven = [
        CrossEntropyLoss(class_weight=[1.0, 2.0, 1.0, 0.1], loss_name="loss_cls_ce"),
        CrossEntropyLoss(use_sigmoid=True, loss_name="loss_mask_ce"),
        DiceLoss(loss_name="loss_mask_dice"),
    ]
    model, inputs = head(classes=2, loss_decode=uneven), features(classes=2)
    with pytest.raises(InputError, match=r"class_weight of loss_cls_ce has 4 values for num_classes=2; it needs 3"):
        model.loss(inputs, targets)


def test_messages() -> None:
    with pytest.raises(InputError, match=r"num_queries=4 must equal maskgen_cfg\.sos_token_num=5"):
        head(queries=4)
    with pytest.raises(InputError, match="its loss_name must contain loss_cls"):
        head(loss_decode=[DiceLoss(loss_name="loss_dice")])
    with pytest.raises(InputError, match=r"made without train_cfg\.assigner or without losses"):
        head(train=None).loss(features(), Targets(labels=torch.zeros(1, 48, 64, dtype=torch.int64)))
