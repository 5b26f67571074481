"""PMT: its forward pass written out from a file with the authors' names; phases, messages; a small one learns."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from segue.checkpoints import load_weights, save_weights
from segue.checkpoints.convert import convert
from segue.checkpoints.foreign import candidates
from segue.checkpoints.safe.reader import read
from segue.config.builder.build import build_model
from segue.errors import CheckpointError, ConfigError, InputError
from segue.inference import whole_or_slide
from segue.models.pmt import PMT
from segue.types import Targets
from tests.heads.test_mask2former import batch
from tests.models.test_eomt import cfg_train

ARCHS = ["dinov3-b", "dinov3-s+", "dinov2-b-reg"]


def config(arch: str = "dinov3-b", width: int = 16, bands: int = 3, **changes: Any) -> dict[str, Any]:
    backbone = {"type": "DinoVisionTransformer", "arch": arch, "embed_dim": width, "depth": 4, "num_heads": 2}
    backbone |= {"patch_size": 16, "img_size": 64, "out_indices": [1, 3], "frozen": True, "in_channels": bands}
    head = {"type": "PMTHead", "in_channels": width, "num_classes": 3, "num_queries": 5}
    head |= {"num_levels": 2, "num_blocks": 2, "num_heads": 2}
    return {"model": {"type": "PMT", "backbone": backbone, "decode_head": head, **changes}}


def random_weights(model: PMT, seed: int = 0) -> PMT:
    """Every number of the model is drawn, so that none can be left out without notice."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=random) * 0.2)
        for bn in model.decode_head.bn:  # type: ignore[union-attr]
            bn.running_var.copy_(bn.running_var.abs() + 0.5)
    return model


