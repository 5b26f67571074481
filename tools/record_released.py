"""Write segue/reference/released.txt: digests of the files of released versions of mmseg.

    python tools/record_released.py FOLDER_OR_WHEEL ...

Each argument is a wheel of mmsegmentation, or a folder that holds the package mmseg. Digests are kept, no source.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from segue.reference import released


def texts(source: Path) -> Iterator[str]:
    """The package's Python files."""
    if source.is_dir():
        yield from (file.read_text(encoding="utf-8") for file in sorted((source / "mmseg").rglob("*.py")))
        return
    with zipfile.ZipFile(source) as wheel:
        for name in sorted(wheel.namelist()):
            if name.startswith("mmseg/") and "/.mim/" not in name and name.endswith(".py"):
                yield wheel.read(name).decode("utf-8")


def main() -> None:
    """Read all, write once."""
    found: set[str] = set()
    for argument in sys.argv[1:]:
        for text in texts(Path(argument)):
            found |= released.digests(text)
    target = Path(released.__file__).with_name("released.txt")
    target.write_text("".join(f"{line}\n" for line in sorted(found)), encoding="ascii")
    print(f"{len(found):,} digests in {target}")


if __name__ == "__main__":
    main()
