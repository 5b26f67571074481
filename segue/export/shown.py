"""What an export found, as a table on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from segue.export.make import Exported
from segue.system.shown import escape


def show(made: Exported) -> None:
    """The comparisons as a table, and what became of the file."""
    table = Table("compared on", "largest difference", "labels that agree", "near-ties", box=None, pad_edge=False)
    for one in made.comparisons:
        far = "-" if one.largest is None else f"{one.largest:.2g}"
        mark = "" if not one.wrong else f"  [bold red]{escape(one.wrong)}[/]"
        table.add_row(escape(one.name), far, f"{one.agreement:.3%}{mark}", f"{one.near_ties:.2%}")
    console = Console(soft_wrap=True)
    console.print(table)
    for line in made.certificate["input"]["lost"]:
        console.print(f"sizes: {escape(line)}", highlight=False)
    for name in made.skipped:
        console.print(f"not compared: {escape(name)}", highlight=False)
    far = made.certificate["first_diverging"]
    if far is not None:
        console.print(
            f"first layer that differs: {escape(far['layer'])}, after {escape(far['after'])}", highlight=False
        )
    if "int8" in made.certificate:
        _show_int8(console, made.certificate["int8"], made.certificate["classes"])
    said = "certified" if made.good else "refused"
    console.print(f"{said}: {escape(str(made.file))}; certificate in {escape(str(made.beside))}", highlight=False)


def _show_int8(console: Console, found: Mapping[str, Any], classes: Sequence[str]) -> None:
    """What int8 loses, in all and of the classes that lose most, and what was left in float."""
    if "mIoU" in found:
        before, after = found["mIoU"]
        console.print(f"mIoU: {before:.2f} before, {after:.2f} after", highlight=False)
        lost = {name: b - a for name, (b, a) in zip(classes, found["IoU_by_class"], strict=False) if b is not None}
        worst = [f"{escape(name)} {-lost[name]:+.2f}" for name in sorted(lost, key=lambda name: -lost[name])[:5]]
        console.print(f"IoU by class, the largest losses: {', '.join(worst)}", highlight=False)
    agreement = f"{found['agreement']:.3%} of the labels are the model's, on {found['images']} images"
    kept = f"{len(found['kept_in_float'])} of {found['layers']} layers are left in float"
    console.print(f"{agreement}; {kept}", highlight=False)
