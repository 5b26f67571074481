"""Samples, classes, metrics and outputs as user code sees them. Numbers: mmseg 1.2.2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import nn

PACKING = [{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}, {"type": "PackSegInputs"}]
BN = {"type": "BN"}


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Any]:
    """Three images of two classes, and the arguments of a dataset of them."""
    for index in range(3):
        for folder in ("img", "ann"):
            (tmp_path / folder).mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "img" / f"{index}.png"), np.full((20, 30, 3), 50 * index, np.uint8))
        cv2.imwrite(str(tmp_path / "ann" / f"{index}.png"), (np.arange(600).reshape(20, 30) % 2).astype(np.uint8))
    prefix = {"img_path": "img", "seg_map_path": "ann"}
    return {"type": "BaseSegDataset", "data_root": str(tmp_path), "data_prefix": prefix, "img_suffix": ".png"}


def samples(count: int, size: int = 64) -> dict[str, Any]:
    """A batch with three classes."""
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    found = []
    for _ in range(count):
        sample = SegDataSample(metainfo=dict.fromkeys(("img_shape", "ori_shape", "pad_shape"), (size, size)))
        sample.gt_sem_seg = PixelData(data=torch.arange(size * size).view(1, size, size) % 3)
        found.append(sample)
    return {"inputs": list(torch.randn(count, 3, size, size)), "data_samples": found}


@pytest.mark.parametrize("classes", [["a", "b"], ("a", "b")], ids=["list", "tuple"])
@pytest.mark.parametrize("wrap", ["", "ConcatDataset", "RepeatDataset"])
def test_classes_stay_of_the_users_kind(images: dict[str, Any], classes: Any, wrap: str) -> None:
    from mmseg.registry import DATASETS

    cfg = images | {"metainfo": {"classes": classes}}
    wrapped = {"": cfg, "ConcatDataset": {"datasets": [cfg, cfg]}, "RepeatDataset": {"times": 2, "dataset": cfg}}[wrap]
    made = DATASETS.build({"type": wrap, **wrapped} if wrap else cfg)
    assert made.metainfo["classes"] == classes and classes == made.CLASSES
    assert len(made.PALETTE) == 2 and len(made) == (6 if wrap else 3)


@pytest.mark.parametrize("wrap", ["", "ConcatDataset", "RepeatDataset", "MyDataset"])
def test_packed_samples_are_data_samples(images: dict[str, Any], wrap: str) -> None:
    from mmseg.datasets import BaseSegDataset
    from mmseg.registry import DATASETS
    from mmseg.structures import SegDataSample

    from segue.datasets.collate import collate
    from segue.types import SegSample

    cfg = images | {"metainfo": {"classes": ["a", "b"]}, "pipeline": PACKING}
    if wrap == "MyDataset":
        made = type("MyDataset", (BaseSegDataset,), {})(**{key: value for key, value in cfg.items() if key != "type"})
    else:
        wrapped = {"": cfg, "ConcatDataset": {"datasets": [cfg]}, "RepeatDataset": {"times": 1, "dataset": cfg}}[wrap]
        made = DATASETS.build({"type": wrap, **wrapped} if wrap else cfg)
    sample = made[1]["data_samples"]
    assert isinstance(sample, SegDataSample) and sample.gt_sem_seg.data.shape == (1, 20, 30)
    assert {"img_path", "seg_map_path", "ori_shape", "img_shape", "reduce_zero_label"} <= sample.metainfo.keys()
    batch = collate([made[0], made[1]])
    assert all(isinstance(each, SegSample) and each.gt_sem_seg.shape == (20, 30) for each in batch["data_samples"])


def test_views_of_test_time_augmentation() -> None:
    from mmseg.registry import TRANSFORMS
    from mmseg.structures import SegDataSample

    from segue.transforms.compose import taken
    from segue.types import SegSample

    flips = [{"type": "RandomFlip", "prob": p, "direction": "horizontal"} for p in (0.0, 1.0)]
    step = TRANSFORMS.build({"type": "TestTimeAug", "transforms": [flips, [{"type": "PackSegInputs"}]]})
    views = step({"img": np.zeros((8, 8, 3), np.uint8), "img_shape": (8, 8), "ori_shape": (8, 8), "img_path": "a"})
    assert [sample.metainfo["flip"] for sample in views["data_samples"]] == [False, True]
    assert all(isinstance(sample, SegDataSample) for sample in views["data_samples"])
    assert all(isinstance(sample, SegSample) for sample in taken(views)["data_samples"])


def test_depths_are_mixed_by_transform() -> None:
    from mmseg.datasets.transforms import RandomDepthMix

    sample = {"img": np.zeros((4, 4, 3), np.uint8), "gt_depth_map": np.ones((4, 4), np.float32), "img_shape": (4, 4)}
    assert RandomDepthMix(prob=1.0).transform(sample)["img"].shape == (4, 4, 3)


def test_depth_metric() -> None:
    from mmseg.evaluation import DepthMetric

    truth = torch.linspace(0.5, 5, 16).view(1, 4, 4)

    class Twice(DepthMetric):
        def compute_metrics(self, results):
            return {name: 2 * value for name, value in super().compute_metrics(results).items()}

    wanted = {"d1": 1, "d2": 1, "d3": 1, "abs_rel": 0.1, "sq_rel": 0.0275, "rmse": 0.307815, "rmse_log": 0.1003354,
              "log10": 0.0435751, "silog": 0.0709478}  # fmt: skip
    for cls, factor in ((DepthMetric, 1), (Twice, 2)):
        metric = cls(min_depth_eval=0.1, max_depth_eval=10.0)
        metric.dataset_meta = {}
        for scale in (1.1, 0.9):
            metric.process({}, [{"gt_depth_map": {"data": truth}, "pred_depth_map": {"data": truth * scale}}])
        assert len(metric.results) == 2
        assert metric.evaluate(2) == pytest.approx({k: factor * v for k, v in wanted.items()}, abs=2e-6)


def test_iou_metric_writes_files(tmp_path: Path) -> None:
    from mmseg.evaluation import IoUMetric

    folder = tmp_path / "new" / "out"
    metric = IoUMetric(output_dir=str(folder), format_only=True)
    assert folder.is_dir()
    metric.dataset_meta = {"classes": ["a", "b"]}
    metric.process([0], [{"pred_sem_seg": {"data": torch.ones(1, 4, 4).long()}, "img_path": "q/abc.png"}])
    assert cv2.imread(str(folder / "abc.png"), -1)[0, 0] == 1 and metric.evaluate(1) == {}
    metric = IoUMetric(output_dir=str(folder))
    metric.dataset_meta = {"classes": ["a", "b"]}
    ones = {"data": torch.ones(1, 4, 4).long()}
    metric.process([0], [{"pred_sem_seg": ones, "gt_sem_seg": ones, "img_path": "x.png", "reduce_zero_label": True}])
    assert cv2.imread(str(folder / "x.png"), -1)[0, 0] == 2
    assert metric.evaluate(1) == {"aAcc": 100.0, "mIoU": 100.0, "mAcc": 100.0}


def test_a_model_without_preprocessor_takes_any_batch() -> None:
    from mmengine.model import BaseModel
    from mmseg.registry import MODELS

    class Net(BaseModel):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, img, img_metas=None, mode="tensor"):
            found = self.conv(img)
            return {"loss": found.sum()} if mode == "loss" else found

    net, batch = Net(), {"img": torch.zeros(1, 3, 4, 4), "img_metas": [1]}
    assert net.data_preprocessor(batch, True) == batch and net.val_step(batch).shape == (1, 2, 4, 4)
    head = {"type": "FCNHead", "in_channels": 32, "channels": 4, "num_classes": 3, "norm_cfg": BN}
    backbone = {"type": "CGNet", "num_channels": (8, 16, 16)}
    model = MODELS.build({"type": "EncoderDecoder", "backbone": backbone, "decode_head": head})
    assert model.data_preprocessor({"a": 1}, False) == {"a": 1}
    assert model.data_preprocessor([torch.zeros(1), 2])[1] == 2


def test_heads_of_several_outputs() -> None:
    from mmseg.registry import MODELS

    from segue.types import Targets

    ce = {"type": "CrossEntropyLoss"}
    usual = {"in_channels": 8, "channels": 8, "num_classes": 4, "norm_cfg": BN}
    pid = MODELS.build({"type": "PIDHead", **usual, "loss_decode": [ce, ce, {"type": "BoundaryLoss"}, ce]}).train()
    maps = [torch.randn(2, width, 8, 8) for width in (4, 8, 4)]
    assert [x.shape for x in pid(maps)] == [(2, 4, 8, 8), (2, 4, 8, 8), (2, 1, 8, 8)] and isinstance(pid(maps), tuple)
    losses = pid.loss(maps, Targets(torch.zeros(2, 8, 8).long()))
    assert list(losses) == ["loss_sem_p", "loss_sem_i", "loss_bd", "loss_sem_bd", "acc_seg"]
    assert pid.eval()(maps).shape == (2, 4, 8, 8)
    ddr = MODELS.build({"type": "DDRHead", **usual, "loss_decode": [ce, ce]}).train()
    assert [x.shape for x in ddr(maps[:2])] == [(2, 4, 8, 8), (2, 4, 8, 8)] and ddr.eval()(maps[:2]).shape == (
        2,
        4,
        8,
        8,
    )
    assert "loss_spatial" in ddr.train().loss(maps[:2], Targets(torch.zeros(2, 8, 8).long()))


def test_depths_are_drawn_below_the_image(tmp_path: Path) -> None:
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample
    from mmseg.visualization import SegLocalVisualizer

    drawer, sample = SegLocalVisualizer(), SegDataSample(gt_depth_map=PixelData(data=torch.rand(1, 10, 12)))
    picture = np.full((10, 12, 3), 7, np.uint8)
    drawer.add_datasample("a", picture, sample, out_file=str(tmp_path / "a.png"))
    drawn = cv2.imread(str(tmp_path / "a.png"))
    assert drawn.shape == (20, 12, 3) and (drawn[:10] == 7).all() and drawn[10:].std() > 10
    sample.pred_depth_map = PixelData(data=torch.rand(1, 10, 12))
    drawer.add_datasample("a", picture, sample, out_file=str(tmp_path / "a.png"))
    assert cv2.imread(str(tmp_path / "a.png")).shape == (20, 24, 3)


def test_what_a_registry_holds() -> None:
    from mmseg.registry import DATASETS, MODELS

    assert "FCNHead" in MODELS.module_dict and "FCNHead" in MODELS._module_dict and "Nope" not in MODELS.module_dict
    assert MODELS.module_dict["FCNHead"] is MODELS.get("FCNHead") and len(DATASETS.module_dict) > 20

    @MODELS.register_module()
    class Held(nn.Module):
        """A user's."""

    assert "Held" in MODELS.module_dict and MODELS.module_dict.pop("Held") is Held and MODELS.get("Held") is None
    MODELS._module_dict["Other"] = Held
    assert MODELS.get("Other") is Held and "Other" in list(MODELS.module_dict)


