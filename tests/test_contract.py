"""What every model of the zoo can do: one optimizer step, save, load strictly, predict at an odd size.

The models are those of ``tests/goldens/`` and, for families of large ones only, recipes. Together they contain every
model, backbone, neck and head that the name rule finds, so a new component brings a golden or an entry in a table.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from segue.checkpoints import load_weights, save_weights
from segue.config.builder.build import build_model
from segue.config.builder.find import find, names
from segue.inference import whole_or_slide
from segue.models import clip_text_encoder
from segue.recipes import compose
from segue.types import Targets
from tests.models.test_multimodal_encoder_decoder import RecordedTokens

FOLDER = Path(__file__).parent / "goldens"
ODD = (97, 131)

#: Families whose smallest model is large.
LARGE = [
    "vit_deit-s16_mln_upernet_8xb2-160k_ade20k-512x512",
    "beit-base_upernet_8xb2-160k_ade20k-640x640",
    "mae-base_upernet_8xb2-amp-160k_ade20k-512x512",
    "setr_vit-l_naive_8xb2-160k_ade20k-512x512",
    "setr_vit-l-mla_8xb1-160k_ade20k-512x512",
    "dpt_vit-b16_8xb2-160k_ade20k-512x512",
    "swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512",
    "fastfcn_r50-d32_jpu_psp_4xb2-80k_cityscapes-512x1024",
]
#: goldens that take seconds here; what they hold has goldens of its own that are quick
SLOW = {
    "ann_r50", "apcnet_r50", "ccnet_r50", "convnext_t", "danet_r50", "deeplabv3_r101-d16-mg124", "dmnet_r50", "dnl_r50",
    "emanet_r50", "fcn-d6_r50b-d16", "fcn_hr18", "gcnet_r50", "isanet_r50", "knet_r50_fcn", "mask2former_r50",
    "maskformer_r50", "nonlocal_r50", "psanet_r50", "san_b16",
}  # fmt: skip
#: component -> why no model here holds it
EXCUSED = {
    "VPD": "needs Stable Diffusion, an optional extra; tests/heads/test_vpd_depth.py",
    "VPDDepthHead": "behind VPD; tests/heads/test_vpd_depth.py",
    "DepthEstimator": "behind VPD; tests/heads/test_vpd_depth.py",
    "TIMMBackbone": "needs timm, an optional extra; tests/backbones/test_timm_backbone.py",
    "ResNetV1d": "ResNet with other arguments; tests/backbones/test_resnet.py",
    "DinoVisionTransformer": "not in the reference; tests/backbones/test_dino_vision_transformer.py",
    "EoMT": "not in the reference; tests/models/test_eomt.py",
    "EoMTHead": "not in the reference; tests/models/test_eomt.py",
    "PMT": "not in the reference; tests/models/test_pmt.py",
    "PMTHead": "not in the reference; tests/models/test_pmt.py",
    "EfficientViTHead": "not in the reference; tests/heads/test_efficientvit.py",
    "BNHead": "not in the reference; tests/heads/test_bn.py",
    "A2Head": "not in the reference; tests/heads/test_a2.py",
}


def bundle(name: str) -> dict[str, Any]:
    with gzip.open(FOLDER / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def models() -> list[str]:
    """The bundles that hold a whole model; others hold parts."""
    found = [path.name.removesuffix(".json.gz") for path in sorted(FOLDER.glob("*.json.gz"))]
    return [name for name in found if "model" in bundle(name).get("config", {})]


@cache
def config_of(name: str) -> Mapping[str, Any]:
    return compose(name) if name in LARGE else bundle(name)["config"]


def types_in(node: Any) -> set[str]:
    """Every ``type`` below a node, without scope."""
    if isinstance(node, (list, tuple)):
        return set().union(*map(types_in, node))
    if not isinstance(node, Mapping):
        return set()
    own = {str(node["type"]).rpartition(".")[2]} if "type" in node else set()
    return own.union(*map(types_in, node.values()))


def cases() -> list[Any]:
    return [pytest.param(name, marks=[pytest.mark.slow] * (name in {*LARGE, *SLOW})) for name in [*models(), *LARGE]]


@pytest.mark.parametrize("name", cases())
def test_a_model_trains_saves_loads_and_predicts(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_text_encoder, "clip_tokenizer", RecordedTokens)  # CLIP's vocabulary is no part of this
    check_contract(config_of(name), tmp_path)


def check_contract(cfg: Mapping[str, Any], folder: Path) -> None:
    """One optimizer step, saved, loaded strictly, and the same prediction at an odd size."""
    model: Any = build_model(cfg)
    targets = Targets(labels=torch.randint(0, model.num_classes, (2, 64, 64)))
    targets.labels[:, :8] = 255
    channels = first_convolution(model).in_channels
    before = {key: value.clone() for key, value in model.named_parameters()}

    losses = model.train().loss(torch.randn(2, channels, 64, 64), targets)
    total = sum(value for key, value in losses.items() if "loss" in key)
    assert torch.isfinite(total)
    total.backward()
    gradients = {key: p.grad for key, p in model.named_parameters() if p.grad is not None}
    assert gradients and all(torch.isfinite(gradient).all() for gradient in gradients.values())
    torch.optim.SGD(model.parameters(), lr=1e-3).step()
    assert any(not torch.equal(before[key], value) for key, value in model.named_parameters())

    path = save_weights(folder / "model.safetensors", model.state_dict())
    again: Any = build_model(cfg)
    assert load_weights(again, path, strict=True).complete
    again.eval()
    model.eval()
    with torch.inference_mode():
        image = torch.randn(1, channels, *ODD)
        logits = whole_or_slide(again, image)
        assert logits.shape[-2:] == ODD and torch.isfinite(logits).all()
        assert torch.allclose(logits, whole_or_slide(model, image), atol=1e-5, rtol=1e-5)


def first_convolution(model: nn.Module) -> nn.Conv2d:
    return next(module for module in model.modules() if isinstance(module, nn.Conv2d))


@pytest.mark.parametrize("room", ["models", "backbones", "necks", "heads"])
def test_every_component_is_in_a_model(room: str) -> None:
    used = set().union(*(types_in(config_of(name)) for name in [*models(), *LARGE]))
    missing = [name for name in names(room) if name not in used and name not in EXCUSED and is_component(room, name)]
    assert not missing, missing


def is_component(room: str, name: str) -> bool:
    """Whether a name is for configs: blocks and option classes may start like their file as well."""
    target = find(room, name)
    cls: Any = getattr(target, "func", target)
    suffix = {"heads": "Head", "models": ""}.get(room)
    if suffix is None:  # a backbone's or neck's block takes no image
        return (
            isinstance(cls, type)
            and issubclass(cls, nn.Module)
            and not name.endswith(("Block", "Layer", "Stage", "Module"))
        )
    return isinstance(cls, type) and issubclass(cls, nn.Module) and name.endswith(suffix)
