"""The command: table, JSON, page, exit status, and the config that it writes.

Oracle: the data of `seeded.make_data`, spoiled or not.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from segue.cli import main
from segue.config import Config
from segue.doctor import check_config
from segue.doctor.apply import apply
from segue.doctor.facts import examine
from segue.errors import InputError

from .seeded import FAULTS, each_mask, make_data


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_data(tmp_path)


def test_data_in_order(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "config.py", "--json", "out/found.json"]) == 0
    said = capsys.readouterr().out
    assert "9 pairs checked: 0 errors, 0 warnings" in said and "class 2" in said
    found = json.loads(Path("out/found.json").read_text())
    assert found["errors"] == 0 and found["findings"] == [] and found["lines"] == []
    assert [split["split"] for split in found["splits"]] == ["train", "val"]
    row = found["splits"][0]["classes"][0]
    assert row == {"id": 0, "name": "class 0", "pixels": 6144, "share": 1 / 3, "images": 6, "image_share": 1.0}


def test_findings_in_table_json_and_page(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for fault in ("value out of range", "copy in another split", "truncated mask"):
        FAULTS[fault][1](config.parent)
    assert main(["check", "config.py", "--json", "found.json", "--html", "page/found.html"]) == 1
    said = capsys.readouterr().out
    assert "train_dataloader = dict(dataset=dict(label_map={7: 255}))" in said
    found = json.loads(Path("found.json").read_text())
    assert {finding["kind"] for finding in found["findings"]} == {"out-of-range", "leak-content", "corrupt-mask"}
    assert found["findings"][0]["severity"] == "error" and found["findings"][-1]["severity"] == "warning"
    page = Path("page/found.html").read_text()
    assert page.count("data:image/jpeg;base64,") > 10 and "http" not in re.sub('data:[^"]*', "", page)
    assert "label_map={7: 255}" in page and "class 2" in page


def test_the_page_escapes_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = make_data(tmp_path)
    path.write_text(path.read_text().replace("class 1", "<script>alert(1)</script>"))
    assert main(["check", "config.py", "--html", "p.html"]) == 0
    assert "<script>" not in Path("p.html").read_text()


def test_lists_of_datasets_are_written_whole(config: Path) -> None:
    """A child config cannot reach into a list, so the list is repeated with the setting in it."""
    FAULTS["unlabeled is 3"][1](config.parent)
    text = config.read_text()
    start, end = text.index("    dataset=dict(\n"), text.index("val_dataloader")
    part = text[start + len("    dataset=") : end].strip()[:-1]
    text = text[:start] + f"    dataset=dict(type='ConcatDataset', datasets=[{part}, {part}]))\n" + text[end:]
    config.write_text(text)
    written = apply(check_config(Config.fromfile(config)), config)
    cfg = Config.fromfile(written)
    assert [part["ignore_index"] for part in cfg.train_dataloader.dataset.datasets] == [3, 3]
    assert cfg.val_dataloader.dataset.ignore_index == 3
    assert not check_config(cfg).errors


def test_num_classes_of_heads_are_compared(config: Path) -> None:
    config.write_text(config.read_text().replace("num_classes=3", "num_classes=19"))
    [finding] = check_config(Config.fromfile(config)).findings
    assert [fix.keys for fix in finding.fixes] == [("model.decode_head.num_classes",)]
    assert "num_classes is 19, but the data has 3 classes" in finding.message


def test_options_that_do_not_fit(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "config.py", "--num-classes", "3"]) == 1
    assert "only for a folder" in capsys.readouterr().err
    with pytest.raises(InputError, match="there is nothing to apply"):
        apply(check_config(Config.fromfile(config)), config)


def test_equal_pixels_have_equal_digests_whatever_the_file(tmp_path: Path) -> None:
    import cv2
    import numpy as np

    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    for name in ("a.png", "b.bmp"):
        cv2.imwrite(str(tmp_path / name), picture)
    cv2.imwrite(str(tmp_path / "c.png"), picture + 1)
    digests = [examine(str(tmp_path / name), None).image_digest for name in ("a.png", "b.bmp", "c.png")]
    assert digests[0] == digests[1] != digests[2]


def test_what_is_ignored_has_a_row(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Oracle: 5 of 64 columns of nine masks, 48 pixels high; of three of them for validation."""
    each_mask(lambda mask: np.where(np.arange(64) < 5, 255, mask))(config.parent)
    assert main(["check", "config.py", "--json", "found.json", "--html", "page.html"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"ignored \(value 255\) .*1,440 .*7\.8", said), said
    rows = [split["ignored"] for split in json.loads(Path("found.json").read_text())["splits"]]
    assert [(row["pixels"], row["images"], row["values"]) for row in rows] == [(1440, 6, [255]), (720, 3, [255])]
    assert "ignored (value 255)" in Path("page.html").read_text()
    assert main(["train", "config.py", "--work-dir", "run", "--cfg-options", "train_cfg.max_iters=1"]) == 0
    assert "Data: train: 1,440 pixels (7.8 %) are ignored (value 255)" in capsys.readouterr().out
