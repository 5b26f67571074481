"""Try a project: read it, copy it, run its modules and configs, try edits, and judge."""

from __future__ import annotations

import fnmatch
import os
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn, TimeRemainingColumn

from segue.errors import InputError
from segue.migration.bench import Bench
from segue.migration.configs import Entry, Proof, read_entries
from segue.migration.find import find
from segue.migration.fit import fit
from segue.migration.host import Host
from segue.migration.modules import Job, Modules, prove
from segue.migration.suggest import Suggester
from segue.migration.verdict import Report
from segue.system.bars import bar
from segue.system.cores import usable_threads
from segue.system.near import near_path

__all__ = ["Report", "migrate"]


def migrate(
    folder: str | Path,
    *,
    checkpoint: str | Path | None = None,
    config: str | None = None,
    only: Sequence[str] = (),
    code: bool = True,
    trust: bool = False,
    time_limit: float = 60.0,
    jobs: int | None = None,
    console: Console | None = None,
) -> Report:
    """Try a project.

    Args:
        folder: the project's.
        checkpoint: weights to load into the config that they fit, which then predicts.
        config: the config for the checkpoint, where the choice is not left to the weights.
        only: patterns of config paths; by default all configs are run.
        code: import the project's own modules, in processes of their own.
        trust: execute configs that are more than data.
        time_limit: seconds for each config and module.
        jobs: configs run at the same time; by default 2, more where there are many cores.
        console: where progress is shown.

    Raises:
        InputError: the folder, the checkpoint or the config is not there, or no config matches ``only``.
    """
    started = time.monotonic()
    console = console or Console(stderr=True)
    if checkpoint is not None and not Path(checkpoint).is_file():
        raise InputError(
            f"{checkpoint}: no such file; --checkpoint takes the path of a weights file{near_path(checkpoint)}"
        )
    for option, value in (("--time-limit", time_limit), ("--jobs", jobs)):
        if value is not None and value <= 0:
            raise InputError(f"{option} {value:g}: must be positive")
    project = find(folder)
    paths = [source.path for source in project.of("config")] + project.documents
    paths += [s.path for s in project.sources if s.kind == "config" and project.is_vendored(s.path)]
    entries = read_entries(sorted(set(paths)), project.root)
    if config is not None and Path(os.path.realpath(config)).is_relative_to(project.root):
        config = Path(os.path.realpath(config)).relative_to(project.root).as_posix()
    wanted = chosen(entries, only, config)
    modules = Modules(project, [name for entry in entries for name in entry.imports])
    report = Report(project.root, vendored=project.vendored, left_out=project.left_out, code=code, facts=versions())
    if only:
        named = {name for entry in wanted for name in entry.imports}
        gone = modules.limit(
            {name for entry in wanted for name in entry.types}, named, {top for entry in wanted for top in entry.tops}
        )
        if gone:
            report.left_out.append(f"{gone} modules and scripts that the chosen configs do not name (--only)")
    report.engine = modules.forks.engine()
    report.packages = to_install(modules)
    cores = usable_threads()
    jobs = jobs or max(min(2, cores), min(4, cores // 4))
    with tempfile.TemporaryDirectory(prefix="segue-migrate-") as scratch:
        bench = Bench(project, Path(scratch))
        hosts = [Host(Path(scratch), max(1, cores // jobs)) for _ in range(jobs)]

        def runner(host: Host) -> Job:
            return lambda job: host.run(job, time_limit)

        runs = [runner(host) for host in hosts]
        try:
            with bar(console, TimeElapsedColumn(), TimeRemainingColumn()) as progress:
                task = progress.add_task("modules", total=len(modules.needs) + len(wanted))
                tried = counted(runs[0], progress, task)
                report.verdicts = prove(modules, bench, tried, code)
                suggester = Suggester(modules.registered(), modules.places())
                proof = Proof(
                    bench,
                    suggester,
                    runs,
                    own=modules.own,
                    code=code,
                    trust=trust,
                    shapes=checkpoint is not None,
                    forks=modules.forks.components(),
                )
                report.verdicts += proof.prove(wanted, lambda path: progress.update(task, advance=1, description=path))
                used_by(report)
                if checkpoint is not None:
                    progress.update(task, description="checkpoint")
                    report.fit = fit(Path(checkpoint), proof, runs[0], bench, report.verdicts, config)
        finally:
            for host in hosts:
                host.close()
        report.patch = bench.patch()
    report.seconds = time.monotonic() - started
    return report


def chosen(entries: Sequence[Entry], only: Sequence[str], config: str | None) -> list[Entry]:
    """The configs to run.

    Raises:
        InputError: there are none of that name.
    """
    names = [entry.path for entry in entries]
    if config is not None and config not in names:
        raise InputError(f"--config {config}: the project has no such config; give its path below the project's folder")
    if not only:
        return list(entries)
    found = [entry for entry in entries if any(fnmatch.fnmatch(entry.path, pattern) for pattern in only)]
    if not found:
        raise InputError(f"--only {' '.join(only)}: matches none of the project's {len(names)} configs")
    return found + [entry for entry in entries if entry.path == config and entry not in found]


def to_install(modules: Modules) -> dict[str, list[str]]:
    """What to install, and the files that import it."""
    found: dict[str, list[str]] = {}
    for path, needs in modules.needs.items():
        for package in needs.packages:
            if package.when != "tried" and package.install:
                found.setdefault(package.install, []).append(path)
    return found


def used_by(report: Report) -> None:
    """Tell each module which configs use it; one that imports but fails in all of them does not run."""
    configs = report.of("config")
    for verdict in report.of("module"):
        name = str(verdict.facts.get("name") or "")
        registers = {component for component, _ in verdict.facts.get("registers", ())}
        users = [v for v in configs if v.status != "part" and (
            registers & set(v.facts.get("types", ())) or name in v.facts.get("imports", ()))]  # fmt: skip
        verdict.facts["used by"] = [v.path for v in users]
        running = [v for v in users if v.status in ("as is", "edits")]
        verdict.facts["run by"] = [v.path for v in running]
        failing = [why for v in users for why in v.reasons if verdict.path in why]
        if users and not running and failing and verdict.status in ("as is", "edits"):
            verdict.status, verdict.reasons = "no", failing[:1]


def counted(run: Job, progress: Progress, task: Any) -> Job:
    """A way to run a job that moves the bar by each file."""
    seen: set[str] = set()

    def counting(job: Mapping[str, Any]) -> dict[str, Any]:
        name = str(job.get("name") or job.get("file"))
        answer = run(job)
        progress.update(task, description=name, advance=0 if name in seen else 1)
        seen.add(name)
        return answer

    return counting


def versions() -> list[tuple[str, str]]:
    """What the verdicts stand on."""
    import torch

    from segue.migration.needs import installed
    from segue.version import __version__

    there = [name for name in ("mmseg", "mmengine", "mmcv") if installed(name)]
    found = [("Segue", __version__), ("PyTorch", str(torch.__version__)), ("Python", platform.python_version())]
    if there:
        found.append(("installed here", ", ".join(there)))
    return found
