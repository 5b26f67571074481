"""Small things that projects' own tests ask of the rest: samples, configs, optimizers, hooks, pictures, versions."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch
from torch import nn

from tests.compat.reference.calls import Calls
from tests.compat.reference.calls_data import mm
from tests.compat.reference.facts import look, tried
from tests.compat.reference.transforms import image

_calls = Calls()
CASES, observe, case, several = _calls.cases, _calls.observe, _calls.case, _calls.several
DESIGNED: dict[str, str] = {
    "a config refuses *.error": "a ConfigError",
    "refused_models/*.error": "a ConfigError",
    "a_sample_copied/*": "a clone has data of its own",
    "colors of a visualizer */*": "where the reference takes colors for names",
    "f score */*.dtype": "in double precision",
    "total_areas/*.dtype": "in double precision",
    "digit_version *.error": "a ValueError",
    "groups 1/.error": "a ConfigError",
    "groups [068]/[[]2]": "a group of each parameter, with the same rates",
}


# samples
def sample(**meta: Any) -> Any:
    """A sample with labels (1, 4, 4)."""
    made = mm("mmseg.structures").SegDataSample(metainfo={"img_shape": (4, 4), **meta})
    made.gt_sem_seg = mm("mmengine.structures").PixelData(data=torch.arange(16).view(1, 4, 4) % 3)
    return made


@case
def a_sample() -> Any:
    made = sample(ori_shape=(8, 8))
    return [made.metainfo, made.keys(), made.gt_sem_seg.shape, made.img_shape, "gt_sem_seg" in made, made.all_keys()]


@case
def a_sample_that_loses_its_labels() -> Any:
    made = sample()
    del made.gt_sem_seg
    return ["gt_sem_seg" in made, made.keys()]


@case
def a_sample_of_a_dict() -> Any:
    made = mm("mmseg.structures").SegDataSample(metainfo={"a": 1, "b": [2]})
    found = [made.a, made.get("b"), made.get("c", 5)]
    made.set_metainfo({"a": 7})
    return [*found, made.a, tried(lambda: setattr(made, "a", 3)), tried(lambda: made.set_field(1, "a"))]


@case
def a_sample_copied() -> Any:
    made = sample()
    new, clone = made.new(metainfo={"x": 1}), made.clone()
    clone.gt_sem_seg.data += 1
    return [new.metainfo, made.gt_sem_seg.data, made.cpu().gt_sem_seg.data.dtype, made.to("cpu").keys()]


several(
    "a sample refuses",
    lambda given: setattr(mm("mmseg.structures").SegDataSample(), *given),
    [("gt_sem_seg", [1, 2]), ("pred_sem_seg", torch.zeros(2)), ("seg_logits", 3), ("_gt_sem_seg", 3), ("metainfo", {})],
)
several(
    "pixels refuse",
    lambda given: mm("mmengine.structures").PixelData(**given),
    [
        {"data": [1]},
        {"data": torch.zeros(2, 2, 2), "other": torch.zeros(2, 3, 3)},
        {"data": torch.zeros(1)},
        {"data": torch.zeros(4, 4)},
    ],
)


@case
def pixels() -> Any:
    made = mm("mmengine.structures").PixelData(data=torch.arange(24).view(2, 3, 4), more=np.zeros((3, 4)))
    return [made.shape, made[1:, 2:].shape, made.data[0], made.more.shape, made[0, 1].shape]


# versions, bytes, registries, configs
several(
    "digit_version",
    lambda text: mm("mmengine.utils").digit_version(text),
    [
        "0.2.16",
        "1.2.3",
        "1.2.3rc0",
        "1.2.3rc1",
        "1.0rc0",
        "1.0",
        "2.0.0+cu118",
        "1.2.3.4.5",
        "a",
        "1.10.0a0",
        "1.13.0.dev1",
        "",
    ],
)
several("version_info", lambda text: mm("mmseg").version.parse_version_info(text), ["1.2.2", "1.0.0rc5"])


@case
def own_version() -> Any:
    digits = mm("mmseg").digit_version
    return [digits("1.2.0") < digits("1.2.2"), digits("1.2.2rc1") < digits("1.2.2"), isinstance(mm("mmseg").__version__,
            str), Path(mm("mmseg").__file__).name]  # fmt: skip


several("bytes", lambda given: mm("mmseg.utils").datafrombytes(given[0], backend=given[1]), [(b"x", "nope")])


@case
def bytes_of_numpy() -> Any:
    import io

    file = io.BytesIO()
    np.save(file, np.arange(6).reshape(2, 3))
    return mm("mmseg.utils").datafrombytes(file.getvalue(), backend="numpy")


@case
def registered_modules() -> Any:
    mm("mmseg.utils").register_all_modules(init_default_scope=False)
    registry = mm("mmseg.registry")
    return [each in registry.MODELS for each in ("EncoderDecoder", "FCNHead", "ResNet", "SegDataPreProcessor")] + [
        "ADE20KDataset" in registry.DATASETS, "PackSegInputs" in registry.TRANSFORMS, "IoUMetric" in registry.METRICS,
        "SegVisualizationHook" in registry.HOOKS, "SegLocalVisualizer" in registry.VISUALIZERS, "OHEMPixelSampler" in
        registry.TASK_UTILS, "LearningRateDecayOptimizerConstructor" in registry.OPTIM_WRAPPER_CONSTRUCTORS,
    ]  # fmt: skip


@case
def default_scope() -> Any:
    scope = mm("mmengine.registry").DefaultScope
    mm("mmseg.utils").register_all_modules(init_default_scope=True)
    return [scope.get_current_instance().scope_name]


@case
def registries() -> Any:
    names = "MODELS DATASETS TRANSFORMS METRICS HOOKS VISUALIZERS TASK_UTILS LOOPS OPTIMIZERS OPTIM_WRAPPERS RUNNERS"
    found = [getattr(mm("mmseg.registry"), name) for name in names.split()]
    return [[each.name, each.scope] for each in found]


CONFIG = "model = dict(type='A', b=[1, dict(c=2)])\nlr = 0.1\nname = 'x'\n"


@case
def a_config() -> Any:
    file = Path(tempfile.mkdtemp()) / "c.py"
    file.write_text(CONFIG)
    cfg = mm("mmengine.config").Config.fromfile(str(file))
    cfg.merge_from_dict({"new.key": 1})
    kept = cfg.copy()
    kept.lr = 3
    return [cfg.model.type, cfg.lr, cfg.get("no", 1), cfg.model.b[1].c, cfg.to_dict()["new"], kept.lr, "lr" in cfg,
            list(cfg.keys()), len(cfg), tried(lambda: cfg.nope), tried(lambda: cfg["nope"])]  # fmt: skip


@case
def a_config_of_a_text() -> Any:
    cfg = mm("mmengine.config").Config.fromstring(CONFIG, ".py")
    return [cfg.model, mm("mmengine.config").Config.fromstring(cfg.pretty_text, ".py").to_dict()]


several("a config refuses", lambda name: mm("mmengine.config").Config.fromfile(name), ["gone.py", "a.txt"])
several(
    "a config of",
    lambda given: mm("mmengine.config").Config(given).to_dict(),
    [{"a": 1}, {"a": {"b": (1, 2)}}, [1], "x", None],
)

# optimizers
BASE = {"optimizer": {"type": "AdamW", "lr": 1.0, "betas": (0.9, 0.999), "weight_decay": 0.05}}


class Tiny(nn.Module):
    """A model with a backbone by the names of a vision transformer's."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.cls_token = nn.Parameter(torch.ones(1))
        self.backbone.patch_embed = nn.Linear(2, 2)
        self.backbone.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
        self.decode_head = nn.Conv2d(2, 2, 1)


