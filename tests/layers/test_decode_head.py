"""What all decode heads share: input selection, several losses, accuracy, contradictions."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from segue.errors import InputError
from segue.layers.accuracy import pixel_accuracy
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.losses.dice import DiceLoss
from segue.losses.ohem import OHEMPixelSampler
from segue.types import Targets


class Plain(DecodeHead):
    """Classifies its input."""

    def forward(self, features: list[Tensor]) -> Tensor:
        return self.classify(self.select(features))


def head(**changes: object) -> Plain:
    return Plain(HeadOptions(**({"in_channels": 4, "channels": 4, "num_classes": 3, "dropout_ratio": 0} | changes)))


FEATURES = [torch.randn(2, 4, 8, 8), torch.randn(2, 6, 4, 4)]
TARGETS = Targets(labels=torch.randint(0, 3, (2, 16, 16)))


def test_one_map_by_index() -> None:
    assert head(in_index=0)(FEATURES).shape == (2, 3, 8, 8)


def test_maps_joined_at_the_size_of_the_first() -> None:
    both = head(in_channels=[4, 6], in_index=[0, 1], input_transform="resize_concat", channels=10)
    assert both.in_channels == 10
    assert both(FEATURES).shape == (2, 3, 8, 8)


def test_logits_at_any_size() -> None:
    assert head(in_index=0).predict(FEATURES, (33, 17)).shape == (2, 3, 33, 17)


def test_losses_of_one_name_are_added() -> None:
    one = head(in_index=0, loss_decode=CrossEntropyLoss())
    two = head(in_index=0, loss_decode=[CrossEntropyLoss(loss_weight=0.5), CrossEntropyLoss(loss_weight=1.5)])
    three = head(in_index=0, loss_decode=[CrossEntropyLoss(), DiceLoss()])
    for other in (two, three):
        other.load_state_dict(one.state_dict())
    first, second = one.loss(FEATURES, TARGETS), two.loss(FEATURES, TARGETS)
    assert second["loss_ce"].item() == pytest.approx(2 * first["loss_ce"].item())
    assert list(three.loss(FEATURES, TARGETS)) == ["loss_ce", "loss_dice", "acc_seg"]


def test_ohem_counts_the_hardest_pixels_only() -> None:
    easy = head(in_index=0, loss_decode=CrossEntropyLoss())
    hard = head(in_index=0, loss_decode=CrossEntropyLoss(), sampler=OHEMPixelSampler(min_kept=8))
    hard.load_state_dict(easy.state_dict())
    assert 0 < hard.loss(FEATURES, TARGETS)["loss_ce"] < easy.loss(FEATURES, TARGETS)["loss_ce"]


def test_accuracy_counts_labeled_pixels() -> None:
    """Of three labeled pixels two are right."""
    logits = torch.tensor([[2.0, 0.0, 2.0, 0.0], [0.0, 2.0, 0.0, 2.0]]).view(1, 2, 1, 4)
    labels = torch.tensor([[[0, 1, 1, 255]]])
    assert pixel_accuracy(logits, labels, 255).item() == pytest.approx(200 / 3)
    assert pixel_accuracy(logits, torch.full_like(labels, 255), 255).item() == 0


def test_one_logit_for_two_classes() -> None:
    one = head(in_index=0, num_classes=2, out_channels=1, loss_decode=CrossEntropyLoss(True))
    assert one.threshold == 0.3
    assert one(FEATURES).shape[1] == 1
    assert one.loss(FEATURES, Targets(labels=torch.randint(0, 2, (2, 16, 16))))["loss_ce"].isfinite()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"in_channels": [4, 6], "in_index": 0}, r"in_channels=\[4, 6\] with input_transform=None"),
        ({"in_index": [0, 1]}, r"in_index=\[0, 1\] with input_transform=None"),
        ({"input_transform": "resize_concat"}, "in_channels=4 with input_transform='resize_concat'"),
        (
            {"in_channels": [4], "in_index": [0, 1], "input_transform": "resize_concat"},
            "differ in length",
        ),
        ({"out_channels": 1}, "out_channels=1 with num_classes=3; they must be equal, or out_channels=1 with"),
    ],
)
def test_contradictions(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        head(**changes)


def test_no_loss() -> None:
    with pytest.raises(InputError, match="made without loss_decode"):
        head(in_index=0).loss(FEATURES, TARGETS)


def test_a_map_that_does_not_fit() -> None:
    with pytest.raises(
        InputError, match=r"Plain: in_channels=4, but feature map 1 has 6 channels; the maps have \[4, 6\]"
    ):
        head(in_index=1)(FEATURES)
    with pytest.raises(InputError, match="in_index=2, but there are 2 feature maps"):
        head(in_index=2)(FEATURES)


def test_one_loss_may_be_called_read_and_set_where_the_list_is() -> None:
    """As in mmseg, whose head holds a single loss itself: what is set is the loss's, not the list's."""
    one = head(in_index=0, loss_decode=CrossEntropyLoss())
    before = one.loss(FEATURES, TARGETS)["loss_ce"]
    assert one.loss_decode.loss_name == "loss_ce"
    copy.deepcopy(one).loss_decode.loss_weight = 3.0
    assert one.loss_decode.loss_weight == 1.0
    one.loss_decode.loss_weight = 0.25
    assert one.loss_decode[0].loss_weight == 0.25
    assert one.loss(FEATURES, TARGETS)["loss_ce"].item() == pytest.approx(0.25 * before.item())
    logits = torch.randn(2, 3, 16, 16)
    assert torch.equal(one.loss_decode(logits, TARGETS.labels), one.loss_decode[0](logits, TARGETS.labels))
    one.eval()
    assert not one.loss_decode.training and not one.loss_decode[0].training


def test_several_losses_are_no_loss() -> None:
    two = head(in_index=0, loss_decode=[CrossEntropyLoss(), DiceLoss()])
    with pytest.raises(InputError, match="loss_decode holds 2 losses, so it cannot be called: call each of them"):
        two.loss_decode(torch.randn(2, 3, 16, 16), TARGETS.labels)
    with pytest.raises(AttributeError, match="loss_weight"):
        _ = two.loss_decode.loss_weight
