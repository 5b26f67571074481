"""Record what transformers computes with small DINOs, for tests/backbones/dino.json.gz.

Run with a Python that has transformers 5.18: ``python tools/record_dino.py tests/backbones/dino.json.gz``.
Weights are random numbers of one seed in the order of the sorted keys; images too.
"""

from __future__ import annotations

import gzip
import json
import sys
from typing import Any

import torch

SIZES = ((64, 96), (48, 32))
V2 = {"patch_size": 14, "img_size": 56, "embed_dim": 32, "depth": 2, "num_heads": 2}
V3 = {"embed_dim": 32, "depth": 2, "num_heads": 2}
#: blocks and widths of the stages, in the proportions of the published ones
CONVNEXT = {
    "t": ([1, 1, 3, 1], [6, 12, 24, 48]),
    "s": ([1, 1, 9, 1], [6, 12, 24, 48]),
    "b": ([1, 1, 9, 1], [8, 16, 32, 64]),
    "l": ([1, 1, 9, 1], [12, 24, 48, 96]),
}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{f"dinov2-{n}": (V2, {"kind": "Dinov2", "use_swiglu_ffn": n == "g"}) for n in "bg"},
    **{f"dinov2-{n}-reg": (V2, {"kind": "Dinov2WithRegisters", "use_swiglu_ffn": n == "g"}) for n in "bg"},
    "dinov3-b": (V3, {"kind": "DINOv3ViT", "intermediate_size": 128}),
    "dinov3-s+": (V3, {"kind": "DINOv3ViT", "intermediate_size": 128, "use_gated_mlp": True, "hidden_act": "silu"}),
    "dinov3-h+": (
        {**V3, "num_heads": 4},
        {"kind": "DINOv3ViT", "intermediate_size": 128, "use_gated_mlp": True, "hidden_act": "silu"},
    ),
    "dinov3-7b": (
        V3,
        {
            "kind": "DINOv3ViT",
            "intermediate_size": 64,
            "use_gated_mlp": True,
            "hidden_act": "silu",
            "query_bias": False,
            "value_bias": False,
        },
    ),
}


def record(arch: str) -> dict[str, Any]:
    """Config, keys with shapes, and features at two sizes."""
    import transformers

    if arch.startswith("dinov3-convnext"):
        return record_convnext(*CONVNEXT[arch[-1]])
    own, other = CASES[arch]
    options = {key: value for key, value in other.items() if key != "kind"}
    names = {"img_size": "image_size", "embed_dim": "hidden_size", "depth": "num_hidden_layers"}
    names |= {"num_heads": "num_attention_heads", "patch_size": "patch_size"}
    options |= {names[key]: value for key, value in own.items()}
    if other["kind"] != "Dinov2":
        options["num_register_tokens"] = 4
    config = getattr(transformers, other["kind"] + "Config")(**options)
    model = getattr(transformers, other["kind"] + "Model")(config).eval()
    random = torch.Generator().manual_seed(0)
    state = {key: torch.randn(value.shape, generator=random) * 0.3 for key, value in sorted(model.state_dict().items())}
    model.load_state_dict(state)
    prefix = 1 + getattr(config, "num_register_tokens", 0)
    outputs = []
    for height, width in SIZES:
        patch = own.get("patch_size", 16)
        image = torch.randn(1, 3, height // 16 * patch, width // 16 * patch, generator=random)
        with torch.no_grad():
            outputs.append(model(image).last_hidden_state[:, prefix:].flatten()[::11].tolist())
    return {
        "config": {"type": "DinoVisionTransformer", "arch": arch, **own},
        "keys": {key: list(value.shape) for key, value in state.items()},
        "outputs": outputs,
    }


def record_convnext(depths: list[int], channels: list[int]) -> dict[str, Any]:
    """The same of a ConvNeXt."""
    import transformers

    model = transformers.DINOv3ConvNextModel(transformers.DINOv3ConvNextConfig(hidden_sizes=channels, depths=depths))
    random = torch.Generator().manual_seed(0)
    state = {
        key: torch.randn(value.shape, generator=random) * 0.3
        for key, value in sorted(model.eval().state_dict().items())
    }
    model.load_state_dict(state)
    outputs = []
    for height, width in SIZES:
        image = torch.randn(1, 3, height, width, generator=random)
        with torch.no_grad():
            outputs.append(model(image).last_hidden_state[:, 1:].flatten()[::11].tolist())
    return {
        "config": {"type": "ConvNeXt", "arch": {"depths": depths, "channels": channels}, "out_indices": -1},
        "keys": {key: list(value.shape) for key, value in state.items()},
        "outputs": outputs,
    }


if __name__ == "__main__":
    with gzip.open(sys.argv[1], "wt", encoding="utf-8") as file:
        json.dump({arch: record(arch) for arch in (*CASES, *(f"dinov3-convnext-{size}" for size in CONVNEXT))}, file)
