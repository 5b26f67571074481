"""What a missing import is. Oracle: the cases written here; a name that nobody knows is never something to install."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.migration import migrate, packages
from segue.migration.packages import KNOWN, install_name, missing_said, own_of
from segue.migration.source import read
from tests.migration import projects

SETUP = """
from setuptools import setup
from torch.utils.cpp_extension import CUDAExtension
setup(name='town', ext_modules=[CUDAExtension(name='town_msda', sources=['src/a.cu']), CUDAExtension('town.roads', [])])
"""
FILES = {
    "town/heads.py": "import torch\n",
    "tools/afformer.py": "",
    "segmentation/ops/modules.py": "",
    "setup.py": SETUP,
}
OWN = own_of([read(path, text) for path, text in FILES.items()], ["."])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("afformer", "which is the project's own tools/afformer.py: run with PYTHONPATH=tools"),
        ("ops.modules", "which is the project's own segmentation/ops/: run with PYTHONPATH=segmentation"),
        ("town.layers", "which the project does not contain (town/ is there)"),
        ("town_msda", "a compiled extension that setup.py builds"),
        ("selective_scan_cuda_oflex", "by its name a compiled extension"),
        ("MultiScaleDeformableAttention", "by its name a compiled extension"),
        ("rich.no_such_part", "has not: the project was written for another version"),
        ("mmdet.models", "mmdet is not part of Segue"),
        ("own_modules", "neither in the project nor installed; the project's own documentation"),
        ("detail", "neither in the project nor installed; the project's own documentation"),
    ],
)
def test_nothing_to_install(name: str, said: str) -> None:
    answer = missing_said(name, OWN)
    assert answer.startswith(f"needs '{name.partition('.')[0]}")
    assert said in answer and "pip install" not in answer and not install_name(name, OWN)


def test_what_is_known_may_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "there", lambda top: False)
    assert missing_said("skimage.io", OWN).endswith(
        "'skimage', which is neither in the project nor installed: pip install scikit-image"
    )
    assert "which came with mmengine or mmseg and is neither" in missing_said("addict", OWN)
    assert install_name("IPython", OWN) == "ipython"
    assert missing_said("rich.table", OWN).endswith("pip install rich")
    assert not {"ops", "models", "detail", "afformer", "own_modules", "mmdet_custom", "apex", "clip"} & set(KNOWN)


HEAD = """
from mmseg.registry import MODELS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
{}

@MODELS.register_module()
class {}(BaseDecodeHead):
    pass
"""


@pytest.mark.slow
def test_a_project_with_every_kind(tmp_path: Path) -> None:
    """Verdicts and page of whole modules: no line tells anybody to install a name of the project's own."""
    imports = {
        "Sibling": "import afformer",
        "Folder": "from ops.modules import deform",
        "Absent": "from .layers import Gate",
        "Built": "import town_msda",
        "Old": "from rich.no_such_part import thing",
        "Unknown": "import detail",
    }
    heads = {f"town/{name.lower()}.py": HEAD.format(line, name) for name, line in imports.items()}
    root = projects.write(tmp_path / "p", {**FILES, **heads, "town/__init__.py": "", "configs/a.py": projects.MODEL})
    report = migrate(root, jobs=1)
    found = {verdict.path: verdict for verdict in report.verdicts}
    for path in heads:
        assert found[path].status == "no" and "pip install" not in " ".join(found[path].reasons), found[path].reasons
    assert "project's own tools/afformer.py" in found["town/sibling.py"].reasons[0]
    assert "'town.layers', which the project does not contain" in found["town/absent.py"].reasons[0]
    assert "a compiled extension that setup.py builds" in found["town/built.py"].reasons[0]
    assert "needs 'rich.no_such_part', which the installed rich" in found["town/old.py"].reasons[0]
    assert not report.packages
    report = migrate(root, jobs=1, only=["configs/a.py"])
    assert [verdict.path for verdict in report.verdicts] == ["configs/a.py"]  # nothing else is imported
    assert "6 modules and scripts that the chosen configs do not name (--only)" in report.left_out


def test_files_that_hold_only_a_model_are_parts(tmp_path: Path) -> None:
    small = "model = dict(type='EncoderDecoder', backbone=dict(type='ResNet'), decode_head=dict(type='FCNHead'))\n"
    root = projects.write(tmp_path / "p", {
        "configs/small.py": small,
        "configs/tiny.py": projects.MODEL,
        "configs/tiny_ade.py": "_base_ = './tiny.py'\noptim_wrapper = dict(type='OptimWrapper', "
        "optimizer=dict(type='SGD', lr=0.01))\n",
    })  # fmt: skip
    report = migrate(root, jobs=1)
    assert {verdict.path: verdict.status for verdict in report.verdicts} == {
        "configs/small.py": "part", "configs/tiny.py": "part", "configs/tiny_ade.py": "as is",
    }, [verdict.reasons for verdict in report.verdicts]  # fmt: skip
