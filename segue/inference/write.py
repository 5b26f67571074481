"""Many images to files: a bad one does not end the work, it is named at its end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console

from segue.errors import DataError, InputError, SegueError, SomeFailedError
from segue.inference.crf import CRF
from segue.inference.outputs import Outputs, Saving, Written
from segue.inference.predictor import Predictor
from segue.inference.segment import is_multilabel, predicts_depth
from segue.inference.sources import Video
from segue.system.bars import shown
from segue.system.cores import in_parallel

#: threads that write, each with up to four results waiting
WRITERS = 2


def write_all(
    predictor: Predictor,
    sources: Any,
    out: str | Path,
    *,
    batch_size: int = 1,
    tta: bool = False,
    crf: CRF | None = None,
    saving: Saving | None = None,
    frames: int | None = None,
) -> list[Written]:
    """Segment images and save each result into ``out`` under a name of its own; a terminal shows a bar.

    Reading, computing and writing overlap. A few images are under way at any time, so memory does not grow with their
    number. After Ctrl-C, what was begun is written and the files that hold all images are finished.

    Returns:
        What was written of each image.

    Raises:
        InputError: the model does not give what is to be saved, or an image would be written over.
        DataError: ``out`` cannot be written, or the only image failed.
        SomeFailedError: images that cannot be read or segmented; all others are written, and are its ``results``.
    """
    saving = saving or Saving()
    model = predictor.model
    plain = not (is_multilabel(model) or predicts_depth(model))
    saving.check(plain, getattr(model, "label_maps", None) is None, type(model).__name__)
    _check_apart(sources, Path(out))
    outputs = Outputs(Path(out), saving, None if predicts_depth(model) else predictor.classes)
    count = _count(sources)
    stream = predictor.attempts(
        sources, batch_size=batch_size, tta=tta, crf=crf, keep_logits=saving.needs_logits, frames=frames
    )
    done: list[Written] = []
    failed: list[SegueError] = []

    def write(named: tuple[str, Any]) -> Written | SegueError:
        name, result = named
        try:
            return result if isinstance(result, SegueError) else outputs.save(result, name)
        except SegueError as error:
            return error

    try:
        with (
            closing(outputs),
            closing(stream),
            closing(in_parallel(write, _named(stream), WRITERS)) as written,
        ):
            for one in shown(written, count or 0, "predicting", Console() if count else None):
                if isinstance(one, SegueError):
                    failed.append(_light(one))
                else:
                    outputs.note(one)
                    done.append(one)
    except OSError as error:
        raise DataError(f"{out}: cannot write there: {error.strerror or error}") from error
    if len(failed) == 1 and not done:
        raise failed[0]
    if failed:
        reasons = "\n".join(f"  {error}" for error in failed)
        message = f"{len(failed)} of {len(failed) + len(done)} images failed, the others are in {out}:\n{reasons}"
        raise SomeFailedError(message, done, failed)
    return done


def _check_apart(sources: Any, out: Path) -> None:
    """Refuse a folder whose own PNG files are to be segmented: labels have their names."""
    if not isinstance(sources, Sequence) or isinstance(sources, (str, bytes)):
        return
    folder = Path(os.path.realpath(out))
    for one in sources:
        if (
            isinstance(one, (str, Path))
            and str(one).lower().endswith(".png")
            and folder in Path(os.path.realpath(one)).parents
        ):
            raise InputError(
                f"{out}: {Path(one).name} is an image there, and labels would be written over it; name another"
            )


def _light(error: SegueError) -> SegueError:
    """The error without the frames that it passed, whose images would stay in memory."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _named(results: Iterator[Any]) -> Iterator[tuple[str, Any]]:
    """Each result with a name that no other has."""
    taken: dict[str, int] = {}
    for result in results:
        name = "" if isinstance(result, SegueError) else result.name or "image"
        number = taken[name] = taken.get(name, 0) + 1
        yield (name if number == 1 else f"{name}_{number}"), result


def _count(sources: Any) -> int | None:
    """How many images there will be, where that is known."""
    if not isinstance(sources, Sequence) or isinstance(sources, (str, bytes)):
        return None
    return None if any(isinstance(one, Video) for one in sources) else len(sources)
