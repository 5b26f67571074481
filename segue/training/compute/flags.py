"""``--precision``, ``--compile``, ``--channels-last``, ``--checkpointing``: flags as options of a config."""

from __future__ import annotations

import torch

from segue.errors import InputError

PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def compute_options(
    precision: str | None = None,
    *,
    amp: bool = False,
    compiled: bool = False,
    channels_last: bool = False,
    checkpointing: bool = False,
    accelerator: str = "auto",
) -> list[str]:
    """What ``--cfg-options`` would say.

    Raises:
        InputError: ``amp`` and ``precision`` together, or fp16 without a CUDA device.
    """
    found = []
    if precision is not None:
        if amp:
            raise InputError(f"--amp and --precision {precision}: give one of them; --amp is fp16 on a GPU, else bf16")
        cuda = torch.cuda.is_available() and accelerator in ("auto", "gpu", "cuda")
        if precision == "fp16" and not cuda:
            raise InputError("--precision fp16 needs a CUDA device; --precision bf16 runs on the CPU, too")
        kind = "OptimWrapper" if precision == "fp32" else "AmpOptimWrapper"
        found += [f"optim_wrapper.type={kind}", f"optim_wrapper.dtype={PRECISIONS[precision]}"]
    found += ["compile=True"] if compiled else []
    found += ["channels_last=True"] if channels_last else []
    return found + (["activation_checkpointing=True"] if checkpointing else [])
