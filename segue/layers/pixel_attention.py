"""Attention between the positions of feature maps; ANN, DANet, ISANet, the non-local networks and A2-Net share it."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def attend(query: Tensor, key: Tensor, value: Tensor, scale: float = 1.0) -> Tensor:
    """What each query finds: query (B, D, N), key (B, D, M) and value (B, C, M) to (B, C, N).

    Out of position n comes ``sum_m w_nm value_m``, with ``w_n`` the softmax over m of ``scale * query_n . key_m``. The
    N x M weights are not kept where the device has a kernel for that.
    """
    q, k, v = (x.transpose(1, 2).unsqueeze(1) for x in (query, key, value))
    return F.scaled_dot_product_attention(q, k, v, scale=scale).squeeze(1).transpose(1, 2)
