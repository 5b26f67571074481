"""The same config, seed and steps on CamVid under mmseg 1.2.2 and Segue: validation mIoU, time and memory.

    export CAMVID=/where/you/have/camvid
    python benchmarks/camvid/compare.py --reference /where/mmseg/is/bin/python --seeds 3

Each run is a process of its own with one thread, the two sides in turns. Time is the processor time of the whole run:
imports, building, training, validation. Memory is the peak of the resident set. The table goes to ``compare.md`` and
``compare.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from sides import without_operators  # noqa: E402

CONFIG = HERE / "configs" / "small.py"


def by_mmseg(config: str, seed: int, work: str) -> float:
    """mIoU in percent after training with mmseg."""
    without_operators()
    import torch
    from mmengine.config import Config
    from mmengine.runner import Runner
    from mmseg.utils import register_all_modules

    torch.set_num_threads(1)
    register_all_modules()
    cfg = Config.fromfile(config)
    cfg.work_dir, cfg.randomness = work, dict(seed=seed)
    runner = Runner.from_cfg(cfg)
    runner.train()
    return float(runner.message_hub.get_scalar("val/mIoU").current())


def by_segue(config: str, seed: int, work: str) -> float:
    """mIoU in percent after training with Segue."""
    import torch
    from rich.console import Console

    from segue.recipes.open import read_config
    from segue.training import train

    torch.set_num_threads(1)
    result = train(read_config(Path(config), ()), work_dir=work, seed=seed, console=Console(quiet=True))
    return float(result.metrics["mIoU"])


SIDES = {"mmseg 1.2.2": by_mmseg, "Segue": by_segue}


def one(side: str, config: str, seed: int) -> dict[str, Any]:
    """A run in this process."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as work:
        miou = SIDES[side](config, seed, work)
    return dict(
        side=side,
        seed=seed,
        miou=round(miou, 2),
        processor_s=round(time.process_time(), 1),
        wall_s=round(time.perf_counter() - start, 1),
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )


def table(rows: list[dict[str, Any]], command: str) -> str:
    """Means and deviations as Markdown."""
    lines = [
        command,
        "",
        "| | mIoU of each seed | mean | deviation | processor s | peak MiB |",
        "|---|---|---|---|---|---|",
    ]
    for side in SIDES:
        found = [row for row in rows if row["side"] == side]
        if not found:
            continue
        values = [row["miou"] for row in found]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        seconds, peak = (statistics.mean(row[key] for row in found) for key in ("processor_s", "peak_mib"))
        each = ", ".join(f"{value:.2f}" for value in values)
        lines.append(f"| {side} | {each} | {statistics.mean(values):.2f} | {spread:.2f} | {seconds:.0f} | {peak:.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run each side and seed in a process of its own, and write the table after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", help="the Python that has mmseg 1.2.2; without it only Segue runs")
    parser.add_argument("--seeds", type=int, default=3, help="0, 1 ... (3)")
    parser.add_argument("--config", default=str(CONFIG))
    parser.add_argument("--one", nargs=2, metavar=("SIDE", "SEED"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one[0], args.config, int(args.one[1]))))
        return
    pythons = {"mmseg 1.2.2": args.reference, "Segue": sys.executable}
    rows: list[dict[str, Any]] = []
    for seed in range(args.seeds):
        for side, python in pythons.items():
            if python is None:
                continue
            command = [python, __file__, "--config", args.config, "--one", side, str(seed)]
            threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
            done = subprocess.run(command, env=os.environ | threads, stdout=subprocess.PIPE, text=True, check=True)
            rows.append(json.loads(done.stdout.strip().splitlines()[-1]))
            print(rows[-1], flush=True)
            (HERE / "compare.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
            said = f"`python benchmarks/camvid/compare.py --reference PYTHON --seeds {args.seeds}`:"
            (HERE / "compare.md").write_text(table(rows, said), encoding="utf-8")


if __name__ == "__main__":
    main()
