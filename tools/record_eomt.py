"""Record what transformers computes with small EoMTs, for tests/models/eomt.json.gz.

Run with a Python that has transformers 5.18 and scipy: ``python tools/record_eomt.py tests/models/eomt.json.gz``.
Weights are random numbers of one seed in the order of the sorted keys; images too. ``torch.rand`` gives the same
numbers for the same shape, so that the points and queries that are drawn do not depend on the order of draws.
"""

from __future__ import annotations

import gzip
import json
import sys
from typing import Any

import torch

WIDTH, QUERIES, CLASSES, SIDE, POINTS = 16, 5, 3, 64, 96
SHARED = {
    "hidden_size": WIDTH,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": 16,
    "num_queries": QUERIES,
    "num_blocks": 2,
    "num_labels": CLASSES,
    "num_register_tokens": 4,
    "train_num_points": POINTS,
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "dinov2": ("Eomt", {"layer_norm_eps": 1e-6}),
    "dinov3": ("EomtDinov3", {"layer_norm_eps": 1e-5, "intermediate_size": 4 * WIDTH, "pos_embed_rescale": None}),
    "dinov3-gated": (
        "EomtDinov3",
        {
            "layer_norm_eps": 1e-5,
            "intermediate_size": 4 * WIDTH,
            "pos_embed_rescale": None,
            "use_gated_mlp": True,
            "hidden_act": "silu",
        },
    ),
}
_rand = torch.rand


def rand(*shape: Any, device: Any = None, dtype: Any = None) -> torch.Tensor:
    """``torch.rand``, of which equal shapes get equal numbers."""
    return _rand(*shape, generator=torch.Generator().manual_seed(0))


def short(values: list[float]) -> list[float]:
    """To seven digits, for a small file."""
    return [float(f"{value:.7g}") for value in values]


def labels() -> torch.Tensor:
    """Label maps (2, SIDE, SIDE): the second image has two of the three classes, and unlabeled rows."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    first = (y > x).long() + ((y + x) > 90).long()
    second = torch.where((y - 30) ** 2 + (x - 20) ** 2 < 300, 2, 0)
    second[:5] = 255
    return torch.stack([first, second])


def record(name: str) -> dict[str, Any]:
    """Keys with shapes; class scores, mask logits, losses and norms of gradients, with masked attention and without."""
    import transformers

    kind, options = CASES[name]
    config = getattr(transformers, kind + "Config")(**SHARED, **options)
    model = getattr(transformers, kind + "ForUniversalSegmentation")(config)
    random = torch.Generator().manual_seed(0)
    fixed = ("attn_mask_probs", "criterion.empty_weight")
    state = {
        key: torch.randn(value.shape, generator=random) * 0.3
        for key, value in sorted(model.state_dict().items())
        if key not in fixed
    }
    for key in ("mask_head.fc3.bias", "upscale_block.block.1.layernorm2d.bias"):
        state[key].zero_()  # so that masks are neither empty nor full
    model.load_state_dict({**model.state_dict(), **state})
    # transformers takes the encoder's activation here, too, which with gated MLPs is not that of the authors' code
    for block in model.upscale_block.block:
        block.activation = torch.nn.GELU()
    model.mask_head.activation = torch.nn.GELU()
    image = torch.randn(2, 3, SIDE, SIDE, generator=random)
    truth = [torch.unique(one[one != 255]) for one in labels()]
    masks = [(one == classes[:, None, None]).float() for one, classes in zip(labels(), truth, strict=True)]
    entry: dict[str, Any] = {"keys": {key: list(value.shape) for key, value in state.items()}, "runs": {}}
    torch.rand = rand  # type: ignore[assignment]
    for share in (1.0, 0.5, 0.0) if name != "dinov3-gated" else (1.0,):
        model.train()
        model.zero_grad()
        model.attn_mask_probs.fill_(share)
        out = model(pixel_values=image, mask_labels=masks, class_labels=truth)
        out.loss.backward()
        norms = {key: float(p.grad.double().norm()) for key, p in model.named_parameters() if p.grad is not None}
        entry["runs"][str(share)] = {
            "loss": float(out.loss.detach()),
            "scores": short(out.class_queries_logits.detach().flatten().tolist()),
            "masks": short(out.masks_queries_logits.detach().flatten()[::41].tolist()),
            "gradients": dict(zip(norms, short(list(norms.values())), strict=True)),
        }
    model.eval()
    model.attn_mask_probs.fill_(0)
    with torch.no_grad():
        out = model(pixel_values=image)
    entry["eval"] = {
        "scores": short(out.class_queries_logits.flatten().tolist()),
        "masks": short(out.masks_queries_logits.flatten()[::41].tolist()),
    }
    torch.rand = _rand
    return entry


if __name__ == "__main__":
    with gzip.open(sys.argv[1], "wt", encoding="utf-8") as file:
        json.dump({name: record(name) for name in CASES}, file)
