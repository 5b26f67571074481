"""The cheap part of a check, before the first step: evenly spread samples for as long as it takes to blink."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from segue.datasets.scan import some_of
from segue.doctor.doctor import judge
from segue.doctor.files import ignored_row
from segue.doctor.findings import Finding
from segue.doctor.pairing import Listing
from segue.doctor.sources import Source, list_dataset, reads_files, rules_of
from segue.doctor.tally import Tally
from segue.errors import DataError, LabelError
from segue.masks.labels import share_text
from segue.system.cores import default_workers, in_parallel

#: Pairs looked at per dataset, and seconds for all of them together.
MOST, SECONDS = 256, 1.5
#: Of a longer list only the pairs that are looked at are listed: a million paths take seconds and much memory.
SHORT = 20_000
_OF_FILES = ("corrupt-image", "corrupt-mask", "missing-mask", "missing-image", "duplicate-mask", "duplicate-image")
_WHOLE = ("empty-class", "untrained-class")  # whether a class occurs at all is known only when everything was read


def check_before_training(datasets: Mapping[str, tuple[str, Any]]) -> list[str]:
    """Look at some of the files that training and validation will read.

    Args:
        datasets: by split, the key path in the config and the built dataset.

    Returns:
        Warnings, as lines to print.

    Raises:
        LabelError, DataError: what training would stumble over, with what mends it.
    """
    leaves = [(split, at, leaf) for split, (key, data) in datasets.items() for leaf, at in _leaves(data, key)]
    sources = [source for split, at, leaf in leaves for source in _source(split, at, leaf)]
    tallies = [Tally() for _ in sources]
    end = time.perf_counter() + SECONDS
    seen = 0
    for source, tally in zip(sources, tallies, strict=True):
        step = max(1, -(-len(source.pairs) // MOST))
        look = source.examine
        for facts in in_parallel(look, source.pairs[::step], min(4, default_workers())):
            tally.add(facts)
            seen += 1
            if time.perf_counter() > end and tally.pairs >= 8:
                break
    findings, _ = judge(sources, tallies)
    whole = seen == sum(len(source.pairs) for source in sources) and all(_short(leaf) for *_, leaf in leaves)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise _error(errors, whole)
    left_out = [line for source, tally in zip(sources, tallies, strict=True) for line in _ignored(source, tally, whole)]
    rest = [f for f in findings if f.severity == "warning" and (whole or f.kind not in _WHOLE)]
    return [f"Data: {_one_line(finding)}" for finding in rest] + left_out


def _ignored(source: Source, tally: Tally, whole: bool) -> list[str]:
    """How many pixels count nowhere."""
    row = ignored_row(tally, source.rules)
    if row is None:
        return []
    pixels, share = row["pixels"], row["share"]
    assert isinstance(pixels, int) and isinstance(share, float) and isinstance(row["values"], list)
    part = "" if whole else f" in the {tally.masks:,} masks looked at"
    values = some_of([str(value) for value in row["values"]])
    text = f"{pixels:,} pixels ({share_text(pixels, round(pixels / share))}){part} are ignored (value {values})"
    return [f"Data: {source.split}: {text}"]


def _leaves(data: Any, key: str) -> Iterator[tuple[Any, str]]:
    """The datasets inside wrappers."""
    if isinstance(getattr(data, "datasets", None), (list, tuple)):
        for i, part in enumerate(data.datasets):
            yield from _leaves(part, f"{key}.datasets.{i}")
    elif hasattr(data, "dataset") and hasattr(data.dataset, "get_data_info"):
        yield from _leaves(data.dataset, f"{key}.dataset")
    else:
        yield data, key


def _source(split: str, key: str, data: Any) -> list[Source]:
    """What to look at; nothing of a dataset that reads its files in its own way."""
    if not hasattr(data, "get_data_info") or not hasattr(data, "metainfo"):
        return []
    steps = [type(step).__name__ for step in getattr(getattr(data, "pipeline", None), "transforms", ())]
    images, masks = reads_files(steps)
    listing = list_dataset(data, split) if _short(data) else _sample(data)
    pairs = [(image, mask if masks else None) for image, mask in listing.pairs]
    source = Source(split, (key,), type(data).__name__, pairs, rules_of(data), (), listing.findings)
    source.look_at_images, source.stacks = images, listing.stacks
    transforms = getattr(getattr(data, "pipeline", None), "transforms", ())
    source.color_type = next((step.color_type for step in transforms if hasattr(step, "color_type")), "color")
    return [source]


def _short(data: Any) -> bool:
    return len(data) <= SHORT


def _sample(data: Any) -> Listing:
    """Evenly spread pairs of a long list, which is not searched for what is missing or double."""
    infos = [data.get_data_info(i) for i in range(0, len(data), -(-len(data) // MOST))]
    stacks = {info["img_path"]: info["stack_files"] for info in infos if info.get("stack_files")}
    return Listing([(info["img_path"], info.get("seg_map_path")) for info in infos], [], stacks)


def _error(errors: list[Finding], whole: bool) -> DataError:
    kind = DataError if all(finding.kind in _OF_FILES for finding in errors) else LabelError
    texts = [_located(finding) for finding in errors]
    advice = "" if whole else "\nOnly a sample was looked at; segue check CONFIG reads everything."
    if len(texts) == 1:
        return kind(texts[0] + advice)
    listed = "\n".join(f"  {text}" for text in texts)
    return kind(f"{len(texts)} problems in the data:\n{listed}{advice}")


def _located(finding: Finding) -> str:
    """The message, which begins with a file."""
    path = finding.files[0] if finding.files else ""
    text = str(finding)
    return f"{path}: {text}" if path and path not in text and os.path.basename(path) not in text[:200] else text


def _one_line(finding: Finding) -> str:
    lines = "; ".join(fix.line for fix in finding.fixes)
    return f"{finding.message.rstrip('.')}: {lines}" if lines else finding.message
