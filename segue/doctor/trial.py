"""Every proposal is tried before it is made: a dataset of the user may not take it, or take it and do nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segue.doctor.findings import Finding, Fix
from segue.doctor.sources import Source, built_with, rules_of
from segue.doctor.tally import Tally
from segue.doctor.values import with_fixes
from segue.errors import SegueError

_OF_LABELS = ("label_map", "ignore_index", "reduce_zero_label")


def try_fixes(
    cfg: Mapping[str, Any], sources: Sequence[Source], tallies: Sequence[Tally], findings: Sequence[Finding]
) -> None:
    """Complete the settings of findings for a config, and take away those that its datasets do not do."""
    for finding in findings:
        mine = [fix for fix in finding.fixes if fix.keys[0].rpartition(".")[2] in _OF_LABELS]
        if not mine or any(source.stacks for source in sources):
            continue
        finding.fixes = [*finding.fixes, *(fix for source in sources for fix in _of_steps(source, mine))]
        for source, tally in zip(sources, tallies, strict=True):
            refusal = next((text for key in source.keys if (text := _refusal(cfg, key, source, tally, mine))), "")
            if refusal:
                lines = ", ".join(fix.line for fix in mine)
                finding.message = f"{finding.message.rstrip(':. ')}. {lines} would mend it, but {refusal}"
                finding.fixes = []
                break


def _of_steps(source: Source, fixes: Sequence[Fix]) -> list[Fix]:
    """The same setting of steps that have one of their own, which must not contradict the dataset's."""
    found = []
    for fix in fixes:
        name = fix.keys[0].rpartition(".")[2]
        for at, steps in source.pipelines.items():
            if name != "reduce_zero_label" or f"{at}.{name}" not in fix.keys:
                continue
            found += [
                Fix((f"{at}.pipeline.{i}.{name}",), fix.value)
                for i, step in enumerate(steps)
                if step.get(name) not in (None, fix.value)
            ]
    return found


def _refusal(cfg: Mapping[str, Any], key: str, source: Source, tally: Tally, fixes: Sequence[Fix]) -> str:
    """Why a dataset does not do what the settings say; empty where it does, and where they are not its own."""
    changes = {
        fix.keys[0].rpartition(".")[2]: fix.value
        for fix in fixes
        if any(at.rpartition(".")[0] == key for at in fix.keys)
    }
    if not changes:
        return ""
    names = " and ".join(changes)
    try:
        rules = rules_of(built_with(cfg, key, changes), source.rules.classes is not None)
    except (SegueError, TypeError, ValueError) as error:
        return f"{source.kind} does not take {names} ({str(error).splitlines()[0]}); let its __init__ pass it on"
    expected = with_fixes(source.rules, fixes)
    if expected.ids(tally.pixels) != rules.ids(tally.pixels):
        return f"{source.kind} takes {names} and does not use it; let its __init__ pass it to BaseSegDataset"
    return ""