def groups(given: dict[str, Any]) -> Any:
    """The groups of parameters of an optimizer."""
    wrapper = mm("mmengine.optim").build_optim_wrapper(Tiny(), given)
    return [type(wrapper).__name__, type(wrapper.optimizer).__name__, sorted(
        [group["lr"], group["weight_decay"], len(group["params"])] for group in wrapper.optimizer.param_groups
    )]  # fmt: skip


DECAY = {"num_layers": 3, "decay_rate": 0.5, "decay_type": "layer_wise"}
several(
    "groups",
    groups,
    [
        {"type": "OptimWrapper", **BASE},
        {**BASE, "constructor": "LearningRateDecayOptimizerConstructor", "paramwise_cfg": DECAY},
        {**BASE, "paramwise_cfg": {"custom_keys": {"decode_head": {"lr_mult": 10.0}, "backbone": {"decay_mult": 0.0}}}},
        {**BASE, "paramwise_cfg": {"bias_lr_mult": 2.0, "norm_decay_mult": 0.0}},
        {**BASE, "constructor": "LayerDecayOptimizerConstructor", "paramwise_cfg": DECAY},
        {**BASE, "constructor": "Nope"},
        {**BASE, "clip_grad": {"max_norm": 1.0}},
        {"optimizer": {"type": "Nope", "lr": 1.0}},
        {"optimizer": {"type": "SGD", "lr": 0.1}, "accumulative_counts": 2},
    ],
)


