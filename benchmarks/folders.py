"""Folders to models with no file written, beside configs that were written by hand for the same sets.

Both train the same narrow SegFormer from the same seed for as many steps, on the same split, crop and batch. What
differs is what the rules of ``segue train FOLDER`` choose: scales, class weights, sampler, distortion, schedule.

    python benchmarks/folders.py NAME=FOLDER [NAME=FOLDER ...] --steps 150
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

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


def main() -> None:
    """Run, print, and write the table as Markdown and JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("work_dirs/folders"))
    args = parser.parse_args()
    rows = []
    for entry in args.folders:
        name, _, folder = entry.partition("=")
        place = args.work / name
        report = check_folder(folder)
        plan = planned(report, place / name, model=MODEL, length=Length(args.steps, "as in this comparison", 1))
        own = write(plan, place / f"{name}.py")
        hand = place / f"{name}_by_hand.py"
        hand.write_text(by_hand(plan, own, args.steps), encoding="utf-8")
        row: dict[str, object] = {"set": name, "images": plan.data.facts.train, "classes": len(plan.data.facts.classes)}
        for kind, file in (("folder", own), ("hand", hand)):
            start = time.process_time()
            cfg = read_config(file, NARROW)
            result = train(cfg, work_dir=place / kind, seed=args.seed, console=Console(quiet=True))
            row[kind] = round(result.metrics["mIoU"], 2)
            row[f"{kind}_cpu_s"] = round(time.process_time() - start, 1)
        rows.append(row)
        print(row, flush=True)
        results = Path(__file__).with_name("results")
        stem = f"folders-{time.strftime('%Y-%m-%d')}"
        (results / f"{stem}.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        lines = [
            f"`python benchmarks/folders.py ... --steps {args.steps} --seed {args.seed}`: mIoU in percent.",
            "",
            "| set | training images | classes | folder | by hand | difference | CPU s each |",
            "|---|---|---|---|---|---|---|",
            *(
                f"| {r['set']} | {r['images']} | {r['classes']} | {r['folder']} | {r['hand']} | "
                f"{float(str(r['folder'])) - float(str(r['hand'])):+.2f} | {r['folder_cpu_s']}, {r['hand_cpu_s']} |"
                for r in rows
            ),
        ]
        (results / f"{stem}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
