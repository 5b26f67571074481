"""The public names, and calls that no room tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import segue
from segue.config import Config
from segue.errors import ConfigError
from segue.inference.inputs import unique_names
from segue.inference.load import class_names
from segue.recipes.open import read_config


def test_every_public_name_exists() -> None:
    for name in segue.__all__:
        assert getattr(segue, name) is not None
    assert dir(segue) == sorted(segue.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'lod'"):
        segue.lod  # noqa: B018


@pytest.mark.parametrize("code", ["import segue", "from segue.cli import make_parser; make_parser(None)"])
def test_nothing_heavy_is_imported_early(code: str) -> None:
    heavy = "{'torch', 'lightning', 'cv2', 'numpy'}"
    probe = f"{code}; import sys; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_api_does_not_import_lightning() -> None:
    probe = "import segue.api, segue.inference.predictor, sys; print('lightning' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_read_config(tmp_path: Path) -> None:
    (tmp_path / "c.py").write_text("a = dict(b=1)\n")
    assert read_config(tmp_path / "c.py", ["a.b=2"]).a.b == 2
    given = Config({"a": {"b": 1}})
    assert read_config(given, ["a.b=2"]).a.b == 2 and given.a.b == 1
    with pytest.raises(ConfigError, match=r"c\.txt: .*\.py, \.yaml, \.yml, \.json"):
        read_config(tmp_path / "c.txt")


def test_class_names_without_files() -> None:
    cityscapes = {"type": "RepeatDataset", "times": 2, "dataset": {"type": "CityscapesDataset"}}
    names, palette = class_names(Config({"train_dataloader": {"dataset": cityscapes}}), 19)
    assert names[0] == "road" and palette is not None and list(palette[0]) == [128, 64, 128]
    assert class_names(Config({"train_dataloader": {"dataset": cityscapes}}), 2)[0] == ("class_0", "class_1")


def test_unique_names() -> None:
    assert unique_names([Path("a/x.png"), Path("a/y.png")]) == ["x", "y"]
    assert unique_names([Path("a/x.png"), Path("b/x.png")]) == ["a/x", "b/x"]
    assert unique_names([Path("q/a/x.png"), Path("r/a/x.png")]) == ["000000_x", "000001_x"]