def authors(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The decoder's weights as the authors' files have them: queries, keys and values apart, no bias of keys."""
    theirs = {"network.decoder.attn_mask_probs": torch.ones(2), "criterion.empty_weight": torch.ones(4)}
    for key, value in state.items():
        if not key.startswith("decode_head."):
            continue
        new = "network.decoder." + key.removeprefix("decode_head.")
        for ours, name in ((".attn.", ".attention."), (".proj.", ".o_proj."), (".ls", ".layer_scale")):
            new = new.replace(ours, name) if ".blocks." in new else new
        new = new.replace(".gamma", ".lambda1").replace("mlp.fc1", "mlp.up_proj").replace("mlp.fc2", "mlp.down_proj")
        new = new.replace("network.decoder.bn.", "network.bn.")
        if ".qkv." not in new:
            theirs[new] = value
            continue
        for name, part in zip("qkv", value.chunk(3), strict=True):
            if (name, new.rpartition(".")[2]) != ("k", "bias"):
                theirs[new.replace("qkv", f"{name}_proj")] = part
    return theirs


def by_hand(w: dict[str, Tensor], levels: list[Tensor], grid: tuple[int, int], heads: int) -> tuple[Tensor, Tensor]:
    """Classes (B, Q, K + 1) and masks (B, Q, h, w) of the decoder, in evaluation, as the paper and its code tell."""
    d = "network.decoder."

    def linear(x: Tensor, name: str) -> Tensor:
        return F.linear(x, w[f"{name}.weight"], w.get(f"{name}.bias"))

    def norm(x: Tensor, name: str, eps: float = 1e-5) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], eps)

    total = torch.zeros_like(levels[0])
    for i, x in enumerate(levels):
        bn = f"network.bn.{i}."
        x = (x - w[bn + "running_mean"]) / (w[bn + "running_var"] + 1e-5).sqrt() * w[bn + "weight"] + w[bn + "bias"]
        lateral = f"{d}lateral_projections.{i}."
        total += (x + linear(F.gelu(linear(x, lateral + "0")), lateral + "2")) * w[f"{d}scalers.{i}"]
    x = torch.cat([w[d + "q.weight"].expand(len(total), -1, -1), total], dim=1)
    batch, tokens, width = x.shape
    places = torch.tensor([[(a + 0.5) / grid[0] * 2 - 1, (b + 0.5) / grid[1] * 2 - 1]
                           for a in range(grid[0]) for b in range(grid[1])])  # fmt: skip
    inverse = 1 / 100 ** torch.arange(0, 1, 4 / (width // heads))
    angles = (2 * math.pi * places[:, :, None] * inverse).flatten(1).tile(2)
    first = tokens - len(places)

    def turned(y: Tensor) -> Tensor:
        y = y.view(batch, tokens, heads, -1).transpose(1, 2)
        left, right = y[:, :, first:].chunk(2, -1)
        patches = y[:, :, first:] * angles.cos() + torch.cat([-right, left], -1) * angles.sin()
        return torch.cat([y[:, :, :first], patches], 2)

    for i in range(2):
        b = f"{d}blocks.{i}."
        y = norm(x, b + "norm1")
        q, k = (turned(linear(y, f"{b}attention.{name}_proj")) for name in "qk")
        v = linear(y, b + "attention.v_proj").view(batch, tokens, heads, -1).transpose(1, 2)
        y = ((q @ k.mT / (width // heads) ** 0.5).softmax(-1) @ v).transpose(1, 2).flatten(2)
        x = x + linear(y, b + "attention.o_proj") * w[b + "layer_scale1.lambda1"]
        y = linear(F.gelu(linear(norm(x, b + "norm2"), b + "mlp.up_proj")), b + "mlp.down_proj")
        x = x + y * w[b + "layer_scale2.lambda1"]
    x = norm(x, d + "decoder_norm")
    pixels = x[:, first:].mT.unflatten(2, grid)
    for i in range(2):
        u = f"{d}upscale.{i}."
        pixels = F.gelu(F.conv_transpose2d(pixels, w[u + "conv1.weight"], w[u + "conv1.bias"], stride=2))
        pixels = F.conv2d(pixels, w[u + "conv2.weight"], padding=1, groups=width)
        pixels = norm(pixels.movedim(1, -1), u + "norm", 1e-6).movedim(-1, 1)
    queries = x[:, :5]
    for i in (0, 2, 4):
        queries = linear(F.gelu(queries) if i else queries, f"{d}mask_head.{i}")
    return linear(x[:, :5], d + "class_head"), torch.einsum("bqc,bchw->bqhw", queries, pixels)


@pytest.mark.parametrize("arch", ARCHS)
def test_masks_are_those_written_out(arch: str) -> None:
    """Oracle: `by_hand`, on the file that the authors would write; it loads strictly into another model."""
    model = random_weights(build_model(config(arch)))  # type: ignore[arg-type]
    other: Any = random_weights(build_model(config(arch)), seed=1).eval()  # type: ignore[arg-type]
    theirs = authors(model.state_dict())
    found = [source.convert(theirs, wrapper) for source, wrapper in candidates(theirs)]
    assert found[0].source.name == "pmt" and "--base" in str(found[0]) and not found[0].kept
    other.decode_head.load_state_dict({k.removeprefix("decode_head."): v for k, v in found[0].state.items()})
    image = torch.randn(2, 3, 64, 48)
    with torch.no_grad():
        tokens, size = other.backbone.tokens(image)
        rope = other.backbone.rope(size, tokens) if other.backbone.rope else None
        levels = [tokens]
        for block in other.backbone.blocks:
            levels.append(block(levels[-1], rope))
        scores, masks = by_hand(theirs, [other.backbone.norm(levels[i]) for i in (2, 4)], size, heads=2)
        (got,) = other.extract_feat(image)
    torch.testing.assert_close(got.scores, scores, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(got.masks, masks, rtol=1e-4, atol=1e-4)
    wanted = torch.einsum("bqk,bqhw->bkhw", scores.softmax(-1)[..., :-1], masks.sigmoid())
    torch.testing.assert_close(other(image), wanted, rtol=1e-4, atol=1e-4)


def test_a_decoder_is_joined_with_its_encoder(tmp_path: Path) -> None:
    model = random_weights(build_model(config()))  # type: ignore[arg-type]
    state = {key: value for key, value in model.state_dict().items() if key != "decode_head.rope"}
    encoder = {
        key.removeprefix("backbone.").replace("register_tokens", "storage_tokens"): value
        for key, value in state.items()
        if key.startswith("backbone.")
    }
    decoder = save_weights(tmp_path / "pmt.safetensors", authors(state))
    whole = save_weights(tmp_path / "dinov3.safetensors", {**encoder, "rope_embed.periods": torch.ones(2)})
    made = convert(decoder, tmp_path / "whole.safetensors", base=whole)
    again: Any = build_model(config())
    assert load_weights(again, made.path, strict=True).complete
    for key, value in read(made.path).state_dict.items():
        kept = value.clone()
        if key.endswith("attn.qkv.bias") and "decode_head" in key:
            kept = state[key].clone()
            kept[16:32] = 0  # of the keys, which counts as 0 and is not in the file
        assert torch.equal(value, state[key] if "decode_head" not in key else kept)
    small = save_weights(tmp_path / "small.safetensors", {"cls_token": torch.zeros(1, 1, 8)})
    with pytest.raises(CheckpointError, match=r"small.safetensors: its tokens have 8 channels, the decoder's 16"):
        convert(decoder, tmp_path / "bad.safetensors", base=small)
    full = {**authors(state), "network.encoder.backbone.norm.weight": torch.ones(16)}
    with pytest.raises(CheckpointError, match="have an encoder of their own: leave out --base"):
        convert(save_weights(tmp_path / "full.safetensors", full), tmp_path / "bad.safetensors", base=whole)
    with pytest.raises(InputError, match="is no decoder alone, as PMT's: omit it"):
        convert(whole, tmp_path / "bad.safetensors", base=whole)


@pytest.mark.parametrize("bands", [3, 5])
@pytest.mark.parametrize("arch", ["dinov3-s+", "dinov2-b-reg"])
def test_trains_a_step_saves_loads_and_predicts(arch: str, bands: int, tmp_path: Path) -> None:
    """Any shape and bands; the encoder stays as it is, and all of the head learns."""
    torch.manual_seed(0)
    cfg = config(arch, bands=bands)
    cfg["model"]["decode_head"]["with_cp"] = True
    model: Any = build_model(cfg).train()
    before = {key: value.clone() for key, value in model.named_parameters()}
    losses = model.loss(torch.randn(2, bands, 97, 131), Targets(labels=torch.randint(0, 3, (2, 97, 131))))
    assert len([key for key in losses if "loss" in key]) == 9 and losses["masked_1"] == 1
    sum(value for key, value in losses.items() if "loss" in key).backward()
    trained = [key for key, parameter in model.named_parameters() if parameter.grad is not None]
    assert trained == [key for key in before if key.startswith("decode_head.")]
    torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2).step()
    for key, parameter in model.named_parameters():
        assert torch.equal(parameter, before[key]) == key.startswith("backbone."), key
    path = save_weights(tmp_path / "model.safetensors", model.state_dict())
    again: Any = build_model(cfg).eval()
    assert load_weights(again, path, strict=True).complete
    image = torch.randn(1, bands, 97, 131)
    with torch.inference_mode():
        got = whole_or_slide(again, image)
        assert got.shape == (1, 3, 97, 131) and torch.equal(got, whole_or_slide(model.eval(), image))
        whole = again.encode_decode(F.pad(image, (0, 13, 0, 15)))
    assert torch.equal(got, whole[..., :97, :131])


def test_a_frozen_encoder_sees_no_stretched_positions() -> None:
    """As with the authors: the decoder on DINOv3 takes the encoder's positions; on DINOv2 it has its own."""
    model: Any = build_model(config()).train()
    tokens, size = model.backbone.tokens(torch.randn(1, 3, 64, 64))
    torch.testing.assert_close(model.backbone.rope(size, tokens), model.backbone.rope(size, tokens), rtol=0, atol=0)
    assert not torch.equal(model.decode_head.rope(size, tokens)[0], model.decode_head.rope(size, tokens)[0])


def test_phases_are_those_published() -> None:
    """Oracle: the authors' times of ADE20K and COCO; six fifths of the last end are 20,191 and 88,692."""
    cfg = config()
    cfg["model"]["decode_head"]["num_blocks"] = 6
    model: Any = build_model(cfg)
    ade, coco = model.evenly(20_191), model.evenly(88_692)
    times = [(ade.starts[1:], [5384, 7403, 9422, 11442, 13461]), (ade.ends[1:], [8749, 10769, 12788, 14807, 16826])]
    times += [(coco.starts[1:], [23651, 32520, 41389, 50258, 59128])]
    times += [(coco.ends[1:], [38433, 47302, 56171, 65040, 73910])]
    assert all(max(abs(a - b) for a, b in zip(*pair, strict=True)) <= 2 for pair in times)
    assert ade.starts[0] == 0 and abs(ade.ends[0] - 3000) < 30
    for blocks in (1, 2):
        cfg["model"]["decode_head"]["num_blocks"] = blocks
        assert len(build_model(cfg).evenly(100).ends) == blocks  # type: ignore[operator]


def test_messages() -> None:
    head = config()["model"]["decode_head"]
    backbone = config()["model"]["backbone"]
    eomt = {"type": "EoMTHead", "in_channels": 16, "num_classes": 3}
    for changes, message in (
        ({"decode_head": {**head, "num_levels": 3}}, r"out_indices=\(1, 3\), and decode_head has num_levels=3"),
        ({"decode_head": {**head, "num_heads": 4}}, "heads of 4 channels; .* for 8, which is num_heads=2"),
        ({"decode_head": {**head, "num_heads": 3}}, "num_heads=3 must divide in_channels=16 into multiples of 4"),
        ({"decode_head": {**head, "num_blocks": 0}}, "num_blocks=0.* must be 1 or more"),
        ({"decode_head": {**head, "in_channels": 8}}, "in_channels=8 and patch_size=16; the backbone needs 16 and 16"),
        ({"decode_head": eomt}, "PMT: decode_head must be a PMTHead, which EoMTHead is not"),
        ({"backbone": {"type": "ConvNeXt"}}, "must be a DinoVisionTransformer, which ConvNeXt is not"),
        ({"annealing": {"starts": [0], "ends": [1]}}, "PMT: annealing has 1 phases for num_blocks=2"),
        ({"type": "EoMT", "backbone": backbone}, "EoMT: decode_head must be an EoMTHead, which PMTHead is not"),
    ):
        with pytest.raises(ConfigError, match=message):
            build_model(config(**changes))
    model: Any = build_model(config())
    with pytest.raises(InputError, match="decode_head of a model of type='PMT'"):
        model.decode_head(model.backbone(torch.randn(1, 3, 32, 32)))


@pytest.mark.slow
def test_exports_for_every_size() -> None:
    """A trace of an odd size gives what the model gives, at sizes of whole patches and others."""
    model: Any = build_model(config()).eval()
    model.forward = model.encode_decode
    free = {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    traced = torch.export.export(model, (torch.randn(2, 3, 97, 131),), dynamic_shapes={"inputs": free}).module()
    for size in ((80, 50), (96, 64), (33, 70)):
        image = torch.randn(2, 3, *size)
        torch.testing.assert_close(traced(image), model.encode_decode(image))


@pytest.mark.slow
def test_learns_shapes() -> None:
    """Oracle: the images are made from the labels. IoU above 0.8 on each class after 300 steps of 6 images.

    The encoder is random and frozen: the decoder alone learns.
    """
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    cfg = config(width=64)
    cfg["model"]["backbone"] |= {"patch_size": 8, "init_values": 0.1, "num_heads": 4}
    cfg["model"]["decode_head"] |= {"patch_size": 8, "num_queries": 10, "num_heads": 4, "train_cfg": cfg_train(1024)}
    model: Any = build_model(cfg).train()
    steps, seen = 300, []
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        model.anneal(step, steps)
        images, truth = batch(rng, 6, spread=0.3)
        losses = model.loss(images, Targets(labels=truth))
        seen.append([float(losses["masked_0"]), float(losses["masked_1"])])
        optimizer.zero_grad()
        torch.stack([value for key, value in losses.items() if "loss" in key]).sum().backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
    assert seen[0] == [1, 1] and seen[50][0] == 0 and seen[-1] == [0, 0]
    images, truth = batch(np.random.default_rng(1), 32, spread=0.3)
    with torch.no_grad():
        pred = model.eval().encode_decode(images).argmax(1)
    found = [((pred == c) & (truth == c)).sum() / ((pred == c) | (truth == c)).sum() for c in range(3)]
    assert min(found) > 0.8, found


def test_no_labels() -> None:
    model: Any = build_model(config())
    losses = model.loss(torch.randn(1, 3, 64, 64), Targets(labels=torch.full((1, 64, 64), 255)))
    assert losses["decode.loss_mask"] == 0
    sum(value for key, value in losses.items() if "loss" in key).backward()
    assert torch.isfinite(model.decode_head.q.weight.grad).all()
