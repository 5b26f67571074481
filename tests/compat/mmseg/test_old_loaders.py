"""``build_dataset``, ``build_dataloader``, ``single_gpu_test`` and the measures of datasets of 0.x.

What 0.30 computes by them is in ``tests/compat/projects/old_test``; here their parts agree with each other.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from rich.console import Console

from segue.compat.finder import install, uninstall
from tests.compat.projects.runs import PROJECTS, fill, lay_out


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = next(each for each in PROJECTS if each.folder == "old_test")
    return lay_out(project, tmp_path_factory.mktemp("old"))


@pytest.fixture
def cfg(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(root)
    install(force=True)
    import mmcv

    yield mmcv.Config.fromfile("configs/fcn_r18_64x64_2_shapes.py")
    uninstall()


def model_of(cfg: Any) -> Any:
    from mmcv.cnn.utils import revert_sync_batchnorm
    from mmcv.parallel import MMDataParallel
    from mmseg.models import build_segmentor

    model = build_segmentor(cfg.model)
    model.load_state_dict(fill(model.state_dict()))
    return MMDataParallel(revert_sync_batchnorm(model), device_ids=[])


def loader_of(dataset: Any, **changes: Any) -> Any:
    from mmseg.datasets import build_dataloader

    given = {"samples_per_gpu": 1, "workers_per_gpu": 0, "dist": False, "shuffle": False} | changes
    return build_dataloader(dataset, **given)


def test_a_test_batch(cfg: Any) -> None:
    """Normalized as the pipeline says: (RGB - mean) / std of the file's BGR."""
    from mmseg.datasets import build_dataset

    dataset = build_dataset(cfg.data.test)
    batch = next(iter(loader_of(dataset)))
    assert sorted(batch) == ["img", "img_metas"] and len(batch["img"]) == len(batch["img_metas"]) == 1
    meta = batch["img_metas"][0].data[0][0]
    assert meta["ori_filename"] == "v0.png" and meta["filename"].endswith("images/validation/v0.png")
    assert meta["ori_shape"] == meta["img_shape"] == meta["pad_shape"] == (64, 64, 3)
    assert meta["flip"] is False and meta["scale_factor"].shape == (4,) and meta["img_norm_cfg"]["to_rgb"]
    image = cv2.imread(meta["filename"])[..., ::-1]
    expected = (image - np.array([120.0, 110.0, 100.0])) / 60
    np.testing.assert_allclose(batch["img"][0][0].permute(1, 2, 0).numpy(), expected, rtol=0, atol=1e-6)


def test_views_of_an_image(cfg: Any) -> None:
    from mmseg.datasets import build_dataset

    step = cfg.data.test.pipeline[1]
    step.img_ratios, step.flip = [1.0, 1.5], True
    batch = next(iter(loader_of(build_dataset(cfg.data.test))))
    found = [(tuple(img.shape[2:]), meta.data[0][0]["flip"]) for meta, img in zip(*batch.values(), strict=True)]
    assert sorted(found) == [((64, 64), False), ((64, 64), True), ((96, 96), False), ((96, 96), True)]


def test_a_training_batch_and_its_step(cfg: Any) -> None:
    from mmseg.datasets import build_dataset

    batch = next(iter(loader_of(build_dataset(cfg.data.train), samples_per_gpu=2, shuffle=True, seed=0)))
    assert sorted(batch) == ["gt_semantic_seg", "img", "img_metas"]
    assert batch["img"].data[0].shape == (2, 3, 64, 64) and batch["gt_semantic_seg"].data[0].shape == (2, 1, 64, 64)
    model = model_of(cfg)
    found = model.train_step(batch, None)
    assert sorted(found) == ["log_vars", "loss", "num_samples"] and found["num_samples"] == 2
    assert found["loss"].requires_grad and found["log_vars"]["loss"] == pytest.approx(float(found["loss"].detach()))
    losses = model(return_loss=True, **batch)
    assert {key for key in losses if "loss" in key} == {key for key in found["log_vars"] if key != "loss"} - {
        key for key in losses if "acc" in key
    }