def test_packages_have_a_place() -> None:
    import mmcv
    import mmengine
    import mmseg

    assert all(Path(package.__file__).name == "__init__.py" for package in (mmseg, mmengine, mmcv))


def test_classes_of_built_in_datasets_of_0x(images: dict[str, Any]) -> None:
    from mmseg.datasets import ADE20KDataset, CityscapesDataset, build_dataset

    old = {"type": "ADE20KDataset", "data_root": images["data_root"], "img_dir": "img", "ann_dir": "ann",
           "img_suffix": ".png", "pipeline": []}  # fmt: skip
    assert ADE20KDataset.CLASSES[:2] == ("wall", "building") and CityscapesDataset.PALETTE[0] == [128, 64, 128]
    repeated = build_dataset({"type": "RepeatDataset", "times": 2, "dataset": old})
    for made in (build_dataset(old), repeated, build_dataset([old, old])):
        assert made.CLASSES[:2] == ("wall", "building") and made.PALETTE[0] == [120, 120, 120]


def test_pictures_of_0x(trained: tuple[Path, Path], tmp_path: Path) -> None:
    from mmseg.apis import MMSegInferencer, inference_segmentor, init_segmentor, show_result_pyplot
    from mmseg.structures import SegDataSample

    config, weights = trained
    model = init_segmentor(str(config), str(weights), device="cpu")
    assert model.cfg.data.test.type and "test_dataloader" not in model.cfg
    picture = np.random.RandomState(0).randint(0, 255, (32, 48, 3), np.uint8)
    found, colors = inference_segmentor(model, picture), [[1, 2, 3], [40, 50, 60], [200, 150, 100]]
    drawn = show_result_pyplot(model, picture, found, colors, opacity=0.5)
    assert (drawn == show_result_pyplot(model, picture, found, colors)).all() and drawn.shape == (32, 48, 3)
    shown = model.show_result(picture, found, palette=colors, show=False, opacity=0.5, out_file=str(tmp_path / "a.png"))
    wanted = picture * 0.5 + np.asarray(colors)[found[0]][..., ::-1] * 0.5
    assert (shown == wanted.astype(np.uint8)).all() and (tmp_path / "a.png").exists()
    with pytest.raises(TypeError, match="show_result_pyplot got 'colour' unexpectedly"):
        show_result_pyplot(model, picture, found, colour=1)
    predict = MMSegInferencer(str(config), str(weights), device="cpu")
    assert isinstance(predict(picture, return_datasamples=True), SegDataSample)
    assert [type(each) for each in predict([picture] * 2, return_datasamples=True)] == [SegDataSample] * 2
    assert predict(picture).keys() == {"predictions", "visualization"}
