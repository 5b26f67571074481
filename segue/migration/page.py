"""The report as one HTML page."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segue.migration.run import STAGES
from segue.migration.show import fit_said, millions, write
from segue.migration.verdict import MEANING, Report, Verdict, grouped
from segue.report.page import template

#: the class of a status in the page's style
TONES = {"as is": "good", "edits": "edits", "no": "bad", "unproven": "plain", "part": "plain"}
_MOST_FILES = 8
#: the place that a reason begins with: what stops two files at different lines is one thing
_PLACE = re.compile(r"^(line \d+ |[^ :]+:\d+: )")


@dataclass
class Step:
    """One thing to do: a sentence, perhaps a command, and the files it is about."""

    text: str
    command: str = ""
    files: Sequence[str] = ()
    more: int = 0


@dataclass
class Row:
    """A file in a table: what stands in its line, and what can be unfolded."""

    verdict: Verdict
    what: str
    tags: Sequence[tuple[str, str]] = ()
    stages: Sequence[tuple[str, str]] = ()
    diffs: Sequence[tuple[str, Sequence[tuple[str, str]]]] = ()
    notes: Sequence[str] = ()


def write_page(path: str | Path, report: Report, patch: str = "") -> Path:
    """Write the page and return its path; ``patch`` is the path of the file with all edits."""
    counts = report.counts()
    files = [v for v in report.verdicts if v.status != "part"]
    configs = [v for v in report.of("config") if v.status != "part"]
    text = template("migration.html").render(
        report=report,
        name=report.root.name,
        lead=lead(report),
        counts=counts,
        files=len(files),
        shares=[(TONES[s], MEANING[s], counts[s], 100 * counts[s] / max(len(files), 1)) for s in TONES if s != "part"],
        steps=steps(report, patch),
        obstacles=obstacles(report),
        configs=[config_row(v) for v in configs],
        modules=[module_row(v, report) for v in report.of("module")],
        scripts=[Row(v, "", diffs=lines(v), notes=v.notes) for v in report.of("script")],
        parts=[v.path for v in report.of("config") if v.status == "part"],
        seconds=clock(report.seconds),
        fit_said=fit_said(report.fit) if report.fit else "",
        picture=base64.b64encode(report.fit.picture).decode("ascii") if report.fit else "",
        meaning=MEANING,
        tones=TONES,
    )
    return write(path, text)


def lead(report: Report) -> str:
    """The outcome in a sentence or two."""
    counts = report.counts("config")
    total = sum(counts.values()) - counts["part"]
    if not total:
        return "No configs that could be run were found."
    told = [f"{counts['as is']} of {total} configs run as they are"]
    told += [f"{counts['edits']} with the edits below"] if counts["edits"] else []
    told += [f"{counts['no']} do not" if counts["no"] != 1 else "1 does not"] if counts["no"] else []
    told += [f"{counts['unproven']} were not run, because they need the project's code"] if counts["unproven"] else []
    text = told[0] if len(told) == 1 else f"{', '.join(told[:-1])}, and {told[-1]}"
    how = "Each was built, trained for one step and asked for a prediction, on generated images"
    return f"{text}. {how} that went through its own data pipeline. Nothing in the project was changed."


def steps(report: Report, patch: str) -> list[Step]:
    """What to do, the most useful first."""
    found = []
    if report.packages:
        files = sorted({file for listed in report.packages.values() for file in listed})
        found.append(Step("Install what the project imports and this environment lacks.",
                          f"pip install {' '.join(report.packages)}", files))  # fmt: skip
    if report.patch and patch:
        text = "Apply the edits. Each was tried on a copy, and what needs it runs with it."
        found.append(Step(text, f"cd {report.root} && patch -p1 < {Path(patch).resolve()}"))
    for text, files in report.changes():
        if not text.startswith("as "):
            found.append(Step(f"{text[:1].upper()}{text[1:]}.", "", files))
    for folder in report.vendored:
        used = "what is your own in it, by content, is used where it lies, and all else is Segue's"
        if folder.rpartition("/")[2] != "mmseg":
            used = "nothing in it is used: Segue has its own; rename or remove it, since Python would find it first"
        found.append(Step(f"{folder}/ is a copy of a package that Segue stands in for: {used}."))
    if report.engine:
        text = "These files differ from every release of mmseg, and Segue's own are used in their place: training, "
        text += "datasets' bases and pipelines are Segue's. What they do beside that is to be written anew."
        found.append(Step(text, "", report.engine))
    return [shortened(step) for step in found]


def obstacles(report: Report) -> list[Step]:
    """What stops several files; a reason that stops one stands beside it."""
    reasons = [(_PLACE.sub("", why), v.path) for v in report.verdicts if v.status == "no" for why in v.reasons]
    found = [
        Step(text, "", list(dict.fromkeys(files))) for text, files in grouped(reasons) if "pip install" not in text
    ]
    return [shortened(step) for step in found if len(step.files) > 1]


def shortened(step: Step) -> Step:
    """With the first of its files only."""
    step.more = max(0, len(step.files) - _MOST_FILES)
    step.files = list(step.files)[:_MOST_FILES]
    return step


def config_row(verdict: Verdict) -> Row:
    """A config with its model and stages."""
    facts = verdict.facts
    what = ""
    if facts.get("parts"):
        what = f"{' + '.join(facts['parts'])}, {millions(facts['parameters'])} parameters"
    tags = [("0.x", "of mmseg 0.x; translated when it is read")] if facts.get("generation") == "0.x" else []
    if facts.get("data_proven"):
        tags.append((f"{facts['classes']} classes", f"through {facts['dataset']} and its pipeline"))
    elif verdict.status in ("as is", "edits"):
        tags.append(("data not tried", "its dataset and pipeline could not be fed generated files"))
    done = dict(verdict.stages)
    marks = []
    for stage in STAGES:
        if stage in done:
            marks.append((stage, "ok"))
        elif stage == verdict.stage:
            marks.append((stage, "failed"))
        else:
            marks.append((stage, "none"))
    notes = list(verdict.notes)
    if facts.get("weights"):
        notes.append(f"starts from weights that were not fetched: {', '.join(facts['weights'])}")
    if facts.get("partly"):
        notes.append(f"tried in vain: {'; '.join(facts['partly'])}")
    return Row(verdict, what, tags, marks if verdict.stages or verdict.stage else [], lines(verdict), notes)


def module_row(verdict: Verdict, report: Report) -> Row:
    """A module with what it registers; a component that ran in a config is marked."""
    running: set[str] = set()
    for other in report.of("config"):
        if other.status in ("as is", "edits"):
            running |= set(other.facts.get("types", ()))
    names = verdict.facts.get("registers", ())
    tags = [(name, f"{registry}: ran in a config" if name in running else f"{registry}: in no config that ran")
            for name, registry in names]  # fmt: skip
    users, ran = len(verdict.facts.get("used by", ())), len(verdict.facts.get("run by", ()))
    what = f"used by {users} config{'s' * (users != 1)}" + (f", {ran} of them run" if users else "")
    return Row(verdict, what if names else "registers nothing", tags, [], lines(verdict), verdict.notes)


def lines(verdict: Verdict) -> list[tuple[str, list[tuple[str, str]]]]:
    """The diffs as lines with the class of each; the headers are in the title."""
    found = []
    for file, text in verdict.diffs.items():
        marked = [({"+": "plus", "-": "minus", "@": "at"}.get(line[:1], ""), line) for line in text.splitlines()[2:]]
        found.append((file, marked))
    return found


def clock(seconds: float) -> str:
    """``1 min 05 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
