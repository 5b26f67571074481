"""Folders to models with no file written, beside configs that were written by hand for the same sets.

Both train the same narrow SegFormer from the same seed for as many steps, on the same split, crop and batch. What
differs is what the rules of ``segue train FOLDER`` choose: scales, class weights, sampler, distortion, schedule.

    python benchmarks/folders.py NAME=FOLDER [NAME=FOLDER ...] --steps 150
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from segue.doctor import check_folder
from segue.doctor.apply import folder_datasets
from segue.recipes.folder import Plan, planned, write
from segue.recipes.folder.planning import Length
from segue.recipes.open import read_config
from segue.training import train

MODEL = "segformer_mit-b0"
#: A quarter of the width, so that a run costs a minute of one core.
NARROW = (
    "model.backbone.embed_dims=8",
    "model.decode_head.in_channels=[8,16,40,64]",
    "model.decode_head.channels=64",
    "train_dataloader.num_workers=0",
    "train_dataloader.persistent_workers=False",
    "val_dataloader.num_workers=0",
    "val_dataloader.persistent_workers=False",
    "default_hooks.checkpoint.save_best=None",
)


def by_hand(plan: Plan, base: Path, steps: int) -> str:
    """What people write for a set: the reference's pipeline and schedule around its images, no weights."""
    pictures = plan.data.facts.pictures
    tall, wide = pictures.median
    read = f"dict(type='LoadImageFromFile', color_type={pictures.color_type!r})"
    colors = "dict(type='PhotoMetricDistortion')," if pictures.usual else ""
    dataset = folder_datasets(plan.data.report)["train"]
    warm = max(1, steps // 20)
    return f"""
_base_ = ['./{base.name}']
train_pipeline = [
    {read}, dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=({wide}, {tall}), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size={plan.value("crop_size")}, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5), {colors} dict(type='PackSegInputs')]
train_dataloader = dict(
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(_delete_=True, {dataset.removeprefix("dict(")[:-1]}, pipeline=train_pipeline))
model = dict(decode_head=dict(loss_decode=dict(class_weight=None)))
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=0.001, weight_decay=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end={warm}),
    dict(type='PolyLR', power=1.0, eta_min=0.0, by_epoch=False, begin={warm}, end={steps})]
"""


def compared(name: str, folder: str, place: Path, steps: int, seeds: int) -> dict[str, Any]:
    """A set's row: mIoU of each seed by the folder's rules and by hand."""
    report = check_folder(folder)
    plan = planned(report, place / name, model=MODEL, length=Length(steps, "as in this comparison", 1))
    own = write(plan, place / f"{name}.py")
    hand = place / f"{name}_by_hand.py"
    hand.write_text(by_hand(plan, own, steps), encoding="utf-8")
    row: dict[str, Any] = {"set": name, "images": plan.data.facts.train, "classes": len(plan.data.facts.classes)}
    for kind, file in (("folder", own), ("hand", hand)):
        start = time.process_time()
        row[kind] = []
        for seed in range(seeds):
            cfg = read_config(file, NARROW)
            result = train(cfg, work_dir=place / kind, seed=seed, console=Console(quiet=True))
            row[kind].append(round(result.metrics["mIoU"], 2))
        row[f"{kind}_cpu_s"] = round((time.process_time() - start) / seeds, 1)
    return row


def table(rows: list[dict[str, Any]], steps: int, seeds: int) -> str:
    """The rows as Markdown; the deviation is that of the differences, seed by seed."""
    lines = [
        f"`python benchmarks/folders.py ... --steps {steps} --seeds {seeds}`: mIoU in percent, each seed and the mean.",
        "",
        "| set | training images | classes | folder | by hand | difference | its deviation | CPU s each |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        differences = [one - other for one, other in zip(row["folder"], row["hand"], strict=True)]
        spread = f"{statistics.stdev(differences):.2f}" if seeds > 1 else ""
        both = (f"{', '.join(map(str, row[kind]))}: {statistics.mean(row[kind]):.2f}" for kind in ("folder", "hand"))
        cells = (row["set"], row["images"], row["classes"], *both, f"{statistics.mean(differences):+.2f}", spread)
        lines.append(f"| {' | '.join(map(str, cells))} | {row['folder_cpu_s']}, {row['hand_cpu_s']} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run, print, and write the table as Markdown and JSON after every set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=1, help="0, 1 ... (1)")
    parser.add_argument("--work", type=Path, default=Path("work_dirs/folders"))
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    stem = Path(__file__).with_name("results") / f"folders-{time.strftime('%Y-%m-%d')}"
    for entry in args.folders:
        name, _, folder = entry.partition("=")
        rows.append(compared(name, folder, args.work / name, args.steps, args.seeds))
        print(rows[-1], flush=True)
        stem.with_suffix(".json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        stem.with_suffix(".md").write_text(table(rows, args.steps, args.seeds), encoding="utf-8")


if __name__ == "__main__":
    main()
