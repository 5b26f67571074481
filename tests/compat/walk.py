"""The override walk: classes of user code that override one method with a marker, and steps that should reach it."""

from __future__ import annotations

import functools
import gzip
import importlib
import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from segue.compat.components import component
from segue.compat.mmengine.structures import PixelData, SegDataSample
from segue.compat.mmseg.samplers import BasePixelSampler
from segue.compat.overrides import OverrideError
from segue.reference.overrides import classes_of, methods_of
from segue.types import Targets
from tests.heads.test_mask2former import config as mask2former

GOLDENS = Path(__file__).parents[1] / "goldens"
BN = {"type": "BN"}
CE = {"type": "CrossEntropyLoss", "loss_weight": 1.0}
SIZE = (16, 16)
#: what an override gives where the base has no such method
ABSENT: dict[str, Any] = {"get_cat_ids": [0], "compute_metrics": {}}
#: what a step is doing
PHASE = ["train"]
#: methods of heads that training and prediction both call
TWICE = ("forward", "_transform_inputs", "cls_seg", "_forward_feature", "psp_forward")


def outcomes(cls: Any, step: Callable[[Any], Any], room: str, name: str) -> dict[str, str]:
    """What becomes of the override of each method of the reference: ``honoured``, ``refused``; ``silent`` if it is not
    called, ``different`` if one that changes nothing changes the numbers.

    Args:
        cls: what user code derives from.
        step: makes an object of a class, uses it as a step of training, prediction or evaluation would, and returns
            numbers.
    """
    found = {}
    usual = step(cls)
    for method in sorted(methods_of(room, name)):
        seen: set[str] = set()
        try:
            derived = type(f"My{name}", (cls,), {method: marked(cls, method, seen), "__module__": "mine"})
        except OverrideError as error:
            assert method in str(error)
            found[method] = "refused"
            continue
        same = step(derived) == usual
        wanted = {"train", "predict"} if room == "heads" and method in TWICE else seen
        found[method] = "silent" if not seen or not wanted <= seen else "honoured" if same else "different"
    return found


def user_class(room: str, name: str) -> Any:
    """The class that user code derives from."""
    where = {
        "models": "mmseg.segmentors",
        "preprocessors": "mmseg.preprocessors",
        "samplers": "mmseg.samplers",
        "metrics": "mmengine.metrics",
        "visualizers": "mmengine.visualization",
        "hooks": "mmengine.hooks",
    }
    if name in ("BaseDecodeHead", "BaseCascadeDecodeHead"):
        return plain(component(name, (room,)))
    found = getattr(importlib.import_module(f"segue.compat.{where[room]}"), name, None) if room in where else None
    return found or component(name, (room,))


def plain(base: Any) -> Any:
    """The least head of a user's."""

    def forward(self: Any, inputs: Any, prev_output: Any = None) -> Any:
        return self.cls_seg(self._transform_inputs(inputs))

    return type("Plain", (base,), {"forward": forward, "__module__": "mine"})


def marked(cls: Any, method: str, seen: set[str]) -> Any:
    """An override that leaves a mark and goes on as before."""
    there = next((vars(base)[method] for base in cls.__mro__ if method in vars(base)), None)

    def mark(*args: Any, **kwargs: Any) -> Any:
        seen.add(PHASE[0])
        if isinstance(there, (classmethod, property)):
            return (
                there.__get__(args[0], type(args[0]))
                if isinstance(there, property)
                else there.__func__(*args, **kwargs)
            )
        function = there.__func__ if isinstance(there, staticmethod) else there
        if function is None or getattr(function, "__isabstractmethod__", False):
            return ABSENT.get(method)
        return function(*args, **kwargs)

    def setting(self: Any, value: Any) -> None:
        seen.add(PHASE[0])
        there.fset(self, value)  # type: ignore[union-attr]

    if isinstance(there, property):
        return property(mark, setting if there.fset else None)
    kinds = {staticmethod: staticmethod, classmethod: classmethod}
    return kinds.get(type(there), lambda function: function)(mark)


# transforms


def image(seed: int = 0) -> dict[str, Any]:
    """A sample with labels; of ``LoadImageFromFile`` and its kin the paths do not matter here."""
    drawn = np.random.RandomState(seed)
    return {
        "img": drawn.randint(0, 255, (24, 32, 3), dtype=np.uint8),
        "gt_seg_map": drawn.randint(0, 3, (24, 32)).astype(np.uint8),
        "seg_fields": ["gt_seg_map"],
        "img_shape": (24, 32),
        "ori_shape": (24, 32),
        "img_path": "a.png",
    }


