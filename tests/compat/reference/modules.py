"""What the cases of heads, backbones and necks share: weights by their names, layers by their kinds."""

from __future__ import annotations

import zlib
from typing import Any

import torch
from torch import nn

from tests.compat.project.cases import fill
from tests.compat.reference.facts import attributes, look


def filled(module: Any) -> Any:
    """The module, its weights a function of their names."""
    state = module.state_dict()
    single = {key: value for key, value in state.items() if not value.ndim and value.is_floating_point()}
    module.load_state_dict(fill({key: value for key, value in state.items() if key not in single})
                           | {key: torch.full_like(value, 0.3) for key, value in single.items()})  # fmt: skip
    return module


def layers(module: nn.Module) -> dict[str, Any]:
    """The weights by number, and by names and shapes; the names of the children."""
    lines = sorted(f"{key} {tuple(value.shape)}" for key, value in module.state_dict().items())
    return {"weights": len(lines), "names": zlib.crc32("\n".join(lines).encode()),
            "children": sorted(name for name, _ in module.named_children())}  # fmt: skip


def described(module: Any) -> dict[str, Any]:
    """Attributes and layers."""
    return {"attributes": attributes(module), "layers": layers(module)}


def outputs(module: Any, *inputs: Any) -> Any:
    """What evaluation gives."""
    with torch.no_grad():
        module.eval()
        return look(module(*inputs))
