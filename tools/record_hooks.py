"""Record mmengine's hooks, as the oracle of tests/training/chores/test_inventory.py.

Run with an interpreter that has mmengine and mmseg 1.2.2:

    python tools/record_hooks.py tests/training/data/hooks.json

Every hook, average and optimizer wrapper with its arguments and defaults; which checkpoints a run of 12 iterations, or
of four epochs of three, leaves; after which of some values `EarlyStoppingHook` stops.
"""

from __future__ import annotations

import inspect
import itertools
import json
import sys
import tempfile
import types
import warnings
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

stand_in = types.ModuleType("mmcv._ext")  # mmcv without its compiled part will do
stand_in.__spec__ = ModuleSpec("mmcv._ext", None)
sys.modules["mmcv._ext"] = stand_in

import mmengine  # noqa: E402
import mmengine.hooks  # noqa: E402
import mmengine.model  # noqa: E402
import mmengine.optim  # noqa: E402
import mmseg.engine.hooks  # noqa: E402
import mmseg.engine.optimizers  # noqa: E402
import torch  # noqa: E402
from mmengine.evaluator import BaseMetric  # noqa: E402
from mmengine.registry import METRICS  # noqa: E402
from mmengine.runner import Runner  # noqa: E402

AVERAGES = ("ExponentialMovingAverage", "MomentumAnnealingEMA", "StochasticWeightAverage")
SAVING: list[dict[str, Any]] = [
    {"interval": 4},
    {"interval": 4, "save_last": False},
    {"interval": 3, "save_begin": 2},
    {"interval": 2, "save_begin": 5, "save_last": False},
    {"interval": 1, "save_begin": 3, "save_last": False},
    {"interval": -1},
    {"interval": -1, "save_last": False},
    {"interval": 2, "max_keep_ckpts": 2},
    {"interval": 1, "max_keep_ckpts": 1, "save_last": False},
]
BEST: list[tuple[dict[str, Any], list[float]]] = [
    ({"save_best": "mIoU"}, [1, 3, 2, 3]),
    ({"save_best": "err", "rule": "less"}, [1, 3, 2, 3]),
    ({"save_best": ["mIoU", "err"], "rule": ["greater", "less"]}, [1, 3, 2, 4]),
    ({"save_best": "auto"}, [1, 3, 2, 3]),
    ({"save_best": "err", "greater_keys": ["err"]}, [1, 3, 2, 3]),
    ({"save_best": "err", "greater_keys": ["er"]}, [1, 3, 2, 3]),
    ({"save_best": "err", "less_keys": ["ERR"]}, [1, 3, 2, 3]),
]
STOPPING: list[dict[str, Any]] = [
    {"monitor": "mIoU"},
    {"monitor": "mIoU", "min_delta": 0, "patience": 2},
    {"monitor": "err", "rule": "less", "min_delta": 0.5, "patience": 2},
    {"monitor": "mIoU", "patience": 1, "min_delta": 2},
    {"monitor": "mIoU", "stopping_threshold": 2.5},
    {"monitor": "err", "rule": "less", "stopping_threshold": 0.5},
    {"monitor": "mIoU", "check_finite": False, "patience": 3},
]
VALUES = [
    [1, 2, 3, 2, 2, 2, 2, 2, 2, 2],
    [3, 2, 2, 1, 1, 1, 0, 0],
    [1, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3],
    [1, "nan", 2, 3, 3],
]


@METRICS.register_module()
class Told(BaseMetric):
    """Metrics that are told beforehand."""

    values: ClassVar[list[float]] = []

    def process(self, data_batch: Any, data_samples: Any) -> None:
        """Nothing is measured."""
        self.results.append(0)

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """The next value."""
        value = Told.values.pop(0)
        return {"mIoU": value, "err": value}


