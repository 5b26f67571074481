"""A config or a folder into a pack, and the settings that use it on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from segue.convert.pack import pack_config, pack_folder
from segue.errors import refuse
from segue.recipes.open import read_config
from segue.system.shown import escape


def pack_target(
    target: str | Path,
    out: str | Path,
    *,
    splits: Sequence[str] | None = None,
    workers: int | None = None,
    cfg_options: Sequence[str] = (),
    trust: bool = False,
) -> list[str]:
    """See `segue.api.pack`."""
    console = Console()
    if Path(target).is_dir():
        given = {"--splits": splits, "--cfg-options": cfg_options, "--trust-config": trust}
        refuse(given, "only for a config; this is a folder, all of which is packed")
        made = pack_folder(target, out, workers, console)
        settings = [f"pack={entry.folder}" for entry in made]
        advice = "Read it by this argument of the dataset, whose data_root is the folder:"
    else:
        made = pack_config(read_config(target, cfg_options, trust=trust), out, splits or ("train",), workers, console)
        settings = [f"{key}.pack={entry.folder}" for entry in made for key in entry.keys]
        advice = "Read it by these settings, in the config or after --cfg-options:"
    console.print(escape("\n  ".join([advice, *settings])), highlight=False, soft_wrap=True)
    return settings
