"""Record what mmseg computes for the projects of ``tests/compat/projects``: the losses of two steps, and the metrics.

    python tools/record_projects.py [--old FOLDER] [--mmdet FOLDER] [NAME ...]

Run it with the Python that has mmseg 1.2.2, mmengine and mmcv (or mmcv-lite). ``--old`` is a folder with the packages
mmseg 0.30 and mmcv 1.7, for projects written for 0.x; ``--mmdet`` one with mmdet 3.3, for heads that classify masks.
Without them, such projects are left as they are. The losses are written to ``losses.json`` beside each project.

The ``mmseg/`` of a fork is laid over a copy of the reference's: it replaces files, and lines of an ``__init__.py`` are
added. Each project runs in a process and a folder of its own.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.machinery
import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

#: The lines of mmseg 0.x that a fork changes in files that are the reference's: {file: (line, line of the fork)}.
CHANGED = {
    "models/decode_heads/decode_head.py": ("threshold=None,", "threshold=None, decoder_params=None,"),
}


def stub(name: str, **values: Any) -> None:
    """A module in place of one that is compiled or not needed."""
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    module.__dict__.update(values)
    if not values:
        module.__getattr__ = lambda key: None if key.startswith("__") else lambda *given: None  # type: ignore[method-assign]
    sys.modules[name] = module


def overlay(project: Any, old: str, target: Path) -> None:
    """A copy of the reference's mmseg with the fork's files over it."""
    if not project.vendored:
        return
    place = Path(old) / "mmseg" if project.old else Path(importlib.import_module("mmseg").__path__[0])
    shutil.copytree(place, target / "reference" / "mmseg", ignore=shutil.ignore_patterns("__pycache__", ".mim"))
    for file in sorted((target / "mmseg").rglob("*.py")):
        there = target / "reference" / "mmseg" / file.relative_to(target / "mmseg")
        there.parent.mkdir(parents=True, exist_ok=True)
        text = file.read_text()
        if file.name == "__init__.py" and there.exists():
            text = there.read_text() + text.replace("__all__ =", "__all__ +=")
        elif there.exists():  # newer files of the reference import what the fork's, which is older, has not
            theirs, ours = (set(re.findall(r"^class (\w+)", each, re.M)) for each in (there.read_text(), text))
            text += "".join(f"\n\nclass {name}:\n    pass\n" for name in sorted(theirs - ours))
        there.write_text(text)
    for name, (line, changed) in CHANGED.items():
        there = target / "reference" / "mmseg" / name
        there.write_text(there.read_text().replace(line, changed))
    shutil.rmtree(target / "mmseg")  # the copy is the fork's mmseg now


def record_new(project: Any, root: Path) -> list[dict[str, float]]:
    """Lines of a project of 1.x."""
    import torch
    from mmengine.config import Config
    from mmengine.hooks import Hook
    from mmengine.registry import HOOKS, MODELS
    from mmengine.runner import Runner
    from mmseg.utils import register_all_modules

    from tests.compat.projects.runs import fill, seed

    register_all_modules()
    config = f"configs/{project.config}"
    cfg = Config.fromfile(config)
    if project.script:
        model = MODELS.build(cfg.model)
        torch.save({"state_dict": fill(model.state_dict())}, "weights.pth")
        return run_script(project, config)
    lines: list[dict[str, float]] = []

    @HOOKS.register_module()
    class Record(Hook):
        def before_train(self, runner: Any) -> None:
            runner.model.backbone.register_forward_pre_hook(lambda *given: seed(0))

        def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
            lines.append({key: float(value) for key, value in outputs.items()})

        def after_val_epoch(self, runner: Any, metrics: Any = None) -> None:
            lines.append({key: float(value) for key, value in metrics.items()})

    cfg.work_dir = "work_dirs"
    hook = {"type": "Record", "priority": 99}
    cfg.custom_hooks = [*cfg.get("custom_hooks", []), hook]
    runner = Runner.from_cfg(cfg)
    runner.model.load_state_dict(fill(runner.model.state_dict()))
    runner._load_from = None
    runner.model.init_weights = lambda: None  # weights are there
    runner.train()
    return lines


def record_old(project: Any, root: Path) -> list[dict[str, float]]:
    """Lines of a project of 0.x."""
    import mmcv
    import torch
    from mmcv.runner import HOOKS, Hook
    from mmseg.apis import set_random_seed, train_segmentor
    from mmseg.datasets import build_dataset
    from mmseg.models import build_segmentor

    from tests.compat.projects.runs import fill

    config = f"configs/{project.config}"
    cfg = mmcv.Config.fromfile(config)
    model = build_segmentor(cfg.model, train_cfg=cfg.get("train_cfg"), test_cfg=cfg.get("test_cfg"))
    torch.save({"state_dict": fill(model.state_dict())}, "weights.pth")
    if project.script:
        return run_script(project, config)
    model.load_state_dict(fill(model.state_dict()))
    lines: list[dict[str, float]] = []

    @HOOKS.register_module()
    class Record(Hook):
        def after_train_iter(self, runner: Any) -> None:
            lines.append({key: float(value) for key, value in runner.outputs["log_vars"].items()})

    from mmcv.cnn.utils import revert_sync_batchnorm

    model = revert_sync_batchnorm(model)
    cfg.custom_hooks = [*cfg.get("custom_hooks", []), {"type": "Record"}]
    cfg.work_dir, cfg.gpu_ids, cfg.seed, cfg.device = "work_dirs", [0], 0, "cpu"
    set_random_seed(0)
    dataset = build_dataset(cfg.data.train)
    model.CLASSES = dataset.CLASSES
    train_segmentor(model, [dataset], cfg, validate=True)
    for log in sorted(Path("work_dirs").glob("*.log.json")):
        for line in map(json.loads, log.read_text().splitlines()):
            if line.get("mode") == "val":
                lines.append({key: round(100 * line[key], 2) for key in ("aAcc", "mIoU", "mAcc")})  # as 1.x has them
    return lines


def run_script(project: Any, config: str) -> list[dict[str, float]]:
    """Lines that a project's own script wrote."""
    script, *arguments = project.script
    sys.argv = [script, *(argument.format(config=config) for argument in arguments)]
    runpy.run_path(script, run_name="__main__")
    found: list[dict[str, float]] = json.loads(Path("work_dirs/log.json").read_text())["lines"]
    return found


