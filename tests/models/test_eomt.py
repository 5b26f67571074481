"""EoMT: transformers 5.18's numbers (``tools/record_eomt.py``), keys, annealing by hand; a small one learns shapes."""

from __future__ import annotations

import gzip
import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from segue.checkpoints.foreign import candidates
from segue.config.builder.build import build_model
from segue.errors import ConfigError, InputError
from segue.inference import whole_or_slide
from segue.models.eomt import EoMT
from segue.models.masked_attention import Annealing, attention_mask
from segue.types import Targets
from tests.heads.test_mask2former import batch

RECORDED: dict[str, Any] = json.loads(gzip.decompress(Path(__file__).with_name("eomt.json.gz").read_bytes()))
ARCHS = {"dinov2": "dinov2-b-reg", "dinov3": "dinov3-b", "dinov3-gated": "dinov3-s+"}
_rand = torch.rand


def config(arch: str, width: int = 16, depth: int = 4, side: int = 64, **changes: Any) -> dict[str, Any]:
    backbone = {"type": "DinoVisionTransformer", "arch": arch, "embed_dim": width, "depth": depth, "num_heads": 2}
    backbone |= {"patch_size": 16, "img_size": side, "rope_rescale": 1}
    head = {"type": "EoMTHead", "in_channels": width, "num_classes": 3, "num_queries": 5}
    return {"model": {"type": "EoMT", "backbone": backbone, "decode_head": head, "num_blocks": 2, **changes}}


def same_for_a_shape(*shape: Any, device: Any = None, dtype: Any = None) -> Tensor:
    """``torch.rand`` of the recorder."""
    return _rand(*shape, generator=torch.Generator().manual_seed(0))


def labels(side: int = 64) -> Tensor:
    """Those of the recorder."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    first = (y > x).long() + ((y + x) > 90).long()
    second = torch.where((y - 30) ** 2 + (x - 20) ** 2 < 300, 2, 0)
    second[:5] = 255
    return torch.stack([first, second])


def loaded(name: str) -> tuple[EoMT, Tensor, dict[str, set[str]]]:
    """The model with the recorder's weights, the images, and which of its keys became which of ours."""
    random = torch.Generator().manual_seed(0)
    state = {key: torch.randn(shape, generator=random) * 0.3 for key, shape in RECORDED[name]["keys"].items()}
    for key in ("mask_head.fc3.bias", "upscale_block.block.1.layernorm2d.bias"):
        state[key].zero_()
    image = torch.randn(2, 3, 64, 64, generator=random)
    source, wrapper = next(iter(candidates(state)))
    model: Any = build_model(config(ARCHS[name]))
    conversion = source.convert(state, wrapper)
    model.load_state_dict(conversion.state)  # strict
    names: dict[str, set[str]] = defaultdict(set)
    for old, new in conversion.renamed:
        names[new].add(old)
    assert not conversion.kept
    return model, image, names


def close(got: Tensor, golden: list[float]) -> None:
    want = torch.tensor(golden)
    assert (got.detach() - want).abs().max() < 1e-5 * want.abs().max()


@pytest.mark.parametrize("name", RECORDED)
def test_logits_losses_and_gradients_are_those_of_transformers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, image, names = loaded(name)
    monkeypatch.setattr(torch, "rand", same_for_a_shape)
    model.decode_head.matching = type(model.decode_head.matching)(
        assigner=model.decode_head.matching.assigner, num_points=96
    )
    for share, golden in RECORDED[name]["runs"].items():
        model.train().zero_grad()
        model.shares = [float(share)] * 2
        found = model.masks(image)
        close(found[-1].scores.flatten(), golden["scores"])
        close(found[-1].masks.flatten()[::41], golden["masks"])
        losses = model.loss(image, Targets(labels=labels()))
        loss = sum(value for key, value in losses.items() if "loss" in key)
        assert len([key for key in losses if "loss" in key]) == 9 and losses["masked_1"] == float(share)
        assert loss.item() == pytest.approx(golden["loss"], rel=1e-5)
        loss.backward()
        for key, parameter in model.named_parameters():
            want = math.sqrt(sum(golden["gradients"][old] ** 2 for old in names[key]))
            gradient = parameter.grad[:, 1:] if key == "backbone.pos_embed" else parameter.grad
            norm = float(gradient.double().norm())
            assert norm == pytest.approx(want, rel=1e-5, abs=1e-7), (share, key)
    model.eval()
    (seen,) = model.extract_feat(image)
    close(seen.scores.flatten(), RECORDED[name]["eval"]["scores"])
    close(seen.masks.flatten()[::41], RECORDED[name]["eval"]["masks"])
    scores = torch.einsum("bqc,bqhw->bchw", seen.scores.softmax(-1)[..., :-1], seen.masks.sigmoid())
    torch.testing.assert_close(model(image), scores)


