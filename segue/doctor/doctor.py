"""The label doctor: look at every image and mask of a config or a folder, and say what is wrong and what mends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console

from segue.config.nodes import other_class_counts
from segue.doctor.colors import color_fixes
from segue.doctor.deep_images import judge_deep
from segue.doctor.facts import Facts
from segue.doctor.files import classes_seen, ignored_row, judge_classes, judge_files, leaks, per_class, turned_fixes
from segue.doctor.findings import Finding, Fix, by_severity
from segue.doctor.known import known_rules
from segue.doctor.layout import NOTHING, Given, Layout, recognize, sources_of_layout
from segue.doctor.pictures import unusual_bands
from segue.doctor.rules import Rules
from segue.doctor.shares import Share
from segue.doctor.sources import Source, sources_of
from segue.doctor.stack_values import judge_stacks, propose_absent
from segue.doctor.tally import Tally, merged
from segue.doctor.trial import try_fixes
from segue.doctor.unnamed import judge_guessed, judge_unnamed
from segue.doctor.values import judge_known, judge_values, with_fixes
from segue.system.bars import shown
from segue.system.cores import default_workers, in_parallel


@dataclass
class Report:
    """What a check found.

    Attributes:
        target: the config or folder.
        sources, tallies: the datasets, and the sums over each.
        findings: errors first.
        mended: per dataset, its rules with the proposed settings.
        layout: what was recognized in a folder; None for a config.
        cfg: the config; None for a folder.
        missing: where the files were shared out, the shares that others have still to look at; nothing is judged.
    """

    target: str
    sources: list[Source]
    tallies: list[Tally]
    findings: list[Finding] = field(default_factory=list)
    mended: list[Rules] = field(default_factory=list)
    layout: Layout | None = None
    cfg: Mapping[str, Any] | None = None
    missing: list[int] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """The findings that training would stumble over."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def fixes(self) -> list[Fix]:
        """All settings that are proposed, each once."""
        found: dict[tuple[tuple[str, ...], str], Fix] = {}
        for finding in self.findings:
            for fix in finding.fixes:
                found.setdefault((fix.keys, fix.source), fix)
        return list(found.values())

    def classes(self, index: int) -> list[Mapping[str, object]]:
        """Pixels and image frequency per class of one dataset, as the proposed settings read it."""
        return per_class(self.tallies[index], self.mended[index])

    def ignored(self, index: int) -> Mapping[str, object] | None:
        """Pixels of one dataset that the proposed settings leave out; None where there are none."""
        return ignored_row(self.tallies[index], self.mended[index])


def check_config(
    cfg: Mapping[str, Any],
    *,
    name: str = "",
    workers: int | None = None,
    share: Share | None = None,
    console: Console | None = None,
) -> Report:
    """Check the datasets of a config; of a ``share``, its files, and all that were found if it is the last."""
    report = _scanned(Report(name, sources_of(cfg), [], cfg=cfg), workers, share, console)
    if report.missing:
        return report
    try_fixes(cfg, report.sources, report.tallies, report.findings)
    report.findings += _class_counts(cfg, report.sources)
    for finding in report.findings:
        finding.fixes = [fix for fix in finding.fixes if _has_place(cfg, fix)]
    if cfg.get("labels") is not None:
        for finding in report.findings:
            finding.fixes = [_in_contract(fix) for fix in finding.fixes]
    report.findings = by_severity(report.findings)
    return report


def check_folder(
    folder: str | Path,
    *,
    num_classes: int | None = None,
    images: str | None = None,
    masks: str | None = None,
    given: Given = NOTHING,
    workers: int | None = None,
    share: Share | None = None,
    console: Console | None = None,
) -> Report:
    """Check a folder of images and masks; ``images`` and ``masks`` name the folders if they cannot be guessed,
    ``given`` what else their names do not tell, ``share`` which files to look at.
    """
    layout = recognize(folder, images, masks, given)
    rules, usual = known_rules(layout, num_classes)
    report = Report(str(folder), sources_of_layout(layout, rules, usual), [], layout=layout)
    unusual = [finding for source in report.sources if (finding := unusual_bands(source)) is not None]
    report = _scanned(report, workers, share, console)
    if report.missing:
        return report
    report.findings += unusual
    report.findings += [Finding("layout", "note", "all", note) for note in layout.notes]
    report.findings = by_severity(report.findings)
    return report


