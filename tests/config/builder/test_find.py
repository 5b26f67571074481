"""The name rule: from a type to the one file that defines it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.config import Config
from segue.config.builder import register as registering
from segue.config.builder.find import UnknownNameError, find, names
from segue.config.builder.register import import_custom, register
from segue.errors import ConfigError, nearest


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    before = dict(registering.registered)
    yield
    registering.registered.clear()
    registering.registered.update(before)


@pytest.mark.parametrize(
    ("room", "name", "module"),
    [
        ("heads", "PSPHead", "segue.heads.psp"),
        ("heads", "DepthwiseSeparableASPPHead", "segue.heads.depthwise_separable_aspp"),
        ("heads", "FPNHead", "segue.heads.fpn"),
        ("necks", "FPN", "segue.necks.fpn"),
        ("models", "CascadeEncoderDecoder", "segue.models.cascade_encoder_decoder"),
        ("losses", "mmseg.DiceLoss", "segue.losses.dice"),
    ],
)
def test_name_to_file(room: str, name: str, module: str) -> None:
    assert find(room, name).__module__ == module


def test_variants_are_found() -> None:
    assert find("backbones", "ResNetV1c").keywords == {"deep_stem": True, "avg_down": False}


def test_only_the_file_is_imported() -> None:
    code = "from segue.config.builder.find import find; find('heads', 'PSPHead')"
    code += "; import sys; print('segue.heads.ocr' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_unknown_names_propose_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"there is no 'PSPHed' in heads; did you mean 'PSPHead'\?"):
        find("heads", "PSPHed")
    with pytest.raises(UnknownNameError, match=r"did you mean 'OCRHead'\?"):
        find("heads", "ocrhead")


def test_import_paths() -> None:
    """What they may lead to is in tests/config/test_trust.py."""
    assert find("heads", "torch.nn.Linear").__name__ == "Linear"
    assert find("heads", "segue.heads.psp.PSPHead") is find("heads", "mmseg.models.PSPHead") is find("heads", "PSPHead")
    with pytest.raises(UnknownNameError, match=r"'no_such_package\.Head' is an import path, but there is no module"):
        find("heads", "no_such_package.Head")
    with pytest.raises(UnknownNameError, match=r"'torch\.nn' has no 'Head'"):
        find("heads", "torch.nn.Head")


def test_registered_classes_come_first() -> None:
    @register
    class PSPHead:
        """A user's own."""

    @register(name="Other")
    class Whatever:
        """Under another name."""

    assert find("heads", "PSPHead") is PSPHead
    assert find("backbones", "Other") is Whatever
    assert "Other" in names("heads")
    with pytest.raises(ConfigError, match="two classes are registered as 'Other'"):
        register(PSPHead, name="Other")


def test_registering_again_replaces() -> None:
    """A notebook cell that is run twice."""
    for _ in range(2):

        @register
        class Mine:
            """Defined anew each time."""

    assert find("heads", "Mine") is Mine


def test_nearest() -> None:
    assert nearest("chanels", ["channels", "depth"]) == "; did you mean 'channels'?"
    assert nearest("zzz", ["a", "b"]) == "; there are: a, b"
    assert nearest("zzz", [str(i) for i in range(50)]) == ""


def test_custom_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_segue_modules.py").write_text("import segue\n@segue.register\nclass MyOwnHead: pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    import_custom({"custom_imports": {"imports": ["my_segue_modules", "mmdet.models"]}})
    assert find("heads", "MyOwnHead").__module__ == "my_segue_modules"
    with pytest.raises(ConfigError, match="custom_imports: 'no_such_module' cannot be imported: No module named"):
        import_custom(Config({"custom_imports": {"imports": "no_such_module"}}))
    import_custom({"custom_imports": {"imports": "no_such_module", "allow_failed_imports": True}})