@case
def a_step_of_the_wrapper() -> Any:
    model = nn.Linear(2, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    optim = mm("mmengine.optim")
    wrapper = optim.OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1), clip_grad={"max_norm": 0.5})
    with wrapper.optim_context(model):
        loss = model(torch.tensor([[1.0, 2.0]])).sum()
    wrapper.update_params(loss)
    return [model.weight, wrapper.get_lr(), sorted(wrapper.state_dict()), len(wrapper.param_groups)]


def rates(given: dict[str, Any]) -> Any:
    """The learning rates of twelve steps."""
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    kind = given["type"]
    scheduler = getattr(mm("mmengine.optim"), kind)(optimizer, **{k: v for k, v in given.items() if k != "type"})
    found = []
    for _ in range(12):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


several(
    "rates",
    rates,
    [
        {"type": "PolyLR", "power": 0.9, "eta_min": 0.1, "end": 10, "by_epoch": False},
        {"type": "LinearLR", "start_factor": 0.1, "end": 5, "by_epoch": False},
        {"type": "CosineAnnealingLR", "T_max": 8, "eta_min": 0.01},
        {"type": "MultiStepLR", "milestones": [3, 6], "gamma": 0.5},
        {"type": "StepLR", "step_size": 4},
        {"type": "ConstantLR", "factor": 0.3, "end": 4},
        {"type": "ExponentialLR", "gamma": 0.9},
        {"type": "PolyLR", "begin": 4, "end": 8},
        {"type": "LinearLR", "start_factor": 2.0},
        {"type": "PolyLR", "begin": 5, "end": 5},
    ],
)


# pictures
def visualizer(**arguments: Any) -> Any:
    """One that draws for three classes."""
    made = mm("mmseg.visualization").SegLocalVisualizer(vis_backends=[], **arguments)
    made.dataset_meta = {"classes": ("a", "b", "c"), "palette": [[0, 0, 0], [250, 0, 0], [0, 250, 0]]}
    return made


def both() -> Any:
    """Annotated and predicted labels."""
    made = sample()
    pixels_of = mm("mmengine.structures").PixelData
    made.pred_sem_seg = pixels_of(data=(torch.arange(16).view(1, 4, 4) + 1) % 3)
    return made


def drawn(given: dict[str, Any]) -> Any:
    """The picture that was written."""
    import cv2

    out = Path(tempfile.mkdtemp()) / "out.png"
    visualizer(alpha=given.pop("alpha", 0.5)).add_datasample(
        "x", image()["img"][:4, :4].copy(), both(), show=False, out_file=str(out), with_labels=False, **given
    )
    return cv2.imread(str(out))


several(
    "drawn",
    lambda given: drawn(dict(given)),
    [{}, {"draw_gt": False}, {"draw_pred": False}, {"alpha": 1.0}, {"alpha": 0.0}],
)


