"""The page and the table of a report made by hand."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from segue.errors import InputError
from segue.migration.edits import Edit
from segue.migration.page import write_page
from segue.migration.show import show, write_json
from segue.migration.verdict import Fit, Report, Verdict


def report() -> Report:
    facts = {"parts": ["ResNet", "PSPHead"], "parameters": 48_975_494, "classes": 19, "dataset": "CityscapesDataset"}
    facts |= {"data_proven": True, "weights": ["open-mmlab://resnet50_v1c"], "types": ["PSPHead"]}
    same = "there is no 'Own<b>Head' in heads"
    return Report(
        Path("/work_of/<me>"),
        [
            Verdict("a.py", "config", "as is", facts=facts, stages=[["read", 0.1], ["build", 1.0]]),
            Verdict("b.py", "config", "no", [same], stage="check", stages=[["read", 0.1]]),
            Verdict("c.py", "config", "no", [same]),
            Verdict(
                "d.py", "module", "edits", edits=[Edit("do it")], diffs={"d.py": "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n"}
            ),
        ],
        patch="--- a\n",
        vendored=["mmseg", "third/mmcv"],
        fit=Fit("w.pth", reason="the weights fit the model of none of the project's configs"),
    )


def test_the_page(tmp_path: Path) -> None:
    page = write_page(tmp_path / "new/a.html", report(), "a.patch").read_text()
    assert "&lt;me&gt;: from mmseg to Segue" in page and "<me>" not in page and "Own&lt;b&gt;Head" in page
    assert "1 of 3 configs run as they are, and 2 do not." in page
    assert "ResNet + PSPHead, 49.0 M parameters" in page and "starts from weights that were not fetched" in page
    assert "What stops several files" in page and "b.py, c.py" in page
    assert "mmseg/ is a copy of a package that Segue stands in for: what is your own in it, by content, is used" in page
    assert "third/mmcv/ is a copy" in page and "nothing in it is used: Segue has its own; rename or remove it" in page
    assert '<span class="minus">-x</span><span class="plus">+y</span>' in page
    assert "the weights fit the model of none" in page


def test_a_page_twice_is_the_same(tmp_path: Path) -> None:
    """Writing does not change the report."""
    made = report()
    assert write_page(tmp_path / "a.html", made).read_text() == write_page(tmp_path / "b.html", made).read_text()


def test_the_table_and_the_json(tmp_path: Path) -> None:
    stream = io.StringIO()
    show(report(), Console(file=stream, width=120))
    said = stream.getvalue()
    assert "4 files: 1 run as they are, 1 run with edits, 2 do not run" in said
    assert "w.pth the weights fit the model of none of the project's configs" in said
    found = json.loads(write_json(tmp_path / "r.json", report()).read_text())
    assert not found["good"] and found["counts"]["config"] == {"as is": 1, "no": 2}
    assert found["checkpoint"]["said"] == "the weights fit the model of none of the project's configs"


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_page(tmp_path / "file/a.html", report())
