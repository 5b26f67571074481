"""Losses by bands are those of the whole: values, gradients, accuracy; and who is asked by bands."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers import banded_loss
from segue.layers.accuracy import pixel_accuracy, right_pixels
from segue.layers.banded_loss import losses_by_bands
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.resize import resize
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.losses.dice import DiceLoss
from segue.losses.focal import FocalLoss
from segue.losses.lovasz import LovaszLoss
from segue.losses.ohem import OHEMPixelSampler
from segue.losses.ohem_cross_entropy import OhemCrossEntropy
from segue.losses.tversky import TverskyLoss
from segue.types import Targets

WEIGHTS = [0.5, 1, 2, 3]


class Own(CrossEntropyLoss):
    """A subclass, which may compute anything; it notes the size that it is given."""

    def forward(self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = 255) -> Tensor:
        self.seen = tuple(pred.shape)
        return super().forward(pred, target, weight, ignore_index)


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows of 4 x 31 logits on each of at most two threads."""
    monkeypatch.setattr(banded_loss, "PER_THREAD", 400 // torch.get_num_threads())


def head(*losses: nn.Module, by_bands: bool = True, **changes: Any) -> DecodeHead:
    options = HeadOptions(in_channels=4, channels=4, num_classes=4, loss_decode=list(losses), **changes)  # type: ignore[arg-type]
    made = DecodeHead(options)
    made.bands_from = 1400 if by_bands else sys.maxsize
    return made


def batch(height: int = 29, width: int = 31, multilabel: bool = False, classes: int = 4) -> tuple[Tensor, Targets]:
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(2, classes, 9, 11, generator=generator)
    shape = (2, classes, height, width) if multilabel else (2, height, width)
    labels = torch.randint(0, 2 if multilabel or classes == 1 else classes, shape, generator=generator)
    labels[..., :2, :] = 255
    return logits, Targets(labels=labels)


def step(of: DecodeHead, logits: Tensor, targets: Targets) -> tuple[dict[str, Tensor], Tensor]:
    """Values, and the gradient of the losses, each with a factor of its own."""
    logits = logits.clone().requires_grad_()
    found = of.loss_of_logits(logits, targets)
    parts = [value * (at + 1) for at, (name, value) in enumerate(found.items()) if "loss" in name]
    torch.stack(parts).sum().backward()
    assert logits.grad is not None
    return found, logits.grad


def held_to_the_whole(
    monkeypatch: pytest.MonkeyPatch, losses: list[nn.Module], given: tuple[Tensor, Targets], **changes: Any
) -> None:
    whole, expected = step(head(*losses, by_bands=False, **changes), *given)
    # the rest has to be by bands: no map of full size is made
    with monkeypatch.context() as patched:
        patched.setattr("segue.layers.decode_head.resize", None)
        found, gradient = step(head(*losses, **changes), *given)
    assert found.keys() == whole.keys()
    for name, value in whole.items():
        assert found[name].item() == pytest.approx(value.item(), rel=1e-5), name
        assert found[name].shape == value.shape and found[name].dtype == value.dtype
    assert expected.abs().max() > 0
    assert torch.allclose(gradient, expected, rtol=1e-5, atol=1e-5 * expected.abs().max().item())


MIXTURES: dict[str, list[nn.Module]] = {
    "plain": [CrossEntropyLoss()],
    "weighted": [CrossEntropyLoss(class_weight=WEIGHTS), CrossEntropyLoss(loss_weight=0.4)],
    "non_ignore": [CrossEntropyLoss(avg_non_ignore=True, loss_name="loss_a"), CrossEntropyLoss(reduction="sum")],
    "sigmoid": [CrossEntropyLoss(use_sigmoid=True, class_weight=WEIGHTS, avg_non_ignore=True)],
    "dice": [CrossEntropyLoss(), DiceLoss(loss_weight=3.0)],
    "dice_softmax": [DiceLoss(use_sigmoid=False, naive_dice=True, ignore_index=1), DiceLoss(loss_name="loss_b")],
    "focal": [FocalLoss(alpha=[0.1, 0.2, 0.3, 0.4]), FocalLoss(reduction="sum", loss_name="loss_b")],
    "tversky": [TverskyLoss(class_weight=WEIGHTS), CrossEntropyLoss()],
    "ohem": [OhemCrossEntropy(thres=0.3, min_kept=300, class_weight=WEIGHTS), CrossEntropyLoss()],
}


@pytest.mark.parametrize("losses", MIXTURES.values(), ids=MIXTURES.keys())
def test_as_of_the_whole(monkeypatch: pytest.MonkeyPatch, losses: list[nn.Module]) -> None:
    held_to_the_whole(monkeypatch, losses, batch())


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(29, 31), (9, 91), (91, 11), (40, 10)])
def test_sizes(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], align_corners: bool) -> None:
    held_to_the_whole(monkeypatch, [CrossEntropyLoss()], batch(*size), align_corners=align_corners)


