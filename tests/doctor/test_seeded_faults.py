"""Every kind of fault that a dataset may have is found, by the whole check and before the first step of a training.

Oracle: `seeded.FAULTS` says what was done to the files.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segue.cli import main
from segue.config import Config
from segue.doctor import check_config
from segue.doctor.apply import apply

from .seeded import FAULTS, make_data


def test_data_in_order_have_no_findings(tmp_path: Path) -> None:
    report = check_config(Config.fromfile(make_data(tmp_path)))
    assert report.findings == []
    assert [row["images"] for row in report.classes(0)] == [6, 6, 6]
    # twelve squares of 16 x 16 pixels, four of each class, in six masks
    assert [row["pixels"] for row in report.classes(0)] == [4 * 256 * 6] * 3


@pytest.mark.parametrize("fault", FAULTS)
def test_check_finds(fault: str, tmp_path: Path) -> None:
    count, spoil, kind, message, lines = FAULTS[fault]
    config = make_data(tmp_path, count)
    spoil(tmp_path)
    report = check_config(Config.fromfile(config))
    found = {finding.kind: finding for finding in report.findings if finding.severity != "note"}
    assert kind in found, report.findings
    assert re.search(message, found[kind].message, re.DOTALL), found[kind].message
    assert [fix.line for fix in found[kind].fixes] == lines
    # nothing else is said to be wrong, but for what follows from it
    follows = {"gray edges": {"identical-masks"}, "file in two splits": {"leak-content"}}
    assert set(found) <= {kind} | follows.get(fault, set()), [str(finding) for finding in report.findings]


@pytest.mark.parametrize("fault", FAULTS)
def test_training_tells_before_the_first_step(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    count, spoil, kind, message, _ = FAULTS[fault]
    make_data(tmp_path, count)
    spoil(tmp_path)

    def step(*_: object) -> None:
        raise AssertionError("a step was taken")

    monkeypatch.setattr("segue.training.task.SegmentationTask.training_step", step)
    if kind in ("missing-image", "leak-file", "leak-content", "duplicate", "empty-class"):
        with pytest.raises(AssertionError, match="a step was taken"):  # such data can be trained on
            main(["train", "config.py"])
        said = capsys.readouterr().out
    else:
        assert main(["train", "config.py"]) == 1
        said = capsys.readouterr().err
        assert "Traceback" not in said
    # some are told by the dataset itself, in its own words
    by_dataset = {
        "missing-mask": r"1 of 6 label maps are missing: train3\.png",
        "binary-mask": r"set label_map=\{0: 0, 255: 1\}",
    }
    assert re.search(by_dataset.get(kind, message), said, re.DOTALL), said


@pytest.mark.parametrize("fault", [name for name, given in FAULTS.items() if given[-1]])
def test_what_is_applied_trains(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The written config passes the check and trains; no file that was there has changed."""
    monkeypatch.chdir(tmp_path)
    count, spoil, *_ = FAULTS[fault]
    config = make_data(tmp_path, count)
    spoil(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    written = apply(check_config(Config.fromfile(config)), config)
    assert written.name == "config_checked.py"
    assert {path: path.read_bytes() for path in before} == before
    assert not check_config(Config.fromfile(written)).errors
    assert main(["train", str(written), "--work-dir", "run"]) == 0, capsys.readouterr().err


def test_a_choice_of_samples_leaves_no_mask_alone(tmp_path: Path) -> None:
    config = make_data(tmp_path)
    config.write_text(config.read_text().replace("type='BaseSegDataset',", "type='BaseSegDataset', indices=3,"))
    report = check_config(Config.fromfile(config))
    assert report.findings == [] and [len(source.pairs) for source in report.sources] == [3, 3]
