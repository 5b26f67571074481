"""torch.export's files: opened where the user trusts their author, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import segue
from segue.cli import main
from segue.errors import InputError
from segue.export.make import Options
from segue.export.program import notes_of, program_hash
from segue.inference.exported import export, load_exported, verify
from tests.export.conftest import Project


@pytest.mark.slow
def test_a_file_is_a_model(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "model.pt2"
    made = export(project.model, "torch", file, size=(61, 88), options=Options(static=True), images=[project.photo])
    assert made.good, made.certificate["reasons"]
    assert json.loads(notes_of(file) or "")["graph_sha256"] == program_hash(file)
    file.with_name("model.pt2.json").unlink()  # a file that was moved has its certificate within
    with pytest.raises(InputError, match="--trust-config opens one whose author you trust"):
        segue.load(file)
    own = load_exported(file, ["test_pipeline.1.scale=(88, 61)", "test_pipeline.1.keep_ratio=False"], trust=True)
    wanted = segue.load(
        project.config,
        project.weights,
        cfg_options=["test_pipeline.1.scale=(88, 61)", "test_pipeline.1.keep_ratio=False"],
    )
    assert (own.predict(project.photo).labels == wanted.predict(project.photo).labels).mean() > 0.999
    verdict, _ = verify(file, trust=True)
    assert verdict.good, verdict.checks
    assert main(["verify", str(file)]) == 1 and "author you trust" in " ".join(capsys.readouterr().err.split())
    assert main(["verify", str(file), "--trust-config", "--standalone"]) == 1
    assert "runs under torch alone" in capsys.readouterr().err


def test_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "a.pt2").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no \\.pt2 file"):
        program_hash(tmp_path / "a.pt2")
