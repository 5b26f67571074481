"""Many images to files: a bad one does not end the work, it is named at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import track

from segue.errors import DataError, SegueError, SomeFailedError
from segue.inference.crf import CRF
from segue.inference.inputs import unique_names
from segue.inference.predictor import Predictor


def write_all(
    predictor: Predictor,
    files: Sequence[Path],
    out: str | Path,
    *,
    batch_size: int = 1,
    tta: bool = False,
    crf: CRF | None = None,
) -> list[Any]:
    """Segment image files and save each result into ``out`` under a name of its own; a terminal shows a bar.

    Returns:
        The results without their pictures, so that a thousand of them need not stay in memory.

    Raises:
        DataError: ``out`` cannot be written, or the only image failed.
        SomeFailedError: images that cannot be read or segmented; all others are written, and are its ``results``.
    """
    results, failed = [], []
    stream = predictor.attempts(files, batch_size=batch_size, tta=tta, crf=crf)
    named = zip(unique_names(files), track(stream, "predicting", total=len(files), transient=True), strict=True)
    for name, result in named:
        if isinstance(result, SegueError):
            failed.append(result)
            continue
        try:
            result.save(out, name)
        except OSError as error:
            raise DataError(f"{out}: cannot write there: {error.strerror or error}") from error
        result.image = result.image[:0]
        results.append(result)
    if len(failed) == 1 == len(files):
        raise failed[0]
    if failed:
        reasons = "\n".join(f"  {error}" for error in failed)
        message = f"{len(failed)} of {len(files)} images failed, the others are in {out}:\n{reasons}"
        raise SomeFailedError(message, results, failed)
    return results
