"""Segmentors of Hugging Face's transformers: config, names and numbers.

Oracle: ``data/hf_*.json.gz``, outputs of transformers 5.23.0 for ``official.picture``, of small networks with the
weights ``official.trained`` of the keys that ``save_pretrained`` writes.
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
from segue.errors import CheckpointError

from .official import picture, trained

DATA = Path(__file__).parents[1] / "data"
CONVNEXT = {"depths": [1, 1, 1, 1], "hidden_sizes": [4, 4, 4, 4]}
MODELS = ("segformer", "upernet_swin", "upernet_convnext", "mask2former")


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
        ({"model_type": "bert"}, "model_type is 'bert'; Segue converts segformer, upernet, mask2former"),
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
