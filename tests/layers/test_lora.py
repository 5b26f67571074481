"""Adapters: what they add, where, and that merging changes no number. Oracle of the sum: the paper's equation 3."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.lora import Lora, adapt, adapted_layers, linear_layers, merge, without_adapters
from tests.layers.small_transformers import BACKBONES, backbone


def trained(net: nn.Module) -> nn.Module:
    """With adapters that do something."""
    torch.manual_seed(3)
    for layer in adapted_layers(net).values():
        nn.init.normal_(layer.lora_B, std=0.3)
    return net.eval()


def maps(net: nn.Module, side: int = 64) -> list[Tensor]:
    torch.manual_seed(4)
    with torch.no_grad():
        return list(net(torch.randn(2, 3, side, side)))


def test_the_sum_is_the_papers() -> None:
    layer = nn.Sequential(nn.Linear(6, 4))
    base = layer[0].weight.detach().clone()
    assert adapt(layer, Lora(r=2, alpha=6, targets="0")) == ["0"]
    nn.init.normal_(layer[0].lora_B)
    x = torch.randn(5, 6)
    wanted = x @ (base + 6 / 2 * layer[0].lora_B @ layer[0].lora_A).T + layer[0].bias
    torch.testing.assert_close(layer(x), wanted)
    assert isinstance(layer[0], nn.Linear) and type(layer[0]).__name__ == "Linear"


@pytest.mark.parametrize("name", BACKBONES)
def test_merged_is_unmerged(name: str) -> None:
    """Base keys stay; new adapters change nothing; merged maps are the same, and so are copies'."""
    torch.manual_seed(0)
    plain = backbone(name).eval()
    net = backbone(name, lora={"r": 2, "alpha": 4})
    keys = set(plain.state_dict())
    assert keys < set(net.state_dict())
    net.load_state_dict(plain.state_dict(), strict=False)
    for new, old in zip(maps(net.eval()), maps(plain), strict=True):
        assert torch.equal(new, old)
    before = maps(trained(net))
    assert max(float((a - b).abs().max()) for a, b in zip(before, maps(plain), strict=True)) > 1e-3
    copies: list[nn.Module] = [copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    assert merge(net) == len(adapted_layers(copies[0])) > 0
    assert set(net.state_dict()) == keys and not adapted_layers(net)
    for one in (net, *copies):
        assert all(torch.equal(a, b) for a, b in zip(before, maps(one), strict=True))


@pytest.mark.parametrize("name", BACKBONES)
def test_only_adapters_learn(name: str) -> None:
    net = backbone(name, lora={"r": 1}).train()
    for layer in adapted_layers(net).values():
        nn.init.normal_(layer.lora_B)
    sum(x.square().mean() for x in net(torch.randn(2, 3, 64, 64))).backward()  # type: ignore[union-attr]
    gradients = {key for key, p in net.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert gradients == {key for key, p in net.named_parameters() if p.requires_grad}
    assert {key.rpartition(".")[2] for key in gradients} == {"lora_A", "lora_B"}
    count = sum(p.numel() for p in net.parameters())
    assert sum(p.numel() for p in net.parameters() if p.requires_grad) < 0.06 * count


def test_recomputed_blocks() -> None:
    """with_cp: the gradients are those without it."""
    nets = [trained(backbone("dino", lora={"r": 2}, with_cp=cp)) for cp in (False, True)]
    nets[1].load_state_dict(nets[0].state_dict())
    torch.manual_seed(1)
    x = torch.randn(1, 3, 64, 64)
    for net in nets:
        net.train()
        net.rope.eval()  # which would be stretched at random
        sum(y.square().mean() for y in net(x)).backward()  # type: ignore[union-attr]
    for one, other in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None)
        assert one.grad is None or torch.allclose(one.grad, other.grad)


def test_dropout_in_training_only() -> None:
    net = trained(backbone("vit", lora={"r": 2, "dropout": 0.5}))
    assert torch.equal(maps(net)[0], maps(net)[0])
    net.train()
    torch.manual_seed(0)
    x = torch.randn(1, 3, 64, 64)
    assert not torch.equal(net(x)[0], net(x)[0])


def test_bfloat16() -> None:
    net = trained(backbone("swin", lora={"r": 2}))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = maps(net)
    full = maps(net)
    assert all(float((a.float() - b).abs().max() / b.abs().max()) < 0.05 for a, b in zip(low, full, strict=True))


def names(targets: Any, name: str = "dino") -> list[str]:
    return list(adapted_layers(backbone(name, lora={"r": 1, "targets": targets})))


def test_targets() -> None:
    assert names("qkv") == names(["attn.qkv"]) == [f"blocks.{i}.attn.qkv" for i in range(3)]
    assert names("blocks.0.*") == [f"blocks.0.{end}" for end in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")]
    assert names(["fc1", "blocks.2.attn.proj"]) == [*(f"blocks.{i}.mlp.fc1" for i in range(2)), "blocks.2.attn.proj",
                                                    "blocks.2.mlp.fc1"]  # fmt: skip
    assert len(names("*")) == len(linear_layers(backbone("dino"))) == 12
    assert names("in_proj", "mit") == names("in_proj_weight", "mit") == names(None, "mit")


def test_heads_of_torch() -> None:
    """nn.MultiheadAttention, whose fast path reads the weights itself."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2)
    assert len(adapt(layer, Lora(r=2))) == 2
    x = torch.randn(2, 5, 16)
    trained(layer)
    with torch.no_grad():
        before = layer(x)
        merge(layer)
        torch.testing.assert_close(layer(x), before, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("lora", "message"),
    [
        ({"r": 0}, "lora: r=0; a rank of 1 or more is expected"),
        ({"r": -1}, "r=-1"),
        ({"r": True}, "r=True"),
        ({"alpha": 0}, "lora: alpha=0; more than 0 is expected"),
        ({"alpha": float("nan")}, "alpha=nan"),
        ({"dropout": 1.0}, "lora: dropout=1.0; a share from 0 to below 1 is expected"),
        ({"targets": []}, r"lora: targets=\[\]; names of layers are expected"),
        ({"targets": ["qkv", 3]}, "targets="),
    ],
)
def test_wrong_settings(lora: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Lora(**lora)


def test_wrong_layers() -> None:
    net = backbone("dino")
    with pytest.raises(
        InputError, match=r"'attn.qvk' is no linear layer of DinoVisionTransformer; did you mean 'attn.qkv'"
    ):
        adapt(net, Lora(targets="attn.qvk"))
    with pytest.raises(InputError, match=r"there are: attn.proj, attn.qkv, mlp.fc1, mlp.fc2"):
        adapt(net, Lora(targets="zzz"))
    with pytest.raises(
        InputError, match=r"r=33 is more than the smaller side of blocks.0.attn.qkv, whose weight is 96x32"
    ):
        adapt(net, Lora(r=33))
    adapt(net, Lora(r=2))
    with pytest.raises(InputError, match=r"blocks.0.attn.qkv of DinoVisionTransformer has an adapter already"):
        adapt(net, Lora(r=2))
    with pytest.raises(
        InputError, match="Sequential has no attention layers such as qkv, q or v, nor any other linear"
    ):
        adapt(nn.Sequential(nn.Conv2d(3, 3, 1)), Lora())
    with pytest.raises(InputError, match="name layers of it by targets: 0"):
        adapt(nn.Sequential(nn.Linear(3, 3)), Lora(r=1))


def test_code_that_sets_weights_gets_them() -> None:
    """init_weights of a project's own class sets weights in place, which would be lost on the sum."""
    net = backbone("vit", lora={"r": 2})
    layer: Any = next(iter(adapted_layers(net).values()))
    with without_adapters(net), torch.no_grad():
        layer.in_proj_weight.fill_(2.0)
    assert float(layer.in_proj_weight.detach().mean()) == 2.0 and adapted_layers(net)
