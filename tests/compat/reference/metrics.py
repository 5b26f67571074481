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


def streets() -> list[dict[str, Any]]:
    """Two images of the 19 classes of Cityscapes, whose truth lies in files of ids and of instances."""
    root, found = Path(mkdtemp()), []
    for seed in range(2):
        drawn = np.random.RandomState(seed)
        ids = np.kron(drawn.choice([0, 3, *STREETS], (6, 8)), np.ones((4, 4), int))
        instances = np.where(np.isin(ids, (24, 25, 26, 27, 28, 31, 32, 33)), ids * 1000 + np.arange(32) // 16, ids)
        for part, values in (("labelIds", ids.astype(np.uint8)), ("instanceIds", instances.astype(np.uint16))):
            cv2.imwrite(str(root / f"{seed}_gtFine_{part}.png"), values)
        known = np.vectorize(lambda each: STREETS.index(each) if each in STREETS else 0)(ids)
        pred = np.where(drawn.rand(24, 32) < 0.3, drawn.randint(0, 19, (24, 32)), known)
        found.append({"pred_sem_seg": {"data": torch.from_numpy(pred[None])}, "img_path": f"x/{seed}_leftImg8bit.png",
                      "seg_map_path": str(root / f"{seed}_gtFine_labelTrainIds.png")})  # fmt: skip
    return found


#: the ids of Cityscapes' 19 classes
STREETS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
SAMPLES: dict[str, Any] = {
    "labels": labeled,
    "absent": lambda: labeled(absent=True),
    "void": lambda: labeled(void=7),
    "shifted": lambda: labeled(reduce_zero_label=True),
    "alone": lambda: [{key: value for key, value in each.items() if key != "gt_sem_seg"} for each in labeled()],
    "depths": depths,
    "streets": lambda: streets(),
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
    "CityscapesMetric": [({"output_dir": "out", "keep_results": True}, "streets"), ({"output_dir": "out"}, "streets"),
                         ({"output_dir": "out", "keep_results": True, "format_only": True}, "streets"),
                         ({"output_dir": "out", "prefix": "x", "ignore_index": 255}, "streets")],
}  # fmt: skip
BAD: dict[str, list[tuple[dict[str, Any], str]]] = {
    "IoUMetric": [({"iou_metrics": ["mNope"]}, "labels"), ({"collect_device": "nope"}, ""), ({"iou_metrics": 3},
                  "labels")],
    "DepthMetric": [({"depth_metrics": ("nope",)}, ""), ({"crop_type": "nope"}, ""), ({"collect_device": "nope"}, ""),
                    ({}, "labels"), ({"depth_metrics": 3}, "")],
    "CityscapesMetric": [({"output_dir": "out", "collect_device": "nope"}, ""), ({"output_dir": "out", "format_only":
                         True}, ""), ({}, "")],
}  # fmt: skip
DESIGNED: dict[str, str] = {
    "CityscapesMetric/1.files*": "files are written where they are kept",
    "CityscapesMetric/3.files*": "likewise",
    "CityscapesMetric/2.kept": "nothing is kept where nothing is measured",
    "CityscapesMetric/bad 1": "files are what format_only is for, so keep_results is not asked for",
    "CityscapesMetric/bad 2": "output_dir is needed only where files are written",
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
    classes = tuple(map(str, STREETS)) if kind == "streets" else CLASSES
    metric.dataset_meta = {"classes": classes, "label_map": {}, "reduce_zero_label": False}
    samples = SAMPLES[kind]()
    metric.process({}, samples[:1])
    metric.process({"inputs": None}, samples[1:])
    # a palette of grays is read as three bands
    kept = cv2.IMREAD_GRAYSCALE if kind == "streets" else cv2.IMREAD_UNCHANGED
    found["kept"] = len(metric.results)
    found["files"] = {str(path.relative_to(out)): look(cv2.imread(str(path), kept))
                      for path in sorted(out.rglob("*.png"))}  # fmt: skip
    found["values"] = look({key: float(value) for key, value in metric.evaluate(2).items()})
    found["after"] = len(metric.results)
    return found
