"""Record how mmengine continues its own training, as the oracle of tests/training/test_handover.py.

For each config in tests/training/data/resume, mmseg trains 12 iterations; a second runner resumes from the checkpoint,
and the losses of its next 20 iterations are written beside it. Run with an interpreter that has mmseg 1.2.2:

    TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 python tools/record_resume.py tests/training
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.visualization import Visualizer

START, LENGTH = 12, 20


class Enough(Exception):
    """The iterations that are wanted are done."""


@HOOKS.register_module()
class Losses(Hook):
    """Keeps the loss and the largest learning rate of each iteration; the rate is what the iteration ran with."""

    priority = "VERY_HIGH"
    kept: ClassVar[dict[int, tuple[float, float]]] = {}
    end = 0

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Stop where enough is recorded; note the rate."""
        if runner.iter == self.end:
            raise Enough
        self.rate = max(group["lr"] for group in runner.optim_wrapper.param_groups)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Note the loss."""
        self.kept[runner.iter + 1] = outputs["loss"].item(), self.rate


def run(cfg: Config, end: int) -> dict[int, tuple[float, float]]:
    """Train up to ``end``; loss and rate by iteration."""
    Visualizer._instance_dict.clear()
    Losses.kept, Losses.end = {}, end
    with suppress(Enough):
        Runner.from_cfg(cfg).train()
    return Losses.kept


def main() -> int:
    """Record all configs."""
    folder = Path(sys.argv[1])
    sys.path.insert(0, str(folder))
    from resume_images import write_images

    recorded = {}
    with tempfile.TemporaryDirectory() as scratch:
        write_images(Path(scratch) / "data")
        for file in sorted((folder / "data" / "resume").glob("*.py")):
            name = file.stem

            def config(turn: str, file: Path = file) -> Config:
                cfg = Config.fromfile(file)
                cfg.train_dataloader.dataset.data_root = f"{scratch}/data"
                cfg.work_dir, cfg.experiment_name = f"{scratch}/{file.stem}", f"{file.stem}_{turn}"
                cfg.custom_hooks = [*cfg.get("custom_hooks", []), {"type": "Losses"}]
                return cfg

            whole = run(config("whole"), START + LENGTH)
            source = next(Path(scratch, name).glob(f"*_{START if name != 'epochs' else START // 3}.pth"))
            cfg = config("resumed")
            cfg.resume, cfg.load_from = True, str(source)
            resumed = run(cfg, START + LENGTH)
            assert list(resumed) == list(range(START + 1, START + LENGTH + 1)), list(resumed)
            print(name, "largest deviation from the uninterrupted run:",
                  max(abs(resumed[i][0] / whole[i][0] - 1) for i in resumed))  # fmt: skip
            recorded[name] = {"losses": [v[0] for v in resumed.values()], "rates": [v[1] for v in resumed.values()]}
            shutil.copy(source, file.with_suffix(".pth"))
    (folder / "data" / "resume" / "recorded.json").write_text(json.dumps(recorded, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