AUTHORS = {
    "query.weight": "network.q.weight",
    "class_predictor.": "network.class_head.",
    "mask_head.fc1.": "network.mask_head.0.",
    "mask_head.fc2.": "network.mask_head.2.",
    "mask_head.fc3.": "network.mask_head.4.",
    "upscale_block.block.": "network.upscale.",
    "layernorm2d": "norm",
    "layernorm.": "network.encoder.backbone.norm.",
}
EMBEDDINGS = "network.encoder.backbone.patch_embed."


def authors_names(keys: dict[str, list[int]]) -> dict[str, list[int]]:
    """Shapes by transformers' names to shapes by the authors' on DINOv3."""
    theirs = {}
    for key, shape in keys.items():
        for old, new in AUTHORS.items():
            key = key.replace(old, new)
        key = key.replace("embeddings.", EMBEDDINGS, 1) if key.startswith("embeddings.") else key
        theirs[f"network.encoder.backbone.blocks.{key[7:]}" if key.startswith("layers.") else key] = shape
    return theirs


@pytest.mark.parametrize("name", RECORDED)
def test_files_of_the_authors_load_strictly(name: str) -> None:
    """Their names on DINOv3 are transformers' below ``network.``; on DINOv2 they are timm's."""
    model: Any = build_model(config(ARCHS[name]))
    theirs: dict[str, Tensor] = {}
    if name == "dinov2":
        for key, value in model.state_dict().items():
            key = key.replace("backbone.register_tokens", "backbone.reg_token")
            theirs[key.replace("backbone.", "network.encoder.backbone.").replace("decode_head.", "network.")] = value
        theirs["network.encoder.backbone.pos_embed"] = theirs["network.encoder.backbone.pos_embed"][:, 1:]
    else:
        theirs = {key: torch.randn(shape) for key, shape in authors_names(RECORDED[name]["keys"]).items()}
    theirs |= {"network.attn_mask_probs": torch.ones(2), "criterion.empty_weight": torch.ones(4)}
    theirs |= {"network.encoder.pixel_mean": torch.ones(1, 3, 1, 1)}
    found = [source.convert(theirs, wrapper) for source, wrapper in candidates(theirs)]
    model.load_state_dict(found[0].state)
    assert found[0].source.name.startswith("eomt-")
    assert ("--base" in str(found[0])) == (name != "dinov2")


def test_annealing_by_hand() -> None:
    """Section 3.3, and the published ADE20K times of DINOv2-L: 6,520 iterations a phase of 39,153, which is a sixth."""
    published = Annealing(starts=[6520, 13040, 19560, 26080], ends=[13040, 19560, 26080, 32600])
    assert published.shares(0) == [1, 1, 1, 1]
    assert published.shares(6520 + 3260) == [0.5**0.9, 1, 1, 1]
    assert published.shares(13040) == [0, 1, 1, 1]
    assert published.shares(32600) == [0, 0, 0, 0]
    even = Annealing.even(4, 39153)
    assert max(abs(a - b) for a, b in zip(even.starts, published.starts, strict=True)) < 30
    assert list(even.starts[1:]) == list(even.ends[:-1])
    assert Annealing(starts=[5], ends=[5]).shares(5) == [0]