@pytest.mark.parametrize("thresh", [None, 0.2])
@pytest.mark.parametrize("kept", [2, 100, 10_000])
def test_sampled_pixels(monkeypatch: pytest.MonkeyPatch, thresh: float | None, kept: int) -> None:
    sampler = OHEMPixelSampler(thresh=thresh, min_kept=kept)
    losses: list[nn.Module] = [CrossEntropyLoss(class_weight=WEIGHTS), CrossEntropyLoss(loss_name="loss_b")]
    held_to_the_whole(monkeypatch, losses, batch(), sampler=sampler)


def test_several_classes_per_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = [CrossEntropyLoss(use_sigmoid=True), DiceLoss(), FocalLoss(), TverskyLoss()]
    held_to_the_whole(monkeypatch, losses, batch(multilabel=True), multilabel=True)


def test_labels_of_nothing() -> None:
    logits, targets = batch()
    targets.labels.fill_(255)
    for loss in (CrossEntropyLoss(class_weight=WEIGHTS), OhemCrossEntropy(), CrossEntropyLoss(avg_non_ignore=True)):
        found, gradient = step(head(loss), logits, targets)
        assert [value.item() for value in found.values()] == [0.0, 0.0]
        assert gradient.abs().max() == 0


@pytest.mark.parametrize("layout", ["channels_last", "strided", "expanded"])
def test_layouts(monkeypatch: pytest.MonkeyPatch, layout: str) -> None:
    logits, targets = batch()
    if layout == "channels_last":
        logits = logits.to(memory_format=torch.channels_last)
    elif layout == "strided":
        logits = logits.repeat_interleave(2, dim=3)[..., ::2]
        targets.labels = targets.labels.transpose(1, 2).contiguous().transpose(1, 2)
    else:
        logits = logits[:1].expand(2, -1, -1, -1)
    held_to_the_whole(monkeypatch, [CrossEntropyLoss(), DiceLoss()], (logits, targets))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_mixed_precision(dtype: torch.dtype) -> None:
    """Oracle: the loss of the rounded logits in float32; the gradient has the logits' type."""
    logits, targets = batch()
    whole, expected = step(head(CrossEntropyLoss(), by_bands=False), logits.to(dtype).float(), targets)
    with torch.autocast("cpu", dtype=dtype):
        found, gradient = step(head(CrossEntropyLoss()), logits.to(dtype), targets)
    assert found["loss_ce"].dtype == torch.float32 and gradient.dtype == dtype
    assert found["loss_ce"].item() == pytest.approx(whole["loss_ce"].item(), rel=1e-5)
    assert torch.allclose(gradient.float(), expected, rtol=1e-2, atol=1e-3 * expected.abs().max().item())


def test_in_float64() -> None:
    logits, targets = batch(12, 13)
    of = head(CrossEntropyLoss(class_weight=WEIGHTS), DiceLoss())
    of.bands_from = 0
    assert torch.autograd.gradcheck(
        lambda z: sum(of.loss_of_logits(z, targets).values()), logits[:, :, :3].double().requires_grad_()
    )


def test_without_gradients() -> None:
    logits, targets = batch()
    of = head(CrossEntropyLoss(), DiceLoss())
    expected = step(of, logits, targets)[0]
    with torch.no_grad():
        found = of.loss_of_logits(logits.requires_grad_(), targets)
    with torch.inference_mode():
        of.loss_of_logits(logits.detach(), targets)
    frozen = of.loss_of_logits(logits.detach(), targets)
    for name, value in expected.items():
        assert found[name].item() == pytest.approx(value.item(), rel=1e-6) and not found[name].requires_grad
        assert frozen[name].item() == pytest.approx(value.item(), rel=1e-6)


def test_a_second_backward_pass_but_no_second_derivative() -> None:
    logits, targets = batch()
    logits.requires_grad_()
    loss = head(CrossEntropyLoss()).loss_of_logits(logits, targets)["loss_ce"]
    (first,) = torch.autograd.grad(loss, logits, retain_graph=True)
    (second,) = torch.autograd.grad(3 * loss, logits, create_graph=True)
    assert torch.allclose(3 * first, second)
    with pytest.raises(InputError, match=r"bands_from = sys\.maxsize"):
        second.square().sum().backward()


@pytest.mark.filterwarnings("ignore:.*torch.jit.script. is deprecated")  # torch's own, in forward mode
def test_other_derivatives() -> None:
    """`torch.func` and derivatives in forward mode are those of logits of full size."""
    logits, targets = batch(12, 13)
    of = head(CrossEntropyLoss())
    of.bands_from = 0
    loss = lambda z: of.loss_of_logits(z, targets)["loss_ce"]  # noqa: E731
    gradient = step(of, logits, targets)[1]
    assert torch.allclose(torch.func.grad(loss)(logits), gradient, atol=1e-7)
    with torch.autograd.forward_ad.dual_level():
        slope = torch.autograd.forward_ad.unpack_dual(loss(torch.autograd.forward_ad.make_dual(logits, logits))).tangent
    assert slope.item() == pytest.approx((gradient * logits).sum().item(), rel=1e-4)


