"""Models to a hub on this machine and back: bit for bit, or refused."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save

import segue
from segue.checkpoints import read, save_weights
from segue.config import Config
from segue.config.builder.build import build_model
from segue.config.builder.pretrained import needed_weights
from segue.config.trust import Rights, rights_of
from segue.errors import CheckpointError, ConfigError, DownloadError, InputError
from segue.recipes.open import read_config
from tests.checkpoints.foreign.official import picture
from tests.checkpoints.foreign.test_huggingface import saved
from tests.checkpoints.hub.server import TOKEN, Hub
from tests.cli.project import make_project
from tests.models.small import encoder_decoder

PIPELINE = [{"type": "LoadImageFromFile"}, {"type": "Resize", "scale": (64, 48)}, {"type": "PackSegInputs"}]
CLASSES, PALETTE = ["a b", "b|c", "<c>"], [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
START = {"type": "Pretrained", "checkpoint": "hf://org/name", "prefix": "backbone."}
FILES = ["README.md", "certificate.json", "config.json", "model.safetensors"]


@pytest.fixture
def cfg() -> Config:
    prepare = {"type": "SegDataPreProcessor", "mean": [120.0] * 3, "std": [60.0] * 3, "bgr_to_rgb": True}
    dataset = {"type": "BaseSegDataset", "data_root": "data/x", "metainfo": {"classes": CLASSES, "palette": PALETTE}}
    parts = {"data_preprocessor": prepare, "test_pipeline": PIPELINE, "test_dataloader": {"dataset": dataset}}
    return Config(encoder_decoder() | parts)


@pytest.fixture
def weights(cfg: Config, tmp_path: Path) -> Path:
    notes = {"config": cfg.pretty_text, "classes": CLASSES, "palette": PALETTE, "iter": 70, "metrics": {"mIoU": 51.25}}
    return save_weights(tmp_path / "best.safetensors", build_model(cfg).state_dict(), notes)


@pytest.fixture
def own(a_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub that lets the user write."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return a_hub


def test_there_and_back(own: Hub, weights: Path, tmp_path: Path) -> None:
    """The same bytes, weights, config, classes and predictions; the token stays with the hub."""
    done = segue.push(weights, "org/name", licence="apache-2.0", private=True)
    commit = own.repositories["org/name"].refs["main"]
    assert done.name == f"hf://org/name@{commit}" and own.repositories["org/name"].private
    folder = segue.pull(f"hf://org/name@{commit}", tmp_path / "pulled")
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert (folder / "model.safetensors").read_bytes() == weights.read_bytes()
    first, again, there = segue.load(weights), segue.load(folder), segue.load("hf://org/name")
    photo = np.random.default_rng(0).integers(0, 255, (61, 83, 3), np.uint8)
    for other in (again, there):
        assert other.classes == tuple(CLASSES) and other.palette == PALETTE
        state = other.model.state_dict()
        assert all(torch.equal(value, state[key]) for key, value in first.model.state_dict().items())
        assert np.array_equal(other.predict(photo, rgb=True).labels, first.predict(photo, rgb=True).labels)
    assert there.cfg == segue.load(folder).cfg
    assert json.loads((folder / "config.json").read_text())["model"] == json.loads(json.dumps(first.cfg["model"]))
    assert all(token is None for _, _, token in own.asked_large)
    again_done = segue.push(folder / "model.safetensors", "org/again")
    assert again_done.certificate["sha256"] == done.certificate["sha256"]


def test_certificate_and_card(own: Hub, weights: Path, tmp_path: Path) -> None:
    done = segue.push(weights, "org/name", metrics={"mIoU": 61.5, "aAcc": 90, "note": "x"}, licence="apache-2.0")  # type: ignore[dict-item]
    files = own.repositories["org/name"].commits[own.repositories["org/name"].refs["main"]]
    certificate = json.loads(files["certificate.json"])
    assert certificate == json.loads(json.dumps(done.certificate))
    assert (
        certificate["classes"] == CLASSES and certificate["palette"] == PALETTE and certificate["notes"] == {"iter": 70}
    )
    assert certificate["metrics"] == {"mIoU": 61.5, "aAcc": 90.0} and certificate["licence"] == "apache-2.0"
    card = files["README.md"].decode()
    head = yaml.safe_load(card.split("---\n")[1])
    assert (head["license"], head["library_name"], head["pipeline_tag"]) == (
        "apache-2.0",
        "segue",
        "image-segmentation",
    )
    assert head["model-index"][0]["results"][0]["metrics"][0] == {"type": "miou", "name": "mIoU", "value": 61.5}
    for text in ("segue predict hf://org/name photo.jpg", "| mIoU | 61.50 |", "b\\|c", "\\<c\\>", "of 3 classes"):
        assert text in card, text
    own_metrics = segue.push(weights, "org/other").certificate["metrics"]
    assert own_metrics == {"mIoU": 51.25}  # what the file notes
    without = own.repositories["org/other"].commits[own.repositories["org/other"].refs["main"]]["README.md"].decode()
    assert "Not stated: ask the author." in without and "license" not in yaml.safe_load(without.split("---\n")[1])


def test_written_only(weights: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No hub and no library are needed; paths of this machine are named."""
    found = read(weights)
    text = str(found.config).replace("data/x", "/home/me/data")
    path = save_weights(tmp_path / "p.safetensors", found.state_dict, {**found.meta, "config": text})
    with caplog.at_level(logging.WARNING, "segue"):
        done = segue.push(path, "org/name", folder=tmp_path / "out")
    assert done.name is None and sorted(p.name for p in (tmp_path / "out").iterdir()) == FILES
    assert "paths of this machine, which will be seen: test_dataloader.dataset.data_root" in caplog.text
    assert segue.load(tmp_path / "out").classes == tuple(CLASSES)
    with pytest.raises(InputError, match="is there already and holds something"):
        segue.push(path, "org/name", folder=tmp_path / "out")


