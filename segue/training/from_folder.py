"""From a folder to the config that trains on it: the label doctor looks, the rules choose, a file says it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console

from segue.datasets.scan import some_of
from segue.doctor import Report, check_folder
from segue.doctor.show import show
from segue.errors import DataError, InputError
from segue.recipes.folder import Plan, planned, write
from segue.recipes.folder.planning import refusal, unsettled
from segue.recipes.open import read_config
from segue.recipes.short import DEFAULT, resolve
from segue.system.shown import escape
from segue.training.launch import found_launcher, is_own_child
from segue.training.timed import step_time

_TIME = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s)?")


@dataclass(frozen=True)
class Prepared:
    """The config of a folder, and the folder of its run."""

    config: Path
    work_dir: Path


def prepare(
    folder: str | Path,
    *,
    model: str | None = None,
    time: str | None = None,
    work_dir: str | Path | None = None,
    resume: bool = False,
    cfg_options: Sequence[str] = (),
    console: Console | None = None,
) -> Prepared:
    """Look at a folder, choose, say it, and write the config.

    Args:
        folder: of images and masks, in any layout that `segue check` recognizes.
        model: a short name such as ``segformer_mit-b0``, or a recipe; None: `segue.recipes.short.DEFAULT`.
        time: how long to train, such as ``30m`` or ``1h30m``; None: a number of passes over the data.
        work_dir: of the run; by default ``work_dirs/FOLDER_MODEL``.
        resume: continue the run there with its config, as it is.
        cfg_options: of the user, which count when steps are measured.
        console: where it is said.

    Raises:
        InputError: the doctor finds what no setting mends, or the time is too short.
        ConfigError: no such model, or several.
    """
    console = console or Console()
    seconds = None if time is None else seconds_of(time)
    chosen = resolve(model or DEFAULT)
    name = config_name(folder, chosen.short)
    run = Path(work_dir) if work_dir is not None else Path("work_dirs") / name
    path = run / f"{name}.py"
    if is_own_child():
        return Prepared(path, run)  # the first process has written it
    if found_launcher() != "none":
        raise InputError(
            f"{folder}: a launcher has started several processes, and each would write the config; write it first: "
            f"segue check {folder} --apply {name}.py --model {chosen.short}, and then train {name}.py"
        )
    if resume and path.is_file():
        if time is not None:
            raise InputError("--time: a run that is continued keeps the steps of its config")
        console.print(f"Continuing with {escape(path)}", highlight=False, soft_wrap=True)
        return Prepared(path, run)
    try:
        report = check_folder(folder, console=console)
    except DataError as error:
        advice = f"what its names do not tell, segue check {folder} --apply --model {chosen.short} takes as options"
        raise DataError(f"{error}. Training reads no such options: {advice}, and writes the config") from error
    if problems := unsettled(report):
        show(report, console)
        raise InputError(refusal(report, problems))
    gpu, lists = gpu_memory(), run / name
    plan = planned(report, lists, model=model, gpu=gpu)
    if seconds is not None:
        console.print("Measuring the time of a step ...", highlight=False)
        draft = write(plan, path.with_name(f"{name}.draft.py"))
        try:
            length = step_time(read_config(draft, cfg_options)).length(seconds, plan.data.facts.val)
        finally:
            draft.unlink(missing_ok=True)
        plan = planned(report, lists, model=model, gpu=gpu, length=length)
    kept = keep(path, plan.text)
    write(plan, path)
    say(plan, path, console, kept)
    return Prepared(path, run)


def apply_model(report: Report, model: str, path: str | Path | None, console: Console) -> Path:
    """Write the config of a checked folder as `prepare` would, beside the lists of a new split, and say what is in it.

    Raises:
        InputError: there is such a file already, or the folder cannot be trained on.
    """
    name = config_name(report.target, resolve(model).short)
    target = Path(path) if path is not None else Path(f"{name}.py")
    if target.exists():
        raise InputError(f"{target}: exists already; move it away, or name another file: --apply FILE")
    plan = planned(report, target.with_suffix(""), model=model, gpu=gpu_memory())
    write(plan, target)
    say(plan, target, console)
    return target


def say(plan: Plan, path: Path, console: Console, kept: Path | None = None) -> None:
    """Print what was chosen and why."""
    facts = plan.data.facts
    tall, wide = facts.pictures.median
    console.print(
        f"{facts.train} images to train on, {facts.val} for validation, around {wide} x {tall}; "
        f"{len(facts.classes)} classes: {escape(some_of(facts.classes, 8))}",
        highlight=False,
        soft_wrap=True,
    )
    for line in plan.said:
        console.print(escape(line), highlight=False, soft_wrap=True)
    width = max(len(choice.name) for choice in plan.choices)
    for choice in plan.choices:
        if choice.why:
            value = "as usual" if choice.name == "mean" and choice.value is None else short(choice.value)
            text = f"  {choice.name:<{width}}  {value:<22} {choice.why}"
            console.print(escape(text), highlight=False, soft_wrap=True)
    if kept is not None:
        console.print(f"The config that was there is kept as {escape(kept)}", highlight=False, soft_wrap=True)
    console.print(f"Config: {escape(path)}", highlight=False, soft_wrap=True)


def short(value: object) -> str:
    """A value in a few characters; of a section what changes most."""
    if value is None or value is False:
        return "no"
    if value is True:
        return "yes"
    if isinstance(value, dict):
        inner = value.get("optimizer", value)
        return " ".join(str(inner[key]) for key in ("type", "mode", "lr") if key in inner)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return " ".join(str(one.get("type")) for one in value)
    text = str(value).replace("'", "")
    return text if len(text) <= 40 else "measured"


def keep(path: Path, text: str) -> Path | None:
    """Move a config of the same name that says something else out of the way, and return where it is."""
    if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") == text:
        return None
    place = next(p for i in range(1, 10_000) if not (p := path.with_name(f"{path.stem}_{i}.py")).exists())
    os.replace(path, place)
    return place


def config_name(folder: str | Path, model: str) -> str:
    """``FOLDER_MODEL``, without what a file's name should not have."""
    name = os.path.basename(os.path.abspath(folder)) or "folder"
    return re.sub(r"[^\w.+-]+", "_", f"{name}_{model}").replace(".", "-")


def seconds_of(text: str) -> float:
    """The seconds of ``30m``, ``1h30m`` or ``90s``.

    Raises:
        InputError: it is no such text.
    """
    match = _TIME.fullmatch(str(text).strip().lower().replace(" ", ""))
    seconds = (
        0.0 if match is None else sum(float(n or 0) * k for n, k in zip(match.groups(), (3600, 60, 1), strict=True))
    )
    if match is None or not seconds:
        raise InputError(f"--time {text}: a time with units is expected, such as 30m, 1h30m or 90s")
    return seconds


def gpu_memory() -> float | None:
    """GiB of the first GPU's memory; None where there is none."""
    if not torch.cuda.is_available():
        return None
    return float(torch.cuda.get_device_properties(0).total_memory) / 2**30