def test_a_model_anneals_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    model: Any = build_model(config("dinov3-b", annealing={"starts": [0, 10], "ends": [10, 20]}))
    assert model.shares == [1, 1]
    model.anneal(15, 20)
    losses = model.loss(torch.randn(2, 3, 64, 64), Targets(labels=labels()))
    assert losses["masked_0"] == 0 and float(losses["masked_1"]) == pytest.approx(0.5**0.9)
    with caplog.at_level("WARNING", logger="segue"):
        model.anneal(0, 19)
        model.anneal(0, 20)
    assert [r.message for r in caplog.records if "training has only 19 iterations" in r.message] and len(
        caplog.records
    ) == 1
    without: Any = build_model(config("dinov3-b", masked_attention=False))
    without.anneal(0, 20)
    assert without.shares == [0, 0]


def test_queries_look_inside_their_masks() -> None:
    """By hand: one query, one other token, two patches; the left one is inside; the right one, at 0, is not."""
    masks = torch.tensor([[[[2.0, 0.0]]]])
    rows = attention_mask(masks, (1, 2), 4, 1.0)[0, 0].tolist()
    assert rows == [[True, True, True, False]] + [[True] * 4] * 3
    torch.manual_seed(0)
    seen = attention_mask(-torch.ones(1, 1000, 1, 1), (1, 1), 1001, 0.3)[0, 0, :1000, -1]
    assert 650 < seen.sum() < 750


@pytest.mark.parametrize("arch", ["dinov2-b-reg", "dinov3-s+"])
def test_any_shape_any_bands_and_recomputation(arch: str) -> None:
    """Masks of an image completed with zeros are those of the completed image, cut back."""
    torch.manual_seed(0)
    cfg = config(arch)
    cfg["model"]["backbone"] |= {"in_channels": 5, "with_cp": True}
    model: Any = build_model(cfg).eval()
    image = torch.randn(1, 5, 97, 131)
    with torch.no_grad():
        got = model.encode_decode(image)
        whole = model.encode_decode(torch.nn.functional.pad(image, (0, 13, 0, 15)))
    assert torch.equal(got, whole[..., :97, :131]) and got.shape == (1, 3, 97, 131)
    target = Targets(labels=torch.randint(0, 3, (1, 97, 131)))
    losses = model.train().loss(image, target)
    sum(value for key, value in losses.items() if "loss" in key).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_windows_as_published() -> None:
    """The authors' protocol, written out: the mean of ceil(long / crop) windows, evenly overlapped."""
    torch.manual_seed(0)
    test = {"mode": "slide", "crop_size": 64, "stride": 64, "even": True}
    model: Any = build_model(config("dinov3-b", test_cfg=test)).eval()
    image = torch.randn(1, 3, 64, 150)
    total, count = torch.zeros(1, 3, 64, 150), torch.zeros(150)
    windows = math.ceil(150 / 64)
    overlap = (windows * 64 - 150) / (windows - 1)
    with torch.no_grad():
        for i in range(windows):
            start = int(i * (64 - overlap))
            (masks,) = model.extract_feat(image[..., start : start + 64])
            shares = torch.nn.functional.interpolate(masks.masks, size=(64, 64), mode="bilinear").sigmoid()
            total[..., start : start + 64] += torch.einsum("bqc,bqhw->bchw", masks.scores.softmax(-1)[..., :-1], shares)
            count[start : start + 64] += 1
        torch.testing.assert_close(whole_or_slide(model, image), total / count)


def test_no_labels() -> None:
    model: Any = build_model(config("dinov3-b"))
    losses = model.loss(torch.randn(1, 3, 64, 64), Targets(labels=torch.full((1, 64, 64), 255)))
    assert losses["decode.loss_mask"] == 0
    sum(value for key, value in losses.items() if "loss" in key).backward()
    assert torch.isfinite(model.decode_head.q.weight.grad).all()