def test_equal_logits() -> None:
    """The first of the largest logits is the prediction, whichever way it is counted."""
    logits = torch.tensor([0.0, 1.0, 1.0]).view(1, 3, 1, 1).expand(1, 3, 1, 4)
    labels = torch.tensor([[[0, 1, 2, 255]]])
    assert right_pixels(logits, labels, 255) == 1
    assert pixel_accuracy(logits, labels, 255).item() == pytest.approx(100 / 3)
    assert right_pixels(logits, torch.tensor([[[-1, 9, 0, 0]]]), 255) == 0


def by_bands(losses: list[nn.Module], **changes: Any) -> bool:
    logits, targets = batch()
    options: dict[str, Any] = {"align_corners": False, "ignore_index": 255, "bands_from": 0} | changes
    return losses_by_bands(losses, logits, targets.labels, **options) is not None


def test_the_rule() -> None:
    ce = CrossEntropyLoss()
    full = 2 * 4 * 29 * 31
    assert by_bands([ce], bands_from=full) and not by_bands([ce], bands_from=full + 1)
    hooked, patched = CrossEntropyLoss(), CrossEntropyLoss()
    hooked.register_forward_hook(lambda *_: None)
    patched.forward = patched.forward  # type: ignore[method-assign]
    for losses in ([], [Own()], [ce, LovaszLoss()], [CrossEntropyLoss(reduction="none")], [hooked], [patched]):
        assert not by_bands(losses)
    assert not by_bands([OhemCrossEntropy()], sampler=OHEMPixelSampler(min_kept=9)), "two who choose"


def test_a_patched_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CrossEntropyLoss, "forward", lambda self, pred, *_, **__: pred.sum())
    assert not by_bands([CrossEntropyLoss()])


def test_a_sampler_of_the_users_own() -> None:
    class Everything(OHEMPixelSampler):
        def sample(self, logits: Tensor, labels: Tensor, losses: Any, ignore_index: int) -> Tensor:
            return torch.ones_like(labels, dtype=logits.dtype)

    assert not by_bands([CrossEntropyLoss()], sampler=Everything(min_kept=2))


def test_what_is_not_known_gets_logits_of_full_size() -> None:
    own, known = Own(), CrossEntropyLoss()
    logits, targets = batch()
    found, gradient = step(head(own), logits, targets)
    assert own.seen == (2, 4, 29, 31)
    expected, other = step(head(known), logits, targets)
    assert found["loss_ce"].item() == pytest.approx(expected["loss_ce"].item(), rel=1e-5)
    assert torch.allclose(gradient, other, atol=1e-8)


def test_overridden_heads() -> None:
    """A subclass that makes its losses itself resizes the logits itself, and gets them as the head made them."""
    seen: list[tuple[int, ...]] = []

    class Mine(DecodeHead):
        def loss_of_logits(self, logits: Tensor, targets: Targets) -> dict[str, Tensor]:
            seen.append(tuple(logits.shape))
            full = resize(logits, targets.labels.shape[-2:], self.align_corners)
            return {"loss_mine": full.square().mean(), **super().loss_of_logits(full, targets)}

    logits, targets = batch()
    made = Mine(HeadOptions(in_channels=4, channels=4, num_classes=4, loss_decode=CrossEntropyLoss()))
    made.bands_from = 0
    found = made.loss_of_logits(logits, targets)
    assert seen == [(2, 4, 9, 11)]
    expected = step(head(CrossEntropyLoss()), logits, targets)[0]
    assert found["loss_ce"].item() == pytest.approx(expected["loss_ce"].item(), rel=1e-5)


def test_a_head_on_mmsegs_base() -> None:
    """It makes its losses of logits of full size; ``loss_by_feat`` and ``losses`` get what ``forward`` gave."""
    from segue.compat.mmseg.heads import BaseDecodeHead

    seen: list[tuple[int, ...]] = []

    class Users(BaseDecodeHead):
        def forward(self, inputs: Any) -> Any:
            return inputs

        def losses(self, seg_logit: Tensor, seg_label: Tensor) -> dict[str, Tensor]:
            seen.append(tuple(seg_logit.shape))
            return super().losses(seg_logit, seg_label)

    logits, targets = batch()
    found = Users(4, 4, num_classes=4).loss(logits, targets)
    assert seen == [(2, 4, 9, 11)]
    expected = step(head(CrossEntropyLoss()), logits, targets)[0]
    assert found["loss_ce"].item() == pytest.approx(expected["loss_ce"].item(), rel=1e-5)


def test_wrong_labels() -> None:
    logits, targets = batch()
    targets.labels[0, 5, 5] = 7
    with pytest.raises(IndexError, match="Target 7 is out of bounds"):
        head(CrossEntropyLoss()).loss_of_logits(logits, targets)
