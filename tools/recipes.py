"""Check that recipes compose to recorded configs.

Usage: python tools/recipes.py CONFIGS_JSON_GZ [PATTERN]

CONFIGS_JSON_GZ maps the path of each config of the reference to its resolved content. Every name is composed and
compared section by section: model, data, optimizer, schedule, loops, hooks and evaluation. Names whose file says
something else than the name are listed with what differs; any other difference makes the exit status 1.
"""

from __future__ import annotations

import argparse
import fnmatch
import gzip
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from segue.errors import ConfigError
from segue.recipes import compose
from segue.recipes.deviations import DEVIATIONS

SECTIONS = (
    *("model", "crop_size", "dataset_type", "data_root", "train_pipeline", "test_pipeline"),
    *("tta_pipeline", "tta_model", "train_dataloader", "val_dataloader", "test_dataloader", "val_evaluator"),
    *("test_evaluator", "optim_wrapper", "param_scheduler", "train_cfg", "val_cfg", "test_cfg", "default_hooks"),
    *("default_scope", "env_cfg", "vis_backends", "visualizer", "log_processor", "log_level", "load_from", "resume"),
    *("randomness", "find_unused_parameters"),
)
MISSING = "(missing)"


def canonical(value: Any) -> Any:
    """A value as JSON data: keys as text, tuples as lists."""
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    return [canonical(item) for item in value] if isinstance(value, list | tuple) else value


def differences(path: str, found: Any, recorded: Any) -> Iterator[tuple[str, Any, Any]]:
    """Each key path with another value."""
    if isinstance(found, dict) and isinstance(recorded, dict):
        for key in [*recorded, *(key for key in found if key not in recorded)]:
            yield from differences(f"{path}.{key}", found.get(key, MISSING), recorded.get(key, MISSING))
    elif isinstance(found, list) and isinstance(recorded, list) and len(found) == len(recorded):
        for index, (one, other) in enumerate(zip(found, recorded, strict=True)):
            yield from differences(f"{path}.{index}", one, other)
    elif found != recorded or isinstance(found, bool) != isinstance(recorded, bool):
        yield path, found, recorded


def compare(found: dict[str, Any], recorded: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Differences in the sections that count."""
    return [
        difference
        for section in SECTIONS
        for difference in differences(section, found.get(section, MISSING), recorded.get(section, MISSING))
    ]


def plain(value: Any) -> Any:
    """Canonical data with all numbers alike, since a config may write 1 or 1.0."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def digest(content: dict[str, Any]) -> str:
    """The first 8 hex digits of SHA-256 over the sections that count, as JSON with sorted keys."""
    counted = {section: plain(canonical(content[section])) for section in SECTIONS if section in content}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()[:8]


def short(value: Any) -> str:
    """A value in a few characters."""
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def main() -> int:
    """Run the check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", type=Path, help="the recorded configs")
    parser.add_argument("pattern", nargs="?", default="*", help="names to check, such as 'pspnet*'")
    parser.add_argument("--all", action="store_true", help="print every difference, not the first of each name")
    parser.add_argument("--digests", type=Path, help="write the digest of each equal name to this file")
    args = parser.parse_args()
    digests = {}
    recorded = json.loads(gzip.decompress(args.configs.read_bytes()))
    counts = {"equal": 0, "named": 0, "unequal": 0}
    for path, content in sorted(recorded.items()):
        name = Path(path).stem
        if not (fnmatch.fnmatch(name, args.pattern) or fnmatch.fnmatch(path, args.pattern)):
            continue
        try:
            found = compare(canonical(compose(name).to_dict()), content)
        except ConfigError as error:
            found = [("", str(error), MISSING)]
        deviation = DEVIATIONS.get(name)
        expected = deviation.keys if deviation else ()
        surprising = [difference for difference in found if not difference[0].startswith(expected or ("?",))]
        if not found and deviation:
            surprising = [("", "equal, though listed as different", deviation.reason)]
        kind = "unequal" if surprising else "named" if found else "equal"
        counts[kind] += 1
        if kind == "equal":
            digests[name] = digest(content)
        if surprising:
            print(f"{path}: UNEQUAL ({len(surprising)} differences)")
        elif deviation:
            print(f"{path}: by the name; the reference {deviation.reason}")
        for key, ours, theirs in (surprising or found) if args.all else (surprising or found)[:1]:
            print(f"    {key}: {short(ours)}, recorded {short(theirs)}")
    if args.digests:
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(digests.items()))
        args.digests.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    print(f"{counts['equal']} equal, {counts['named']} by the name instead (listed), {counts['unequal']} unequal")
    return 1 if counts["unequal"] or not sum(counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
