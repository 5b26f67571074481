"""Record what transformers computes with small segmentors, for tests/checkpoints/data/hf_*.json.gz.

Run with a Python that has transformers 5.18: ``python tools/record_transformers.py tests/checkpoints/data [NAME ...]``.
Weights are a function of their key (``tests.checkpoints.foreign.official.trained``), so that records hold the names and
shapes of the keys that ``save_pretrained`` writes, ``config.json``, and some outputs, and no weights.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.checkpoints.foreign.official import picture, trained

SIDE = 64
LABELS = {"id2label": {0: "wall", 1: "floor", 2: "sky"}, "label2id": {"wall": 0, "floor": 1, "sky": 2}}
STAGES = ["stage1", "stage2", "stage3", "stage4"]
SWIN = {"embed_dim": 8, "depths": [1] * 4, "num_heads": [1, 1, 2, 2], "window_size": 4, "image_size": SIDE}
VIT = {"hidden_size": 16, "num_attention_heads": 2, "image_size": SIDE, "patch_size": 16}
EOMT = {**VIT, "num_hidden_layers": 4, "num_queries": 5, "num_blocks": 2, "num_register_tokens": 4}
DETR = {"d_model": 32, "decoder_layers": 2, "decoder_attention_heads": 2, "decoder_ffn_dim": 16, "num_queries": 5}
#: name -> (configuration, model, arguments)
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "beit": (
        "BeitConfig",
        "BeitForSemanticSegmentation",
        {
            **VIT,
            "num_hidden_layers": 6,
            "intermediate_size": 32,
            "use_relative_position_bias": True,
            "use_absolute_position_embeddings": False,
            "use_mask_token": False,
            "out_indices": [2, 3, 5, 6],
            "auxiliary_channels": 8,
        },
    ),
    "dpt": (
        "DPTConfig",
        "DPTForSemanticSegmentation",
        {
            **VIT,
            "num_hidden_layers": 4,
            "intermediate_size": 32,
            "is_hybrid": False,
            "backbone_out_indices": [0, 1, 2, 3],
            "neck_hidden_sizes": [4, 8, 12, 16],
            "fusion_hidden_size": 8,
            "use_batch_norm_in_fusion_residual": True,
        },
    ),
    "maskformer": (
        "MaskFormerConfig",
        "MaskFormerForInstanceSegmentation",
        {"fpn_feature_size": 32, "mask_feature_size": 16},
    ),
    "eomt_dinov2": ("EomtConfig", "EomtForUniversalSegmentation", EOMT),
    "eomt_dinov3": ("EomtDinov3Config", "EomtDinov3ForUniversalSegmentation", {**EOMT, "intermediate_size": 64}),
}
#: buffers that are computed, or of training
COMPUTED = ("relative_position_index", "empty_weight", "attn_mask_probs")


def made(name: str) -> torch.nn.Module:
    """The model with random weights."""
    import transformers

    config, model, options = CASES[name]
    if name == "maskformer":
        swin = transformers.SwinConfig(**SWIN, out_features=STAGES)
        options = {**options, "backbone_config": swin, "decoder_config": transformers.DetrConfig(**DETR)}
    found: torch.nn.Module = getattr(transformers, model)(getattr(transformers, config)(**options, **LABELS))
    return found.eval()


def record(name: str) -> dict[str, Any]:
    """Config, keys with shapes, and every eighth value of outputs that are maps of the input's size."""
    from safetensors.torch import load_file, save_file

    model: Any = made(name)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        file = Path(folder) / "model.safetensors"
        own = load_file(file)
        shapes = {key: tuple(value.shape) for key, value in own.items() if not key.endswith(COMPUTED)}
        kept = {key: value * ("index" in key) for key, value in own.items() if key not in shapes}
        save_file({**kept, **trained(shapes)}, file, {"format": "pt"})
        config = json.loads((Path(folder) / "config.json").read_text())
        model = type(model).from_pretrained(folder).eval()
    with torch.no_grad():
        out = model(pixel_values=picture(SIDE, SIDE))
    named = {"logits": "logits", "class_queries_logits": "classes", "masks_queries_logits": "masks"}
    outputs = {}
    for key, short in named.items():
        value = getattr(out, key, None)
        if value is not None:
            value = value[:, :, ::8, ::8] if value.shape[-1] == SIDE else value
            numbers = [float(f"{number:.7g}") for number in value.flatten().tolist()]
            outputs[short] = {"shape": list(value.shape), "values": numbers}
    return {"config": config, "shapes": shapes, "outputs": outputs}


def main(folder: Path, names: list[str]) -> None:
    """Write the files."""
    for name in names or list(CASES):
        found = json.dumps(record(name), separators=(",", ":")).encode()
        (folder / f"hf_{name}.json.gz").write_bytes(gzip.compress(found, 9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
