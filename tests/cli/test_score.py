"""``segue score`` as a command."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segue.cli import main


@pytest.fixture
def folders(tmp_path):
    for side, values in (("seen", [[0, 0, 9]]), ("true", [[0, 1, 1]])):
        (tmp_path / side).mkdir()
        Image.fromarray(np.array(values, np.uint8)).save(tmp_path / side / "a.png")
    return tmp_path


def test_table_and_files(folders, capsys):
    out = folders / "scores.csv"
    assert (
        main(["score", str(folders / "seen"), str(folders / "true"), "--classes", "road", "car", "--out", str(out)])
        == 0
    )
    said = capsys.readouterr().out
    assert "1 images, 2 classes (given)" in said and "aAcc                     33.33" in said
    assert "predictions: 33.3 % are no class, which counts as wrong: 9 (1 pixels)" in said
    assert out.read_text().splitlines()[1].startswith("road,50.0,")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--classes", "2", "--palette", "1,2"], "a color is R,G,B"),
        (["--classes", "2", "--palette", "1,2,3"], "palette has 1 colors for 2 classes"),
        (["--classes", "2", "--ignore-color", "0,0,0"], "beside the colors of the classes"),
        (["--classes", "2", "--label-map", "a=1"], "VALUE=CLASS"),
        (["--classes", "2", "--label-map", "9=2"], "label_map sends 9 to class 2"),
        (["--classes", "2", "--boundary", "0"], "share of the image's diagonal"),
        (["--classes", "2", "--bootstrap", "-1"], "at least 0"),
        (["--classes", "nowhere.txt"], "no file, number or dataset"),
    ],
)
def test_what_cannot_be_meant_is_said(folders, capsys, options, message):
    assert main(["score", str(folders / "seen"), str(folders / "true"), *options]) == 1
    assert message in capsys.readouterr().err
