"""Segmentors of Hugging Face's transformers: config, names and numbers.

Oracle: ``data/hf_*.json.gz``, outputs of transformers 5.23.0 for ``official.picture``, of small networks with the
weights ``official.trained`` of the keys that ``save_pretrained`` writes. Those of LATER are of transformers 5.18
(``tools/record_transformers.py``).
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import segue
from segue.checkpoints.convert import convert
from segue.checkpoints.foreign.huggingface_config import classes_of, config_of
from segue.checkpoints.foreign.huggingface_encoders import ALONE
from segue.config.builder.build import build_model
from segue.errors import CheckpointError

from .official import picture, trained

DATA = Path(__file__).parents[1] / "data"
CONVNEXT = {"depths": [1, 1, 1, 1], "hidden_sizes": [4, 4, 4, 4]}
MODELS = ("segformer", "upernet_swin", "upernet_convnext", "mask2former")
LATER = ("beit", "dpt", "maskformer", "eomt_dinov2", "eomt_dinov3")


def record(name: str) -> dict[str, Any]:
    return json.loads(gzip.decompress((DATA / f"hf_{name}.json.gz").read_bytes()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return tmp_path / "model"


def saved(name: str, folder: Path) -> dict[str, Tensor]:
    """Write a model as ``save_pretrained`` does; returns its outputs."""
    found = record(name)
    save_file(
        trained({k: tuple(v) for k, v in found["shapes"].items()}), folder / "model.safetensors", {"format": "pt"}
    )
    (folder / "config.json").write_text(json.dumps(found["config"]))
    return {key: torch.tensor(out["values"]).reshape(out["shape"]) for key, out in found["outputs"].items()}


@pytest.mark.parametrize("name", MODELS)
def test_same_outputs(name: str, folder: Path, tmp_path: Path) -> None:
    """A converted file is all that ``segue.load`` needs."""
    wanted = saved(name, folder)
    done = convert(folder, tmp_path / "w.safetensors")
    predictor = segue.load(done.path)
    assert predictor.classes == ("wall", "floor", "sky")
    model = predictor.model
    with torch.inference_mode():
        if name == "mask2former":
            masks = model.decode_head.last(model.extract_feat(picture(64, 96)))
            found = {"classes": masks.scores, "masks": masks.masks}
        elif name == "segformer":
            found = {"logits": model(picture(64, 96))}
        else:
            found = {"logits": model.encode_decode(picture(64, 96))[:, :, ::8, ::8]}
    for key, value in wanted.items():
        assert value.std() > 0.1  # the recorded network is not dead
        torch.testing.assert_close(found[key], value, rtol=1e-4, atol=1e-4)
    assert predictor.predict(np.zeros((40, 50, 3), np.uint8), rgb=False).labels.shape == (40, 50)


@pytest.mark.parametrize("name", LATER)
def test_folders_give_the_same_outputs(name: str, folder: Path, tmp_path: Path) -> None:
    """A folder of transformers is loaded as it is, and no tensor of it is left over; so is its converted file."""
    wanted = saved(name, folder)
    predictor = segue.load(folder)
    assert predictor.classes == ("wall", "floor", "sky")
    model, x = predictor.model, picture(64, 64)
    with torch.inference_mode():
        if "masks" in wanted:
            masks = model.decode_head.last(model.extract_feat(x))
            found = {"classes": masks.scores, "masks": masks.masks}
        else:
            found = {"logits": model.encode_decode(x)[:, :, ::8, ::8] if name == "dpt" else model(x)}
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        assert value.std() > 0.1  # the recorded network is not dead
        assert (found[key] - value).abs().max() <= 1e-5 * value.abs().max()
    done = convert(folder, tmp_path / "w.safetensors")
    assert done.conversion is not None
    kept = [key for key in done.conversion.kept if not key.startswith(("decode_head.", "auxiliary_head."))]
    assert not kept
    state = segue.load(done.path).model.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_everything_has_a_place(folder: Path, tmp_path: Path) -> None:
    """Nothing of a segmentor's is dropped but norms that only classifiers use; the report counts all keys."""
    for name in MODELS:
        saved(name, folder)
        done = convert(folder, tmp_path / "w.safetensors")
        assert done.conversion is not None
        assert {key.rsplit(".", 1)[0].rsplit(".", 1)[-1] for key in done.conversion.dropped} <= {"layernorm"}
        assert not [key for key in done.conversion.kept if not key.startswith(("decode_head.", "auxiliary_head."))]
    saved("segformer", folder)
    text = str(convert(folder, tmp_path / "w.safetensors"))
    assert "Converted from SegFormer weights of transformers: 0 kept, 146 renamed, 0 dropped, 16 added." in text
    assert "its config needs act_cfg=None" in text
    assert text.endswith("w.safetensors: 142 tensors, with its config and the names of 3 classes")


