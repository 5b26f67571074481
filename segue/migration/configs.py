"""Configs: each is built and run as it is; where that fails, with edits, one failure after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from segue.config import Config
from segue.config.v0 import is_v0
from segue.errors import SegueError
from segue.migration.bench import Bench
from segue.migration.edits import Edit
from segue.migration.modules import Job
from segue.migration.packages import Own
from segue.migration.suggest import Suggester, reasons
from segue.migration.verdict import Verdict
from segue.recipes.open import open_config

_ROUNDS = 6
#: sections that a config has beside its model if it is to be run
RUNS = ("data", "train_dataloader", "val_dataloader", "test_dataloader", "optim_wrapper", "optimizer", "custom_imports")


@dataclass
class Entry:
    """A config of the project as its text tells: the merged config or why it cannot be read, and what it names."""

    path: str
    cfg: Config | None = None
    error: str = ""
    imports: list[str] = field(default_factory=list)
    types: set[str] = field(default_factory=set)
    tops: set[str] = field(default_factory=set)  # the first parts of types that are import paths
    files: list[str] = field(default_factory=list)
    inherited: bool = False  # whether another config has values of this file

    @property
    def part(self) -> bool:
        """Whether it is only there for others to inherit from: it has no model, or nothing but one."""
        if "_base_" in PurePosixPath(self.path).parts:
            return True
        if self.cfg is None:
            return False
        model = self.cfg.get("model")
        if not isinstance(model, Mapping):
            return True
        alone = not any(self.cfg.get(key) for key in RUNS)
        return alone and (self.inherited or not (self.cfg.get("data_preprocessor") or model.get("data_preprocessor")))


def read_entries(paths: Iterable[str], root: Path) -> list[Entry]:
    """Read configs by interpreting them."""
    entries = [read_entry(path, root) for path in paths]
    used = {file for entry in entries for file in entry.files if file != entry.path}
    for entry in entries:
        entry.inherited = entry.path in used
    return entries


def read_entry(path: str, root: Path) -> Entry:
    """Read one config."""
    entry = Entry(path)
    try:
        entry.cfg = open_config(root / path)
    except SegueError as error:
        entry.error = str(error).replace(f"{root}/", "")
        return entry
    wanted = (entry.cfg.get("custom_imports") or {}).get("imports") or []
    entry.imports = [wanted] if isinstance(wanted, str) else [str(name) for name in wanted]
    files = {path}
    for keys, value, origin in entry.cfg.leaves():
        if keys and keys[-1] == "type" and isinstance(value, str):
            entry.types.add(value.rpartition(".")[2])
            entry.tops |= {value.partition(".")[0]} if "." in value else set()
        if origin is not None and origin.file.startswith(f"{root}/"):
            files.add(origin.file.removeprefix(f"{root}/"))
    entry.files = sorted(files)
    return entry


class Proof:
    """Runs configs.

    Args:
        bench: the copies of the project.
        suggester: answers failures.
        runs: one or several ways to run a job, used at the same time.
        own: what is the project's own.
        forks: the components of its copy of mmseg.
        code: whether the project's code may run.
        trust: whether configs that are more than data may.
        shapes: whether names and shapes of weights are wanted.
    """

    def __init__(
        self,
        bench: Bench,
        suggester: Suggester,
        runs: Sequence[Job],
        *,
        own: Own | None = None,
        code: bool = True,
        trust: bool = False,
        shapes: bool = False,
        forks: Collection[str] = (),
    ) -> None:
        self.bench, self.suggester, self.runs = bench, suggester, list(runs)
        self.code, self.trust, self.shapes = code, trust and code, shapes
        self.own, self.forks = own or Own(), set(forks)
        self.found_shapes: dict[str, dict[str, list[int]]] = {}

    def prove(self, entries: Sequence[Entry], tell: Callable[[str], None]) -> list[Verdict]:
        """A verdict per config; ``tell`` is called with each that is done."""
        free = list(self.runs)

        def first(entry: Entry) -> dict[str, Any]:
            run = free.pop()
            try:
                return run(self.job(entry, self.bench.given))
            finally:
                free.append(run)

        todo = [entry for entry in entries if not entry.part and not self.needs_code(entry)]
        answers: dict[str, dict[str, Any]] = {}
        with ThreadPoolExecutor(len(self.runs)) as pool:
            for entry, answer in zip(todo, pool.map(first, todo), strict=True):
                answers[entry.path] = answer
                if answer["ok"]:
                    tell(entry.path)
        verdicts = []
        for entry in entries:  # edits one after the other: they may concern the same bases
            answer = answers.get(entry.path, {})
            if entry.part:
                verdicts.append(self.part(entry))
            elif not answer:
                why = "it runs code of the project, which was not run (--no-code)"
                verdicts.append(Verdict(entry.path, "config", "unproven", [why], facts=facts_of(entry)))
            elif answer["ok"]:
                verdicts.append(self.verdict(entry, answer, "as is"))
            else:
                verdicts.append(self.mend(entry, answer))
            if not answer.get("ok"):
                tell(entry.path)
        return verdicts

    def needs_code(self, entry: Entry) -> bool:
        """Whether a config needs code that may not run."""
        own = set(self.suggester.registered) | self.forks
        named = entry.types & own or entry.tops & self.own.tops
        return not self.code and (bool(entry.imports) or bool(named))

    def job(self, entry: Entry, root: Path, folders: Sequence[str] = (".",)) -> dict[str, Any]:
        """The job that runs a config."""
        return {
            "kind": "config",
            "file": entry.path,
            "root": str(root),
            "folders": list(folders),
            "code": self.code,
            "trust": self.trust,
            "shapes": self.shapes,
        }

    def mend(self, entry: Entry, answer: dict[str, Any]) -> Verdict:
        """Try edits until the config runs, or nothing new comes to mind."""
        edits: list[Edit] = []
        before: dict[str, str | None] = {}
        folders = ["."]
        last, again = answer, entry
        root = self.bench.edited
        for _ in range(_ROUNDS):
            error = dict(last.get("error") or {})
            more = self.suggester.edits(error, entry.path, root, again.imports)
            more = [edit for edit in more if edit.fixes not in {e.fixes for e in edits if e.file == edit.file}]
            if not more and (last is not answer or not self.concerned(entry, answer)):
                break
            for file, old in self.bench.apply(more).items():
                before.setdefault(file, old)
            folders += [edit.fixes.removeprefix("path ") for edit in more if edit.fixes.startswith("path ")]
            edits += more
            again = read_entry(entry.path, root)
            last = self.runs[0](self.job(entry, root, folders))
            if last["ok"]:
                return self.mended(again, last, edits)
        self.bench.undo(before)
        verdict = self.verdict(entry, answer, "no")
        where = str(self.bench.given)
        if edits and last is not answer:  # what is left once the edits are made
            verdict.facts["partly"] = [edit.what for edit in edits]
            answer, where = last, str(root)
        verdict.stage = str(answer.get("stage") or "")
        verdict.reasons = reasons(answer, where, list(self.suggester.registered), self.own)
        return verdict

    def concerned(self, entry: Entry, answer: Mapping[str, Any]) -> bool:
        """Whether a file that the config uses has been edited for another's sake, and it may help."""
        modules = {f"{name.replace('.', '/')}.py" for name in entry.imports}
        used = {*entry.files, *answer.get("loaded", ())} | modules
        return answer.get("died") is None and bool(used & set(self.bench.changed))

    def mended(self, entry: Entry, answer: dict[str, Any], edits: list[Edit]) -> Verdict:
        """The verdict of a config that runs with edits: its own, and those of modules that it uses."""
        verdict = self.verdict(entry, answer, "edits")
        shared = [file for file in (*entry.files, *answer["loaded"]) if file in self.bench.changed]
        own = {edit.file for edit in edits}
        verdict.edits = [*{e.what: e for e in edits}.values()]
        verdict.edits += [Edit(f"as {file}, which it uses", file) for file in dict.fromkeys(shared) if file not in own]
        verdict.diffs = self.bench.diffs(edit.file for edit in edits)
        return verdict

    def part(self, entry: Entry) -> Verdict:
        """The verdict of a config that others inherit from: it is only read."""
        status: Any = "no" if entry.error else "part"
        return Verdict(entry.path, "config", status, [entry.error] if entry.error else [], facts=facts_of(entry))

    def verdict(self, entry: Entry, answer: Mapping[str, Any], status: Any) -> Verdict:
        """A verdict with what the run has told."""
        if "shapes" in answer:
            self.found_shapes[entry.path] = answer["shapes"]
        return Verdict(
            entry.path,
            "config",
            status,
            notes=list(answer.get("notes") or ()),
            facts={**facts_of(entry), **(answer.get("facts") or {}), "loaded": answer.get("loaded", [])},
            stages=list(answer.get("stages") or ()),
        )


def facts_of(entry: Entry) -> dict[str, Any]:
    """What is known of a config without running it."""
    generation = "0.x" if entry.cfg is not None and is_v0(entry.cfg) else "1.x"
    return {"generation": generation, "imports": entry.imports, "types": sorted(entry.types)}