@case
def drawn_with_labels() -> Any:
    big = mm("mmseg.structures").SegDataSample()
    big.pred_sem_seg = mm("mmengine.structures").PixelData(data=torch.zeros(1, 40, 60).long())
    made = visualizer()
    made.add_datasample("x", np.zeros((40, 60, 3), np.uint8), big, show=False, out_file=None, with_labels=True)
    return made.get_image().shape


@case
def drawn_in_colors_of_a_dataset() -> Any:
    made = mm("mmseg.visualization").SegLocalVisualizer(vis_backends=[])
    made.set_dataset_meta(dataset_name="cityscapes")
    info = made.dataset_meta
    return [len(info["classes"]), look(info["palette"][0])]


several(
    "colors of a visualizer",
    lambda given: [
        mm("mmseg.visualization").SegLocalVisualizer(vis_backends=[], **given).dataset_meta.get(key)
        for key in ("classes", "palette")
    ],
    [{"classes": ["a"], "palette": [[1, 2, 3]]}, {"classes": ["a", "b"], "palette": [[1, 2, 3], [3, 4, 5]]}],
)


# inference
@case
def refused_models() -> Any:
    return [tried(lambda: mm("mmseg.apis").init_model(value)) for value in (3, [1], "gone.py")]  # noqa: B023


@case
def a_model_of_a_config() -> Any:
    cfg = mm("mmengine.config").Config({"model": {"type": "EncoderDecoder", "backbone": {"type": "ResNet", "depth": 18,
        "base_channels": 4, "stem_channels": 4}, "decode_head": {"type": "FCNHead", "in_channels": 32, "channels": 32,
        "in_index": 3, "num_classes": 3, "num_convs": 0, "concat_input": False},
        "test_cfg": {"mode": "whole"}, "data_preprocessor": {"type": "SegDataPreProcessor", "size": None,
        "test_cfg": {"size_divisor": 8}}}, "test_dataloader": {"dataset": {"type": "CityscapesDataset"}},
        "test_pipeline": [{"type": "LoadImageFromFile"}, {"type": "PackSegInputs"}]})  # fmt: skip
    model = mm("mmseg.apis").init_model(cfg, device="cpu")
    found = mm("mmseg.apis").inference_model(model, image()["img"])
    two = mm("mmseg.apis").inference_model(model, [image()["img"]] * 2)
    return [model.training, len(model.dataset_meta["classes"]), type(found).__name__, list(found.pred_sem_seg.shape),
            list(found.seg_logits.data.shape), len(two), isinstance(model.cfg, mm("mmengine.config").Config),
    ]  # fmt: skip


several("inferencers refuse", lambda given: mm("mmseg.apis").MMSegInferencer(given), [3, "no-such-model"])


# engine
@case
def an_evaluator() -> Any:
    made = mm("mmengine.evaluator").Evaluator([{"type": "IoUMetric", "iou_metrics": ["mIoU"]}])
    made.dataset_meta = {"classes": ("a", "b", "c")}
    given = both()
    made.process(data_samples=[given], data_batch=None)
    return {key: float(value) for key, value in made.evaluate(1).items()}


@case
def total_areas() -> Any:
    metric = mm("mmseg.evaluation").IoUMetric
    areas = metric.intersect_and_union(torch.tensor([[0, 1], [2, 2]]), torch.tensor([[0, 1], [2, 255]]), 3, 255)
    made = metric.total_area_to_metrics(*areas, metrics=["mIoU", "mDice", "mFscore"])
    return [list(areas), made]


several(
    "f score",
    lambda given: mm("mmseg.evaluation").IoUMetric.total_area_to_metrics(*[torch.tensor([2.0, 3.0])] * 4, **given),
    [{"metrics": ["mFscore"], "beta": 2}, {"metrics": ["nope"]}, {"metrics": ["mIoU"], "nan_to_num": 0}],
)


@case
def hooks_of_ones_own() -> Any:
    hook = mm("mmengine.hooks").Hook
    runner = MagicMock()
    runner.iter, runner.epoch = 9, 4
    made = hook()
    return [made.every_n_epochs(runner, 5), made.every_n_train_iters(runner, 5), made.every_n_inner_iters(3, 2),
            made.priority, made.end_of_epoch([1, 2], 1)]  # fmt: skip
