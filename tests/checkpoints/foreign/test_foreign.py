"""Weights of other projects under Segue's names.

Oracles: ``data/converted.json.gz`` holds keys, shapes and digests of what mmseg 1.2.2's own converters make of
``official.OFFICIAL``; ``data/encoders.json.gz`` holds outputs of torchvision 0.29.2 and timm 1.0.31, of networks with
the weights ``official.trained`` of their keys.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from segue.checkpoints import load_weights, read
from segue.checkpoints.foreign import SOURCES, candidates, named
from segue.checkpoints.foreign.layouts import merged_patches
from segue.config.builder.build import build_model
from segue.config.builder.plan import Planner
from segue.errors import CheckpointError, InputError

from .official import OFFICIAL, batch_norm, convolution, linear, merged, picture, trained, values

DATA = Path(__file__).parents[1] / "data"
CONVERTED = json.loads(gzip.decompress((DATA / "converted.json.gz").read_bytes()))
ENCODERS = json.loads(gzip.decompress((DATA / "encoders.json.gz").read_bytes()))

#: What the reference's scripts keep although no model has it, and we drop or rename.
UNUSED = {
    "beit": {"patch_embed.proj.weight", "patch_embed.proj.bias", "fc_norm.weight", "fc_norm.bias", "head.weight"},
    "mae": {"patch_embed.proj.weight", "patch_embed.proj.bias", "norm.weight", "norm.bias", "head.weight"},
    "san": {"criterion.empty_weight"},
}
VIT = dict(  # noqa: C408
    type="VisionTransformer", img_size=(32, 64), patch_size=16, embed_dims=8, num_layers=2, num_heads=2, mlp_ratio=2,
    final_norm=True, norm_cfg={"type": "LN", "eps": 1e-6}, patch_bias=True,
)  # fmt: skip
SWIN = dict(  # noqa: C408
    type="SwinTransformer", embed_dims=4, depths=(1, 2, 1, 1), num_heads=(1, 1, 2, 2), window_size=2, mlp_ratio=2
)  # fmt: skip
CONVNEXT: dict[str, Any] = {"type": "ConvNeXt", "arch": {"depths": (1, 2, 1, 1), "channels": (4, 6, 8, 10)}}
NETWORKS: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
    "torchvision-vit": (VIT, (32, 64)),
    "vit": (VIT, (32, 64)),
    "torchvision-swin": (SWIN, (64, 96)),
    "swin": (SWIN, (64, 96)),
    "torchvision-convnext": (CONVNEXT, (64, 96)),
    "timm-convnext": (CONVNEXT, (64, 96)),
    "timm-convnext-v2": ({**CONVNEXT, "use_grn": True, "layer_scale_init_value": 0.0}, (64, 96)),
    "timm-mobilenet-v2": ({"type": "MobileNetV2", "out_indices": (6,)}, (64, 96)),
    "torchvision-mobilenet-v2": ({"type": "MobileNetV2", "widen_factor": 0.1, "out_indices": (6,)}, (64, 96)),
}


def backbone(config: dict[str, Any]) -> nn.Module:
    planner = Planner({})
    plan = planner.component(config, "backbones", "backbone")
    assert not planner.problems
    return plan.make().eval()


def shapes(name: str) -> dict[str, tuple[int, ...]]:
    return {key: tuple(shape) for key, shape in ENCODERS[name]["shapes"].items()}


def facts(state: dict[str, Tensor]) -> dict[str, list[Any]]:
    """Shape and digest of each tensor."""
    return {
        key: [list(t.shape), hashlib.sha256(t.contiguous().numpy().astype("<f4").tobytes()).hexdigest()[:16]]
        for key, t in state.items()
    }


@pytest.mark.parametrize("name", OFFICIAL)
def test_equals_the_reference_converter(name: str) -> None:
    """Keys, shapes and values, for each of mmseg's nine scripts."""
    state = values(OFFICIAL[name]())
    (source, wrapper), *_ = [found for found in candidates(state) if found[0].name == name]
    ours, theirs = facts(source.convert(state, wrapper).state), CONVERTED[name]
    unused = UNUSED.get(name, set()) | ({"head.bias"} if name in ("beit", "mae") else set())
    renamed = {"ln1.weight", "ln1.bias"} if name == "mae" else set()  # the last norm, which the script leaves as norm
    assert {key: fact for key, fact in theirs.items() if key not in unused} == {
        key: fact for key, fact in ours.items() if key not in renamed
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_encoders_compute_the_same(name: str) -> None:
    """The last feature map of torchvision's or timm's network. Their Swins normalize only that, with their own norm."""
    config, size = NETWORKS[name]
    model = backbone(config)
    report = load_weights(model, trained(shapes(name)))
    assert report.conversion is not None and report.conversion.source.name == name.replace("convnext-v2", "convnext")
    stage_norms = {f"norm{i}.{part}" for i in range(4) for part in ("weight", "bias")} if "swin" in name else set()
    assert set(report.missing) == stage_norms and not report.mismatched
    wanted = ENCODERS[name]["output"]
    with torch.no_grad():
        found = model(picture(*size))[-1]
    torch.testing.assert_close(found, torch.tensor(wanted["values"]).reshape(wanted["shape"]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("resnet18", {"type": "ResNet", "depth": 18}),
        ("resnext50", {"type": "ResNeXt", "depth": 50, "groups": 32, "base_width": 4}),
        ("resnet-d", {"type": "ResNetV1d", "depth": 50}),
        ("resnest50d", {"type": "ResNeSt", "depth": 50, "avg_down_stride": True}),
    ],
)
def test_residual_networks_have_the_keys_of_torchvision_and_timm(name: str, config: dict[str, Any]) -> None:
    """All but the classifier has a place, of its shape, and every place its tensor."""
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in shapes(name).items()}
        own = {key: tensor.shape for key, tensor in backbone(config).state_dict().items()}
    (source, _), *_ = candidates(state)
    assert source.name == ("resnet-d" if name.endswith("d") else "resnet")
    conversion = source.convert(state)
    assert {key: tensor.shape for key, tensor in conversion.state.items()} == own
    assert conversion.dropped == ["fc.weight", "fc.bias"]


