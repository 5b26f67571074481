"""Attention between the positions of feature maps; ANN, DANet, ISANet, the non-local networks and A2-Net share it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

_PAIRS = 1 << 22  # weights that may exist at once where no kernel does without them: 16 MiB


def attend(query: Tensor, key: Tensor, value: Tensor, scale: float = 1.0) -> Tensor:
    """What each query finds: query (B, D, N), key (B, D, M) and value (B, C, M) to (B, C, N).

    Out of position n comes ``sum_m w_nm value_m``, with ``w_n`` the softmax over m of ``scale * query_n . key_m``. The
    N x M weights never exist at once: a kernel of the device does without them, or some queries go after others, in
    training too, where the weights are computed again on the way back.
    """
    # the kernels take rows that lie together in memory; of others torch makes all weights, without a word
    q, k, v = (x.transpose(1, 2).contiguous().unsqueeze(1) for x in (query, key, value))
    rows = max(1, _PAIRS // max(1, q.shape[0] * k.shape[2]))
    fused = q.is_cuda or q.shape[-1] == v.shape[-1]  # the kernel of the CPU takes values as wide as keys only
    if fused or torch.compiler.is_exporting() or q.shape[2] <= rows:  # a file would keep one size's parts
        return F.scaled_dot_product_attention(q, k, v, scale=scale).squeeze(1).transpose(1, 2)

    def some(part: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(part, keys, values, scale=scale)

    if torch.is_grad_enabled() and any(x.requires_grad for x in (q, k, v)):
        found = [
            checkpoint(some, part, k, v, use_reentrant=False, preserve_rng_state=False)
            for part in torch.split(q, rows, 2)
        ]
    else:
        found = [some(part, k, v) for part in torch.split(q, rows, 2)]
    return torch.cat(found, dim=2).squeeze(1).transpose(1, 2)