def test_other_kinds_of_weights(cfg: Config, tmp_path: Path) -> None:
    """A file of torch.save without a config becomes safetensors with one."""
    model = build_model(cfg)
    torch.save({"state_dict": model.state_dict()}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="holds no config; give the one that it was trained with"):
        segue.push(tmp_path / "w.pth", "org/name", folder=tmp_path / "out")
    segue.push(tmp_path / "w.pth", "org/name", config=cfg, folder=tmp_path / "out")
    loaded = segue.load(tmp_path / "out")
    assert loaded.classes == tuple(CLASSES)
    state = loaded.model.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model = dict(type='os.system')", "os.system"),
        ("custom_imports = dict(imports=['evil_module'])", "custom_imports"),
    ],
)
def test_only_components_are_pushed(weights: Path, tmp_path: Path, change: str, message: str) -> None:
    found = read(weights)
    path = save_weights(
        tmp_path / "p.safetensors", found.state_dict, {**found.meta, "config": f"{found.config}\n{change}"}
    )
    with pytest.raises((CheckpointError, ConfigError), match=message):
        segue.push(path, "org/name", folder=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "change", [{"type": "os.system"}, {"type": "evil_module.Model"}, {"backbone": {"type": "subprocess.Popen"}}]
)
def test_a_config_of_strangers(own: Hub, weights: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    """Whoever can write a repository can write an honest certificate, too: the names are what is refused."""
    segue.push(weights, "org/name")
    repository = own.repositories["org/name"]
    files = dict(repository.commits[repository.refs["main"]])
    data = json.loads(files["config.json"])
    data["model"] |= change
    files["config.json"] = json.dumps(data).encode()
    del files["certificate.json"]
    repository.commit(files)
    with pytest.raises(ConfigError, match="a config inside another file may name Segue's components only"):
        segue.load("hf://org/name")


def test_files_that_are_not_those_of_the_certificate(own: Hub, weights: Path, tmp_path: Path) -> None:
    segue.push(weights, "org/name")
    repository = own.repositories["org/name"]
    files = dict(repository.commits[repository.refs["main"]])
    repository.commit({**files, "config.json": files["config.json"] + b" "})
    with pytest.raises(CheckpointError, match=r"config\.json: not the file that certificate\.json means"):
        segue.pull("hf://org/name", tmp_path / "out")
    repository.commit({key: value for key, value in files.items() if key != "model.safetensors"})
    with pytest.raises(CheckpointError, match="holds no weights"):
        segue.pull("hf://org/name", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_refused_by_the_hub(a_hub: Hub, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DownloadError, match="give a token that may write there: HF_TOKEN="):
        segue.push(weights, "org/name")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(DownloadError, match="give a token that may write there"):
        segue.push(weights, "others/name")
    assert not a_hub.repositories and TOKEN not in str(a_hub.large)


def test_arguments(weights: Path, own_cache: Path, tmp_path: Path) -> None:
    for wrong, message in (
        ("name", "a model of a hub is named"),
        ("hf://org/name@main/x.bin", "not to one of its files"),
    ):
        with pytest.raises(InputError, match=message):
            segue.push(weights, wrong)
    with pytest.raises(InputError, match="holds no numbers by name"):
        segue.push(weights, "org/name", metrics={}, folder=tmp_path / "out")
    with pytest.raises(InputError, match="there is no such file; segue test --work-dir"):
        segue.push(weights, "org/name", metrics=tmp_path / "none.json", folder=tmp_path / "out")
    with pytest.raises(InputError, match=r"is one file; bring it with segue weights fetch"):
        segue.pull("hf://org/name@main/model.safetensors", tmp_path / "out")


def test_the_command(own: Hub, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from segue.cli import main

    assert main(["push", str(weights), "org/name", "--licence", "mit"]) == 0
    assert "hf://org/name@" in capsys.readouterr().out
    assert main(["pull", "hf://org/name", "--out", str(tmp_path / "pulled")]) == 0
    assert main(["push", str(weights), "org/name", "--out", str(tmp_path / "x"), "--private"]) == 1
    assert main(["push", str(weights), "org/name", "--offline"]) == 1
    import cv2

    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((40, 50, 3), np.uint8))
    out = tmp_path / "seen"
    assert main(["predict", "hf://org/name", str(tmp_path / "photo.png"), "--out", str(out)]) == 0
    assert main(["weights", "fetch", "hf://org/name", "--dest", str(tmp_path / "dest"), "--renew"]) == 0
    assert sorted(path.name for path in (tmp_path / "dest").iterdir()) == FILES
    config, photo = str(tmp_path / "pulled" / "config.json"), str(tmp_path / "photo.png")
    assert main(["predict", config, "hf://org/name", photo, "--out", str(out)]) == 0
    assert main(["predict", config, "hf://org/name", str(weights), "hf://org/name@main", photo, "--out", str(out)]) == 0


def test_transformers_at_a_hub(a_hub: Hub, tmp_path: Path) -> None:
    """A repository is loaded as its folder is; what Segue has no counterpart of is refused by name."""
    folder = tmp_path / "dpt"
    folder.mkdir()
    wanted = saved("dpt", folder)["logits"]
    a_hub.put("org/dpt", {path.name: path.read_bytes() for path in folder.iterdir()})
    there = segue.load("hf://org/dpt@main")
    assert there.classes == ("wall", "floor", "sky")
    with torch.inference_mode():
        found = there.model.encode_decode(picture(64, 64))[:, :, ::8, ::8]
    assert (found - wanted).abs().max() <= 1e-5 * wanted.abs().max()
    a_hub.put("org/bert", {"config.json": b'{"model_type": "bert"}', "model.safetensors": save({"a": torch.ones(2)})})
    with pytest.raises(CheckpointError, match="model_type is 'bert'; Segue converts segformer, upernet"):
        segue.load("hf://org/bert")


def test_where_training_starts(own: Hub, cfg: Config, weights: Path) -> None:
    """``load_from``, ``pretrained`` and ``init_cfg`` take names of a hub."""
    from segue.training.parts import load_initial

    segue.push(weights, "org/name")
    trained = segue.load(weights).model.state_dict()
    for options, prefix in (
        ({"load_from": "hf://org/name"}, ""),
        ({"model.backbone.init_cfg": START}, "backbone."),
        ({"model.pretrained": "hf://org/name@main/model.safetensors"}, "backbone."),
    ):
        chosen = cfg.copy()
        chosen.merge_from_dict(options)
        torch.manual_seed(1)
        model = build_model(chosen)
        assert any(name.startswith("hf://org/name") for name in needed_weights(chosen))
        said = load_initial(model, chosen)
        assert any("hf://org/name" in line for line in said)
        state = model.state_dict()
        keys = [key for key in state if key.startswith(prefix) and not key.endswith("num_batches_tracked")]
        assert keys and all(torch.equal(state[key], trained[key]) for key in keys)


def test_a_config_at_a_hub(own: Hub, weights: Path) -> None:
    """The model's own config is one, with the rights of a config inside another file."""
    segue.push(weights, "org/name")
    found = read_config("hf://org/name")
    assert found["model"]["type"] == "EncoderDecoder" and rights_of(found) is Rights.INSIDE


def test_inspected_and_verified(own: Hub, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from segue.cli import main

    segue.push(weights, "org/name")
    assert main(["weights", "inspect", "hf://org/name", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["has_config"] is True
    assert main(["weights", "verify", "hf://org/name", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["good"] is True


def test_measured_before_and_after(own: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What ``segue test`` measures of the file, it measures of the pushed model by its own config, bit for bit."""
    from segue.cli import main

    config = make_project(tmp_path / "project")
    file = save_weights(tmp_path / "w.safetensors", build_model(Config.fromfile(config)).state_dict())
    assert main(["test", str(config), str(file), "--accelerator", "cpu", "--work-dir", str(tmp_path / "a")]) == 0
    metrics = str(tmp_path / "a" / "metrics.json")
    assert main(["push", str(file), "org/name", "--config", str(config), "--metrics", metrics]) == 0
    name = "hf://org/name"
    assert main(["test", name, name, "--accelerator", "cpu", "--work-dir", str(tmp_path / "b")]) == 0
    before, after = (json.loads((tmp_path / folder / "metrics.json").read_text()) for folder in "ab")
    assert before == after and before
    said = own.repositories["org/name"].commits[own.repositories["org/name"].refs["main"]]["certificate.json"]
    assert json.loads(said)["metrics"] == {key: value for key, value in before.items() if value is not None}