def test_order_of_merged_patches() -> None:
    """The authors slice a square's tokens and concatenate them; unfolding gives the same numbers in another order."""
    x = torch.rand(1, 4, 4, 3)  # (B, H, W, C)
    weight = torch.rand(5, 12)
    slices = [x[:, row::2, column::2] for row, column in ((0, 0), (1, 0), (0, 1), (1, 1))]
    official = torch.cat(slices, dim=-1) @ weight.t()
    unfolded = nn.functional.unfold(x.permute(0, 3, 1, 2), 2, stride=2).transpose(1, 2)
    torch.testing.assert_close((unfolded @ merged_patches(weight).t()).reshape(1, 2, 2, 5), official)
    assert merged_patches(torch.arange(8)).tolist() == [0, 4, 2, 6, 1, 5, 3, 7]


def test_head_of_segformers_authors() -> None:
    """Hand-worked: linear layers with a bias, resized, concatenated coarsest first, one normalized convolution."""
    linears = [linear(f"decode_head.linear_c{i + 1}.proj", width, 6) for i, width in enumerate((4, 8, 8, 8))]
    fuse = {"decode_head.linear_fuse.conv.weight": (6, 24, 1, 1)} | batch_norm("decode_head.linear_fuse.bn", 6)
    pred = convolution("decode_head.linear_pred", 6, 3, 1)
    state = {f"backbone.{key}": value for key, value in values(OFFICIAL["mit"]()).items()}
    state |= trained(merged((*linears, fuse, pred)))
    encoder = {"type": "MixVisionTransformer", "embed_dims": 4, "num_layers": (1,) * 4, "num_heads": (1, 2, 2, 2),
               "mlp_ratio": 2}  # fmt: skip
    head = {"type": "SegformerHead", "in_channels": [4, 8, 8, 8], "in_index": [0, 1, 2, 3], "channels": 6,
            "num_classes": 3, "norm_cfg": {"type": "BN"}, "act_cfg": None}  # fmt: skip
    model = build_model({"model": {"type": "EncoderDecoder", "backbone": encoder, "decode_head": head}}).eval()
    report = load_weights(model, state)
    assert report.conversion is not None and report.conversion.source.name == "segformer" and report.complete
    maps = [torch.rand(1, width, 8 // 2**i, 8 // 2**i) for i, width in enumerate((4, 8, 8, 8))]
    resized = []
    for i, x in enumerate(maps):
        weight, bias = (state[f"decode_head.linear_c{i + 1}.proj.{part}"] for part in ("weight", "bias"))
        x = (x.movedim(1, -1) @ weight.t() + bias).movedim(-1, 1)
        resized.append(nn.functional.interpolate(x, size=(8, 8), mode="bilinear"))
    x = nn.functional.conv2d(torch.cat(resized[::-1], dim=1), state["decode_head.linear_fuse.conv.weight"])
    norm = [state[f"decode_head.linear_fuse.bn.{p}"] for p in ("running_mean", "running_var", "weight", "bias")]
    x = nn.functional.batch_norm(x, *norm).relu()
    wanted = nn.functional.conv2d(x, *(state[f"decode_head.linear_pred.{part}"] for part in ("weight", "bias")))
    with torch.no_grad():
        torch.testing.assert_close(model.decode_head(maps), wanted, rtol=1e-5, atol=1e-5)


def test_heads_of_jax() -> None:
    """Hand-worked: x @ kernel over (in, heads, width) is a matrix product with rows head by head."""
    state = values(OFFICIAL["vitjax"]())
    (source, _), *_ = candidates(state)
    found = source.convert(state).state
    name = "Transformer/encoderblock_3/MultiHeadDotProductAttention_1"
    x = torch.rand(4)
    value = torch.einsum("i,ihd->hd", x, state[f"{name}/value/kernel"]).flatten()
    torch.testing.assert_close(found["layers.3.attn.attn.in_proj_weight"][8:] @ x, value)
    out = torch.einsum("hd,hdo->o", value.reshape(2, 2), state[f"{name}/out/kernel"])
    torch.testing.assert_close(found["layers.3.attn.attn.out_proj.weight"] @ value, out)


def test_shared_positions_of_pretrained_beit() -> None:
    """One table for all blocks becomes one per block."""
    state = {k: v for k, v in values(OFFICIAL["beit"]()).items() if "relative_position" not in k}
    state["rel_pos_bias.relative_position_bias_table"] = torch.rand(12, 2)
    (source, _), *_ = candidates(state)
    conversion = source.convert(state)
    assert conversion.made == [f"layers.{i}.attn.relative_position_bias_table" for i in range(2)]
    assert all(torch.equal(conversion.state[key], state["rel_pos_bias.relative_position_bias_table"])
               for key in conversion.made)  # fmt: skip


def test_the_model_decides_between_meanings() -> None:
    """A ViT and a masked autoencoder have the same keys; position embeddings fit by way of the model's own hooks."""
    state = values(OFFICIAL["vit"]())
    for kind, name in (("VisionTransformer", "vit"), ("MAE", "mae")):
        config = {"type": kind, "img_size": 64, "embed_dims": 4, "num_layers": 2, "num_heads": 2, "mlp_ratio": 2}
        report = load_weights(backbone(config), state)
        assert report.conversion is not None and report.conversion.source.name == name
        assert "pos_embed" in report.loaded and not report.mismatched


@pytest.mark.parametrize("wrapper", ["", "module.", "backbone.", "module.backbone.", "encoder."])
def test_wrappers(wrapper: str) -> None:
    """As DataParallel, forks of mmseg 0.x and pretraining codes keep an encoder; other keys stay."""
    state = {wrapper + key: value for key, value in values(OFFICIAL["mit"]()).items()}
    state["decode_head.conv_seg.bias"] = torch.zeros(3)
    config = {"type": "MixVisionTransformer", "embed_dims": 4, "num_layers": (1,) * 4, "num_heads": (1, 2, 2, 2),
              "mlp_ratio": 2}  # fmt: skip
    report = load_weights(backbone(config), state)
    assert report.conversion is not None and report.conversion.source.name == "mit" and not report.missing
    assert "decode_head.conv_seg.bias" in report.conversion.kept


def test_weights_with_segues_names_are_left_alone() -> None:
    """Also if keys are missing, and if the file has more."""
    model = backbone(SWIN)
    state = dict(model.state_dict())
    del state["norm3.bias"]
    state["more"] = torch.zeros(1)
    report = load_weights(model, state)
    assert report.conversion is None and report.missing == ("norm3.bias",) and report.unexpected == ("more",)


def test_prefix_of_a_converted_model() -> None:
    """``init_cfg=dict(type='Pretrained', prefix='image_encoder.')`` takes a part of what CLIP becomes."""
    config = {"type": "VisionTransformer", "img_size": 32, "embed_dims": 4, "num_layers": 9, "num_heads": 2,
              "pre_norm": True}  # fmt: skip
    report = load_weights(backbone(config), values(OFFICIAL["clip"]()), prefix="image_encoder.")
    assert report.conversion is not None and report.conversion.source.name == "clip" and not report.missing
    with pytest.raises(CheckpointError, match=r"no key below 'nothing\.'"):
        load_weights(backbone(config), values(OFFICIAL["clip"]()), prefix="nothing")


def test_report() -> None:
    state = values(OFFICIAL["twins-svt"]())
    (source, _), *_ = candidates(state)
    conversion = source.convert(state)
    kept, renamed = len(conversion.kept), len(conversion.renamed)
    assert kept + renamed + 2 == len(state)
    assert str(conversion).splitlines()[:2] == [
        f"Converted from Twins-SVT weights of its authors: {kept} kept, {renamed} renamed, 2 dropped.",
        "  renamed: patch_embeds.0.proj.weight -> patch_embeds.0.projection.weight",
    ]
    assert "  dropped: head.weight" in str(conversion)
    assert f"  renamed: ... and {renamed - 6} more" in str(conversion)


def test_incomplete_weights_are_refused() -> None:
    """A query without its key and value would be half an attention."""
    state = values(OFFICIAL["mit"]())
    del state["block2.0.attn.kv.weight"]
    (source, _), *_ = candidates(state)
    with pytest.raises(CheckpointError) as caught:
        source.convert(state)
    assert str(caught.value) == (
        "these are not complete MiT weights of SegFormer's authors: layers.1.1.0.attn.attn.in_proj_weight is made of 2 "
        "tensors, and there is only block2.0.attn.q.weight"
    )
    state["block2.0.attn.kv.weight"] = torch.zeros(16, 3)
    with pytest.raises(
        CheckpointError, match=r"the parts of layers\.1\.1\.0\.attn.* cannot be joined: \(8, 8\), \(16, 3\)"
    ):
        source.convert(state)
    state = values(OFFICIAL["swin"]())
    state["layers.0.downsample.reduction.weight"] = torch.zeros(3, 3)
    with pytest.raises(CheckpointError, match=r"reduction\.weight has the shape \(3, 3\), which Swin weights of its"):
        next(candidates(state))[0].convert(state)


def test_names() -> None:
    assert [source.name for source in named("twins2mmseg")] == ["twins-pcpvt", "twins-svt"]
    assert [source.name for source in named("vit")] == ["vit"]
    assert len({source.name for source in SOURCES}) == len(SOURCES)
    with pytest.raises(InputError, match=r"--from caffe: there is no such source; there are hf-eomt-dinov2, "):
        named("caffe")


def test_files_of_numpy(tmp_path: Path) -> None:
    """JAX's weights come as .npz; arrays of objects, which numpy would unpickle, and damaged ones are refused."""
    state = values(OFFICIAL["vitjax"]())
    np.savez(tmp_path / "B_16.npz", **{key: value.numpy() for key, value in state.items()})
    found = read(tmp_path / "B_16.npz").state_dict
    assert all(torch.equal(found[key], value) for key, value in state.items())
    np.savez_compressed(tmp_path / "order.npz", a=np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    assert read(tmp_path / "order.npz").state_dict["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    np.savez(tmp_path / "objects.npz", a=np.array([{}, None], dtype=object))
    with pytest.raises(CheckpointError, match=r"holds a\.npy, an array of object rather than numbers"):
        read(tmp_path / "objects.npz")
    for shape in ("(-2, -2)", "(5,)", f"(0, {10**30})[", "(" * 9000):
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
        array = np.lib.format.magic(1, 0) + len(header).to_bytes(2, "little") + header + bytes(16)
        with zipfile.ZipFile(tmp_path / "shape.npz", "w") as archive:
            archive.writestr("a.npy", array)
        with pytest.raises(CheckpointError, match=r"is damaged: its array a\.npy has "):
            read(tmp_path / "shape.npz")
    data = (tmp_path / "B_16.npz").read_bytes()
    (tmp_path / "header.npz").write_bytes(data.replace(b"\x93NUMPY\x01", b"\x93NUMPY\x09"))
    with pytest.raises(CheckpointError, match="is damaged"):
        read(tmp_path / "header.npz")


class Block(nn.Module):
    """With what modules of programs hold besides parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(4)
        self.conv = nn.Conv2d(3, 4, 2)
        self.sizes = [2, 3]
        self.register_buffer("count", torch.tensor(7))

    def forward(self, x: Tensor) -> Tensor:
        return self.ln(x) + self.sizes[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_files_of_torchscript(tmp_path: Path) -> None:
    """As OpenAI publishes CLIP. Oracle: what torch itself reads. Another root than a module is refused."""
    module = torch.jit.script(nn.Sequential(Block().half(), Block()))
    module.save(tmp_path / "program.pt")
    wanted = module.state_dict()
    found = read(tmp_path / "program.pt").state_dict
    assert found.keys() == wanted.keys() and len(found) == 10
    assert all(torch.equal(found[key], wanted[key]) and found[key].dtype == wanted[key].dtype for key in wanted)
    with zipfile.ZipFile(tmp_path / "program.pt") as old, zipfile.ZipFile(tmp_path / "other.pt", "w") as new:
        for name in old.namelist():
            new.writestr(name, b"\x80\x02cposix\nsystem\n." if name.endswith("/data.pkl") else old.read(name))
    with pytest.raises(CheckpointError, match="is a TorchScript program rather than a checkpoint, so it was not read"):
        read(tmp_path / "other.pt")


def test_clip_as_published() -> None:
    """Constants that come with a program are dropped."""
    state = values(OFFICIAL["clip"]()) | {"input_resolution": torch.tensor(224)}
    state |= {f"transformer.resblocks.{i}.attn_mask": torch.zeros(7, 7) for i in range(2)}
    (source, _), *_ = candidates(state)
    assert source.convert(state).dropped == [
        "input_resolution", "transformer.resblocks.0.attn_mask", "transformer.resblocks.1.attn_mask"
    ]  # fmt: skip
