"""Which public names of mmseg 1.2.2, mmengine 0.10.7 and mmcv 2.1.0 `segue.compat` answers.

    python tools/names.py          # counts
    python tools/names.py --all    # and every name that is refused, with the reason

A name resolves, or is refused with a hint, or (a fault) neither. Counted are the names of ``__all__`` of the public
modules, then the names of every module that defines some, then the component classes where they are defined.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter

import segue.compat
from segue.reference.public import classes, public_names


def answer(module: str, name: str) -> tuple[str, str]:
    """``resolves``, ``hint`` or ``neither``, and what was said."""
    try:
        getattr(importlib.import_module(module), name)
    except ImportError as error:
        return ("neither" if "Segue's own code is in" in str(error) else "hint"), str(error)
    except AttributeError as error:
        return "neither", str(error)
    return "resolves", ""


def main() -> None:
    """Ask for every name."""
    segue.compat.install(force=True)
    groups = {
        "public names": [(m, n) for m, names in public_names(public=True).items() for n in names],
        "names of all modules": [(m, n) for m, names in public_names(public=False).items() for n in names],
        "component classes": [(module, name) for name, module in classes().items()],
    }
    for title, wanted in groups.items():
        answers = [(module, name, *answer(module, name)) for module, name in wanted]
        count = Counter(kind for *_, kind, _ in answers)
        share = 100 * count["resolves"] / len(answers)
        print(f"{title}: {len(answers)}; {count['resolves']} resolve ({share:.1f} %), {count['hint']} are refused with "
              f"a hint, {count['neither']} neither")  # fmt: skip
        if "--all" in sys.argv:
            for module, name, kind, said in answers:
                if kind != "resolves":
                    print(f"  {kind:8} {module}.{name}: {said}")


if __name__ == "__main__":
    main()
