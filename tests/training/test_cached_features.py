"""Features of a frozen backbone that are kept. Oracle: the training without."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from segue.checkpoints import read
from segue.config import Config
from segue.config.builder.build import build_model
from segue.errors import ConfigError, InputError
from segue.training.cached_features import CachedFeatures, problems, unknown_steps
from tests.layers.small_transformers import BACKBONES, backbone
from tests.training.adapted_project import Project
from tests.training.small_run import lines
from tests.training.test_resume import StopAfter


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("cached"))


def config(project: Project, *options: str, **of_backbone: Any) -> Config:
    """24 steps of two images, of which there are eight and their flips."""
    given = {"freeze": True, **of_backbone}
    more = ["train_cfg.max_iters=24", "train_cfg.val_interval=24", "default_hooks.checkpoint.interval=24"]
    return project.config(*more, *options, **given)


def calls(model: nn.Module) -> list[int]:
    """Fills with the sizes of the batches that pass a backbone's first layer."""
    found: list[int] = []
    model.backbone.layers[0][0].register_forward_hook(lambda _, given, __: found.append(len(given[0])))
    return found


def test_losses_and_weights_are_those_without(project: Project) -> None:
    project.train(config(project), "plain")
    project.train(config(project, "feature_cache=True"), "cached")
    text = project.text.getvalue()
    assert "features; about 0.00 GB for 16 images, flips counted" in text
    assert "of 48 images (" in text and "did not pass the backbone; 16 are kept in" in text  # 24 steps of two
    for mode in ("train", "val"):
        one, other = (lines(project.folder / name, mode) for name in ("plain", "cached"))
        for a, b in zip(one, other, strict=True):
            assert a.keys() == b.keys()
            assert all(b[key] == (pytest.approx(a[key], rel=1e-6) if key != "mode" else mode) for key in a)
    before, after = (read(project.folder / name / "last.ckpt").state_dict for name in ("plain", "cached"))
    for key, value in before.items():
        torch.testing.assert_close(after[key], value, rtol=1e-5, atol=1e-6)


def test_later_runs_find_all_of_it(project: Project) -> None:
    folder = project.folder / "shared"
    for name in ("first", "second"):
        project.train(config(project, f"feature_cache={folder}"), name)
    share = project.text.getvalue().rpartition("feature_cache: ")[2]
    found, asked = int(share.split()[0]), int(share.split()[2])
    assert found == asked


def test_resumed_is_uninterrupted(project: Project) -> None:
    """The weights, which are in the name of the features, come with the checkpoint."""
    cfg = config(project, "feature_cache=True")
    project.train(cfg, "whole")
    with pytest.raises(KeyboardInterrupt):
        project.train(cfg, "parts", callbacks=[StopAfter(9)])
    project.train(cfg, "parts", resume=True)
    assert len(list((project.folder / "parts" / "features").iterdir())) == 1
    a, b = (read(project.folder / name / "last.ckpt").state_dict for name in ("whole", "parts"))
    for key, value in a.items():
        torch.testing.assert_close(b[key], value, rtol=1e-5, atol=1e-6)


def cached(tmp_path: Path, said: list[str], *, images: int | None = None, **more: Any) -> tuple[Any, CachedFeatures]:
    cfg = {"model": {"type": "EncoderDecoder", "backbone": {**BACKBONES["mit"], "freeze": True, **more},
                     "decode_head": {"type": "FCNHead", "in_channels": 32, "in_index": 3, "channels": 4,
                                     "num_classes": 2, "norm_cfg": {"type": "BN"}}}}  # fmt: skip
    torch.manual_seed(5)
    model = build_model(cfg).train()
    return model, CachedFeatures(model, cfg["model"]["backbone"], tmp_path, said.append, images)


def test_the_backbone_is_not_called_again(tmp_path: Path) -> None:
    model, cache = cached(tmp_path, [])
    seen = calls(model)
    x = torch.randn(4, 3, 32, 32)
    first = model.backbone(x)
    second = model.backbone(x.flip(0))
    assert seen == [4]
    assert all(torch.equal(a.flip(0), b) for a, b in zip(first, second, strict=True))
    mixed = model.backbone(torch.cat([x[:1], torch.ones(1, 3, 32, 32), x[2:3]]))
    assert seen == [4, 1]
    assert all(torch.equal(a[[0, 2]], b[[0, 2]]) for a, b in zip(first, mixed, strict=True))
    model.eval()
    model.backbone(x)  # a validation computes
    assert seen == [4, 1, 4] and (cache.asked, cache.found) == (11, 6)