def record(name: str, old: str, mmdet: str, target: str) -> None:
    """One project in this process."""
    from tests.compat.projects.runs import PROJECTS, REFUSED, lay_out

    project = next(each for each in (*PROJECTS, REFUSED) if each.name == name)
    root = lay_out(project, Path(target))
    overlay(project, old, root)
    os.chdir(root)
    sys.path[:0] = [str(root), str(root / "reference"), *([old] if project.old else [])]
    if project.masks:
        sys.path.append(mmdet)
    stub("mmcv._ext")
    if project.old:
        stub("torchvision", __version__="0.15.0")
    lines = (record_old if project.old else record_new)(project, root)
    versions = [f"{m} {importlib.import_module(m).__version__}" for m in ("mmseg", "mmcv")]
    (Path(target) / "found.json").write_text(json.dumps({"with": ", ".join(versions), "lines": lines}))


def main() -> None:
    """Record all of them, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--old", default="")
    parser.add_argument("--mmdet", default="")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        record(given.names[0], given.old, given.mmdet, given.one)
        return
    from tests.compat.projects.runs import HERE, PROJECTS, REFUSED

    for project in (*PROJECTS, REFUSED):
        if given.names and project.name not in given.names and project.folder not in given.names:
            continue
        if (project.old and not given.old) or (project.masks and not given.mmdet):
            print(f"{project.name}: left as it is")
            continue
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, project.name, "--old", given.old, "--mmdet", given.mmdet]
            done = subprocess.run([*command, "--one", folder], capture_output=True, text=True)
            if done.returncode:
                print(f"{project.name}: FAILED\n{done.stderr[-3000:]}")
                continue
            found = json.loads((Path(folder) / "found.json").read_text())
        file = HERE / project.folder / "losses.json"
        known = json.loads(file.read_text()) if file.exists() else {}
        known[Path(project.config).stem] = found
        file.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        print(f"{project.name}: {found['lines']}")


if __name__ == "__main__":
    main()
