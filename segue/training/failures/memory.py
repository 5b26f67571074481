"""Memory that ran out: what to change, and by how much each change would help."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from segue.errors import SegueError

_SIGNS = re.compile(
    r"out of memory|can't allocate memory|not enough memory|cannot allocate memory|std::bad_alloc|Failed to allocate",
    re.IGNORECASE,
)


class OutOfMemory(SegueError):
    """A training step needs more memory than there is."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch, CUDA or Python says so."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and bool(_SIGNS.search(str(error)))


def out_of_memory(
    error: BaseException, cfg: Mapping[str, Any], model: nn.Module, activations: int | None
) -> OutOfMemory:
    """What to say of it.

    Args:
        error: as it came.
        cfg: the run's config.
        model: whose weights are counted.
        activations: bytes that the measured step kept for its backward pass; None where none could be measured, and
            the shares of them are given.
    """
    batch = int((cfg.get("train_dataloader") or {}).get("batch_size") or 1)
    wrapper = cfg.get("optim_wrapper") or {}
    counts = int(wrapper.get("accumulative_counts") or 1)
    lines = []
    if batch > 1:
        half = batch // 2
        more = -(-batch * counts // half)
        text = f"train_dataloader.batch_size={half} optim_wrapper.accumulative_counts={more}"
        lines.append((text, 1 - half / batch, "the same images for each step of the optimizer"))
    height, width = _crop(cfg)
    small = tuple(max(32, side * 3 // 4 // 32 * 32) for side in (height, width))
    if small[0] * small[1] < height * width:
        share = 1 - small[0] * small[1] / (height * width)
        lines.append((f"crop_size=({small[0]}, {small[1]}) for ({height}, {width})", share, "less context in a crop"))
    if str(wrapper.get("type") or "") != "AmpOptimWrapper":
        lines.append(("--amp", 0.45, "16-bit activations; weights stay 32-bit"))
    if any(hasattr(module, "with_cp") for module in model.modules()):
        lines.append(("model.backbone.with_cp=True", 0.5, "activations are computed again, a third more time"))
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    said = [f"  {text}: {_saved(share, activations)} ({why})" for text, share, why in lines]
    first = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
    known = f"; a step keeps {activations / 2**20:,.0f} MiB for its backward pass" if activations else ""
    return OutOfMemory(
        f"memory ran out in training ({first}). Weights take {weights / 2**20:,.1f} MiB, gradients as much{known}. "
        "What would help:\n" + "\n".join(said)
    )


def _saved(share: float, activations: int | None) -> str:
    if activations is None:
        return f"about {share:.0%} less of what grows with the images"
    return f"about {share * activations / 2**20:,.0f} MiB less"


def _crop(cfg: Mapping[str, Any]) -> tuple[int, int]:
    node = (cfg.get("model") or {}).get("data_preprocessor") or {}
    size = cfg.get("crop_size") or (node.get("size") if isinstance(node, Mapping) else None) or (512, 512)
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)