def test_what_an_entry_depends_on(tmp_path: Path) -> None:
    x = torch.randn(1, 3, 32, 32)
    model, _ = cached(tmp_path, [])
    seen = calls(model)
    model.backbone(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model.backbone(x)[0].dtype != torch.float64
    model.backbone(x[:, :, :31])
    model.backbone(x + 1e-6)
    assert seen == [1, 1, 1, 1]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model.backbone(x)
    model.backbone(x)
    assert seen == [1, 1, 1, 1]
    other, _ = cached(tmp_path, [])
    with torch.no_grad():
        next(other.backbone.parameters()).add_(1e-6)
    seen = calls(other)
    other.backbone(x)
    deeper, _ = cached(tmp_path, [], qkv_bias=False)
    deep = calls(deeper)
    deeper.backbone(x)
    assert seen == [1] == deep and len(list(tmp_path.iterdir())) == 3


def test_gradients_are_those_without(tmp_path: Path) -> None:
    """Of the head, with the same random numbers."""
    model, cache = cached(tmp_path, [])
    x = torch.randn(2, 3, 32, 32)

    def gradients() -> list[torch.Tensor]:
        model.zero_grad()
        torch.manual_seed(0)
        model(x).square().mean().backward()
        return [p.grad.clone() for p in model.decode_head.parameters() if p.grad is not None]

    new, kept = gradients(), gradients()
    cache.backbone.forward = cache.usual
    assert cache.found == 2
    for a, b, c in zip(new, kept, gradients(), strict=True):
        assert torch.equal(a, b) and torch.equal(a, c)


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said once; what comes is computed, and the same."""
    said: list[str] = []
    model, cache = cached(tmp_path, said)
    x = torch.randn(4, 3, 32, 32)
    model.backbone(x[:1])

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("segue.packs.features._write", full)
    for _ in range(2):
        found = model.backbone(x)
    # three images are computed where four are, in another order of sums; the maps are normalized to a deviation of 1
    torch.testing.assert_close(found, cache.usual(x), rtol=0, atol=1e-5)
    assert said == [f"feature_cache: {cache.store.folder} takes no more (No space left on device) after 1 images; "
                    "training goes on, and computes the features of the others each time"]  # fmt: skip


def test_little_is_found(tmp_path: Path) -> None:
    said: list[str] = []
    model, _ = cached(tmp_path, said, images=2)
    for _ in range(8):
        model.backbone(torch.randn(1, 3, 32, 32))
    assert len(said) == 1 and "of 7 images only 0 were found again; a step of train_pipeline changes them" in said[0]


def test_not_called(tmp_path: Path) -> None:
    said: list[str] = []
    _, cache = cached(tmp_path, said)
    cache.begin()
    assert said == [cache.told()]
    assert cache.told() == "feature_cache: EncoderDecoder has not called its backbone, so nothing is kept"
    assert cache.expected((3, 64, 64)).startswith(f"feature_cache: {tmp_path}; about 0.00 GB")


def refusals(cfg: Config) -> list[str]:
    return [str(problem) for problem in problems(cfg, build_model(cfg))]


def test_steps_that_change_images_are_refused(project: Project) -> None:
    cfg = config(project, "feature_cache=True")
    crop = {"type": "mmseg.RandomCrop", "crop_size": (16, 16)}
    choice = {"type": "RandomChoice", "transforms": [[{"type": "Resize", "scale": (8, 8)}]]}
    cfg["train_dataloader"]["dataset"]["pipeline"][2:3] = [crop, {"type": "PhotoMetricDistortion"}, choice]
    found = refusals(cfg)
    assert [text.partition("feature_cache: ")[2].partition(" ")[0] for text in found] == [
        "RandomCrop",
        "PhotoMetricDistortion",
        "RandomChoice",
    ]
    assert (
        "pipeline.2" in found[0] and "changes the image in every step, so that its features are never found" in found[0]
    )
    with pytest.raises(ConfigError, match=r"pipeline.3.*PhotoMetricDistortion changes the image in every step"):
        project.train(cfg, "refused")
    inner = cfg["train_dataloader"]["dataset"]
    mosaic = {
        "type": "MultiImageMixDataset",
        "dataset": dict(inner, pipeline=[]),
        "pipeline": [{"type": "RandomMosaic"}],
    }
    cfg["train_dataloader"]["dataset"] = {"type": "RepeatDataset", "times": 2, "dataset": mosaic}
    assert "dataset.dataset.pipeline.0" in next(str(p) for p in problems(cfg, None))


def test_steps_that_nobody_knows_are_said(project: Project) -> None:
    cfg = config(project, "feature_cache=True")
    assert unknown_steps(cfg) == []
    cfg["train_dataloader"]["dataset"]["pipeline"].insert(2, {"type": "Sharpened"})
    assert "feature_cache: Sharpened: if this changes an image in every step, nothing is found again" in unknown_steps(
        cfg
    )


def test_backbones_that_are_trained_are_refused(project: Project) -> None:
    for more in ({"freeze": False}, {"freeze": 2}, {"freeze": None, "lora": {"r": 2}}):
        (found,) = refusals(config(project, "feature_cache=True", **more))
        assert "feature_cache: the backbone is trained (" in found and "set model.backbone.freeze=True" in found
    cfg = config(project, "feature_cache=True")
    model = build_model(cfg)
    model.backbone = backbone("mit").requires_grad_(False)
    (problem,) = problems(cfg, model)
    assert "is in training mode in training" in str(problem)
    assert not refusals(config(project, freeze=False))


def test_wrong_values(project: Project) -> None:
    with pytest.raises(ConfigError, match="feature_cache: True or False or a text is expected here, not 3"):
        config(project, "feature_cache=3")
    (project.folder / "file").write_text("")
    with pytest.raises(InputError, match="cannot write there"):
        project.train(config(project, f"feature_cache={project.folder / 'file'}"), "wrong")
