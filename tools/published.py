"""Write what the reference publishes about its recipes: segue/recipes/published.json.

Usage: python tools/published.py CONFIGS_DIR [OUT]

CONFIGS_DIR holds one folder per method with its configs and a metafile.yaml: papers, measured numbers, weights. The
output has one line per recipe; weights are relative to the address at the top.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml

HOST = "download.openmmlab.com"
MISTYPED = "download.oz1z1penmmlab.com"  # a metafile of 1.2.2 says this, that of 0.30 has it right: nobody's host
BASE = f"https://{HOST}/mmsegmentation/"
OUT = Path(__file__).parents[1] / "segue" / "recipes" / "published.json"
METRICS = {"mIoU": "mIoU", "mIoU(ms+flip)": "mIoU_ms", "mDice": "mDice", "Dice": "Dice", "RMSE": "rmse"}


def read(configs: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Papers by collection, and what is known about each recipe."""
    papers: dict[str, Any] = {}
    recipes: dict[str, Any] = {path.stem: {} for path in sorted(configs.glob("[!_]*/*.py"))}
    for metafile in sorted(configs.glob("*/metafile.yaml")):
        content = yaml.safe_load(metafile.read_text(encoding="utf-8"))
        for collection in content.get("Collections", ()):
            paper = collection.get("Paper") or {}
            papers[collection["Name"]] = [paper.get("Title"), paper.get("URL")]
        for model in content.get("Models", ()):
            name = Path(model["Config"]).stem
            if name in recipes:
                recipes[name] = entry(model)
    return papers, recipes


def entry(model: dict[str, Any]) -> dict[str, Any]:
    """One recipe's facts."""
    results = model.get("Results") or {}
    metrics = (results[0] if isinstance(results, list) else results).get("Metrics") or {}
    facts: dict[str, Any] = {"paper": model.get("In Collection")}
    for key, short in METRICS.items():
        if isinstance(metrics.get(key), int | float):
            facts[short] = metrics[key]
    if weights := model.get("Weights"):
        facts["weights"] = weights.replace(MISTYPED, HOST).removeprefix(BASE)
    return facts


def main() -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", type=Path, help="the folder of the reference's configs")
    parser.add_argument("out", type=Path, nargs="?", default=OUT, help="the file to write")
    args = parser.parse_args()
    papers, recipes = read(args.configs)
    lines = [json.dumps(name) + ": " + json.dumps(facts) for name, facts in sorted(recipes.items())]
    used = {facts.get("paper") for facts in recipes.values()}
    kept = [json.dumps(name) + ": " + json.dumps(paper) for name, paper in sorted(papers.items()) if name in used]
    args.out.write_text(
        '{"base": '
        + json.dumps(BASE)
        + ',\n"papers": {\n'
        + ",\n".join(kept)
        + '\n},\n"recipes": {\n'
        + ",\n".join(lines)
        + "\n}}\n",
        encoding="utf-8",
    )
    weights = sum("weights" in facts for facts in recipes.values())
    print(f"{args.out}: {len(recipes)} recipes, {weights} with weights, {len(kept)} papers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
