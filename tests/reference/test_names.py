"""Which names compat answers, asked of the tables alone. Oracle: compat's own imports."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from segue.reference.names import known, missing, offers
from segue.reference.places import ADAPTED, ROOMS, modules


@pytest.mark.parametrize(
    ("module", "name", "there"),
    [
        ("mmseg.registry", "MODELS", True),
        ("mmseg", "__version__", True),
        ("mmseg.models.decode_heads", "psp_head", True),
        ("mmseg.models.decode_heads.psp_head", "PSPHead", True),
        ("mmseg.models.decode_heads.psp_head", "NoHead", False),
        ("mmcv", "Config.fromfile", True),
        ("mmcv.cnn", "*", True),
        ("mmcv.ops", "nms", True),
        ("mmcv.ops", "RoIAwarePool3d", False),
        ("mmseg.nowhere", "", False),
    ],
)
def test_offers(module: str, name: str, there: bool) -> None:
    assert offers(module, name) is there


def test_offers_what_compat_gives() -> None:
    """Of a component's file, a package of components, and an adapted class; in a process whose imports may change."""
    asked = [("mmseg.models.decode_heads", name) for name in ("OCRHead", "NoHead", *ADAPTED)]
    asked += [("mmseg.datasets", "CityscapesDataset"), ("mmseg.models.backbones.resnet", "ResNetV1c"),
              ("mmcv.transforms", "LoadImageFromFile"), ("mmseg.datasets", "NoDataset")]  # fmt: skip
    probe = f"import segue.compat, importlib\nfor m, n in {asked!r}: print(hasattr_(m, n))"
    start = "def hasattr_(m, n):\n    try: return getattr(importlib.import_module(m), n) is not None\n"
    code = f"{start}    except ImportError: return False\n{probe}"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert out == [str(offers(module, name)) for module, name in asked]


USE = """
from segue.migration.needs import needs_of
from segue.migration.source import read
assert needs_of(read('a.py', 'from mmcv.ops import RoIAwarePool3d\\nfrom mmseg.models import FCNHead'), set()).lacks
"""
PROBE = "import sys; print([type(f).__name__ for f in sys.meta_path if 'segue' in type(f).__module__])"


@pytest.mark.parametrize(
    ("line", "installed"),
    [
        ("import segue.reference.names, segue.reference.places", False),
        ("import segue.migration.needs, segue.migration.suggest, segue.migration.modules, segue.api", False),
        (USE, False),
        ("import segue.compat", True),
        ("import segue.compat.mmengine.hooks", True),
    ],
)  # fmt: skip
def test_only_compat_makes_names_importable(line: str, installed: bool) -> None:
    out = subprocess.run([sys.executable, "-c", f"{line}\n{PROBE}"], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ("['Finder']" if installed else "[]")


def test_known_and_missing() -> None:
    assert known("mmseg.models.decode_heads.psp_head") and not known("mmseg.models.decode_heads.no_head")
    assert known("mmengine") and not known("torch")
    assert missing("mmcv.onnx").startswith("segue.compat has no mmcv.onnx: not offered yet: ")
    assert missing("mmseg.apis.Config") == "segue.compat has no mmseg.apis.Config; import it from mmcv"


def test_the_rows_name_files() -> None:
    """Each row of the table is a file of compat, each room of components one of Segue's."""
    files = {file for names in modules().values() for file in names.values()} | set(ADAPTED.values())
    for file in files:
        importlib.util.find_spec(f"segue.compat.{file}")
    for rooms in ROOMS.values():
        assert all(importlib.util.find_spec(f"segue.{room}") for room in rooms)
