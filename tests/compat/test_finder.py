"""The import names: what is there, what is said of the rest, and that installed packages come first."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import segue.compat
from segue.reference.places import NOTHING, modules


def test_every_name_of_the_table_is_there() -> None:
    for module, names in modules().items():
        found = importlib.import_module(module)
        for name in names:
            assert getattr(found, name) is not None, f"{module}.{name}"
    assert len(modules()) >= 100


@pytest.mark.parametrize(
    ("module", "name", "file"),
    [
        ("mmseg.models.decode_heads.psp_head", "PSPHead", "segue.heads.psp"),
        ("mmseg.models.decode_heads", "OCRHead", "segue.heads.ocr"),
        ("mmseg.models.backbones.resnet", "ResNetV1c", "segue.backbones.resnet"),
        ("mmseg.models.necks.fpn", "FPN", "segue.necks.fpn"),
        ("mmseg.models.losses.dice_loss", "DiceLoss", "segue.losses.dice"),
        ("mmseg.models", "FCNHead", "segue.heads.fcn"),
        ("mmseg.datasets.transforms", "RandomCrop", "segue.transforms.random_crop"),
        ("mmseg.datasets", "CityscapesDataset", "segue.datasets.cityscapes"),
        ("mmcv.transforms", "LoadImageFromFile", "segue.transforms.load_image_from_file"),
    ],
)
def test_components_under_their_import_paths(module: str, name: str, file: str) -> None:
    assert getattr(importlib.import_module(module), name).__module__ == file


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "from mmcv.ops import RoIAwarePool3d",
            "segue.compat has no mmcv.ops.RoIAwarePool3d: points and boxes in space",
        ),
        ("import mmcv.tensorrt", "no mmcv.tensorrt: not offered yet: give segue.load(config, checkpoint).model"),
        ("from mmengine.runner import FlexibleRunner", "strategies are Lightning's (segue train --help)"),
        ("from mmengine.runner import Runer", "segue.compat has no mmengine.runner.Runer; Segue's own code is in the"),
        ("from mmseg.apis import SegDataSample", "no mmseg.apis.SegDataSample; import it from mmseg.structures"),
        ("import mmseg.models.decode_heads.no_such_head", "segue.compat has no mmseg.models.decode_heads.no_such_head"),
    ],
)
def test_what_is_missing_names_segues_way(statement: str, message: str, tmp_path: Path) -> None:
    script = tmp_path / "missing.py"
    script.write_text(f"try:\n    {statement}\nexcept ImportError as error:\n    text = str(error)\n")
    import runpy

    assert message in runpy.run_path(str(script))["text"]


def test_the_advice_is_about_names_that_are_missing() -> None:
    for name in NOTHING:
        module, _, last = name.rpartition(".")
        assert last not in modules().get(module, {}), name


def test_installed_packages_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of the name is used; with ``force`` it is shadowed."""
    (tmp_path / "mmcv").mkdir()
    (tmp_path / "mmcv" / "__init__.py").write_text("real = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    segue.compat.uninstall()
    segue.compat.install()
    import mmcv

    assert mmcv.real
    segue.compat.install(force=True)
    assert "mmcv" not in sys.modules
    forced = importlib.import_module("mmcv")
    assert Path(forced.__file__).parent.parent == Path(segue.compat.__file__).parent and forced.imread
    segue.compat.uninstall()
    importlib.invalidate_caches()
    assert importlib.import_module("mmcv").real
    del sys.modules["mmcv"]


def test_nothing_is_importable_without_the_line() -> None:
    segue.compat.uninstall()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("mmengine")
