"""Dropout of channels before a 1 x 1 convolution: the two layers' numbers, what is drawn too, from less memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from segue.layers.dropped_channels import convolve_dropped


class Both(nn.Module):
    """The two layers, called by one of the two ways."""

    def __init__(self, dropout: nn.Module | None, conv: nn.Module, apart: bool) -> None:
        super().__init__()
        self.dropout, self.conv, self.apart = dropout, conv, apart

    def forward(self, x: Tensor) -> Tensor:
        if self.apart:
            return self.conv(self.dropout(x) if self.dropout else x)  # type: ignore[no-any-return]
        return convolve_dropped(x, self.dropout, self.conv)


def run(model: Both, x: Tensor) -> tuple[list[Tensor], int]:
    """Output, gradients, the next number that is drawn; and the numbers kept beside ``x`` and the parameters."""
    known = {t.untyped_storage().data_ptr() for t in [x, *model.parameters()]}
    kept: dict[int, Tensor] = {}

    def pack(t: Tensor) -> Tensor:
        if t.untyped_storage().data_ptr() not in known:
            kept[t.untyped_storage().data_ptr()] = t
        return t

    torch.manual_seed(3)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        made = model(x)
    drawn = torch.rand(1)
    gradients = torch.autograd.grad(made.square().sum(), [x, *model.parameters()])
    return [made.detach(), drawn, *gradients], sum(t.numel() for t in kept.values())


def conv(**how: object) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(16, 5, **{"kernel_size": 1, **how}).double()  # type: ignore[arg-type]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("ratio", [0.1, 0.5, 1.0])
def test_the_numbers_of_the_two_layers(bias: bool, ratio: float) -> None:
    x = torch.randn(3, 16, 20, 21, dtype=torch.double, requires_grad=True)
    layer = conv(bias=bias)
    expected, usual = run(Both(nn.Dropout2d(ratio), layer, apart=True), x)
    found, kept = run(Both(nn.Dropout2d(ratio), layer, apart=False), x)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    assert usual >= x.numel() and kept < x.numel() / 50


@pytest.mark.parametrize(
    ("dropout", "layer"),
    [
        (nn.Dropout2d(0.5), conv(kernel_size=3)),
        (nn.Dropout2d(0.5), conv(stride=2)),
        (nn.Dropout2d(0.5), conv(padding=1)),
        (nn.Dropout2d(0.5), nn.Sequential(conv())),
        (nn.Dropout2d(0.5), nn.utils.parametrizations.spectral_norm(conv())),
        (nn.Dropout(0.5), conv()),
        (nn.Dropout2d(0.5).eval(), conv()),
        (nn.Dropout2d(0.5, inplace=True), conv()),
        (None, conv()),
    ],
    ids=repr,
)
def test_others_are_called_as_they_are(dropout: nn.Module | None, layer: nn.Module) -> None:
    layer.eval()  # spectral norm goes on with each call in training
    x = torch.randn(2, 16, 6, 7, dtype=torch.double, requires_grad=True)
    expected, usual = run(Both(dropout, layer, apart=True), x * 1)  # dropout in place changes what it is given
    found, kept = run(Both(dropout, layer, apart=False), x * 1)
    assert kept == usual
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_in_another_layout_and_by_who_looks() -> None:
    x = torch.randn(2, 16, 6, 7, dtype=torch.double).to(memory_format=torch.channels_last).requires_grad_()
    expected, _ = run(Both(nn.Dropout2d(0.5), conv(), apart=True), x)
    found, _ = run(Both(nn.Dropout2d(0.5), conv(), apart=False), x)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    layer, seen = conv(), []
    layer.register_forward_hook(lambda module, inputs, made: seen.append((inputs[0] == 0).any()))
    convolve_dropped(x.detach().contiguous().abs() + 1, nn.Dropout2d(0.5), layer)
    assert seen == [True]


def test_in_bfloat16() -> None:
    """Under autocast the result has its type, and is as near as the type allows."""
    x = torch.randn(2, 16, 6, 7, requires_grad=True)
    layer = conv().float()
    with torch.autocast("cpu", torch.bfloat16):
        torch.manual_seed(1)
        expected = layer(nn.Dropout2d(0.5)(x))
        torch.manual_seed(1)
        found = convolve_dropped(x, nn.Dropout2d(0.5), layer)
    assert found.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("randomness", ["same", "different"])
def test_per_image(randomness: str) -> None:
    """``vmap`` draws for each image, as it would of the two layers."""
    x, layer = torch.randn(4, 1, 16, 6, 7), conv().float()
    dropout = nn.Dropout2d(0.5)

    def ways(apart: bool) -> Tensor:
        torch.manual_seed(1)
        return torch.func.vmap(Both(dropout, layer, apart), randomness=randomness)(x)

    assert torch.equal(ways(True), ways(False))


def test_in_a_graph() -> None:
    """Graphs are made of the two layers, which every runtime knows."""
    model = Both(nn.Dropout2d(0.5), conv(), apart=False)
    made = torch.fx.symbolic_trace(model)
    assert [node.target for node in made.graph.nodes if node.op == "call_module"] == ["dropout", "conv"]
    exported = torch.export.export(model, (torch.randn(2, 16, 6, 7, dtype=torch.double),))
    assert any("conv2d" in str(node.target) for node in exported.graph.nodes)
