"""``segue weights fetch`` and ``segue weights list``: have files here before a machine without network needs them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue.checkpoints.downloads.catalogue import Entry

STYLES = {"here": "green", "wrong bytes": "bold red", "missing": "dim"}


def add_fetch(actions: Any) -> None:
    """Declare ``fetch``."""
    from segue.cli import add_config_options, add_download_options

    fetch = actions.add_parser("fetch", help="download weights, or what configs and recipes start from, and check them")
    fetch.add_argument("names", nargs="*", metavar="NAME", help="alias, URL, hf://org/name, config file, or recipe")
    fetch.add_argument("--config", action="append", default=[], help="a config file, as NAME")
    fetch.add_argument("--all", action="store_true", help="of recipes: the published trained weights too")
    fetch.add_argument(
        "--dest", type=Path, metavar="DIR", help="copy what is named there; of recipes config and trained weights"
    )
    fetch.add_argument("--sha256", help="hash that the one file must have, also if another one is recorded")
    fetch.add_argument(
        "--renew", action="store_true", help="of hf://org/name@revision: take what the branch or tag is now"
    )
    add_download_options(fetch)
    add_config_options(fetch)


def add_list(actions: Any) -> None:
    """Declare ``list``."""
    show = actions.add_parser("list", help="the weights that recipes use: whether they are here, and their hashes")
    show.add_argument("pattern", nargs="?", default="*", help="of aliases, URLs or recipes: '*swin*', 'ocrnet*'")
    show.add_argument("--all", action="store_true", help="the published trained weights too")
    show.add_argument("--json", action="store_true", help="print JSON")


def run_fetch(args: argparse.Namespace) -> int:
    """Get each file; the others are still fetched when one fails."""
    from segue.checkpoints import fetch
    from segue.checkpoints.downloads.catalogue import look_up
    from segue.checkpoints.hub.address import is_hub
    from segue.errors import InputError, SegueError, refuse

    names = (*args.names, *args.config)
    dest = args.dest
    of_config = {"--cfg-options": args.cfg_options, "--trust-config": args.trust_config}
    of_recipe = {"--all": args.all}
    if names and not any(is_config(name) or is_recipe(name) for name in names):
        refuse(of_config, "only for configs and recipes, and none is named")
    if names and not any(is_recipe(name) for name in names):
        refuse(of_recipe, "only for recipes, and none is named")
    wanted = list(dict.fromkeys(source for name in names for source in sources_of(name, args)))
    named = {source for name in names for source in named_sources(name)}
    if not args.names and not args.config:
        raise InputError("name what to fetch: an alias, a URL, a recipe, or --config CONFIG")
    if not any(map(is_hub, wanted)):
        refuse({"--renew": args.renew}, "only of models of a hub, and none is named")
    if args.sha256 and len(wanted) != 1:
        raise InputError(f"--sha256 is the hash of one file, and {len(wanted)} are wanted")
    from segue.system.shown import visible

    if dest is not None:
        for path in configs_written([name for name in names if is_recipe(name)], dest, args):
            print(visible(str(path)))
    failed = 0
    got = []
    for source in wanted:
        try:
            path = fetch(source, sha256=args.sha256, renew=args.renew and is_hub(source))
            if dest is not None and source in named:
                print(visible(f"{copied(path, dest)}"))
            got.append(look_up(source))
        except SegueError as error:
            failed += 1
            said = str(error) if str(error).startswith(source) else f"{source}: {error}"
            print(visible(said), file=sys.stderr)
    if got:
        table([(entry, None) for entry in got])
    print(f"{len(got)} of {len(wanted)} files are here")
    return 1 if failed else 0


def is_config(name: str) -> bool:
    """Whether a word is the path of a config."""
    from segue.config.load import EXTENSIONS

    return "://" not in name and name.endswith(EXTENSIONS)


def is_recipe(name: str) -> bool:
    """Whether a word is the name of a recipe."""
    from segue.recipes import is_recipe_name

    return "://" not in name and is_recipe_name(name)


def sources_of(name: str, args: argparse.Namespace) -> list[str]:
    """What a word means: itself, or the weights of a config or recipe."""
    from segue.config.builder.pretrained import needed_weights
    from segue.recipes import published_weights
    from segue.recipes.open import read_config

    recipe = is_recipe(name)
    if not recipe and not is_config(name):
        return [name]
    found = needed_weights(read_config(name, args.cfg_options, trust=args.trust_config))
    published = published_weights(name) if recipe and (args.all or args.dest is not None) else None
    return found + ([published] if published else [])


def named_sources(name: str) -> list[str]:
    """What ``--dest`` copies of a word: the file itself, or a recipe's trained weights."""
    from segue.recipes import published_weights

    if is_recipe(name):
        published = published_weights(name)
        return [published] if published else []
    return [] if is_config(name) else [name]


def copied(path: Path, folder: Path) -> Path:
    """A copy of a file in a folder, complete or not there; of a model of a hub one of each of its files."""
    import shutil

    from segue.checkpoints.folder import model_files
    from segue.system.replaced import replaced

    if path.is_dir():
        return [copied(path / name, folder) for name in model_files(path)][-1].parent

    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    with replaced(target) as part:
        shutil.copyfile(path, part)
    return target


def configs_written(recipes: list[str], folder: Path, args: argparse.Namespace) -> list[Path]:
    """The config of each recipe as ``NAME.py`` in a folder."""
    from segue.recipes.open import read_config
    from segue.system.replaced import replaced

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in recipes:
        written.append(folder / f"{name}.py")
        with replaced(written[-1]) as part:
            cfg = read_config(name, args.cfg_options, trust=args.trust_config)
            part.write_text(cfg.pretty_text, encoding="utf-8")
    return written


def run_list(args: argparse.Namespace) -> int:
    """Print the catalogue."""
    from segue.checkpoints.downloads.catalogue import look_up
    from segue.errors import InputError
    from segue.recipes.weights import all_weights

    rows = [(look_up(source), users) for source, users in all_weights(args.pattern, trained=args.all)]
    if not rows:
        raise InputError(f"no weights of recipes match {args.pattern!r}; 'segue weights list' shows them all")
    if args.json:
        print(json.dumps([{**entry.as_dict(), "recipes": users} for entry, users in rows], indent=1))
        return 0
    table([(entry, len(users or ())) for entry, users in rows])
    here = sum(entry.state == "here" for entry, _ in rows)
    print(f"{len(rows)} files, {here} here")
    return 0


def table(rows: list[tuple[Entry, int | None]]) -> None:
    """One line per file; names are to be copied whole."""
    from rich.console import Console
    from rich.table import Table

    from segue.system.shown import escape

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("weights", "here", "MB", "SHA-256", "from", "recipes"):
        shown.add_column(title, no_wrap=True, justify="right" if title in ("MB", "recipes") else "left")
    for entry, users in rows:
        shown.add_row(
            escape(entry.source),
            f"[{STYLES[entry.state]}]{entry.state}[/]",
            f"{entry.size / 1e6:.1f}" if entry.size is not None else "-",
            (entry.sha256 or "-")[:16],
            entry.known_by or "-",
            str(users) if users is not None else "",
        )
    Console(width=max(Console().width, 60 + max(len(entry.source) for entry, _ in rows))).print(shown)
