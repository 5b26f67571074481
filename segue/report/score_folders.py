"""``segue.score``: from two folders to the table, and to files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console

from segue.report import score_table
from segue.report.score import Scores, measure
from segue.report.scored_classes import settle
from segue.report.scored_files import Side, match
from segue.system.shown import escape


def score(
    predictions: str | Path,
    truth: str | Path,
    *,
    classes: Sequence[str] | str | int | None = None,
    palette: Sequence[Sequence[int]] | None = None,
    ignore_index: int = 255,
    ignore_color: Sequence[int] | None = None,
    label_map: Mapping[int, int] | None = None,
    reduce_zero_label: Literal["truth", "both"] | None = None,
    prediction_suffix: str | None = None,
    truth_suffix: str | None = None,
    boundary: float = 0.02,
    bootstrap: int = 1000,
    seed: int = 0,
    beta: float = 1.0,
    out: Sequence[str | Path] = (),
    confusion: str | Path | None = None,
    images: str | Path | None = None,
) -> Scores:
    """Measure folders of label maps against the truth, print the table, and write what is asked for.

    Args:
        predictions, truth: folders, whose files belong together by name, or two files.
        classes: names; a file of names, a dataset's name or a number; see `segue.report.scored_classes.settle`.
        palette: (red, green, blue) of each class, for files in colors; by default the dataset's or class file's.
        ignore_index, ignore_color: value and color of a truth that do not count.
        label_map: {value of the files: class id}, of both sides; values that it does not list stay.
        reduce_zero_label: ids start at 1 and 0 is none, in the ``truth`` or in ``both``.
        prediction_suffix, truth_suffix: what the names end with.
        boundary, bootstrap, seed, beta: see `segue.report.score.measure`.
        out: ``.json`` for everything, ``.csv`` for the table.
        confusion, images: CSV files for the confusion matrix and the numbers of each image.

    Raises:
        DataError: files that do not match, cannot be read or differ in size.
        InputError: an option that cannot be meant.
    """
    console = Console()
    files = match(predictions, truth, prediction_suffix, truth_suffix)
    found = settle(classes, truth, files, ignore_index, reduced=reduce_zero_label is not None, console=console)
    colors = found.palette if palette is None else tuple((int(r), int(g), int(b)) for r, g, b in palette)
    void = () if ignore_color is None else ((ignore_color[0], ignore_color[1], ignore_color[2]),)
    sides = (
        Side(found.names, colors, reduce_zero_label=reduce_zero_label == "both", label_map=label_map),
        Side(found.names, colors, (ignore_index,), void, reduce_zero_label is not None, label_map),
    )
    console.print(f"{len(files.pairs)} images, {len(found.names)} classes ({escape(found.source)})", highlight=False)
    scores = measure(files, *sides, boundary=boundary, resamples=bootstrap, seed=seed, beta=beta, console=console)
    score_table.show(scores, console)
    for file in out:
        score_table.write(scores, file)
    if confusion is not None:
        score_table.write_confusion(scores, confusion)
    if images is not None:
        score_table.write_images(scores, images)
    return scores