TRANSFORMS: dict[str, dict[str, Any]] = {
    "PackSegInputs": {},
    "RandomCrop": {"crop_size": (8, 8), "cat_max_ratio": 0.9},
    "RandomFlip": {"prob": 1.0},
    "Resize": {"scale": (16, 12)},
    "Pad": {"size": (40, 40)},
    "RandomResize": {"scale": (16, 12), "ratio_range": (0.5, 2.0)},
    "RandomResize two": {"scale": ((16, 12), (32, 24))},
    "RandomChoiceResize": {"scales": [(16, 12), (20, 10)]},
    "RandomRotate": {"prob": 1.0, "degree": 10.0},
    "PhotoMetricDistortion": {},
    "ResizeToMultiple": {"size_divisor": 8},
    "Rerange": {},
    "CLAHE": {},
    "RGB2Gray": {},
    "AdjustGamma": {},
    "SegRescale": {"scale_factor": 1},
    "RandomCutOut": {"prob": 1.0, "n_holes": 1, "cutout_shape": (2, 2)},
    "RandomRotFlip": {},
    "GenerateEdge": {},
    "ResizeShortestEdge": {"scale": 12, "max_size": 40},
    "CenterCrop": {"crop_size": (8, 8)},
    "RandomGrayscale": {},
    "Normalize": {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)},
    "ImageToTensor": {"keys": ["img"]},
    "ToTensor": {"keys": ["img"]},
}


def transform_step(name: str) -> Callable[[Any], Any]:
    """Several draws of a transform."""

    def step(cls: Any) -> Any:
        sums = []
        for key in (key for key in TRANSFORMS if key.split()[0] == name):
            for seed in range(8):
                np.random.seed(seed)
                random.seed(seed)
                made = cls(**TRANSFORMS[key])(image(seed))
                made = made if "inputs" in made else {"inputs": made["img"]}
                sums.append(float(np.asarray(made["inputs"]).astype(float).sum()))
        return sums

    return step


# heads


def _maps(*shapes: tuple[int, int, int]) -> list[torch.Tensor]:
    return [torch.randn(2, *shape) for shape in shapes]


