"""``type='Muon'``: torch's Muon for the matrices of a model, AdamW for everything else.

The rule: the weights of linear layers and the joint projections of attention (``in_proj_weight``) are Muon's. Kernels
of convolutions, vectors, tables of positions, embeddings, and the last layer of a head (``conv_seg``, ``cls_embed``
...) are AdamW's. Both take ``lr`` and ``weight_decay``, whole and per parameter: where ``adjust_lr_fn`` is not given
it is ``match_rms_adamw``, with which a step of Muon is as long as one of AdamW (https://arxiv.org/abs/2502.16982).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from segue.errors import ConfigError, Problem

#: arguments that are AdamW's; the others are Muon's
ADAMW = ("betas",)
_LAST = ("conv_seg", "cls_seg", "cls_embed", "class_embed", "classifier")


def is_matrix(module: nn.Module, name: str, full: str) -> bool:
    """Whether a module's parameter, ``full`` in the model, is Muon's."""
    if any(part in _LAST for part in full.split(".")):
        return False
    return (isinstance(module, nn.Linear) and name == "weight") or (
        isinstance(module, nn.MultiheadAttention) and name.endswith("proj_weight")
    )


def matrices(model: nn.Module) -> set[int]:
    """The ids of Muon's parameters."""
    return {
        id(parameter)
        for path, module in model.named_modules()
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.requires_grad and is_matrix(module, name, f"{path}.{name}")
    }


def told(model: nn.Module, optimizer: Mapping[str, Any]) -> list[str]:
    """A line about who gets what; none for other optimizers."""
    kind = optimizer.get("type")
    if kind not in ("Muon", torch.optim.Muon):
        return []
    chosen = matrices(model)
    sizes = [(p.numel(), id(p) in chosen) for p in model.parameters() if p.requires_grad]
    own, whole = sum(n for n, mine in sizes if mine), sum(n for n, _ in sizes)
    share = f"{own:,} of {whole:,} numbers, in {len(chosen)} matrices of linear layers"
    return [f"Muon: {share}; AdamW has the others (convolutions, vectors, embeddings, last layers)"]


class MuonWithAdamW(torch.optim.Optimizer):
    """Both in one optimizer, whose groups are of one kind each.

    Args:
        muon: groups of matrices.
        adamw: groups of all other parameters.
        options: arguments of `torch.optim.Muon`, and ``betas``.
    """

    def __init__(
        self, muon: Sequence[Mapping[str, Any]], adamw: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> None:
        own = {"adjust_lr_fn": "match_rms_adamw", **{k: v for k, v in options.items() if k not in ADAMW}}
        shared = {k: v for k, v in options.items() if k in ("lr", "weight_decay", *ADAMW)}
        self._muon = torch.optim.Muon([dict(group) for group in muon], **own)
        self._adamw = torch.optim.AdamW([dict(group) for group in adamw], **shared) if adamw else None
        groups = [*self._muon.param_groups, *(self._adamw.param_groups if self._adamw else [])]
        super().__init__(groups, {"lr": own.get("lr", self._muon.defaults["lr"])})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Both take theirs."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part, wanted in ((self._muon, True), (self._adamw, False)):
            if part is not None:  # groups and state are replaced when a state is loaded
                part.param_groups = [group for group in self.param_groups if ("ns_steps" in group) == wanted]
                part.state = self.state
                part.step()  # type: ignore[no-untyped-call]
        return loss


def build_muon(model: nn.Module, groups: Sequence[Mapping[str, Any]], options: Mapping[str, Any], key: str) -> Any:
    """The optimizer of ``groups`` of a model.

    Raises:
        ConfigError: there is no matrix, or an argument is unknown or wrong.
    """
    chosen = matrices(model)
    muon: list[dict[str, Any]] = []
    adamw: list[dict[str, Any]] = []
    for group in groups:
        settings = {k: v for k, v in group.items() if k != "params"}
        for into, wanted in ((muon, True), (adamw, False)):
            if found := [p for p in group["params"] if (id(p) in chosen) == wanted]:
                into.append({**settings, "params": found})
    if not muon:
        message = "Muon is for matrices, and the model has no trained linear layer; use AdamW"
        raise ConfigError(Problem(f"{key}.type", message))
    try:
        return MuonWithAdamW(muon, adamw, options)
    except (TypeError, ValueError) as error:
        raise ConfigError(Problem(key, str(error))) from error
