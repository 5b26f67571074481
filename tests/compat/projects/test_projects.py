"""Small projects in the manner of published ones on mmseg train two steps as under mmseg, in the folder they lie in.

The oracle is mmseg itself, 1.2.2 or 0.30, on the same images and weights: the ``losses.json`` of each project, which
`tools/record_projects.py` wrote.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from segue.config.builder.build import build_model
from segue.config.builder.register import registered
from segue.errors import ConfigError
from segue.recipes.open import read_config
from segue.training import Machine, train
from tests.compat.projects.runs import PROJECTS, REFUSED, Project, fill, lay_out, seed

#: Two pixels in percent of the fewest that an accuracy counts (a crop of 48): another processor's order of sums turns
#: one of them where two classes are as good as equal.
PIXELS = 2 * 100 / (0.9 * 48 * 48)
#: An IoU is a quotient of such counts, of which a class has a third; metrics are rounded to two digits.
SHARES = 6 * 100 / (0.9 * 2 * 48 * 48) + 0.01


@pytest.fixture
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The project's folder, in which the user stands; what was imported from there is forgotten afterwards."""
    folder = lay_out(request.param, tmp_path)
    monkeypatch.chdir(folder)
    before = list(sys.path)
    yield folder
    sys.path[:] = before
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if file.startswith(str(folder)):
            del sys.modules[name]


def train_config(project: Project) -> list[dict[str, float]]:
    """Train by Segue from filled weights; the lines of losses and metrics."""
    from mmengine.hooks import Hook

    lines: list[dict[str, float]] = []

    class Record(Hook):
        def before_train(self, runner: Any) -> None:
            runner.model.backbone.register_forward_pre_hook(lambda *given: seed(0))

        def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
            lines.append({key: float(value) for key, value in outputs.items()})

        def after_val_epoch(self, runner: Any, metrics: Any = None) -> None:
            lines.append({key: float(value) for key, value in metrics.items()})

    registered["Record"] = Record
    cfg = read_config(f"configs/{project.config}")
    torch.save({"state_dict": fill(build_model(cfg).state_dict())}, "weights.pth")
    cfg["custom_hooks"] = [*cfg.get("custom_hooks", []), {"type": "Record", "priority": "LOWEST"}]
    cfg.update(load_from="weights.pth", work_dir="work_dirs")
    train(cfg, machine=Machine(accelerator="cpu", devices=1), console=Console(file=io.StringIO()))
    return lines


def run_project(project: Project) -> list[dict[str, float]]:
    """Run a project's script on filled weights; the lines that it wrote."""
    from segue.compat.script import run_script

    config = f"configs/{project.config}"
    if project.old:
        import mmcv
        from mmseg.models import build_segmentor

        model = build_segmentor(mmcv.Config.fromfile(config).model)
    else:
        from mmengine.config import Config
        from mmseg.registry import MODELS

        model = MODELS.build(Config.fromfile(config).model)
    torch.save({"state_dict": fill(model.state_dict())}, "weights.pth")
    script, *arguments = project.script
    assert run_script(script, [argument.format(config=config) for argument in arguments]) == 0
    found: list[dict[str, float]] = json.loads(Path("work_dirs/log.json").read_text())["lines"]
    return found


# what mmseg's own script of 0.x says
@pytest.mark.filterwarnings("ignore:SyncBN is only supported with DDP")
@pytest.mark.parametrize(
    ("project", "root"), [(each, each) for each in PROJECTS], indirect=["root"], ids=[each.name for each in PROJECTS]
)
def test_two_steps_as_under_mmseg(project: Project, root: Path) -> None:
    lines = run_project(project) if project.script else train_config(project)
    assert len(lines) == len(project.expected)
    for line, wanted in zip(lines, project.expected, strict=True):
        assert line.keys() >= wanted.keys()
        for key, value in wanted.items():
            name = key.rpartition(".")[2]
            if name.startswith(("acc", "error")):
                limit = {"abs": PIXELS}
            elif name in ("aAcc", "mAcc", "mIoU", "mDice"):
                limit = {"abs": SHARES}
            else:
                limit = {"rel": 1e-4, "abs": 1e-5}
            assert line[key] == pytest.approx(value, **limit), key


@pytest.mark.parametrize("root", [REFUSED], indirect=True)
def test_a_runner_of_ones_own_is_refused(root: Path) -> None:
    with pytest.raises(ConfigError) as error:
        train_config(REFUSED)
    assert "runner.type: 'IterBasedRunnerAmp' is a runner of your own" in str(error.value)
    assert "optimizer_config.type: 'DistOptimizerHook' is a hook of your own" in str(error.value)