@pytest.mark.parametrize("metric", ["mIoU", ["mIoU", "mDice", "mFscore"]])
def test_both_ways_of_measuring_agree(metric: Any, cfg: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from mmseg.apis import multi_gpu_test, single_gpu_test
    from mmseg.datasets import build_dataset

    dataset = build_dataset(cfg.data.test)
    model = model_of(cfg)
    labels = single_gpu_test(model, loader_of(dataset))
    assert [each.shape for each in labels] == [(64, 64)] * 2 and len(dataset) == 2
    counted = multi_gpu_test(model, loader_of(dataset), pre_eval=True)
    first, second = dataset.evaluate(labels, metric), dataset.evaluate(counted, metric)
    assert (
        first == pytest.approx(second, nan_ok=True) and {"aAcc", "mIoU", "mAcc", "IoU.road", "Acc.tree"} <= first.keys()
    )
    assert "road" in capsys.readouterr().out
    with pytest.raises(KeyError, match="metric mAP is not supported: mIoU, mDice, mFscore"):
        dataset.evaluate(labels, "mAP")


def test_pictures_and_files(cfg: Any, tmp_path: Path) -> None:
    from mmseg.apis import single_gpu_test
    from mmseg.datasets import build_dataset

    dataset, model = build_dataset(cfg.data.test), model_of(cfg)
    assert dataset.img_infos[1] == {"filename": "v1.png", "ann": {"seg_map": "v1.png"}}
    (batch, *_) = loader_of(dataset)
    views = [meta.data[0] for meta in batch["img_metas"]]
    found = model.module.simple_test_logits(batch["img"], views)
    assert (found == model.module.aug_test_logits(batch["img"], views)).all() and found.shape == (1, 3, 64, 64)
    labels = single_gpu_test(model, loader_of(dataset), out_dir=str(tmp_path / "shown"), opacity=1)
    drawn = cv2.imread(str(tmp_path / "shown" / "v1.png"))[..., ::-1]
    assert (drawn == np.array(dataset.PALETTE)[labels[1]]).all()
    where = {"imgfile_prefix": str(tmp_path / "out")}
    files = single_gpu_test(model, loader_of(dataset), format_only=True, format_args=where)
    assert [Path(file).name for file in files] == ["v0.png", "v1.png"]
    assert (cv2.imread(files[0], cv2.IMREAD_UNCHANGED) == labels[0]).all()
    with pytest.raises(AssertionError, match="mutually exclusive"):
        single_gpu_test(model, loader_of(dataset), pre_eval=True, format_only=True)


def test_files_have_the_values_of_the_datasets_own(cfg: Any, tmp_path: Path) -> None:
    """Cityscapes' road, class 0, has label id 7; ADE20K's classes begin at 1."""
    from mmseg.datasets import DATASETS

    for name, value in (("CityscapesDataset", 7), ("ADE20KDataset", 1)):
        dataset = DATASETS.build({"type": name, "lazy_init": True})
        dataset.data_list = [{"img_path": "a/b.jpg", "seg_map_path": "a/b.png"}]
        dataset._ready = True
        (file,) = dataset.format_results([np.zeros((2, 2), int)], str(tmp_path / name))
        assert Path(file).name == "b.png" and (cv2.imread(file, cv2.IMREAD_UNCHANGED) == value).all(), name


def test_a_dataset_of_1x_has_no_batches_of_0x() -> None:
    from segue.compat.mmseg.old_loaders import build_dataloader

    with pytest.raises(ValueError, match=r"made by build_dataset of a 0.x dict; .* Runner.build_dataloader"):
        build_dataloader(torch.utils.data.TensorDataset(torch.zeros(2)), 1, 0)
    with pytest.raises(ValueError, match="start a process for each"):
        build_dataloader(None, 1, 0, num_gpus=2)


def test_a_model_says_what_a_call_lacks(cfg: Any) -> None:
    model = model_of(cfg).module
    with pytest.raises(TypeError, match=r"unexpected arguments \['mod'\]; as in 0.x it needs \['img_metas'\]"):
        model(torch.zeros(1, 3, 64, 64), mod="loss")
    with pytest.raises(TypeError, match="imgs must be a list"):
        model(torch.zeros(1, 3, 64, 64), [{}], return_loss=False)


def test_a_datasets_own_measures(cfg: Any, root: Path) -> None:
    """Published forks have their own; scripts of 0.x call them, and Segue's own measuring says that it does not."""
    from mmseg.apis import single_gpu_test
    from mmseg.datasets import DATASETS, CustomDataset, build_dataset

    from segue.config.builder.build import build_model
    from segue.recipes.open import read_config
    from segue.training import Machine, evaluate

    calls = []

    @DATASETS.register_module(force=True)
    class Measuring(CustomDataset):
        CLASSES = ("road", "tree", "sky")
        PALETTE = ((0, 0, 0), (9, 9, 9), (99, 99, 99))

        def get_gt_seg_map_by_idx(self, index: int) -> Any:
            calls.append("get_gt_seg_map_by_idx")
            return super().get_gt_seg_map_by_idx(index)

        def pre_eval(self, preds: Any, indices: Any) -> Any:
            calls.append("pre_eval")
            return super().pre_eval(preds, indices)

        def format_results(self, results: Any, imgfile_prefix: str = "", indices: Any = None) -> Any:
            return ["mine"]

        def evaluate(self, results: Any, metric: Any = "mIoU", logger: Any = None, **kwargs: Any) -> Any:
            return {"mine": 0.5, **super().evaluate(results, metric, logger)}

    cfg.data.test.type = "Measuring"
    cfg.data.test.img_suffix = ".png"
    dataset, model = build_dataset(cfg.data.test), model_of(cfg)
    counted = single_gpu_test(model, loader_of(dataset), pre_eval=True)
    assert calls == ["pre_eval", "get_gt_seg_map_by_idx"] * 2
    assert {"mine", "mIoU"} <= dataset.evaluate(counted).keys()
    assert single_gpu_test(model, loader_of(dataset), format_only=True) == ["mine", "mine"]

    segues = read_config("configs/fcn_r18_64x64_2_shapes.py")
    segues["test_dataloader"]["dataset"]["type"] = "Measuring"
    torch.save({"state_dict": build_model(segues).state_dict()}, root / "w.pth")
    said = io.StringIO()
    found = evaluate(segues, root / "w.pth", machine=Machine("cpu"), console=Console(file=said, width=500))
    assert "mIoU" in found and "mine" not in found
    line = (
        "not called: Measuring.evaluate, .pre_eval, .format_results, .get_gt_seg_map_by_idx: called by scripts of 0.x"
    )
    assert line in said.getvalue()
