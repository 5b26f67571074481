import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmseg.models.builder import MODELS
from torch import Tensor


@MODELS.register_module()
class Reins(nn.Module):
    """Tokens per layer, by which features are refined, and from which the queries of the head are made."""

    def __init__(self, num_layers: int, embed_dims: int, query_dims: int = 16, token_length: int = 8,
                 use_softmax: bool = True, scale_init: float = 0.1) -> None:
        super().__init__()
        self.num_layers, self.embed_dims, self.token_length = num_layers, embed_dims, token_length
        self.use_softmax = use_softmax
        self.learnable_tokens = nn.Parameter(torch.empty([num_layers, token_length, embed_dims]))
        self.scale = nn.Parameter(torch.tensor(scale_init))
        self.mlp_token2feat = nn.Linear(embed_dims, embed_dims)
        self.mlp_delta_f = nn.Linear(embed_dims, embed_dims)
        self.transform = nn.Linear(embed_dims, query_dims)
        self.merge = nn.Linear(query_dims * 3, query_dims)
        val = math.sqrt(6.0 / float(3 * embed_dims))
        nn.init.uniform_(self.learnable_tokens.data, -val, val)

    def return_auto(self, feats):
        tokens = self.transform(self.learnable_tokens).permute(1, 2, 0)
        tokens = torch.cat([
            F.max_pool1d(tokens, kernel_size=self.num_layers),
            F.avg_pool1d(tokens, kernel_size=self.num_layers),
            tokens[:, :, -1].unsqueeze(-1),
        ], dim=-1)
        return feats, self.merge(tokens.flatten(-2, -1))

    def forward(self, feats: Tensor, layer: int) -> Tensor:
        tokens = self.learnable_tokens[layer]
        attn = torch.einsum('bnc,mc->bnm', feats, tokens)
        if self.use_softmax:
            attn = F.softmax(attn * self.embed_dims**-0.5, dim=-1)
        delta_f = attn @ self.mlp_token2feat(tokens)
        return feats + self.mlp_delta_f(delta_f + feats) * self.scale
