"""Check that configs resolve to recorded content.

Usage: python tools/config_digests.py CONFIGS_DIR INDEX_JSON

INDEX_JSON["resolved"] maps the path of each config below CONFIGS_DIR to its digest: the first 16 hex digits of the
SHA-256 of its resolved content as JSON, keys sorted and as text, tuples as lists.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from segue.config import Config
from segue.errors import ConfigError


def canonical(value: Any) -> Any:
    """A value as JSON data: keys as text, tuples as lists."""
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    return value


def digest(value: Any) -> str:
    """The digest of resolved content."""
    return hashlib.sha256(json.dumps(canonical(value), sort_keys=True).encode()).hexdigest()[:16]


def check(configs: Path, recorded: dict[str, str]) -> list[str]:
    """A line for each config that cannot be loaded or resolves to something else."""
    faults = []
    for name, expected in sorted(recorded.items()):
        try:
            found = digest(Config.fromfile(configs / name).to_dict())
        except ConfigError as error:
            faults.append(f"{name}: {error}")
            continue
        if found != expected:
            faults.append(f"{name}: digest {found}, recorded {expected}")
    return faults


def main() -> int:
    """Run the check; the exit code is 0 only if every config was checked and agrees."""
    parser = argparse.ArgumentParser(description="Check that configs resolve to recorded content.")
    parser.add_argument("configs", type=Path, help="the folder of the configs")
    parser.add_argument("index", type=Path, help="the JSON file with the recorded digests")
    args = parser.parse_args()
    recorded = json.loads(args.index.read_text(encoding="utf-8"))["resolved"]
    start = time.perf_counter()
    faults = check(args.configs, recorded)
    seconds = time.perf_counter() - start
    for fault in faults:
        print(fault)
    right = len(recorded) - len(faults)
    print(f"{right} of {len(recorded)} configs resolve to the recorded digests in {seconds:.1f} s")
    return 0 if recorded and not faults else 1


if __name__ == "__main__":
    sys.exit(main())
