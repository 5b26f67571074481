"""Training by minimal filtering: gradients are those of the direct convolution, wherever it is called from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers import winograd, winograd_training
from segue.layers.conv import ConvModule
from segue.layers.quick import of_all
from segue.layers.winograd_training import filtering, takes_all


@pytest.fixture(autouse=True)
def filtered(monkeypatch: pytest.MonkeyPatch) -> list[torch.Size]:
    """Narrow convolutions are filtered, too; the shapes of the inputs of those that were."""
    monkeypatch.setattr(winograd, "WORTH_CHANNELS", 4)
    monkeypatch.setattr(winograd, "WORTH_TILES", 4)
    monkeypatch.setattr(winograd_training, "WORTH", (16, 2**20))
    seen: list[torch.Size] = []
    convolved = winograd.convolved

    def counted(x: Tensor, *args: Any) -> Tensor:
        seen.append(x.shape)
        return convolved(x, *args)

    monkeypatch.setattr(winograd, "convolved", counted)
    return seen


def gradients(run: Callable[[], Tensor], given: list[Tensor]) -> list[Tensor]:
    found = run()
    steps = torch.linspace(-1, 1, found.numel(), dtype=found.dtype).view(found.shape)
    return [found.detach(), *torch.autograd.grad((found * steps).sum(), given)]


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_gradients_are_exact(filtered: list[torch.Size], dilation: int, last: bool) -> None:
    """Against float64. Sizes that tiles do not fill, two images, several groups of rows."""
    x, weight, bias = torch.randn(2, 5, 29, 31), torch.randn(7, 5, 3, 3), torch.randn(7)
    form = torch.channels_last if last else torch.contiguous_format
    given = [x.to(memory_format=form), weight.to(memory_format=form), bias]
    exact = [value.double().requires_grad_() for value in given]
    wanted = gradients(lambda: F.conv2d(*exact, 1, dilation, dilation), exact)
    given = [value.requires_grad_() for value in given]
    with filtering(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "TILES", 8)
        found = gradients(lambda: F.conv2d(*given, padding=dilation, dilation=dilation), given)
    assert filtered == [(2, 5, 29, 31), (2, 7, 29, 31)]
    assert found[0].is_contiguous(memory_format=form) and found[1].is_contiguous(memory_format=form)
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one.double(), other, atol=3e-5 * other.std().item(), rtol=0)


def test_what_is_not_asked_for_is_not_computed(filtered: list[torch.Size]) -> None:
    conv, x = nn.Conv2d(4, 4, 3, padding=1), torch.randn(1, 4, 16, 16)
    with filtering():
        conv(x).sum().backward()
        assert len(filtered) == 1, "nobody asked for the gradient of the image"
        conv.weight.requires_grad_(False)
        assert conv.bias is not None
        conv.bias.requires_grad_(False)
        conv(x)
        with torch.no_grad():
            conv(x.requires_grad_())
        conv.double()(x.double())
        with torch.autocast("cpu", torch.bfloat16):
            conv.float()(x)
    conv(x)
    assert len(filtered) == 1


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(4, 4, 3, padding=1, stride=2),
        nn.Conv2d(4, 4, 3, padding=(1, 0)),
        nn.Conv2d(8, 8, 3, padding=1, groups=2),
        nn.Conv2d(4, 4, 5, padding=2),
        nn.Conv2d(4, 4, 3, padding="same"),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
    ],
)
def test_other_convolutions_are_direct(filtered: list[torch.Size], conv: nn.Conv2d) -> None:
    x = torch.randn(1, conv.in_channels, 16, 16)
    with filtering():
        found = conv(x)
    assert torch.equal(found, conv(x)) and not filtered


def test_hooks_and_subclasses_are_called(filtered: list[torch.Size]) -> None:
    class Twice(nn.Conv2d):
        def forward(self, input: Tensor) -> Tensor:
            return 2 * super().forward(input)

    conv, seen = Twice(4, 4, 3, padding=1), list[int]()
    conv.register_forward_hook(lambda *_: seen.append(1))
    conv.register_full_backward_hook(lambda *_: seen.append(2))
    x = torch.randn(1, 4, 16, 16, requires_grad=True)
    with filtering():
        found = conv(x)
        found.sum().backward()
    assert seen == [1, 2] and len(filtered) == 2
    assert torch.allclose(found, conv(x), atol=1e-5)


def test_maps_that_are_concatenated_are_filtered_together(filtered: list[torch.Size]) -> None:
    module, maps = ConvModule(6, 4, 3, padding=1), [torch.randn(1, n, 16, 16) for n in (2, 4)]
    wanted = module(torch.cat(maps, dim=1))
    with filtering():
        found = of_all(module, list(maps))
    assert filtered == [(1, 6, 16, 16)] and torch.allclose(found, wanted, atol=1e-5)
    with torch.no_grad(), filtering():
        of_all(module, list(maps))
    assert len(filtered) == 1


def test_blocks_that_are_computed_again(filtered: list[torch.Size]) -> None:
    """In the backward pass, as activation checkpointing does it."""
    block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
    x = torch.randn(1, 4, 16, 16, requires_grad=True)
    wanted = gradients(lambda: block(x), [x, *block.parameters()])
    with filtering():
        again = lambda: torch.utils.checkpoint.checkpoint(block, x, use_reentrant=False)  # noqa: E731
        found = gradients(again, [x, *block.parameters()])
    assert len(filtered) == 6
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-5, rtol=1e-4)


def test_a_function_of_a_project_stays(filtered: list[torch.Size], monkeypatch: pytest.MonkeyPatch) -> None:
    usual = F.conv2d
    own = lambda *args, **kwargs: 2 * usual(*args, **kwargs)  # noqa: E731
    conv, x = nn.Conv2d(4, 4, 3, padding=1), torch.randn(1, 4, 16, 16)
    with filtering(), filtering():
        conv(x)
    assert F.conv2d is usual and len(filtered) == 1
    wanted = 2 * conv(x)
    with monkeypatch.context() as patch:
        patch.setattr(F, "conv2d", own)
        with filtering():
            assert torch.equal(conv(x), wanted)
        assert F.conv2d is own and not takes_all(conv, [x])
    with filtering():
        with monkeypatch.context() as patch:
            patch.setattr(F, "conv2d", own)
            assert torch.allclose(conv(x), wanted, atol=1e-5)
        conv(x)
    assert F.conv2d is usual and len(filtered) == 2
