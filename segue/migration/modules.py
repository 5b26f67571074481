"""Custom modules and scripts: what they register and need, whether they import, and edits of their imports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from segue.migration.bench import Bench
from segue.migration.edits import Edit, fix_imports, imports_only, with_compat
from segue.migration.find import Project
from segue.migration.forks import Forks
from segue.migration.needs import Needs, needs_of
from segue.migration.packages import missing_said, own_of
from segue.migration.source import Source
from segue.migration.suggest import reasons
from segue.migration.verdict import Verdict

Job = Callable[[Mapping[str, Any]], dict[str, Any]]


class Modules:
    """The project's custom modules and scripts, with what is known of them before anything runs."""

    def __init__(self, project: Project, mentioned: Sequence[str]) -> None:
        self.project = project
        self.folders = project.folders()
        self.own = own_of(project.sources, self.folders)
        self.mentioned = {*mentioned, *(item.module for source in project.sources for item in source.imports)}
        self.sources = project.of("module")
        self.forks = Forks(project)
        self.scripts, self.broken = project.of("script"), project.of("broken")
        self.needs: dict[str, Needs] = {
            source.path: needs_of(source, self.own, self.forks.answers)
            for source in (*self.sources, *self.scripts, *self.forks.own)
        }
        self.names = {source.path: self.name_of(source.path) for source in self.sources}
        for path, name in self.forks.names.items():
            self.names[path] = (name, ".")

    def name_of(self, path: str) -> tuple[str, str]:
        """The name by which a file is imported, and the folder in which imports then start."""
        found: list[tuple[int, str, str]] = []
        tops = {module.partition(".")[0] for module in self.mentioned}
        parents = [str(parent) for parent in PurePosixPath(path).parents]
        for folder in (*self.folders, parents[0]):
            if folder not in parents:
                continue
            parts = PurePosixPath(path).relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            if not parts or not all(part.isidentifier() for part in parts):
                continue
            name = ".".join(parts)
            score = 3 if name in self.mentioned else 2 if folder == "." else 1
            found.append((score + (2 if folder != "." and parts[0] in tops and len(parts) > 1 else 0), name, folder))
        best = max(found, default=(0, "", "."))
        return best[1], best[2]

    def registered(self) -> dict[str, str]:
        """{component: module} of all that the modules register, except what cannot be imported by name."""
        found: dict[str, str] = {}
        for source in self.sources:
            name = self.names[source.path][0]
            if name:
                found.update({component.name: name for component in source.components})
        return found

    def places(self) -> dict[str, str]:
        """{first part of a module's name: the folder in which imports then start}, where it is not the project's."""
        return {name.partition(".")[0]: folder for name, folder in self.names.values() if name and folder != "."}

    def limit(self, types: Collection[str], imports: Collection[str], tops: Collection[str]) -> int:
        """Try only modules that some configs name, by what they register or by their own name; returns how many go."""

        def wanted(source: Source) -> bool:
            name = self.names[source.path][0]
            registers = {component.name for component in source.components}
            return bool(registers & set(types)) or name in imports or name.partition(".")[0] in tops

        before = len(self.needs)
        self.sources = [source for source in self.sources if wanted(source)]
        self.forks.own = [source for source in self.forks.own if wanted(source)]
        self.scripts, self.broken = [], []
        kept = {source.path for source in (*self.sources, *self.forks.own)}
        self.needs = {path: needs for path, needs in self.needs.items() if path in kept}
        return before - len(self.needs)

    def import_edits(self) -> dict[str, list[Edit]]:
        """Edits of import lines that Segue's names ask for, by file."""
        edits: dict[str, list[Edit]] = {}
        for source in (*self.sources, *self.scripts):
            text, said = fix_imports(source, self.needs[source.path].lacks)
            made = [Edit("; ".join(said), source.path, text)] if said else []
            compat = any(item.module.startswith("segue") for item in source.imports)
            if source in self.scripts and not compat and source.of_family:
                text = with_compat(Source(source.path, text, source.place))
                line = "add the line import segue.compat, or run it unchanged with segue run"
                made = [*made, Edit(line, source.path, text)]
            if made:
                edits[source.path] = made
        return edits


def prove(modules: Modules, bench: Bench, run: Job, code: bool) -> list[Verdict]:
    """Import every module and the imports of every script, as they are and, where that fails, edited."""
    edits = modules.import_edits()
    verdicts = []
    if code:  # modules may import each other, so all edits are there before the first is tried
        bench.apply(edit for made in edits.values() for edit in made)
    for source in (*modules.sources, *modules.forks.own):
        verdicts.append(_module(source, modules, bench, run, edits.get(source.path, []), code))
    for source in modules.scripts:
        verdicts.append(_script(source, modules, bench, run, edits.get(source.path, []), code))
    for source in modules.broken:
        verdicts.append(Verdict(source.path, "config" if source.configures else "module", "no", [source.error]))
    return verdicts