ONE = (8, 4, 4)
TWO = ((4, 8, 8), (8, 4, 4))
SEVERAL = {"in_channels": [4, 8], "in_index": [0, 1], "input_transform": "multiple_select"}
USUAL = {"channels": 8, "num_classes": 4, "norm_cfg": BN}
#: arguments beside the usual ones, shapes of the features, and whether the logits of another head come with them
HEADS: dict[str, tuple[dict[str, Any], tuple[tuple[int, int, int], ...]]] = {
    "BaseDecodeHead": ({"in_channels": 8}, (ONE,)),
    "BaseCascadeDecodeHead": ({"in_channels": 8}, (ONE,)),
    "FCNHead": ({"in_channels": 8, "num_convs": 1}, (ONE,)),
    "PSPHead": ({"in_channels": 8, "pool_scales": (1, 2)}, (ONE,)),
    "ASPPHead": ({"in_channels": 8, "dilations": (1, 2)}, (ONE,)),
    "DepthwiseSeparableASPPHead": (
        {"in_channels": 8, "dilations": (1, 2), "c1_in_channels": 4, "c1_channels": 4},
        TWO,
    ),
    "DepthwiseSeparableFCNHead": ({"in_channels": 8, "num_convs": 1, "concat_input": False}, (ONE,)),
    "UPerHead": ({"in_channels": [4, 8], "in_index": [0, 1], "pool_scales": (1, 2)}, TWO),
    "SegformerHead": ({"in_channels": [4, 8], "in_index": [0, 1]}, TWO),
    "FPNHead": (SEVERAL | {"feature_strides": [4, 8]}, TWO),
    "LRASPPHead": (
        SEVERAL | {"in_channels": [4, 6, 8], "in_index": [0, 1, 2], "branch_channels": (4, 6)},
        ((4, 16, 16), (6, 8, 8), (8, 4, 4)),
    ),
    "DDRHead": ({"in_channels": 8, "loss_decode": [CE, CE]}, TWO),
    "PIDHead": (
        {
            "in_channels": 8,
            "loss_decode": [CE, CE, {"type": "BoundaryLoss", "loss_weight": 20.0}, CE],
        },
        ((4, 4, 4), (8, 4, 4), (4, 4, 4)),
    ),
    "STDCHead": (
        {
            "in_channels": 8,
            "num_classes": 2,
            "num_convs": 1,
            "concat_input": False,
            "boundary_threshold": 0.1,
            "loss_decode": [
                {"type": "CrossEntropyLoss", "loss_name": "loss_ce", "use_sigmoid": True, "loss_weight": 1.0},
                {"type": "DiceLoss", "loss_name": "loss_dice", "loss_weight": 1.0},
            ],
        },
        (ONE,),
    ),
    "LightHamHead": (
        SEVERAL | {"ham_channels": 8, "ham_kwargs": {"MD_R": 2}, "norm_cfg": {"type": "GN", "num_groups": 2}},
        TWO,
    ),
    "OCRHead": ({"in_channels": 8, "ocr_channels": 4}, (ONE,)),
    "PointHead": (SEVERAL | {"in_channels": [8], "in_index": [0], "num_fcs": 1, "norm_cfg": None}, (ONE,)),
    "SETRUPHead": ({"in_channels": 8, "num_convs": 1}, (ONE,)),
    "SETRMLAHead": (SEVERAL | {"in_channels": [8, 8], "mla_channels": 4}, (ONE, ONE)),
    "SegmenterMaskTransformerHead": (
        {
            "in_channels": 8,
            "num_layers": 1,
            "num_heads": 2,
            "embed_dims": 8,
            "dropout_ratio": 0.0,
            "norm_cfg": {"type": "LN"},
        },
        (ONE,),
    ),
}
CASCADED = ("BaseCascadeDecodeHead", "OCRHead", "PointHead")
#: heads of ``goldens/context_heads.json.gz`` and of whole models
SMALL = {"ANNHead": "ann", "APCHead": "apc", "CCHead": "cc", "DAHead": "da", "DMHead": "dm", "DNLHead": "dnl-cat",
         "EMAHead": "ema", "EncHead": "enc-plain", "GCHead": "gc-both", "ISAHead": "isa", "NLHead": "nl-nonorm",
         "IterativeDecodeHead": "knet", "PSAHead": "psa-b"}  # fmt: skip
LARGE = {"Mask2FormerHead": "mask2former_r50", "MaskFormerHead": "maskformer_r50"}


