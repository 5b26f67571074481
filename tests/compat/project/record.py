"""Record what mmseg itself computes: run with the Python that has mmseg 1.2.2, from the root of the repository.

python -m tests.compat.project.record tests/compat/data/losses.json
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.visualization import Visualizer

import tests.compat.project.custom  # noqa: F401  # registers the modules
from tests.compat.project.cases import CASES, case, fill, make_data


def main(target: str) -> None:
    """Run all cases and write their losses."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        make_data(root)
        for name in CASES:
            out = Path(folder) / name
            out.mkdir()
            cfg = Config(case(name, root, out))
            probe = Runner.from_cfg(Config({**cfg, "experiment_name": f"probe_{name}"}))
            torch.save({"state_dict": fill(probe.model.state_dict())}, out / "weights.pth")
            Visualizer._instance_dict.clear()
            cfg.load_from = str(out / "weights.pth")
            cfg.experiment_name = f"run_{name}"
            Runner.from_cfg(cfg).train()
            found[name] = json.loads((out / "record.json").read_text())
            lines = next(out.rglob("numbers.txt"), None)
            if lines is not None:
                found[name]["numbers"] = lines.read_text().splitlines()
    Path(target).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
