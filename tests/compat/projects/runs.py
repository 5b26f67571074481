"""A project's folder as its author has it before training: its files, the shared ``_base_``, data and weights.

Used under mmseg, where `tools/record_projects.py` records, and under Segue, where `test_projects.py` compares.
"""

from __future__ import annotations

import json
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Project:
    """How a project is run.

    Attributes:
        folder: where its files are.
        config: its config, below ``configs``; the name of the run is its stem.
        script: a script and its arguments, which then does all and writes ``work_dirs/log.json``.
        old: whether it is written for mmseg 0.x.
        masks: whether the reference needs mmdet for it.
        imports: the package by which the config's own classes are registered, for configs that name classes themselves.
    """

    folder: str
    config: str
    script: tuple[str, ...] = ()
    old: bool = False
    masks: bool = False
    imports: str = ""

    @property
    def name(self) -> str:
        """The name of the run."""
        return f"{self.folder}-{Path(self.config).stem}"

    @property
    def vendored(self) -> bool:
        """Whether it is a fork: its ``mmseg/`` holds the files that differ from mmseg's."""
        return (HERE / self.folder / "mmseg").is_dir()

    @property
    def expected(self) -> list[dict[str, float]]:
        """What the reference computed: a line per step, then the metrics of the validation."""
        found: dict[str, Any] = json.loads((HERE / self.folder / "losses.json").read_text())
        lines: list[dict[str, float]] = found[Path(self.config).stem]["lines"]
        return lines


PROJECTS = (
    Project("segformer", "segformer/segformer.t0.64x64.shapes.2.py", old=True),
    Project("setr", "SETR/SETR_PUP_64x64_2_shapes_bs_2.py", old=True),
    Project("daformer", "daformer/daformer_sepaspp_isa_r18_shapes.py", old=True),
    Project("ddp", "shapes/ddp_r18_1x_shapes_64x64.py", old=True),
    Project("hrda", "hrda_r18_shapes.py", old=True),
    Project("topformer", "topformer_tiny_64x64_2_shapes.py", old=True),
    Project("rein", "rein_vit_mask2former_64x64_shapes.py", masks=True),
    Project("vit_adapter", "upernet_vit_adapter_64_2_shapes.py"),
    Project("crop_fields", "fcn_r18_fields.py"),
    Project("slow_start", "fcn_r18_slow_start.py"),
    Project("slow_start", "fcn_r18_counting_loop.py"),
    Project("distil", "fcn_r18_distil.py"),
    Project("edge_losses", "fcn_r18_edge_losses.py"),
    Project("group_knet", "knet_r18_shapes.py"),
    Project("group_knet", "maskformer_r18_shapes.py", masks=True),
    Project("new_style", "new/tiny_sum_shapes.py"),
    Project("flood", "fcn_r18_flood.py", old=True),
    Project("adversary", "fcn_r18_adversary.py"),
    Project("gears", "fcn_r18_gears.py"),
    Project("kd_zoo", "kd_fcn_r18_shapes.py", old=True),
    Project("mean_teacher", "dacs_fcn_r18_shapes.py", ("train_uda.py", "{config}")),
    Project(
        "old_train",
        "fcn_r18_64x64_2_shapes.py",
        ("tools/train.py", "{config}", "--work-dir", "work_dirs", "--load-from", "weights.pth", "--seed", "0"),
        old=True,
    ),
    Project(
        "old_test",
        "fcn_r18_64x64_2_shapes.py",
        ("tools/test.py", "{config}", "weights.pth", "--eval", "mIoU"),
        old=True,
    ),
    Project(
        "old_test",
        "fcn_r18_flipped_shapes.py",
        ("tools/test.py", "{config}", "weights.pth", "--aug-test", "--eval", "mIoU", "mDice", "--show-dir", "shown"),
        old=True,
    ),
)

#: It has a runner and an optimizer hook of its own, which are refused; what 0.30 computes with them is recorded.
REFUSED = Project("beit", "fcn_r18_layer_decay_shapes.py", old=True)


def lay_out(project: Project, folder: Path) -> Path:
    """A copy of the project in ``folder``, with ``configs/_base_`` and ``data/shapes``."""
    root = folder / project.name
    shutil.copytree(HERE / project.folder, root, ignore=shutil.ignore_patterns("losses.json", "__pycache__"))
    shutil.copytree(HERE / "_base_", root / "configs" / "_base_", ignore=shutil.ignore_patterns("__pycache__"))
    make_data(root / "data" / "shapes")
    return root


def seed(number: int) -> None:
    """Called before the backbone: what is drawn in a step does not depend on what was drawn before it."""
    torch.manual_seed(number)
    np.random.seed(number)


def make_data(root: Path) -> None:
    """Six images (64, 64) of noise around a level per class, with masks, and two more for validation."""
    number = 0
    for part, count in (("training", 6), ("validation", 2)):
        for folder in ("images", "annotations"):
            (root / folder / part).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            rng = np.random.RandomState(number)
            mask = np.kron(rng.randint(0, 3, (4, 4)), np.ones((16, 16), int)).astype(np.uint8)
            image = np.clip(mask[..., None] * 80 + rng.randint(0, 60, (64, 64, 3)), 0, 255).astype(np.uint8)
            mask[rng.rand(64, 64) < 0.05] = 255
            cv2.imwrite(str(root / "images" / part / f"{part[0]}{index}.png"), image)
            cv2.imwrite(str(root / "annotations" / part / f"{part[0]}{index}.png"), mask)
            number += 1
    (root / "pair.txt").write_text("t0\nt1\n")
    (root / "train.csv").write_text("t0,2020\nt1,2021\nt2,2022\nt3,2021\nt4,2023\nt5,2024\n")
    (root / "val.csv").write_text("v0,2021\nv1,2023\n")


def fill(state: dict[str, Any]) -> dict[str, Any]:
    """Weights as a function of their names: what both toolboxes start from."""
    filled = {}
    for name, value in state.items():
        rng = np.random.RandomState(zlib.crc32(name.encode()))
        if not value.is_floating_point():
            filled[name] = value
        elif name.endswith("running_var"):
            filled[name] = torch.ones_like(value)
        elif value.ndim > 1:
            fan = value[0].numel()
            filled[name] = torch.from_numpy(rng.randn(*value.shape) / np.sqrt(fan)).float()
        else:
            base = 1.0 if name.endswith("weight") else 0.0
            filled[name] = torch.as_tensor(base + 0.1 * rng.randn(*value.shape)).float()
    return filled
