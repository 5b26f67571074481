"""GELU and SiLU computed again in the backward pass: the same numbers from less memory, and nobody notices."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from segue.layers.recompute import in_turn


class Plain(nn.GELU):
    """GELU of a user's own class, which is not computed again."""


def mlp(act: nn.Module, drop: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Sequential(nn.Linear(6, 40), act, nn.Dropout(drop)), nn.Linear(40, 6), nn.Dropout(drop))


def kept(run: object, x: Tensor) -> tuple[int, list[Tensor]]:
    """Numbers that are kept for the backward pass, parameters aside, and gradients."""
    seen: dict[int, Tensor] = {}

    def pack(t: Tensor) -> Tensor:
        if not isinstance(t, nn.Parameter):
            seen[t.untyped_storage().data_ptr()] = t
        return t

    torch.manual_seed(1)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        loss = run(x).square().sum()  # type: ignore[operator]
    total = sum(t.numel() for t in seen.values())
    leaves = [x, *(p for p in run.parameters() if p.requires_grad)] if isinstance(run, nn.Module) else [x]
    return total, [loss.detach(), *torch.autograd.grad(loss, leaves)]


@pytest.mark.parametrize("act", [nn.GELU(), nn.GELU("tanh"), nn.SiLU()], ids=["gelu", "tanh", "silu"])
@pytest.mark.parametrize("drop", [0.0, 0.3])
def test_same_gradients_from_less(act: nn.Module, drop: float) -> None:
    class InTurn(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = mlp(act, drop)

        def forward(self, x: Tensor) -> Tensor:
            return in_turn(x, self.layers)

    x = torch.randn(50, 6, requires_grad=True)
    direct, expected = kept(mlp(act, drop), x)
    less, found = kept(InTurn(), x)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    # 50 x 40: the activation's result, and of dropout its mask and result
    assert direct - less >= 50 * 40


@pytest.mark.parametrize("drop", [0.0, 0.3])
@pytest.mark.parametrize("frozen", [False, True])
def test_with_a_convolution_per_channel_before(drop: float, frozen: bool) -> None:
    def layers() -> nn.Sequential:
        torch.manual_seed(0)
        depthwise = nn.Conv2d(24, 24, 3, padding=1, groups=24).requires_grad_(not frozen)
        return nn.Sequential(nn.Conv2d(6, 24, 1), depthwise, nn.GELU(), nn.Dropout(drop), nn.Conv2d(24, 6, 1))

    class InTurn(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return in_turn(x, *self)

    x = torch.randn(2, 6, 9, 10, requires_grad=True)
    direct, expected = kept(layers(), x)
    less, found = kept(InTurn(*layers()), x)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    # 2 x 24 x 9 x 10: the convolution's result, or where it is frozen only the activation's
    assert direct - less >= (1 if frozen else 2) * 2 * 24 * 9 * 10


@pytest.mark.parametrize("act", [nn.SiLU(inplace=True), nn.ReLU(), nn.ReLU(inplace=True), Plain()], ids=repr)
def test_other_activations_are_called_as_they_are(act: nn.Module) -> None:
    layers = mlp(act)
    x = torch.randn(50, 6, requires_grad=True)
    direct, expected = kept(layers, x)
    same, found = kept(lambda x: in_turn(x, layers), x)
    assert same == direct
    assert all(torch.equal(a, b) for a, b in zip(found, expected[:2], strict=True))


@pytest.mark.parametrize("way", ["sequence", "part", "before", "backward", "forward"])
def test_who_looks_sees_every_layer_once(way: str) -> None:
    layers = mlp(nn.GELU())
    seen: list[str] = []
    match way:
        case "sequence":
            layers.register_forward_hook(lambda *_: seen.append(way))
        case "part":
            layers[0][1].register_forward_hook(lambda *_: seen.append(way))
        case "before":
            layers[1].register_forward_pre_hook(lambda *_: seen.append(way))
        case "backward":
            layers[1].register_full_backward_hook(lambda *_: seen.append(way))
        case _:
            own = layers[0][1].forward
            layers[0][1].forward = lambda x: (seen.append(way), own(x))[1]
    in_turn(torch.randn(5, 6, requires_grad=True), layers).sum().backward()
    assert seen == [way]


def test_second_derivatives_and_transforms() -> None:
    layers = mlp(nn.GELU()).double()
    x = torch.randn(3, 6, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: in_turn(x, layers), x)
    expected = torch.func.vmap(torch.func.grad(lambda x: layers(x).sum()))(x)
    assert torch.equal(torch.func.vmap(torch.func.grad(lambda x: in_turn(x, layers).sum()))(x), expected)


def test_layers_that_do_more_than_compute_are_called_once() -> None:
    """A spectral norm's iteration goes on at each call; so may a module of a user's own."""
    layers, twin = mlp(nn.GELU()), mlp(nn.GELU())
    for each in (layers, twin):
        torch.manual_seed(2)
        nn.utils.parametrizations.spectral_norm(each[1])
    x = torch.randn(5, 6, requires_grad=True)
    in_turn(x, layers).sum().backward()
    twin(x).sum().backward()
    own, expected = layers.state_dict(), twin.state_dict()
    assert all(torch.equal(own[key], expected[key]) for key in expected)
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(layers.parameters(), twin.parameters(), strict=True))


def test_no_layer_is_computed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three linear layers, with two activations between."""
    calls = []
    linear = torch.nn.functional.linear
    monkeypatch.setattr(torch.nn.functional, "linear", lambda *given: (linear(*given), calls.append(1))[0])
    layers = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 6))
    in_turn(torch.randn(5, 6, requires_grad=True), layers).sum().backward()
    assert len(calls) == 3


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace.*:DeprecationWarning")
def test_a_traced_model() -> None:
    layers = mlp(nn.GELU())
    x = torch.randn(5, 6)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = layers

        def forward(self, x: Tensor) -> Tensor:
            return in_turn(x, self.layers)

    assert torch.equal(torch.jit.trace(Block(), x)(x), layers(x))
    assert torch.equal(torch.fx.symbolic_trace(Block())(x), layers(x))
    assert torch.equal(torch.export.export(Block(), (x,)).module()(x), layers(x))


def test_without_gradients() -> None:
    layers = mlp(nn.GELU())
    x = torch.randn(5, 6, requires_grad=True)
    with torch.no_grad():
        assert torch.equal(in_turn(x, layers), layers(x))
    layers.eval()
    assert torch.equal(in_turn(x, layers), layers(x))
    assert torch.equal(in_turn(x.detach(), *layers), layers(x))
    assert in_turn(x) is x
