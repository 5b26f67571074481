"""``type='Muon'``. Oracle: torch's Muon and AdamW, each given its share by hand."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from segue.errors import ConfigError
from segue.training.optimization.muon import matrices, told
from segue.training.optimizers import build_optimizer, read_optim_wrapper
from segue.training.schedule import Schedule, build_rules

NODE = {"type": "Muon", "lr": 0.01, "weight_decay": 0.1}


class Net(nn.Module):
    """A convolution, a linear layer, attention, an embedding and a head with its last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.fc = nn.Linear(4, 4)
        self.attn = nn.MultiheadAttention(4, 2, batch_first=True)
        self.queries = nn.Embedding(3, 4)
        self.decode_head = nn.ModuleDict({"mlp": nn.Linear(4, 4), "cls_embed": nn.Linear(4, 2)})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.fc(self.stem(x).flatten(2).transpose(1, 2))
        y = self.attn(self.queries.weight[None].expand(len(x), -1, -1), y, y, need_weights=False)[0]
        return self.decode_head["cls_embed"](self.decode_head["mlp"](y))


def trained(optimizers: Any, model: Net) -> None:
    for step in range(3):
        torch.manual_seed(step)
        loss = model(torch.randn(2, 3, 4, 4)).square().mean()
        for one in optimizers:
            one.zero_grad()
        loss.backward()
        for one in optimizers:
            one.step()


def pair() -> tuple[Net, Net]:
    torch.manual_seed(0)
    first, second = Net(), Net()
    second.load_state_dict(first.state_dict())
    return first, second


MATRICES = {"fc.weight", "attn.in_proj_weight", "attn.out_proj.weight", "decode_head.mlp.weight"}


def test_the_rule_and_the_steps() -> None:
    ours, theirs = pair()
    names = {name for name, p in ours.named_parameters() if id(p) in matrices(ours)}
    assert names == MATRICES
    keys = {"decode_head": {"lr_mult": 10.0}}
    node = {"optimizer": {**NODE, "betas": (0.8, 0.99)}, "paramwise_cfg": {"custom_keys": keys}}
    wrapper = read_optim_wrapper(node)
    optimizer = build_optimizer(ours, wrapper)
    split: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in theirs.named_parameters():
        split.setdefault((name in MATRICES, "decode_head" in name), []).append(parameter)
    groups = [[{"params": split[m, h], "lr": 0.1 if h else 0.01} for h in (False, True)] for m in (True, False)]
    muon = torch.optim.Muon(groups[0], lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    adamw = torch.optim.AdamW(groups[1], lr=0.01, weight_decay=0.1, betas=(0.8, 0.99))
    trained([optimizer], ours)
    trained([muon, adamw], theirs)
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=0, atol=0)


def test_its_state_goes_on() -> None:
    """Oracle: the run that was not interrupted."""
    first, second = pair()
    whole = build_optimizer(first, read_optim_wrapper({"optimizer": NODE}))
    trained([whole], first)
    state = {
        "model": {k: v.clone() for k, v in first.state_dict().items()},
        "optimizer": copy.deepcopy(whole.state_dict()),
    }
    trained([whole], first)
    second.load_state_dict(state["model"])
    resumed = build_optimizer(second, read_optim_wrapper({"optimizer": NODE}))
    resumed.load_state_dict(state["optimizer"])
    trained([resumed], second)
    for name, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value, rtol=0, atol=0)


def test_schedules_set_both() -> None:
    optimizer = build_optimizer(Net(), read_optim_wrapper({"optimizer": NODE}))
    nodes = [
        {"type": "ConstantLR", "factor": 0.5, "by_epoch": False, "end": 9},
        {"type": "ConstantMomentum", "factor": 0.5, "by_epoch": False, "end": 9},
    ]
    Schedule(optimizer, build_rules(nodes, max_iters=9, max_epochs=1, epoch_length=0))
    assert [group["lr"] for group in optimizer.param_groups] == [0.005, 0.005]
    assert [g.get("momentum", g.get("betas", [0])[0]) for g in optimizer.param_groups] == [0.475, 0.45]


def test_what_is_said_and_refused() -> None:
    (line,) = told(Net(), NODE)
    assert line.startswith("Muon: 96 of 158 numbers, in 4 matrices of linear layers; AdamW has the others")
    assert told(Net(), {"type": "AdamW"}) == []
    for model, node, said in (
        (nn.Conv2d(1, 1, 1), NODE, "Muon is for matrices, and the model has no trained linear layer; use AdamW"),
        (Net(), {**NODE, "nesterof": True}, "Muon has no argument 'nesterof'; did you mean 'nesterov'?"),
        (Net(), {**NODE, "lr": "1"}, "lr: a number is expected, not '1'"),
        (Net(), {**NODE, "adjust_lr_fn": "other"}, "other"),
    ):
        with pytest.raises(ConfigError) as caught:
            build_optimizer(model, read_optim_wrapper({"optimizer": node}))
        assert said in str(caught.value)
