"""DINOv2 and DINOv3: features of transformers 5.18 (``tools/record_dino.py``), keys of its files, and messages."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from segue.backbones.dino_vision_transformer import DinoVisionTransformer
from segue.checkpoints.foreign import candidates
from segue.config.builder.build import build
from segue.errors import InputError

RECORDED: dict[str, Any] = json.loads(gzip.decompress(Path(__file__).with_name("dino.json.gz").read_bytes()))
TINY: dict[str, Any] = {"embed_dim": 16, "depth": 2, "num_heads": 2}


@pytest.mark.parametrize("arch", RECORDED)
def test_features_are_those_of_transformers(arch: str) -> None:
    entry = RECORDED[arch]
    random = torch.Generator().manual_seed(0)
    state = {key: torch.randn(shape, generator=random) * 0.3 for key, shape in entry["keys"].items()}
    source, wrapper = next(iter(candidates(state)))
    model = build({"b": entry["config"]}, "b", "backbones").eval()
    model.load_state_dict(source.convert(state, wrapper).state)  # strict
    patch = entry["config"].get("patch_size", 16)
    for (rows, columns), golden in zip(((4, 6), (3, 2)), entry["outputs"], strict=True):
        image = torch.randn(1, 3, rows * patch, columns * patch, generator=random)
        with torch.no_grad():
            (out,) = model(image)
        got, want = out.flatten(2).transpose(1, 2).flatten()[::11], torch.tensor(golden)
        assert ((got - want).abs().max() / want.abs().max()) < 1e-5


@pytest.mark.parametrize("arch", ["dinov2-b", "dinov2-s-reg", "dinov3-s+"])
def test_any_size_any_bands_and_gradients_with_recomputation(arch: str) -> None:
    torch.manual_seed(0)
    model = DinoVisionTransformer(arch, in_channels=5, out_indices=[0, -1], rope_rescale=1, with_cp=True, **TINY)
    image = torch.randn(1, 5, 97, 131, requires_grad=True)
    outputs = model(image)
    patch = 14 if "v2" in arch else 16
    assert [tuple(x.shape) for x in outputs] == [(1, 16, -(-97 // patch), -(-131 // patch))] * 2
    sum(x.square().sum() for x in outputs).backward()
    kept = model.blocks[0].attn.qkv.weight.grad.clone()
    model.zero_grad()
    for block in model.blocks:
        block.with_cp = False
    sum(x.square().sum() for x in model(image)).backward()
    torch.testing.assert_close(kept, model.blocks[0].attn.qkv.weight.grad)


def test_arguments_and_files_of_other_projects() -> None:
    given = {
        "patch_size": 16,
        "init_values": 1e-5,
        "block_chunks": 0,
        "img_size": 64,
        "mlp_ratio": 4,
        "ffn_layer": "swiglufused",
    }
    model = DinoVisionTransformer(**given, **TINY)
    state = {key.replace("blocks.", "blocks.0."): value for key, value in model.state_dict().items()}
    state["mask_token"] = torch.zeros(1, 16)
    larger = DinoVisionTransformer(**{**given, "img_size": 96}, **TINY)
    larger.load_state_dict(state)
    assert torch.equal(larger.blocks[1].mlp.w12.weight, model.blocks[1].mlp.w12.weight)
    v3 = DinoVisionTransformer("dinov3-b", **TINY)
    theirs = {key.replace("register", "storage"): value for key, value in v3.state_dict().items()}
    theirs |= {"rope_embed.periods": torch.ones(2), "blocks.0.attn.qkv.bias_mask": torch.ones(48)}
    v3.load_state_dict(theirs)


def test_weights_of_other_patches_mean_the_same() -> None:
    """FlexiViT's equation 2: a patch of 14 pixels and the same resized to 16 get the same token."""
    torch.manual_seed(0)
    old = DinoVisionTransformer("dinov3-b", patch_size=14, **TINY)
    new = DinoVisionTransformer("dinov3-b", patch_size=16, **TINY)
    new.load_state_dict(old.state_dict())
    patch = torch.randn(4, 3, 14, 14)
    larger = torch.nn.functional.interpolate(patch, size=(16, 16), mode="bicubic", antialias=True)
    torch.testing.assert_close(new.patch_embed(larger)[0], old.patch_embed(patch)[0], atol=1e-4, rtol=1e-4)