class Tiny(mmengine.model.BaseModel):
    """A weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Linear(1, 1)

    def forward(self, inputs: Any, mode: str = "tensor") -> Any:
        """A loss that depends on it."""
        return {"loss": self.weight(torch.ones(1, 1)).sum()} if mode == "loss" else [torch.zeros(1)]


def saved(hook: dict[str, Any], by_epoch: bool, values: list[float]) -> list[str]:
    """The checkpoints of a run."""
    folder = tempfile.mkdtemp()
    Told.values = list(values)
    one = {"dataset": [0, 1, 2], "batch_size": 1}
    Runner(
        Tiny(),
        folder,
        train_dataloader={**one, "sampler": {"type": "DefaultSampler" if by_epoch else "InfiniteSampler"}},
        train_cfg={"by_epoch": True, "max_epochs": 4}
        if by_epoch
        else {"by_epoch": False, "max_iters": 12, "val_interval": 3},
        val_dataloader={"dataset": [0], "batch_size": 1, "sampler": {"type": "DefaultSampler", "shuffle": False}},
        val_cfg={},
        val_evaluator={"type": "Told"},
        optim_wrapper={"type": "OptimWrapper", "optimizer": {"type": "SGD", "lr": 0.1}},
        default_hooks={"checkpoint": {"type": "CheckpointHook", **hook}},
        default_scope="mmengine",
        log_level="ERROR",
        experiment_name=Path(folder).name,
    ).train()
    return sorted(path.stem for path in Path(folder).glob("*.pth"))


def stopped(hook: dict[str, Any], values: list[Any]) -> int | None:
    """How many validations there are before training stops; None where it goes on."""
    made = mmengine.hooks.EarlyStoppingHook(**hook)
    runner = SimpleNamespace(train_loop=SimpleNamespace(stop_training=False), logger=SimpleNamespace(info=print))
    made.before_run(runner)
    for count, value in enumerate(values, 1):
        made.after_val_epoch(runner, {hook["monitor"]: float(value)})
        if runner.train_loop.stop_training:
            return count
    return None


def arguments(cls: type) -> dict[str, str]:
    """Names and defaults."""
    given = list(inspect.signature(cls.__init__).parameters.values())[1:]
    named = [p for p in given if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return {p.name: "required" if p.default is p.empty else repr(p.default) for p in named}


def main() -> int:
    """Record all."""
    warnings.simplefilter("ignore")
    found: dict[str, Any] = {"version": mmengine.__version__, "hooks": {}, "averages": {}, "wrappers": {}}
    for module, base, key in (
        (mmengine.hooks, mmengine.hooks.Hook, "hooks"),
        (mmseg.engine.hooks, mmengine.hooks.Hook, "hooks"),
        (mmengine.optim, object, "wrappers"),
        (mmseg.engine.optimizers, object, "wrappers"),
    ):
        for name, cls in vars(module).items():
            if (
                inspect.isclass(cls)
                and issubclass(cls, base)
                and (key == "hooks" or "Wrapper" in name or "Const" in name)
            ):
                found[key][name] = arguments(cls)
    for name in AVERAGES:
        found["averages"][name] = arguments(getattr(mmengine.model, name))
    found["saved"] = [
        {
            "by_epoch": loop,
            "hook": {**hook, "by_epoch": unit},
            "files": saved({**hook, "by_epoch": unit}, loop, [1] * 9),
        }
        for loop, hook, unit in itertools.product((False, True), SAVING, (True, False))
    ]
    plain = {"interval": -1, "by_epoch": False, "save_last": False}
    found["best"] = [{"hook": h, "values": v, "files": saved({**plain, **h}, False, v)} for h, v in BEST]
    found["stopped"] = [
        {"hook": h, "values": v, "after": stopped(h, v)} for h, v in itertools.product(STOPPING, VALUES)
    ]
    rows = (
        f"{json.dumps(key)}: " + (_rows(value) if isinstance(value, list) else json.dumps(value))
        for key, value in found.items()
    )
    Path(sys.argv[1]).write_text("{\n" + ",\n".join(rows) + "\n}\n")
    return 0


def _rows(value: list[Any]) -> str:
    return "[\n" + ",\n".join(json.dumps(row) for row in value) + "\n]"


if __name__ == "__main__":
    sys.exit(main())
