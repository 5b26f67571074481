"""Run the table and print what came of each row."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.tutorials.rows import FIRST, ROWS
from tests.tutorials.run import outcome, prepared


def main() -> int:
    """Print a line per row; the status is the number of rows that did not run as they should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only rows whose text has all of these")
    parser.add_argument("--tools", type=Path, help="the folder tools/ of mmseg 1.2.2")
    parser.add_argument("--folder", type=Path, help="where to work (default: a new temporary folder)")
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.mkdtemp(prefix="segue-tutorials-"))
    prepared(folder)
    wrong = 0
    chosen = [row for row in ROWS if all(word in f"{row.seed} {row.item}" for word in args.words)]
    for row in (*FIRST, *chosen):
        result, good = outcome(row, folder, args.tools)
        wrong += not good
        print(f"{row.seed:5} {row.item[:78]:80} {result}", flush=True)
    print(f"{len(chosen)} rows, {wrong} wrong; in {folder}")
    return wrong


if __name__ == "__main__":
    raise SystemExit(main())