def _module(source: Source, modules: Modules, bench: Bench, run: Job, edits: list[Edit], code: bool) -> Verdict:
    name, folder = modules.names[source.path]
    verdict = _facts(source, modules, "module")
    verdict.facts["name"] = name
    if folder != ".":
        verdict.notes.append(f"it is imported as {name} with PYTHONPATH={folder}")
    if not name:
        verdict.status = "no"
        verdict.reasons.append("its path is no module's name, so that no config can import it; rename it")
        return verdict
    if not code:
        return _static(source, modules, verdict, edits)
    folders = list(dict.fromkeys([".", folder]))
    job = {"kind": "module", "name": name, "file": source.path, "folders": folders, "code": True}
    answer = run({**job, "root": str(bench.given)})
    if not answer["ok"] and bench.changed:
        again = run({**job, "root": str(bench.edited)})
        if again["ok"] and edits:
            return _edited(verdict, edits, bench)
        if again["ok"]:
            verdict.status = "edits"
            needed = [file for file in again["loaded"] if file in bench.changed]
            verdict.edits = [Edit(f"as {' and '.join(needed)}, which it imports")]
            return verdict
        answer = again
    if not answer["ok"]:
        verdict.status = "no"
        where = str(bench.edited if bench.changed else bench.given)
        verdict.reasons += _lacking(modules.needs[source.path], modules) or reasons(answer, where, own=modules.own)
        _drop(edits, bench)
    return verdict


def _script(source: Source, modules: Modules, bench: Bench, run: Job, edits: list[Edit], code: bool) -> Verdict:
    verdict = _facts(source, modules, "script")
    if not code:
        return _static(source, modules, verdict, edits)
    job = {"kind": "script", "file": source.path, "folders": ["."], "code": True}
    text = (bench.edited / source.path).read_text(encoding="utf-8")
    answer = run({**job, "root": str(bench.edited), "text": imports_only(text)})
    if answer["ok"]:
        verdict.notes.append("its imports were tried; the program itself was not run")
        return _edited(verdict, edits, bench) if edits else verdict
    verdict.status = "no"
    verdict.reasons += _lacking(modules.needs[source.path], modules) or reasons(
        answer, str(bench.edited), own=modules.own
    )
    _drop(edits, bench)
    return verdict


def _facts(source: Source, modules: Modules, kind: Any) -> Verdict:
    """A verdict with what is known without running."""
    needs = modules.needs[source.path]
    verdict = Verdict(source.path, kind, "as is")
    verdict.facts = {
        "registers": [[component.name, component.registry] for component in source.components],
        "has": sorted(set(needs.has)),
        "lacks": [[need.item.full, need.instead, need.item.line] for need in needs.lacks],
        "packages": [[package.name, package.install, package.when] for package in needs.packages],
    }
    later = [need for need in needs.lacks if need.item.when == "called" or not need.item.bound]
    verdict.notes += [f"line {need.item.line} needs {need.item.full} when it runs: {need.instead}" for need in later]
    return verdict


def _static(source: Source, modules: Modules, verdict: Verdict, edits: list[Edit]) -> Verdict:
    """The verdict where no code may run."""
    needs = modules.needs[source.path]
    stuck = [need for need in needs.lacks if need.now and not need.target and need.item.used]
    verdict.status = "no" if stuck or any(p.when == "always" for p in needs.packages) else "unproven"
    verdict.reasons = _lacking(needs, modules) if verdict.status == "no" else ["its code was not run (--no-code)"]
    verdict.edits = edits
    return verdict


def _lacking(needs: Needs, modules: Modules) -> list[str]:
    """Why a file cannot be imported, as its import lines tell."""
    told = [
        f"line {need.item.line} imports {need.item.full}: {need.instead}"
        for need in needs.lacks
        if need.now and need.item.used and not need.target
    ]
    for package in needs.packages:
        if package.when == "always":
            told.append(missing_said(package.name, modules.own))
    return told


def _edited(verdict: Verdict, edits: list[Edit], bench: Bench) -> Verdict:
    verdict.status, verdict.edits = "edits", edits
    verdict.diffs = bench.diffs(edit.file for edit in edits)
    return verdict


def _drop(edits: list[Edit], bench: Bench) -> None:
    """Take edits back that did not help."""
    for file in {edit.file for edit in edits}:
        if file in bench.changed:
            bench.undo({file: bench.changed[file] or None})
