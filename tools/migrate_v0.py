"""Translate every config of mmseg 0.x and compare its model with that of the 1.x config of the same name.

    python tools/migrate_v0.py CONFIGS_0X_DIR [CONFIGS_1X_DIR]

The folders are the ``configs`` of mmsegmentation 0.30.0 and 1.2.2 (in their wheels: ``mmseg/.mim/configs``). Every
config is read, translated and checked; every distinct model is built, without memory for its weights. With the second
folder the model section is compared with that of the config of the same parts of name (``512x1024_40k_cityscapes`` is
``4xb2-40k_cityscapes-512x1024``), and where the sections differ, the names and shapes of the weights.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.progress import track

from segue.config import Config
from segue.config.builder.build import build_model, check
from segue.config.v0 import is_v0, migrate
from segue.errors import SegueError

SUFFIXES = (".py", ".yml", ".yaml", ".json")
#: parts of 1.x names that 0.x names lack, or that both write differently
ALIASES = {"fp16": "amp", "8x1": "", "8x2": "", "8x4": "", "4x4": "", "16x1": "", "sstrong": ""}


def configs(folder: Path) -> list[Path]:
    """The configs below a folder that are no bases."""
    return sorted(p for p in folder.rglob("*.py") if "_base_" not in p.parts)


def key_of(path: Path, root: Path) -> tuple[str, tuple[str, ...]]:
    """The folder, and the parts of the name in any order, without batch sizes."""
    parts = re.split(r"[-_+]", path.stem.lower())
    kept = [ALIASES.get(part, part) for part in parts if not re.fullmatch(r"\d+xb\d+", part)]
    return path.relative_to(root).parts[0], tuple(sorted(part for part in kept if part))


def digest(model: Any) -> str:
    """A model section as text, without what concerns the weights it starts from and how the data enters it."""
    return json.dumps(plain(model), sort_keys=True, default=str)


def plain(node: Any) -> Any:
    """Lists for tuples; nothing of pretrained weights and preprocessing."""
    if isinstance(node, Mapping):
        skip = ("data_preprocessor", "pretrained", "init_cfg")
        return {k: plain(v) for k, v in node.items() if k not in skip}
    return [plain(v) for v in node] if isinstance(node, (list, tuple)) else node


def shapes(cfg: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of a config's model."""
    try:
        with torch.device("meta"):
            model = build_model(cfg)
    except (NotImplementedError, RuntimeError):  # a constructor that computes with numbers needs real ones
        model = build_model(cfg)
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


class Zoo:
    """The 1.x configs, read when they are asked for."""

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self.by_key: dict[Any, list[Path]] = defaultdict(list)
        self.by_folder: dict[str, list[Path]] = defaultdict(list)
        self.read: dict[Path, Config] = {}
        for path in configs(root) if root else ():
            self.by_key[key_of(path, root)].append(path)  # type: ignore[arg-type]
            self.by_folder[path.relative_to(root).parts[0]].append(path)  # type: ignore[arg-type]

    def config(self, path: Path) -> Config:
        """A config, read once."""
        if path not in self.read:
            self.read[path] = Config.fromfile(path)
        return self.read[path]

    def find(self, path: Path, root: Path, model: str) -> tuple[Path | None, str]:
        """The 1.x config of a 0.x one: by its name, else one of its folder with the same model."""
        key = key_of(path, root)
        if len(self.by_key.get(key, ())) == 1:
            return self.by_key[key][0], "name"
        for other in self.by_folder.get(key[0], ()):
            if digest(self.config(other).get("model")) == model:
                return other, "model"
        return None, ""


def main() -> int:
    """Translate all, print what differs, and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, help="the configs folder of mmseg 0.x")
    parser.add_argument("new", type=Path, nargs="?", help="the configs folder of mmseg 1.x")
    parser.add_argument("--no-build", action="store_true", help="compare sections only")
    args = parser.parse_args()
    zoo, counts, said = Zoo(args.new), Counter[str](), []
    built: dict[str, dict[str, tuple[int, ...]] | str] = {}
    files = configs(args.old)

    def weights(cfg: Config) -> dict[str, tuple[int, ...]] | str:
        name = digest(cfg["model"])
        if name not in built:
            try:
                built[name] = shapes(cfg)
            except SegueError as error:
                built[name] = str(error).splitlines()[-1]
        return built[name]

    for path in track(files, "translating", disable=not sys.stderr.isatty()):
        name = path.relative_to(args.old).as_posix()
        try:
            cfg = Config.fromfile(path)
            counts["resolve"] += 1
            assert is_v0(cfg)
            new = migrate(cfg).cfg
            counts["migrate"] += 1
        except (SegueError, AssertionError) as error:
            said.append(f"{name}: is not translated: {error}")
            continue
        again = Config.fromstring(new.pretty_text, ".py")
        counts["written and read again"] += plain(again.to_dict()) == plain(new.to_dict()) and not is_v0(again)
        problems = [p for p in check(new) if not p.key.startswith("model")]
        counts["data and metrics check"] += not problems
        said += [f"{name}: {problem}" for problem in problems[:2]]
        if not args.no_build:
            found = weights(new)
            counts["build"] += not isinstance(found, str)
            if isinstance(found, str):
                said.append(f"{name}: does not build: {found}")
        if args.new:
            said += compare(name, path, new, args, zoo, counts, None if args.no_build else weights)
    print(*said, sep="\n")
    print(f"{len(files)} configs: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    return 0


def compare(
    name: str, path: Path, new: Config, args: argparse.Namespace, zoo: Zoo, counts: Counter[str], weights: Any
) -> list[str]:
    """Count what a translated config has in common with its 1.x counterpart; says what it has not."""
    own = digest(new["model"])
    other, how = zoo.find(path, args.old, own)
    if other is None:
        counts["without counterpart"] += 1
        return [f"{name}: 1.x has no config of that name, nor one of that model"]
    theirs = zoo.config(other)
    counts[f"counterpart by {how}"] += 1
    said = []
    before, after = (plain(c["model"].get("data_preprocessor") or {}) for c in (new, theirs))
    counts["same preprocessing"] += before == after
    if before != after:
        said.append(f"{name}: data_preprocessor is {before}, in {other.name} {after}")
    if own == digest(theirs["model"]):
        counts["same model section"] += 1
        counts["same model"] += 1
        return said
    difference = first_difference(plain(new["model"]), plain(theirs["model"]))
    mine, others = (weights(new), weights(theirs)) if weights else ("", "")
    same = mine == others and not isinstance(mine, str)
    counts["same model"] += same
    said.append(f"{name}: {difference} in {other.name}; {'the same weights' if same else 'other weights'}")
    return said


def first_difference(a: Any, b: Any, path: str = "model") -> str:
    """``model.decode_head.channels is 512, but 256``: the first place where two sections differ."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in {**a, **b}:
            if a.get(key) != b.get(key) or (key in a) != (key in b):
                return first_difference(a.get(key), b.get(key), f"{path}.{key}")
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (x, y) in enumerate(zip(a, b, strict=True)):
            if x != y:
                return first_difference(x, y, f"{path}.{index}")
    return f"{path} is {str(a)[:80]}, but {str(b)[:80]}"


if __name__ == "__main__":
    sys.exit(main())