def test_frozen_stays_frozen() -> None:
    model = DinoVisionTransformer("dinov3-b", frozen=True, drop_path_rate=0.5, **TINY).train()
    assert not model.training
    assert not any(p.requires_grad for p in model.parameters())


def test_messages() -> None:
    with pytest.raises(InputError, match=r"arch='dinov3-x'.*dinov3-7b"):
        DinoVisionTransformer("dinov3-x")
    with pytest.raises(InputError, match="num_heads=3 must divide embed_dim=16"):
        DinoVisionTransformer(embed_dim=16, num_heads=3)
    with pytest.raises(InputError, match=r"out_indices=\[2\]; blocks are 0 to 1"):
        DinoVisionTransformer(out_indices=[2], **TINY)


BLOCK = ("norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.proj.weight", "attn.proj.bias", "norm2.weight")
TIMM: dict[str, tuple[dict[str, Any], list[str]]] = {
    "dinov2-b": ({}, ["pos_embed", "blocks.0.ls1.gamma", "blocks.0.ls2.gamma", "fc1", "fc2", "qkv.bias"]),
    "dinov2-b-reg": (
        {},
        ["pos_embed", "reg_token", "blocks.0.ls1.gamma", "blocks.0.ls2.gamma", "fc1", "fc2", "qkv.bias"],
    ),
    "dinov2-g": ({}, ["pos_embed", "blocks.0.ls1.gamma", "blocks.0.ls2.gamma", "fc1", "fc2", "qkv.bias"]),
    "dinov3-b": ({"qkv_bias": False}, ["reg_token", "blocks.0.gamma_1", "blocks.0.gamma_2", "fc1", "fc2"]),
    "dinov3-l": ({}, ["reg_token", "blocks.0.gamma_1", "blocks.0.gamma_2", "fc1", "fc2", "q_bias", "v_bias"]),
    "dinov3-s+": ({"qkv_bias": False}, ["reg_token", "blocks.0.gamma_1", "blocks.0.gamma_2", "fc1_g", "fc1_x", "fc2"]),
}


@pytest.mark.parametrize("arch", TIMM)
def test_keys_of_timm_load_strictly(arch: str) -> None:
    """Keys as timm 1.0.31 has them; shapes follow from width 16, hidden width 64 (gated: 48)."""
    options, names = TIMM[arch]
    model = DinoVisionTransformer(arch, embed_dim=16, depth=1, num_heads=2, img_size=56, **options)
    own = model.state_dict()
    hidden = {"dinov2-g": 48, "dinov3-s+": 64}.get(arch, 64)
    width = {"fc1": 2 * hidden if arch == "dinov2-g" else hidden, "fc1_g": hidden, "fc1_x": hidden}
    state = {key: own[key] for key in ("cls_token", "patch_embed.proj.weight", "patch_embed.proj.bias")}
    state |= {f"blocks.0.{key}": own[f"blocks.0.{key}"] for key in (*BLOCK, "norm2.bias")}
    state |= {"norm.weight": own["norm.weight"], "norm.bias": own["norm.bias"]}
    for name in names:
        if name == "pos_embed":
            state[name] = own[name][:, 1:] if "reg" in arch else own[name]
        elif name == "reg_token":
            state[name] = torch.randn(1, 4, 16)
        elif name.startswith("fc"):
            out, into = (width[name], 16) if name != "fc2" else (16, hidden)
            state[f"blocks.0.mlp.{name}.weight"] = torch.randn(out, into)
            state[f"blocks.0.mlp.{name}.bias"] = torch.randn(out)
        elif name.endswith("bias"):
            state[f"blocks.0.attn.{name}"] = torch.randn(48 if name == "qkv.bias" else 16)
        else:
            state[name] = torch.randn(16)
    for source, wrapper in candidates(state):
        converted = source.convert(state, wrapper).state
        if converted.keys() == own.keys():
            model.load_state_dict(converted)
            return
    model.load_state_dict(state)  # they are the authors' own