def test_messages() -> None:
    head = {"type": "EoMTHead", "in_channels": 16, "num_classes": 3}
    for changes, message in (
        ({"num_blocks": 5}, "num_blocks=5; the backbone has 4 blocks"),
        ({"annealing": {"starts": [0], "ends": [1]}}, "annealing has 1 phases for num_blocks=2"),
        ({"annealing": {"starts": [2, 3], "ends": [1, 4]}}, r"starts=\[2, 3\].*no end before its start"),
        ({"decode_head": {**head, "in_channels": 8}}, "in_channels=8 and patch_size=16; the backbone needs 16 and 16"),
        (
            {"decode_head": {"type": "BNHead", "in_channels": 16, "channels": 16, "num_classes": 3}},
            "must be an EoMTHead",
        ),
        ({"backbone": {"type": "ConvNeXt"}}, "must be a DinoVisionTransformer, which ConvNeXt is not"),
        ({"decode_head": {**head, "num_queries": 0}}, "num_queries=0"),
        (
            {"decode_head": {**head, "loss_cls": {"type": "mmdet.CrossEntropyLoss", "class_weight": [1, 1]}}},
            "class_weight has 2 values for num_classes=3; it needs 4",
        ),
    ):
        with pytest.raises(ConfigError, match=message):
            build_model(config("dinov3-b", **changes))
    model: Any = build_model(config("dinov3-b"))
    with pytest.raises(InputError, match="decode_head of a model of type='EoMT'"):
        model.decode_head(model.backbone(torch.randn(1, 3, 32, 32)))


@pytest.mark.slow
def test_exports_for_every_size() -> None:
    """A trace of an odd size gives what the model gives, at sizes of whole patches and others."""
    model: Any = build_model(config("dinov3-b")).eval()
    model.forward = model.encode_decode
    free = {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    traced = torch.export.export(model, (torch.randn(2, 3, 97, 131),), dynamic_shapes={"inputs": free}).module()
    for size in ((80, 50), (96, 64), (33, 70)):
        image = torch.randn(2, 3, *size)
        torch.testing.assert_close(traced(image), model.encode_decode(image))


@pytest.mark.slow
def test_learns_shapes() -> None:
    """Oracle: the images are made from the labels. IoU above 0.8 on each class after 300 steps of 6 images.

    Masked attention fades out in one block after the other.
    """
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    cfg = config("dinov3-b", width=64, depth=4)
    cfg["model"]["backbone"] |= {"patch_size": 8, "init_values": 0.1, "num_heads": 4, "rope_rescale": 2}
    cfg["model"]["decode_head"] |= {"patch_size": 8, "num_queries": 10}
    cfg["model"]["decode_head"]["train_cfg"] = cfg_train(1024)
    model: Any = build_model(cfg).train()
    steps, seen = 300, []
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, steps, power=0.9)
    for step in range(steps):
        model.anneal(step, steps)
        images, truth = batch(rng, 6, spread=0.3)
        losses = model.loss(images, Targets(labels=truth))
        seen.append([float(losses["masked_0"]), float(losses["masked_1"])])
        optimizer.zero_grad()
        torch.stack([value for key, value in losses.items() if "loss" in key]).sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    assert seen[0] == [1, 1] and seen[100][0] < 1 == seen[100][1] and seen[-1] == [0, 0]
    images, truth = batch(np.random.default_rng(1), 32, spread=0.3)
    with torch.no_grad():
        pred = model.eval().encode_decode(images).argmax(1)
    found = [((pred == c) & (truth == c)).sum() / ((pred == c) | (truth == c)).sum() for c in range(3)]
    assert min(found) > 0.8, found


def cfg_train(points: int) -> dict[str, Any]:
    """The published matching on fewer points."""
    costs = [
        {"type": "mmdet.ClassificationCost", "weight": 2.0},
        {"type": "mmdet.CrossEntropyLossCost", "weight": 5.0, "use_sigmoid": True},
        {"type": "mmdet.DiceCost", "weight": 5.0, "pred_act": True, "eps": 1.0},
    ]
    return {"num_points": points, "assigner": {"type": "mmdet.HungarianAssigner", "match_costs": costs}}
