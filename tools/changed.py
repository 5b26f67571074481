"""Which tests belong to what has changed: the part of ``nox -s quick`` that differs from one edit to the next.

    python tools/changed.py [FILE ...]

prints what to give to pytest, one a line. Without files they are those that differ from the main branch, committed or
not; on the main branch itself, from its last published state.

A file's tests are those of its room, ``segue/heads/psp.py`` -> ``tests/heads``. Of a large room they are the tests that
mirror the file or name its module. Of the contract tests, which train every model of the zoo for a step, a few models
are taken: those that hold a changed component, and some that together hold the usual ones.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: Rooms whose tests take longer than a coffee is poured: whole commands, trainings, thousands of files.
LARGE_ROOMS = ("checkpoints", "cli", "compat", "migration", "recipes", "training", "transforms")
#: Models that the contract is always tried with: a convolutional one, a transformer, a cascade, one of masks.
SAMPLE = ("pspnet_r18", "segformer_b0", "ocrnet_hr18s")
MOST = 6  # models with changed components; each takes two or three seconds
CONTRACT = "tests/test_contract.py"
COMPONENTS = ("backbones", "necks", "heads", "losses", "models")


def git(*arguments: str) -> list[str]:
    """Lines that git prints; none where it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def changed_files() -> list[str]:
    """Paths that differ from the main branch, sorted, new files among them."""
    on_main = git("branch", "--show-current") == ["main"]
    bases = (git("merge-base", "HEAD", ref) for ref in ("origin/main" if on_main else "main", "origin/main"))
    base = next((found[0] for found in bases if found), "HEAD")
    return sorted({*git("diff", "--name-only", base), *git("ls-files", "--others", "--exclude-standard")})


def tests_of(path: str) -> Iterator[str]:
    """Files and folders below ``tests/`` that try one changed file."""
    parts = Path(path).parts
    if parts[0] not in ("segue", "tests") or len(parts) < 2 or not path.endswith((".py", ".json", ".gz", ".j2")):
        return
    if parts[0] == "tests" and Path(path).name.startswith("test_"):
        yield path
    elif len(parts) == 2:
        yield "/".join(("tests", f"test_{parts[1]}"))
    elif parts[1] not in LARGE_ROOMS:
        yield f"tests/{parts[1]}"
    elif parts[0] == "tests":
        yield Path(path).parent.as_posix()
    else:
        mirror = Path("tests", *parts[1:-1])
        yield (mirror / f"test_{parts[-1]}").as_posix()
        module = re.compile(rf"\b{re.escape('.'.join(parts).removesuffix('.py').removesuffix('.__init__'))}\b")
        for test in sorted((ROOT / "tests" / parts[1]).rglob("test_*.py")):
            if module.search(test.read_text(encoding="utf-8")):
                yield test.relative_to(ROOT).as_posix()


def types_in(node: Any) -> Iterator[str]:
    """Every ``type`` below a node of a config, without scope, lower case, without underscores."""
    if isinstance(node, list):
        for item in node:
            yield from types_in(item)
    elif isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield node["type"].rpartition(".")[2].lower().replace("_", "")
        yield from types_in(list(node.values()))


def models_with(paths: Iterable[str]) -> list[str]:
    """The recorded models that hold a component of one of the files; at most `MOST`, spread evenly."""
    stems = {
        path.stem.lower().replace("_", "")
        for path in map(Path, paths)
        if path.parts[0] == "segue" and len(path.parts) > 2 and path.parts[1] in COMPONENTS and path.suffix == ".py"
    }
    found = []
    for file in sorted((ROOT / "tests" / "goldens").glob("*.json.gz")) if stems else []:
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            model = json.load(stream).get("config", {})
        if "model" in model and any(name.startswith(stem) for name in types_in(model["model"]) for stem in stems):
            found.append(file.name.removesuffix(".json.gz"))
    step = -(-len(found) // MOST) if found else 1
    return found[::step]


def selection(paths: Iterable[str]) -> list[str]:
    """What to give to pytest for changed files: what exists, and nothing inside a folder that is listed as well."""
    paths = list(paths)
    wanted = {test for path in paths for test in tests_of(path) if (ROOT / test).exists()}
    wanted -= {"tests", "tests/goldens", "tests/test_house.py", CONTRACT}
    wanted = {test for test in wanted if not any(parent.as_posix() in wanted for parent in Path(test).parents)}
    models = dict.fromkeys([*SAMPLE, *models_with(paths)])
    contract = [f"{CONTRACT}::test_a_model_trains_saves_loads_and_predicts[{name}]" for name in models]
    whole = f"{CONTRACT}::test_every_component_is_in_a_model"
    return ["tests/test_house.py", whole, *contract, *sorted(wanted)]


if __name__ == "__main__":
    print("\n".join(selection(sys.argv[1:] or changed_files())))