def _bundle(name: str) -> dict[str, Any]:
    with gzip.open(GOLDENS / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def head_case(name: str) -> tuple[dict[str, Any], list[torch.Tensor]]:
    """Arguments of a head, and features for it."""
    if name in SMALL:
        entry = _bundle("context_heads")[SMALL[name]]
        return entry["config"], [torch.randn(2, *shape) for shape in entry["inputs"]]
    if name == "DPTHead":
        entry = _bundle("transformer_parts")["dpt_ignore"]
        maps = [torch.randn(2, *shape) for shape in entry["inputs"]]
        return entry["config"], [(x, x.mean((2, 3))) for x in maps]  # type: ignore[misc]
    if name == "VPDDepthHead":
        more = {"embed_dim": 16, "feature_dim": 128, "num_deconv_filters": [8, 8, 8], "fmap_border": (1, 1)}
        loss = {"type": "SiLogLoss"}
        maps = _maps((16, 16, 16), (32, 8, 8), (48, 4, 4), (48, 2, 2))
        return {"in_channels": [16, 32, 48, 48], "loss_decode": loss, **more}, maps
    if name in LARGE:
        small = name == "Mask2FormerHead"
        config = (mask2former() if small else _bundle(LARGE[name])["config"])["model"]["decode_head"]
        return config, [torch.randn(2, c, 16 >> i, 16 >> i) for i, c in enumerate(config["in_channels"])]
    more, shapes = HEADS[name]
    return USUAL | {"in_index": 0 if len(shapes) == 1 else -1} | more, _maps(*shapes)


@functools.cache
def head_step(name: str) -> Callable[[Any], Any]:
    """Training, then prediction, as a model of Segue calls it; weights are set before."""
    config, features = head_case(name)

    def step(cls: Any) -> None:
        torch.manual_seed(0)
        head = cls(**{key: value for key, value in config.items() if key != "type"})
        str(head)
        head.init_weights()
        if hasattr(head, "set_point_options"):
            from segue.layers.points import PointSampling, Subdivision

            head.set_point_options(
                PointSampling(num_points=8), Subdivision(subdivision_steps=1, subdivision_num_points=8, scale_factor=2)
            )
        classes = config.get("num_classes") or config.get("kernel_generate_head", {}).get("num_classes") or 1
        more = [torch.randn(2, classes, 4, 4)] if name in CASCADED else []
        labels = torch.randint(0, classes, (2, *SIZE))
        metas = [{"img_shape": SIZE, "pad_shape": SIZE, "ori_shape": SIZE}] * 2
        torch.manual_seed(1)
        PHASE[0] = "train"
        losses = head.train().loss(features, Targets(labels, depth=1.0 + labels, metas=metas), *more)
        PHASE[0] = "predict"
        with torch.no_grad():
            logits = head.eval().predict(features, SIZE, *more)
        assert logits.shape[-2:] == SIZE
        return {key: value.sum().item() for key, value in losses.items()} | {"logits": logits.sum().item()}

    return step


# backbones, necks, losses

BACKBONES: dict[str, dict[str, Any]] = {
    "ResNet": {"depth": 18},
    "ResNetV1c": {"depth": 18},
    "ResNetV1d": {"depth": 18},
    "ResNeXt": {"depth": 50, "groups": 8, "base_width": 2},
    "MobileNetV2": {"widen_factor": 0.25},
    "MobileNetV3": {"arch": "small"},
    "UNet": {"base_channels": 4, "in_channels": 3},
    "CGNet": {"num_channels": (8, 16, 32)},
    "ERFNet": {},
    "FastSCNN": {},
    "BiSeNetV2": {},
    "DDRNet": {"channels": 8},
    "PIDNet": {"channels": 8, "num_stem_blocks": 1, "num_branch_blocks": 2},
    "VisionTransformer": {"img_size": 32, "embed_dims": 16, "num_layers": 1, "num_heads": 2},
    "SwinTransformer": {"embed_dims": 16, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 2, 2)},
    "MixVisionTransformer": {"embed_dims": 8, "num_layers": (1, 1, 1, 1), "num_heads": (1, 1, 1, 1)},
    "MSCAN": {"embed_dims": (8, 8, 16, 16), "depths": (1, 1, 1, 1)},
    "BEiT": {"img_size": 32, "embed_dims": 16, "num_layers": 1, "num_heads": 2, "out_indices": -1},
    "MAE": {"img_size": 32, "embed_dims": 16, "num_layers": 1, "num_heads": 2, "out_indices": -1},
}
NECKS: dict[str, dict[str, Any]] = {
    "FPN": {"in_channels": [4, 8], "out_channels": 4, "num_outs": 2},
    "MLANeck": {"in_channels": [8, 8], "out_channels": 4},
    "MultiLevelNeck": {"in_channels": [4, 8], "out_channels": 4, "scales": [1, 1]},
    "JPU": {"in_channels": [4, 8], "mid_channels": 4, "start_level": 0},
}
LOSSES = ("CrossEntropyLoss", "DiceLoss", "FocalLoss", "LovaszLoss", "TverskyLoss", "OhemCrossEntropy")


def _numbers(value: Any) -> float:
    if isinstance(value, torch.Tensor):
        return value.detach().double().sum().item()
    return sum(_numbers(part) for part in value)


def module_step(room: str) -> Callable[[str], Callable[[Any], Any]]:
    """Build, initialize, train, print and run a backbone, neck or loss."""

    def step_of(name: str) -> Callable[[Any], Any]:
        def step(cls: Any) -> Any:
            torch.manual_seed(0)
            given = BACKBONES.get(name, NECKS.get(name, {"reduction": "none"} if name == "LovaszLoss" else {}))
            module = cls(**given)
            str(module)
            if hasattr(module, "init_weights"):
                module.init_weights()
            module.train()
            if room == "losses":
                labels = torch.arange(2 * 6 * 6).view(2, 6, 6) % 3
                return [_numbers(module(torch.randn(2, 3, 6, 6), labels)), module.loss_name]
            inputs = (
                torch.randn(2, 3, 64, 64)
                if room == "backbones"
                else _maps(ONE, ONE)
                if name == "MLANeck"
                else _maps((4, 8, 8), (8, 4, 4))
            )
            with torch.no_grad():
                return _numbers(module(inputs))

        return step

    return step_of