def _scanned(report: Report, workers: int | None, share: Share | None, console: Console | None) -> Report:
    """Fill in tallies and findings."""

    def looked_at(source: Source) -> Iterator[Facts]:
        pairs = source.pairs if share is None else share.mine(source.pairs)
        facts = in_parallel(source.examine, pairs, workers or default_workers())
        yield from shown(facts, len(pairs), f"reading {source.split}", console)

    if share is None:
        found = [looked_at(source) for source in report.sources]
    else:
        share.write(report.sources, chain.from_iterable(looked_at(source) for source in report.sources))
        report.missing = share.missing
        if report.missing:
            return report
        found = share.joined(report.sources)
    for facts in found:
        tally = Tally()
        for one in facts:
            tally.add(one)
        report.tallies.append(tally)
    report.findings, report.mended = judge(report.sources, report.tallies)
    return report


def judge(sources: Sequence[Source], tallies: Sequence[Tally]) -> tuple[list[Finding], list[Rules]]:
    """Everything that the sums say, and the rules of each dataset with the settings that this proposes."""
    found = [finding for source in sources for finding in source.findings]
    mended = [source.rules for source in sources]
    groups: dict[tuple[str, Rules], list[int]] = {}
    for index, source in enumerate(sources):
        groups.setdefault((source.kind, source.rules), []).append(index)
    for (_, rules), members in groups.items():
        # datasets that are read alike are mended alike: a small validation set may not show the mistake by itself
        split = ", ".join(dict.fromkeys(sources[i].split for i in members))
        keys = [key for i in members for key in sources[i].keys]
        counted = [i for n, i in enumerate(members) if all(sources[i].pairs != sources[j].pairs for j in members[:n])]
        tally = merged([tallies[i] for i in counted])
        if sources[members[0]].stacks:
            for i in members:
                propose_absent(sources[i], tallies[i])
            found += judge_stacks(sources[members[0]], tally, split, keys)
            continue
        of_values = judge_values(tally, rules, split, keys)
        if tally.pixels and rules.num_classes is None:
            of_values += judge_unnamed(tally, rules, split, keys)
        elif sources[members[0]].guessed:
            of_values = judge_guessed(tally, rules, split, keys) or of_values
        for finding in of_values:
            if finding.kind == "color-mask":
                finding.fixes = color_fixes(sources[members[0]], tally, rules, keys)
        if not any(f.severity == "error" and f.fixes for f in of_values):
            of_values += judge_known(sources[members[0]], split, keys)
        found += of_values
        for i in members:
            mended[i] = with_fixes(rules, [fix for finding in of_values for fix in finding.fixes])
    for source, tally in zip(sources, tallies, strict=True):
        of_files = judge_files(tally, source.split)
        for finding in of_files:
            finding.fixes = turned_fixes(source, tally) if finding.kind == "size" else finding.fixes
        found += of_files
        found += [judge_deep(source, tally)] if tally.stored else []
    train = [i for i, source in enumerate(sources) if source.split == "train"]
    seen: set[int] = set().union(*(classes_seen(tallies[i], mended[i]) for i in train))
    for source, tally, rules in zip(sources, tallies, mended, strict=True):
        others = None if source.split in ("train", "all") else seen
        found += judge_classes(tally, rules, source.split, others)
    return by_severity([*found, *leaks(sources, tallies)]), mended


def _has_place(cfg: Mapping[str, Any], fix: Fix) -> bool:
    """False of a setting of the model where the config has no such part of it."""
    parts = fix.keys[0].split(".")
    if parts[0] != "model":
        return True
    node: Any = cfg
    for part in parts[:-1]:
        node = node[int(part)] if isinstance(node, (list, tuple)) else (node or {}).get(part)
    return bool(node)


def _in_contract(fix: Fix) -> Fix:
    """The same setting as ``labels`` says it, where a config has that key: its datasets only follow."""
    name = fix.keys[0].rpartition(".")[2]
    names = {"label_map": "map", "ignore_index": "ignore", "reduce_zero_label": "offset"}
    if name not in names:
        return fix
    value = int(fix.value) if name == "reduce_zero_label" else fix.value
    return Fix((f"labels.{names[name]}",), value, fix.text)


def _class_counts(cfg: Mapping[str, Any], sources: Sequence[Source]) -> list[Finding]:
    """Heads whose ``num_classes`` is not the number of classes of the data."""
    counts = {source.rules.num_classes for source in sources if source.rules.num_classes}
    found = []
    for count in counts if len(counts) == 1 else ():
        for key, number in other_class_counts(cfg, count):
            message = f"{key} is {number}, but the data has {count} classes"
            found.append(Finding("num-classes", "error", "train", message, [], 0, [Fix((key,), count)]))
    return found
