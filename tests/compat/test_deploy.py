"""The two commands of mmseg 0.x's tutorials that export a model and measure the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.cli import main
from segue.compat.deploy import answer, formatted, measured, pair
from segue.errors import InputError
from tests.export.conftest import Project, exported, project  # noqa: F401  fixtures
from tests.export.extras import need

OWN = "import mmcv\nfrom mmcv.onnx import register_extra_symbolics\n"


def test_what_is_answered(tmp_path: Path) -> None:
    """A script that is not there, and mmseg's own; not one that the user wrote, nor one of another name."""
    script = tmp_path / "pytorch2onnx.py"
    assert answer(script) is not None and answer(tmp_path / "other.py") is None
    script.write_text(OWN)
    assert answer(script) is not None
    script.write_text("print('mine')\n")
    assert answer(script) is None


def test_options() -> None:
    assert pair("--shape", None) is None and pair("--shape", [64]) == (64, 64) and pair("--shape", [64, 96]) == (64, 96)
    with pytest.raises(InputError, match="--shape 1 2 3: height and width"):
        pair("--shape", [1, 2, 3])
    assert measured(None) == [] and len(measured(["mIoU", "mDice"])) == 1
    with pytest.raises(InputError, match="--eval cityscapes: there are mIoU"):
        measured(["cityscapes"])
    assert formatted(True, ["imgfile_prefix=out"])[1] == "test_evaluator.output_dir=out" and formatted(False, []) == []
    with pytest.raises(InputError, match="only imgfile_prefix"):
        formatted(False, ["imgfile_prefix=out"])


@pytest.mark.slow
def test_commands(
    project: Project,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need("onnx", "onnxscript", "onnxruntime")
    monkeypatch.chdir(tmp_path)
    start = ["run", "tools/pytorch2onnx.py", str(project.config), "--checkpoint", str(project.weights)]
    more = ["--output-file", "m.onnx", "--input-img", str(project.photo), "--shape", "64", "88", "--verify"]
    assert main([*start, *more]) == 0
    said = capsys.readouterr().out
    assert "answered by Segue's export" in said and "opset 18 is written in place of 11" in said
    assert "labels (B, H, W)" in said and Path("m.onnx").is_file()
    assert main([*start, "--show"]) == 1 and "--show: nothing is shown" in capsys.readouterr().err
    assert main([*start, "--shape", "64", "--rescale_shape", "32"]) == 1
    assert "at the size of its input" in capsys.readouterr().err

    test = ["run", "tools/deploy_test.py", str(project.config), "m.onnx", "--backend", "onnxruntime"]
    resized = "test_dataloader.dataset.pipeline.1.keep_ratio=False"
    more = ["--eval", "mIoU", "--out", "results.pkl", "--show-dir", "seen", "--cfg-options", resized]
    more += ["test_dataloader.dataset.pipeline.1.scale=(88, 64)"]
    assert main([*test, *more]) == 0
    said = capsys.readouterr().out
    assert "mIoU" in said and "as PNG into results/" in said
    assert sorted(path.name for path in Path("results").glob("*.png")) == ["0.png", "1.png"]
    assert any(Path("seen").rglob("*.png"))
    assert main(test) == 1 and "does nothing without --out" in capsys.readouterr().err
    assert main([*test[:-1], "tensorrt", "--eval", "mIoU"]) == 1 and "trtexec" in capsys.readouterr().err