# datasets


def make_images(root: Path, suffix: str, mask: str, second: str | None) -> None:
    """Three images with label maps, named as a dataset wants them."""
    from segue.images.read import write_png

    for index in range(3):
        picture = np.full((4, 6, 3), 40 * index, np.uint8)
        for folder, end in (("img", suffix), ("img2", second)):
            if end is not None:
                write_png(root / folder / f"{index}.png", picture)
                (root / folder / f"{index}.png").rename(root / folder / f"{index}{end}")
        write_png(root / "ann" / "x.png", (np.arange(24).reshape(4, 6) % 2).astype(np.uint8))
        (root / "ann" / "x.png").rename(root / "ann" / f"{index}{mask}")


class Dropping:
    """A pipeline whose first answer is None, so that another sample is asked for."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, sample: Any) -> Any:
        self.calls += 1
        return None if self.calls == 1 else {"index": sample["img_path"], "map": sample["label_map"]}


#: read from a description, by names, or with an image of another kind: nothing that a few files would make
NOT_WALKED = ("DSDLSegDataset", "DecathlonDataset", "NYUDataset", "PascalVOCDataset", "BaseDataset")


def dataset_step(folder: Path) -> Callable[[str], Callable[[Any], Any]]:
    """Find the files, take a sample, count the classes for a balanced one, and take subsets as user code does."""

    def step_of(name: str) -> Callable[[Any], Any]:
        root = folder / name

        def step(cls: Any) -> Any:
            from segue.datasets.class_balanced import ClassBalancedDataset

            if not root.exists():
                make_images(root, cls.IMG_SUFFIX, cls.SEG_MAP_SUFFIX, cls.IMG_SUFFIX2)
            prefix = {"img_path": "img", "seg_map_path": "ann"} | ({"img_path2": "img2"} if cls.IMG_SUFFIX2 else {})
            classes = {} if cls.METAINFO.get("classes") else {"metainfo": {"classes": ("a", "b")}}
            np.random.seed(0)
            data = cls(data_root=str(root), data_prefix=prefix, pipeline=[Dropping()], **classes)
            sample = data[0]
            if hasattr(cls, "get_cat_ids"):
                ClassBalancedDataset(data, oversample_thr=0.5)
            data.get_subset(2)
            data.get_subset_(2)
            if hasattr(data, "get_gt_seg_maps"):
                list(data.get_gt_seg_maps())
            return [len(data), sample["index"], sample["map"], len(data.metainfo["classes"])]

        return step

    return step_of


# models, preprocessors, metrics, samplers, backends


def segmentor_step(name: str) -> Callable[[Any], Any]:
    """A step of training, evaluation whole and by windows, and the tensor mode, of a small model."""

    def step(cls: Any) -> Any:
        torch.manual_seed(0)
        head = {"type": "FCNHead", "in_channels": 32, "channels": 4, "num_classes": 3, "num_convs": 0, "in_index": -1,
                "concat_input": False}  # fmt: skip
        head["channels"] = 32
        heads: Any = [head, head | {"type": "OCRHead", "ocr_channels": 4, "channels": 8}]
        for each in heads[1:]:
            del each["num_convs"], each["concat_input"]
        cascade = name == "CascadeEncoderDecoder"
        more: dict[str, Any] = {"num_stages": 2} if cascade else {}
        found = []
        for test in ({"mode": "whole"}, {"mode": "slide", "crop_size": (16, 16), "stride": (16, 16)}):
            model = cls(
                backbone={"type": "CGNet", "num_channels": (8, 16, 16), "num_blocks": (2, 2)},
                decode_head=heads if cascade else head,
                auxiliary_head=dict(head),
                data_preprocessor={"type": "SegDataPreProcessor", "mean": [0.0] * 3, "std": [1.0] * 3},
                test_cfg=test,
                **more,
            )
            model.init_weights()
            model.to("cpu")
            model.train()
            batch = {"inputs": list(torch.randn(2, 3, 16, 32)), "data_samples": [_annotated() for _ in range(2)]}
            updated = []
            wrapper = SimpleNamespace(update_params=updated.append)
            losses = model.train_step(batch, wrapper)
            model.eval()
            with torch.no_grad():
                model.val_step(batch)
                predicted = model.test_step(batch)
                logits = model(torch.randn(1, 3, 16, 32))
            found += [updated[0].item(), *(value.item() for value in losses.values()), _numbers(logits), len(predicted)]
        return found

    return step


def _annotated() -> Any:
    labels = torch.arange(16 * 32).view(16, 32) % 3
    sample = SegDataSample(metainfo={"img_shape": (16, 32), "ori_shape": (16, 32), "pad_shape": (16, 32)})
    sample.gt_sem_seg = PixelData(data=labels)
    return sample


def preprocessor_step(name: str) -> Callable[[Any], Any]:
    """A batch as a model of Segue passes it."""

    def step(cls: Any) -> Any:
        from segue.compat.mmseg.segmentors import BaseModel

        torch.manual_seed(0)
        model = BaseModel(data_preprocessor=cls()).to("cpu").train()
        batch = {"inputs": list(torch.randn(2, 3, 16, 32)), "data_samples": [_annotated() for _ in range(2)]}
        return _numbers(model.data_preprocessor(batch, True)["inputs"])

    return step


def metric_step(name: str) -> Callable[[Any], Any]:
    """Two images as Segue's evaluation passes them."""

    def step(cls: Any) -> Any:
        if name == "BaseMetric":
            more = {
                "process": lambda self, batch, samples: self.results.append(1),
                "compute_metrics": lambda self, r: {},
            }
            more = {key: value for key, value in more.items() if key in cls.__abstractmethods__}
            cls = type("Mine", (cls,), {**more, "__module__": "mine"})
        metric = cls()
        metric.set_dataset({"classes": ("a", "b")})
        for _ in range(2):
            metric.update(torch.arange(16).view(4, 4) % 2, torch.arange(16).view(4, 4) // 8)
        return metric.compute()

    return step


def sampler_step(name: str) -> Callable[[Any], Any]:
    """The sampler of a head, in a step of training."""

    def step(cls: Any) -> Any:
        from segue.compat.mmengine.registry import TASK_UTILS
        from segue.compat.mmseg.heads import BaseDecodeHead

        torch.manual_seed(0)
        if name == "BasePixelSampler":
            cls = type("Mine", (cls,), {"__init__": lambda self, context: None, "__module__": "mine"})
            if cls.sample is BasePixelSampler.sample:
                return None
        TASK_UTILS.register_module(name="Mine", module=cls, force=True)
        head = BaseDecodeHead(4, 4, num_classes=3, sampler={"type": "Mine"})
        losses = head.loss_by_feat(torch.randn(2, 3, 16, 32), [_annotated(), _annotated()])
        return None if name == "BasePixelSampler" else losses["loss_ce"].item()

    return step


def visualizer_step(name: str) -> Callable[[Any], Any]:
    """A visualizer, or one with the backend, as a script uses them."""

    def step(cls: Any) -> Any:
        from segue.compat.mmengine.visualization import SegLocalVisualizer, force_init_env

        if name == "BaseVisBackend":
            taken: list[Any] = []

            def add_scalar(self: Any, *args: Any) -> None:
                taken.append(args)

            uses = force_init_env(add_scalar)
            fields = {"experiment": property(lambda self: None), "__module__": "mine"}
            if "add_scalar" not in vars(cls):
                fields["add_scalar"] = uses
            else:
                fields["add_config"] = force_init_env(cls.add_config)
            made = SegLocalVisualizer(vis_backends=[type("Mine", (cls,), fields)(save_dir="")])
        else:
            cls._instances = {}
            made = cls.get_instance("drawn", vis_backends=[{"type": "LocalVisBackend", "save_dir": mkdtemp()}])
            cls.get_current_instance()
        if hasattr(made, "set_dataset_meta"):
            made.set_dataset_meta(["a", "b", "c"], [[0, 0, 0], [9, 9, 9], [99, 99, 99]])
            made.add_datasample("x", np.zeros((16, 32, 3), np.uint8), _annotated(), with_labels=False)
        else:
            made.set_image(np.zeros((4, 4, 3), np.uint8))
        made.show(made.get_image(), wait_time=0.01)
        made.get_backend("LocalVisBackend") if name != "BaseVisBackend" else None
        made.add_config(SimpleNamespace(pretty_text=""))
        made.add_graph(None, None)
        made.add_image("x", made.get_image())
        made.add_scalar("x", 1.0)
        made.add_scalars({"x": 1.0})
        made.close()
        return float(made.get_image().sum())

    return step


def hook_step(name: str) -> Callable[[Any], Any]:
    """Every point, as the callback of a training calls it."""

    def step(cls: Any) -> Any:
        hook = cls()
        for point in cls.stages:
            args = (0, {}) if point.endswith("_iter") else ({},) if "checkpoint" in point else ()
            more = ({},) if point.startswith("after") and point.endswith("_iter") else ()
            getattr(hook, point)(None, *args, *more)

    return step


# all


def bare_step(name: str) -> Callable[[Any], Any]:
    """Only that a call reaches ``transform``, for steps that need files, other samples or packages."""

    def step(cls: Any) -> Any:
        made = cls.__new__(cls)
        with suppress(Exception):  # the base, which the mark calls, has nothing to work on
            made({})

    return step


#: not walked, and why; their guard is the others'
EXCUSED = {
    "heads": {
        "SideAdapterCLIPHead": "see test_overrides.py",
        "KernelUpdateHead": "part of IterativeDecodeHead",
        "KernelUpdator": "likewise",
    },
    "backbones": {
        "BiSeNetV1": "made of ResNet",
        "HRNet": "large",
        "ICNet": "made of ResNet",
        "ResNeSt": "ResNet",
        "STDCNet": "large",
        "STDCContextPathNet": "large",
        "TIMMBackbone": "timm",
        "PCPVT": "large",
        "SVT": "large",
        "VPD": "needs Stable Diffusion",
        "InterpConv": "a layer",
        "DeconvModule": "a layer",
    },
    "necks": {"Feature2Pyramid": "4 maps", "ICNeck": "3 maps"},
    "losses": {"BoundaryLoss": "one logit", "HuasdorffDisstanceLoss": "distances", "SiLogLoss": "depth"},
    "models": {
        "BaseModel": "EncoderDecoder",
        "BaseSegmentor": "EncoderDecoder",
        "DepthEstimator": "depth",
        "MultimodalEncoderDecoder": "text",
        "SegTTAModel": "views",
        "CLIPTextEncoder": "text",
        "QuickGELU": "a layer",
    },
    "datasets": dict.fromkeys(
        (*NOT_WALKED, "ConcatDataset", "RepeatDataset", "ClassBalancedDataset", "MultiImageMixDataset"), "other files"
    ),
    "metrics": {"CityscapesMetric": "its files", "DepthMetric": "all is refused", "DumpResults": "not there"},
    "transforms": {"Compose": "calls its steps", "BaseTransform": "abstract"},
    "preprocessors": {},
    "samplers": {},
    "visualizers": {},
    "hooks": {},
}


def cases(folder: Path) -> list[tuple[str, str, Callable[[Any], Any]]]:
    """Room, class and step of everything that is walked; generated files go below ``folder``."""
    steps: dict[str, Callable[[str], Callable[[Any], Any]]] = {
        "heads": head_step,
        "backbones": module_step("backbones"),
        "necks": module_step("necks"),
        "losses": module_step("losses"),
        "datasets": dataset_step(folder),
        "models": segmentor_step,
        "preprocessors": preprocessor_step,
        "metrics": metric_step,
        "samplers": sampler_step,
        "visualizers": visualizer_step,
        "hooks": hook_step,
    }
    known = {key.split()[0] for key in TRANSFORMS}
    found = []
    for room, excused in EXCUSED.items():
        for name in classes_of(room):
            if name in excused:
                continue
            step_of = steps.get(room) or (transform_step if name in known else bare_step)
            found.append(
                (room, name, step_of(name) if room != "heads" else lambda cls, name=name: head_step(name)(cls))
            )
    return found


def main() -> None:
    """Print how many overrides are called, refused, or neither, by room."""
    counts: dict[str, Counter[str]] = {}
    with TemporaryDirectory() as folder:
        for room, name, step in cases(Path(folder)):
            counts.setdefault(room, Counter()).update(outcomes(user_class(room, name), step, room, name).values())
    for room, count in {**counts, "all": sum(counts.values(), Counter())}.items():
        print(room, *(f"{kind} {count[kind]}" for kind in ("honoured", "refused", "silent", "different")))


if __name__ == "__main__":
    main()