ENCODERS: dict[str, dict[str, Any]] = {
    "dinov2": {"model_type": "dinov2", "hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2},
    "dinov2_with_registers": {
        "model_type": "dinov2_with_registers", "hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2,
        "use_swiglu_ffn": True, "num_register_tokens": 2,
    },
    "dinov3_vit": {
        "model_type": "dinov3_vit", "hidden_size": 8, "num_hidden_layers": 5, "num_attention_heads": 2,
        "intermediate_size": 24, "num_register_tokens": 4, "use_gated_mlp": True, "hidden_act": "silu",
    },
    "dinov3_convnext": {"model_type": "dinov3_convnext", "hidden_sizes": [4, 4, 8, 8], "depths": [1, 1, 1, 1]},
    "beit": {
        "model_type": "beit", "hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2,
        "intermediate_size": 16, "use_relative_position_bias": True, "architectures": ["BeitForImageClassification"],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_are_described(name: str) -> None:
    """The message holds a backbone that can be built."""
    with pytest.raises(CheckpointError, match=f"{name} is an encoder and has no head") as caught:
        config_of(ENCODERS[name])
    section = ALONE[name](ENCODERS[name])
    assert all(f"{key}={value!r}" in str(caught.value) for key, value in section.items())
    head = {"type": "FCNHead", "in_channels": 8, "channels": 4, "num_classes": 2, "in_index": -1}
    model: Any = build_model({"model": {"type": "EncoderDecoder", "backbone": section, "decode_head": head}})
    widths = {"mlp.w3.weight": 24} if name == "dinov3_vit" else {}
    for end, width in widths.items():
        assert {v.shape[1] for k, v in model.backbone.state_dict().items() if k.endswith(end)} == {width}
    assert len(model.backbone(torch.zeros(1, 3, 64, 64))) == 4


def test_windows_of_eomt() -> None:
    """Its processor cuts an image into squares as high as the short side."""
    config = record("eomt_dinov2")["config"]
    processor = {"do_split_image": True, "size": {"shortest_edge": 48, "longest_edge": None}}
    found = config_of(config, processor)
    wanted = {"mode": "slide", "crop_size": (48, 48), "stride": (48, 48), "even": True}
    assert found["model"]["test_cfg"] == wanted and config_of(config)["model"]["test_cfg"] == {"mode": "whole"}


def test_images(folder: Path, tmp_path: Path) -> None:
    """``preprocessor_config.json`` becomes the test pipeline and the normalization, in units of 8 bits."""
    saved("segformer", folder)
    processor = {"size": {"height": 96, "width": 128}, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.2, 0.2, 0.2]}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    cfg = segue.load(convert(folder, tmp_path / "w.safetensors").path).cfg
    assert cfg["model"]["data_preprocessor"]["mean"] == [127.5] * 3
    assert cfg["model"]["data_preprocessor"]["std"] == [51.0] * 3
    resize = {"type": "Resize", "scale": (128, 96), "keep_ratio": False, "backend": "pillow"}
    assert dict(cfg["test_pipeline"][1]) == resize
    pipeline = config_of(record("mask2former")["config"], {"size": {"shortest_edge": 48, "longest_edge": 200}})
    assert pipeline["test_pipeline"][1]["scale"] == (200, 48) and pipeline["test_pipeline"][1]["keep_ratio"]
    assert len(config_of(record("segformer")["config"], {"do_resize": False})["test_pipeline"]) == 2


def test_how_values_are_scaled(caplog: pytest.LogCaptureFixture) -> None:
    """Mean and deviation are those of 8-bit values, whatever is multiplied first; what is not done is said."""
    config = record("segformer")["config"]

    def norm(**processor: Any) -> tuple[list[float], list[float]]:
        found = config_of(config, processor)["model"]["data_preprocessor"]
        return found["mean"], found["std"]

    assert norm(image_mean=[0.5] * 3, image_std=[0.2] * 3, rescale_factor=1 / 127.5) == ([63.75] * 3, [25.5] * 3)
    assert norm(image_mean=[0.5] * 3, image_std=[0.2] * 3, do_rescale=False) == ([0.5] * 3, [0.2] * 3)
    assert norm(do_normalize=False) == ([0.0] * 3, [255.0] * 3)
    resize = config_of(config, {"resample": 3, "do_center_crop": True})["test_pipeline"][1]
    assert resize["interpolation"] == "bicubic" and "do_center_crop is not done" in caplog.text
    assert "interpolation" not in config_of(config, {"resample": 2})["test_pipeline"][1]
    with pytest.raises(CheckpointError, match="resample=9; it is 0 to 5"):
        config_of(config, {"resample": 9})


def test_without_its_config(folder: Path, tmp_path: Path) -> None:
    """The weights are converted all the same; the report says what is not inside."""
    saved("upernet_swin", folder)
    (folder / "config.json").unlink()
    assert str(convert(folder, tmp_path / "w.safetensors")).endswith("168 tensors, without a config and no class names")


def changed(name: str, **options: Any) -> dict[str, Any]:
    return {**record(name)["config"], **options}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "bert"}, "'bert'; Segue converts segformer, upernet, mask2former, maskformer, eomt, eomt"),
        ({"model_type": "dpt", "architectures": ["DPTForDepthEstimation"]}, "'dpt' .DPTForDepthEstimation.; Segue"),
        (changed("beit", out_indices=[1, 2, 3, 4]), "four numbers from 2 on are expected"),
        (changed("dpt", is_hybrid=True), "the encoder of dpt is a hybrid; Segue converts its plain ViT only"),
        (changed("dpt", backbone_config={"model_type": "dinov2"}), "the encoder of dpt is 'dinov2'"),
        (changed("eomt_dinov3", use_gated_mlp=True, hidden_act="silu"), "networks beside the encoder would have"),
        (changed("maskformer", backbone_config={"model_type": "resnet"}), "the backbone is 'resnet'; Segue converts"),
        (changed("segformer", depths="os.system", hidden_sizes=7), "a value of segformer is of another kind"),
        ({"model_type": "segformer"}, "'hidden_sizes' is missing; take the file of the model's folder"),
        (changed("segformer", hidden_sizes=[4, 8, 12, 20]), "Segue's MiT has heads of one width and one ratio"),
        (changed("segformer", hidden_act="relu"), "hidden_act='relu'; Segue's counterpart only has 'gelu'"),
        (changed("upernet_swin", backbone_config={"model_type": "resnet"}), "the backbone is 'resnet'; Segue converts"),
        (changed("mask2former", backbone_config={**CONVNEXT, "model_type": "convnext"}), "must be 'swin'"),
        (changed("mask2former", pre_norm=True), "pre_norm=True; Segue's counterpart only has False"),
        (changed("segformer", id2label={"0": "a", "2": "b"}), "id2label must number the classes from 0 without gaps"),
    ],
)  # fmt: skip
def test_configs_without_a_counterpart(config: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        classes_of(config)
        config_of(config)


def test_weights_in_several_files(folder: Path, tmp_path: Path) -> None:
    """They are read, converted and loaded as one; a folder is loaded as it is, too."""
    saved("segformer", folder)
    state = load_file(folder / "model.safetensors")
    whole = convert(folder, tmp_path / "whole.safetensors")
    (folder / "model.safetensors").unlink()
    keys = sorted(state)
    table = {key: f"model-{i % 2 + 1:05}-of-00002.safetensors" for i, key in enumerate(keys)}
    for name in sorted(set(table.values())):
        save_file({key: state[key] for key in keys if table[key] == name}, folder / name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": table}))
    parts = convert(folder, tmp_path / "parts.safetensors")
    loaded = segue.load(folder)
    assert loaded.classes == ("wall", "floor", "sky")
    state = load_file(whole.path)
    for other in (load_file(parts.path), loaded.model.state_dict()):
        assert all(torch.equal(value, other[key]) for key, value in state.items())
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"1 of its 2 files of weights are missing: model-00002-of-00002\."):
        segue.load(folder)


def test_folders(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    with pytest.raises(CheckpointError, match=r"holds neither model\.safetensors nor pytorch_model\.bin"):
        convert(folder, out)
    (folder / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(CheckpointError, match="an index of weights has a weight_map; this one has none"):
        convert(folder, out)
    saved("segformer", folder)
    (folder / "config.json").write_text("[]")
    with pytest.raises(CheckpointError, match=r"config\.json: not a config of transformers: it holds a list"):
        convert(folder, out)
    (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"config\.json: not a config of transformers: Expecting"):
        convert(folder, out)
    assert not out.exists()
