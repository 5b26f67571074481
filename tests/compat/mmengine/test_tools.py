"""mmengine.utils' progress: results by hand, as the reference returns them."""

from __future__ import annotations

import io
import math

import pytest

import segue.compat  # noqa: F401


def test_track_progress() -> None:
    from mmengine.utils import track_iter_progress, track_progress
    from mmengine.utils.progressbar import track_progress as same

    file = io.StringIO()
    assert track_progress is same
    assert track_progress(lambda x, more=1: x + more, [1, 2], file=file, more=5) == [6, 7]
    assert track_progress(str, (iter([3, 4]), 2), file=file) == ["3", "4"]
    assert list(track_iter_progress([1, 2], file=file)) == [1, 2]
    with pytest.raises(TypeError, match=r"tasks must be a sequence, or a tuple \(iterator, number\), not int"):
        track_progress(str, 5)


@pytest.mark.parametrize("options", [{}, {"skip_first": True, "chunksize": 2}, {"keep_order": False}])
def test_track_parallel_progress(options: dict[str, bool]) -> None:
    from mmengine.utils import track_parallel_progress

    found = track_parallel_progress(math.sqrt, [4, 9, 16], 2, file=io.StringIO(), **options)
    assert (found if options.get("keep_order", True) else sorted(found)) == [2.0, 3.0, 4.0]


def test_progress_bar(capsys: pytest.CaptureFixture[str]) -> None:
    from mmcv import ProgressBar

    bar = ProgressBar(3)
    bar.update(2)
    assert bar.completed == 2
    bar.update()
    assert capsys.readouterr().out == "3 of 3 done\n"
    bar.start()
    assert bar.completed == 0
