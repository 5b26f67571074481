"""Pictures in a notebook: IPython is faked, as the tests run in none."""

from __future__ import annotations

import logging
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch


class ZMQInteractiveShell:
    pass


class TerminalInteractiveShell:
    pass


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was shown below a cell."""
    pictures: list[Any] = []
    display = ModuleType("IPython.display")
    display.Image = lambda data: SimpleNamespace(data=data)  # type: ignore[attr-defined]
    display.display = pictures.append  # type: ignore[attr-defined]
    ipython = ModuleType("IPython")
    ipython.get_ipython = ZMQInteractiveShell  # type: ignore[attr-defined]
    ipython.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.delenv("DISPLAY", raising=False)
    return pictures


def sample() -> Any:
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    made = SegDataSample()
    made.pred_sem_seg = PixelData(data=torch.zeros(1, 40, 60, dtype=torch.int64))
    return made


def model() -> Any:
    return SimpleNamespace(dataset_meta={"classes": ("road",), "palette": [[0, 200, 0]]})


def test_a_picture_is_shown_below_the_cell(shown: list[Any]) -> None:
    from mmseg.apis import show_result_pyplot

    drawn = show_result_pyplot(model(), np.full((40, 60, 3), 100, np.uint8), sample(), with_labels=False)
    [picture] = shown
    decoded = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert (decoded == drawn).all() and decoded[0, 0].tolist() == [50, 150, 50]


def test_with_a_file_too_and_not_where_show_is_off(shown: list[Any], tmp_path: Any) -> None:
    from mmseg.apis import show_result_pyplot

    image = np.zeros((40, 60, 3), np.uint8)
    show_result_pyplot(model(), image, sample(), out_file=str(tmp_path / "a.png"))
    show_result_pyplot(model(), image, sample(), show=False)
    assert len(shown) == 1 and (tmp_path / "a.png").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_where_there_is_neither_notebook_nor_display(
    shown: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Any
) -> None:
    """One line; none where a file is written."""
    from mmseg.apis import show_result_pyplot

    sys.modules["IPython"].get_ipython = TerminalInteractiveShell  # type: ignore[attr-defined]
    image = np.zeros((40, 60, 3), np.uint8)
    with caplog.at_level(logging.WARNING, "segue"):
        show_result_pyplot(model(), image, sample(), title="a", out_file=str(tmp_path / "a.png"))
        assert not caplog.messages
        show_result_pyplot(model(), image, sample(), title="a")
    assert caplog.messages == ["a: there is no display, so the picture is not shown; out_file writes it"]
    assert not shown


def test_the_device_that_is_not_there(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    from segue.compat.mmseg.apis import usable

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert usable("cuda:0") == torch.device("cpu")
    assert caplog.messages == ["cuda:0: no CUDA device is usable here; the model is on the CPU"]
    assert usable("cpu") == torch.device("cpu") and len(caplog.messages) == 1
