"""What was trained in a file of its own, over its base; and merged. Oracle: the whole weights of the same training."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import segue
from segue.checkpoints import load_weights, read, save_weights
from segue.checkpoints.trained import NOTE
from segue.cli import weights as verb
from segue.compat.mmseg.apis import init_model
from segue.config.builder.build import build_model
from segue.errors import CheckpointError, InputError
from segue.inference.parted import merge_file, part
from segue.layers.lora import adapted_layers
from tests.training.adapted_project import Project

LORA = {"r": 2, "alpha": 4}


class Trained(Project):
    """A finished training of adapters."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.cfg = self.config("optim_wrapper.optimizer.lr=0.2", lora=LORA)
        self.whole = Path(self.train(self.cfg, "run").checkpoint)
        self.parted = folder / "parted.safetensors"
        self.said = part(self.whole, self.parted)
        self.image = folder / "data" / "images" / "0.png"

    def logits(self, *given: Any) -> np.ndarray:
        return segue.load(*given).predict(self.image).logits.whole()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(tmp_path_factory.mktemp("parted"))


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args(words))


def test_only_what_was_trained_is_in_the_file(trained: Trained) -> None:
    keys = set(read(trained.parted).state_dict)
    assert all(key.startswith("decode_head.") or ".lora_" in key for key in keys)
    assert len([key for key in keys if ".lora_" in key]) == 12
    base = read(trained.weights).state_dict
    assert trained.said.left_out == len(base)
    assert trained.parted.stat().st_size < 0.7 * trained.whole.with_suffix(".ckpt").stat().st_size
    assert "tensors of the base are left out, and must be there to load it" in str(trained.said)


def test_it_predicts_over_its_base(trained: Trained) -> None:
    """Found by the config inside; merged while loading; the numbers are those of the whole weights."""
    wanted = trained.logits(trained.whole)
    predictor = segue.load(trained.parted)
    assert not adapted_layers(predictor.model)
    np.testing.assert_array_equal(predictor.predict(trained.image).logits.whole(), wanted)
    model = build_model(trained.cfg)
    report = load_weights(model, trained.parted, strict=True)
    assert report.complete and len(report.kept) == trained.said.left_out
    assert "of the base, which the file left out, are those it was trained on" in str(report)
    load_weights(other := build_model(trained.cfg), trained.whole)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))


def test_unmerged_equals_merged(trained: Trained, tmp_path: Path) -> None:
    """The merged file is a plain model's, which its config says, too."""
    out = tmp_path / "merged.safetensors"
    assert run("merge", str(trained.parted), str(out)) == 0
    held = read(out)
    assert "lora" not in (held.config or "lora") and not any(".lora_" in key for key in held.state_dict)
    assert NOTE not in held.meta
    plain = trained.config()
    assert load_weights(build_model(plain), out, strict=True).complete
    model = build_model(trained.cfg)
    load_weights(model, trained.whole)
    torch.manual_seed(0)
    x = torch.randn(1, 3, 64, 64)
    load_weights(merged := build_model(plain), out)
    with torch.no_grad():
        torch.testing.assert_close(merged.eval()(x), model.eval()(x), atol=1e-5, rtol=0)
    np.testing.assert_array_equal(trained.logits(out), trained.logits(trained.whole))


def test_training_starts_from_it(trained: Trained) -> None:
    cfg = trained.config(f"load_from={trained.parted}", lora=LORA)
    trained.train(cfg, "again")
    assert "tensors of the base, which the file left out" in trained.text.getvalue()


def test_another_base_is_refused(trained: Trained, tmp_path: Path) -> None:
    """The file of the same name holds other weights."""
    kept = tmp_path / "kept.safetensors"
    shutil.copy(trained.weights, kept)
    try:
        trained.weights.unlink()
        with pytest.raises(
            CheckpointError, match=r"holds what was trained beside \d+ other tensors .*, which cannot be had"
        ):
            segue.load(trained.parted)
        shutil.copy(trained.published(12), trained.weights)
        with pytest.raises(CheckpointError, match=r"these are another base \(\d+ tensors, fingerprint [0-9a-f]{16}"):
            segue.load(trained.parted)
    finally:
        shutil.copy(kept, trained.weights)


def test_a_loaded_base_is_taken(trained: Trained) -> None:
    model = build_model(trained.cfg)
    load_weights(model.backbone, trained.weights)
    trained.weights.rename(trained.weights.with_suffix(".away"))
    try:
        assert load_weights(model, trained.parted, strict=True).complete
    finally:
        trained.weights.with_suffix(".away").rename(trained.weights)


def test_published_weights_load_strictly_below_new_adapters(trained: Trained) -> None:
    model = build_model(trained.cfg)
    report = load_weights(model.backbone, trained.weights, strict=True)
    assert len(report.new) == 12 and not report.missing
    assert "12 tensors of adapters (lora) are new: the file has none." in str(report)
    half = {
        key: value for key, value in model.state_dict().items() if not key.endswith("layers.0.1.0.attn.attn.lora_A")
    }
    with pytest.raises(CheckpointError, match="1 missing in the file"):
        load_weights(model, half, strict=True)


def test_adapters_are_not_dropped_in_silence(trained: Trained) -> None:
    with pytest.raises(CheckpointError, match=r"has adapters \(lora\) and the model has none, such as backbone.layers"):
        segue.load(trained.config(), trained.whole)


def test_weights_without_adapters_predict_and_say_so(
    trained: Trained, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    plain = build_model(trained.config())
    file = save_weights(tmp_path / "plain.safetensors", plain.state_dict())
    for load in (segue.load, init_model):
        caplog.clear()
        assert not adapted_layers(getattr(found := load(trained.cfg, file), "model", found))  # they are merged
        assert "has no adapters (lora), so the model predicts without any" in caplog.text


def test_what_cannot_be_parted(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds only what was trained already"):
        part(trained.parted, tmp_path / "a.safetensors")
    model = build_model(trained.config())
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    other = save_weights(tmp_path / "b.safetensors", model.state_dict())
    with pytest.raises(CheckpointError, match="holds no config; name that of the model by --config"):
        part(other, tmp_path / "a.safetensors")
    with pytest.raises(
        InputError, match=r"no weight is as it was at the start of its training; the config names .*mit-11"
    ):
        part(other, tmp_path / "a.safetensors", trained.config())
    with pytest.raises(InputError, match="has no adapters to merge, and is whole already"):
        merge_file(other, tmp_path / "a.safetensors", trained.config())
    with pytest.raises(InputError, match="--cfg-options: belongs to the config that --config names"):
        run("part", str(trained.whole), str(tmp_path / "a.safetensors"), "--cfg-options", "a=1")
    assert not (tmp_path / "a.safetensors").exists()


def test_the_verb(trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "part.safetensors"
    assert run("part", str(trained.whole), str(out)) == 0
    assert "left out, and must be there to load it" in capsys.readouterr().out
    assert read(out).meta[NOTE] == read(trained.parted).meta[NOTE]
    assert run("verify", str(out)) == 0
    assert run("inspect", str(out)) == 0
    assert f"{trained.said.left_out} other tensors, fingerprint" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="needs onnxruntime")
def test_export_is_merged(trained: Trained, tmp_path: Path) -> None:
    from segue.inference.exported import export

    made = export(segue.load(trained.parted), "onnx", tmp_path / "net.onnx")
    assert made.good
    import onnx

    names = [tensor.name for tensor in onnx.load(str(made.file)).graph.initializer]
    assert not [name for name in names if "lora" in name]
