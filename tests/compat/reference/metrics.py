"""Every metric of mmseg: arguments, predictions, what is measured and written; what is refused."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import cv2
import numpy as np
import torch

from tests.compat.reference.facts import attributes, look, named, pattern, tried

CLASSES = ("a", "b", "c")


def maps(seed: int = 0, absent: bool = False) -> tuple[Any, Any]:
    """A predicted and an annotated label map (1, 8, 10) of the three classes."""
    drawn = np.random.RandomState(seed)
    label = torch.from_numpy(drawn.randint(0, 2 if absent else 3, (1, 8, 10)))
    wrong = torch.from_numpy(drawn.rand(1, 8, 10) < 0.3)
    pred = torch.where(wrong, torch.from_numpy(drawn.randint(0, 2 if absent else 3, (1, 8, 10))), label)
    label[:, 0] = 255
    return pred, label


def labeled(absent: bool = False, void: int = 255, **more: Any) -> list[dict[str, Any]]:
    """Two images with label maps."""
    found = []
    for seed in range(2):
        pred, label = maps(seed, absent)
        label[label == 255] = void
        found.append({"pred_sem_seg": {"data": pred}, "gt_sem_seg": {"data": label}, "img_path": f"x/{seed}.jpg",
                      "seg_map_path": f"x/{seed}_gtFine_labelIds.png", "reduce_zero_label": False, **more})  # fmt: skip
    return found


def depths(**more: Any) -> list[dict[str, Any]]:
    """Two images with depth maps; some have none."""
    found = []
    for seed in range(2):
        truth = 1 + 4 * pattern(1, 480, 640, seed=seed).abs()
        pred = truth * (1 + 0.33 * pattern(1, 480, 640, seed=seed + 5))
        truth[:, :20] = 0
        found.append({"pred_depth_map": {"data": pred}, "gt_depth_map": {"data": truth}, "img_path": f"x/{seed}.jpg",
                      **more})  # fmt: skip
    return found


SAMPLES: dict[str, Any] = {
    "labels": labeled,
    "absent": lambda: labeled(absent=True),
    "void": lambda: labeled(void=7),
    "shifted": lambda: labeled(reduce_zero_label=True),
    "alone": lambda: [{key: value for key, value in each.items() if key != "gt_sem_seg"} for each in labeled()],
    "depths": depths,
    "flipped": lambda: depths(flip=True, flip_direction="horizontal"),
}
ALL = {"iou_metrics": ["mIoU", "mDice", "mFscore"]}
#: class -> arguments, and the samples
CASES: dict[str, list[tuple[dict[str, Any], str]]] = {
    "IoUMetric": [({}, "labels"), (ALL, "labels"), ({"iou_metrics": ["mIoU"]}, "absent"), ({**ALL, "nan_to_num": -1},
                  "absent"), ({**ALL, "beta": 2}, "labels"), ({"ignore_index": 7}, "void"), ({"prefix": "x"}, "labels"),
                  ({"format_only": True, "output_dir": "out"}, "alone"), ({"output_dir": "out"}, "shifted"),
                  ({"iou_metrics": ["mDice"], "collect_device": "cpu"}, "labels")],
    "DepthMetric": [({}, "depths"), ({"depth_metrics": ("abs_rel", "d1")}, "depths"), ({"min_depth_eval": 2.0,
                    "max_depth_eval": 4.0}, "depths"), ({"crop_type": "nyu_crop"}, "depths"), ({"crop_type":
                    "nyu_crop"}, "flipped"), ({"format_only": True, "output_dir": "out", "depth_scale_factor": 1000.0},
                    "depths"), ({"prefix": "x", "depth_metrics": ("rmse",)}, "depths")],
    "CityscapesMetric": [],  # needs cityscapesscripts
}  # fmt: skip
BAD: dict[str, list[tuple[dict[str, Any], str]]] = {
    "IoUMetric": [({"iou_metrics": ["mNope"]}, "labels"), ({"collect_device": "nope"}, ""), ({"iou_metrics": 3},
                  "labels")],
    "DepthMetric": [({"depth_metrics": ("nope",)}, ""), ({"crop_type": "nope"}, ""), ({"collect_device": "nope"}, ""),
                    ({}, "labels"), ({"depth_metrics": 3}, "")],
}  # fmt: skip
DESIGNED: dict[str, str] = {
    "DepthMetric/5.files*": "depths are rounded, not cut off",
    "DepthMetric/[16]": "the measures that are asked for, where the reference fails",
}


def observe(name: str, module: str) -> dict[str, Any]:
    """What a metric shows by each of its cases."""
    made_by = named(module, name)
    found: dict[str, Any] = {}
    for begins, cases in (("", CASES[name]), ("bad ", BAD.get(name, []))):
        for number, case in enumerate(cases):
            found[f"{begins}{number}"] = tried(lambda: seen(made_by, *case))  # noqa: B023
    return found


def seen(made_by: Any, arguments: dict[str, Any], kind: str) -> dict[str, Any]:
    """Its attributes, what it keeps of each image, its values and its files."""
    out = Path(mkdtemp()) / "out"
    if "output_dir" in arguments:
        arguments = {**arguments, "output_dir": str(out)}
    metric = made_by(**arguments)
    found: dict[str, Any] = {"attributes": attributes(metric)}
    if not kind:
        return found
    metric.dataset_meta = {"classes": CLASSES, "label_map": {}, "reduce_zero_label": False}
    samples = SAMPLES[kind]()
    metric.process({}, samples[:1])
    metric.process({"inputs": None}, samples[1:])
    found["kept"] = len(metric.results)
    found["files"] = {str(path.relative_to(out)): look(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
                      for path in sorted(out.rglob("*.png"))}  # fmt: skip
    found["values"] = look({key: float(value) for key, value in metric.evaluate(2).items()})
    found["after"] = len(metric.results)
    return found
