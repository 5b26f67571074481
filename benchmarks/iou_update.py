"""Milliseconds of one update of IoUMetric with a map of 1024 x 2048 pixels: Segue and mmseg 1.2.2, in turns.

    python benchmarks/iou_update.py --reference MMSEG_VENV/bin/python

Both sides get the same int64 labels and predictions of 19 classes, each in a process of its own. Their areas must be
equal. Wall time and, for machines with other work, processor time; the least and the median of all updates. The
reference's virtual environment needs mmsegmentation 1.2.2, mmengine 0.10.7 and mmcv or mmcv-lite 2.1.0. A table is
printed, and written to benchmarks/results/ with the date.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import statistics
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CLASSES, ROUNDS = 19, 3


def maps() -> tuple[Any, Any]:
    """Predictions and labels like those of streets, with a strip of 255 in the labels."""
    import numpy as np
    import torch

    sys.path.insert(0, str(HERE))
    from street_scenes import street_labels

    labels = street_labels(1024, 2048, np.random.default_rng(0))
    shifted = np.roll(labels, 7, axis=1)
    shifted[shifted == 255] = 0
    return torch.from_numpy(shifted).long(), torch.from_numpy(labels).long()


def segue_update(prediction: Any, label: Any) -> tuple[Any, Any]:
    """An update, and the areas of intersection, prediction and label that one gives."""
    sys.path.insert(0, str(HERE.parent))
    from segue.metrics.iou import IoUMetric

    metric = IoUMetric()
    metric.set_dataset({"classes": [f"class {i}" for i in range(CLASSES)]})
    metric.update(prediction, label)
    areas = metric.state()["areas"]
    return lambda: metric.update(prediction, label), areas


def reference_update(prediction: Any, label: Any) -> tuple[Any, Any]:
    sys.modules.setdefault("mmcv._ext", types.ModuleType("mmcv._ext"))  # mmcv-lite lacks it; the metric needs no part
    import torch
    from mmseg.evaluation import IoUMetric

    metric = IoUMetric()
    metric.dataset_meta = {"classes": [f"class {i}" for i in range(CLASSES)]}
    sample = {"pred_sem_seg": {"data": prediction[None]}, "gt_sem_seg": {"data": label[None]}}
    metric.process({}, [sample])
    intersect, _, predicted, labeled = metric.results[0]
    return lambda: metric.process({}, [sample]), torch.stack((intersect, predicted, labeled)).long()


def serve(side: str, updates: int) -> None:
    """Time updates as often as a line comes in."""
    import torch

    update, areas = (segue_update if side == "segue" else reference_update)(*maps())
    print(json.dumps({"areas": areas.tolist(), "torch": torch.__version__}), flush=True)
    for _ in sys.stdin:
        wall, cpu = [], []
        for _ in range(updates):
            begin = time.perf_counter(), time.process_time()
            update()
            wall.append(time.perf_counter() - begin[0])
            cpu.append(time.process_time() - begin[1])
        print(json.dumps({"wall": wall, "cpu": cpu}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", metavar="PYTHON", help="interpreter with mmseg 1.2.2")
    parser.add_argument("--updates", type=int, default=20, help="per round")
    parser.add_argument("--serve", choices=("segue", "reference"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve, args.updates)
        return
    pythons = {"segue": sys.executable} | ({"reference": args.reference} if args.reference else {})
    workers = {
        side: subprocess.Popen(
            [python, __file__, "--serve", side, "--updates", str(args.updates)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for side, python in pythons.items()
    }  # fmt: skip
    first = {side: json.loads(_line(worker)) for side, worker in workers.items()}
    if len({json.dumps(facts["areas"]) for facts in first.values()}) > 1:
        raise SystemExit("the areas differ")
    times: dict[str, dict[str, list[float]]] = {side: {"wall": [], "cpu": []} for side in workers}
    for _ in range(ROUNDS):
        for side, worker in workers.items():
            assert worker.stdin is not None
            print(file=worker.stdin, flush=True)
            for clock, values in json.loads(_line(worker)).items():
                times[side][clock] += values
    for worker in workers.values():
        worker.communicate()
    lines = [f"IoU update, 1024 x 2048 pixels, {CLASSES} classes; {platform.processor() or platform.machine()}, torch "
             + ", ".join(f"{facts['torch']} ({side})" for side, facts in first.items()), "",
             "| side | wall, least | wall, median | processor, least | processor, median |",
             "|---|---|---|---|---|"]  # fmt: skip
    numbers = {
        side: [1e3 * of(clocks[clock]) for clock in ("wall", "cpu") for of in (min, statistics.median)]
        for side, clocks in times.items()
    }
    lines += [f"| {side} | " + " | ".join(f"{ms:.1f} ms" for ms in row) + " |" for side, row in numbers.items()]
    if len(numbers) == 2:
        ratios = (b / a for a, b in zip(numbers["segue"], numbers["reference"], strict=True))
        lines.append("| ratio | " + " | ".join(f"{ratio:.1f} x" for ratio in ratios) + " |")
    text = "\n".join(lines)
    print(text)
    (HERE / "results" / f"iou_update-{datetime.date.today()}.md").write_text(text + "\n", encoding="utf-8")


def _line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    for line in worker.stdout:
        if line.startswith("{"):  # mmengine's log is on the same stream
            return line
    raise SystemExit("a side has failed, see above")


if __name__ == "__main__":
    main()
